//===- ScoreTest.cpp - the verdicts on mutations --------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "TestSupport.h"
#include "mlir/Parser/Parser.h"

using namespace mla;
using namespace mla::mutation;

namespace {

class ScoreTest : public testing::Test {
protected:
  std::vector<Result> run(const ScoreOptions &options) {
    auto results = score(text, registry, options);
    EXPECT_TRUE(static_cast<bool>(results));
    return results ? *results : std::vector<Result>();
  }

  mlir::DialectRegistry registry = getRegistry();
  Kernels kernels;
  std::string text = print(*kernels.modules[0]);
};

TEST_F(ScoreTest, ASimulatorThatRefusesAllLeavesNoSurvivor) {
  ScoreOptions options;
  options.simulate = [](mlir::ModuleOp) { return "no"; };
  for (const Result &result : run(options)) {
    EXPECT_TRUE(result.isFound()) << result.id;
    EXPECT_FALSE(result.survives()) << result.id;
    EXPECT_EQ(result.equivalent, "") << result.id;
  }
}

TEST_F(ScoreTest, QuickDoesNotSimulateWhatIsRefused) {
  ScoreOptions options;
  options.kinds = {"drop-arrival"};
  options.simulate = [](mlir::ModuleOp) { return "no"; };
  for (const Result &result : run(options)) {
    EXPECT_NE(result.verifier, "") << result.id;
    EXPECT_EQ(result.simulator, "no") << result.id;
  }
  options.quick = true;
  for (const Result &result : run(options))
    EXPECT_EQ(result.simulator, "") << result.id;
}

TEST_F(ScoreTest, ReasonsAreForEquivalentMutantsOnly) {
  mlir::ModuleOp module = *kernels.modules[0];
  for (const Mutation &mutation : enumerate(module)) {
    mlir::OwningOpRef<mlir::ModuleOp> damaged = apply(module, mutation);
    std::string why = explainEquivalence(mutation, findKernels(module).front(),
                                         findKernels(*damaged).front());
    llvm::StringRef kind = mutation.kind;
    // What is left out or counted wrong is never equivalent.
    if (kind.starts_with("drop-") || kind == "count" || kind == "bytes" ||
        kind == "barrier" || kind == "slot" || kind == "index" ||
        kind == "place" || kind == "parity")
      EXPECT_EQ(why, "") << mutation.id;
    if (kind == "pending")
      EXPECT_EQ(!why.empty(), llvm::StringRef(mutation.id).ends_with("/-1"))
          << mutation.id;
  }
}

TEST_F(ScoreTest, ACommitBetweenTheLinksOfAChainMayGo) {
  mlir::ModuleOp module = *kernels.modules[2];
  for (const Mutation &mutation : enumerate(module)) {
    if (mutation.kind != "drop-commit")
      continue;
    mlir::OwningOpRef<mlir::ModuleOp> damaged = apply(module, mutation);
    std::string why = explainEquivalence(mutation, findKernels(module).front(),
                                         findKernels(*damaged).front());
    // The first commits of a role are between the parts of its scores (two of
    // "left", three of "right"), the next one is behind them.
    llvm::StringRef id = mutation.id;
    if (id.ends_with("left.0") || id.ends_with("right.0") ||
        id.ends_with("right.1"))
      EXPECT_NE(why, "") << id.str();
    if (id.ends_with("left.1") || id.ends_with("right.2"))
      EXPECT_EQ(why, "") << id.str();
  }
}

/// Three kernels: `first` writes x, `second` is made of `middle`, and `third`
/// loads x after its wait and stores it to y.
std::string makeProgram(const std::string &middle) {
  std::string arguments = "(%x: memref<?xi32> {mla.name = \"x\"}, "
                          "%y: memref<?xi32> {mla.name = \"y\"})";
  auto kernel = [&](const std::string &name, const std::string &front,
                    const std::string &body) {
    return "func.func @" + name + arguments +
           " {\n%c0 = arith.constant 0 : index\nscf.forall (%i) in (8) {\n" +
           front + "cta.role \"all\" warps 4 registers 64 {\n" + body +
           "}\n}\nreturn\n}\n";
  };
  std::string load = "%n = memref.load %x[%c0] : memref<?xi32>\n";
  return kernel("first", "",
                "%v = tile.iota : tensor<64xi32>\n"
                "tile.store %v, %x[%c0] : tensor<64xi32>, memref<?xi32>\n") +
         kernel("second", "", middle) +
         kernel("third", "cta.launch_wait\n" + load,
                "%v = tensor.splat %n : tensor<64xi32>\n"
                "tile.store %v, %y[%c0] : tensor<64xi32>, memref<?xi32>\n");
}

TEST_F(ScoreTest, AWaitForKernelsMayPassWhatNoneOfThoseThatRunWrites) {
  const std::string store =
      "%w = tile.iota : tensor<64xi32>\n"
      "tile.store %w, %x[%c0] : tensor<64xi32>, memref<?xi32>\n";
  for (auto [middle, isEquivalent] : {std::pair<std::string, bool>("", true),
                                      {"cta.launch_wait\n", false},
                                      {store, false}}) {
    mlir::MLIRContext context(registry);
    auto module =
        mlir::parseSourceString<mlir::ModuleOp>(makeProgram(middle), &context);
    ASSERT_TRUE(module);
    int64_t moves = 0;
    for (const Mutation &mutation : enumerate(*module)) {
      if (mutation.kernel != "third" || !mutation.moves)
        continue;
      ++moves;
      mlir::OwningOpRef<mlir::ModuleOp> damaged = apply(*module, mutation);
      std::string why =
          explainEquivalence(mutation, findKernel(*module, mutation),
                             findKernel(*damaged, mutation));
      EXPECT_EQ(!why.empty(), isEquivalent) << middle << mutation.id;
    }
    EXPECT_GT(moves, 0);
  }
}

TEST_F(ScoreTest, ASampleIsTheSameForOneSeedAndAnyNumberOfThreads) {
  ScoreOptions options;
  options.sample = 40;
  options.threads = 1;
  std::vector<Result> first = run(options);
  options.threads = 3;
  std::vector<Result> second = run(options);
  options.seed = 1;
  std::vector<Result> other = run(options);
  ASSERT_EQ(first.size(), 40u);
  ASSERT_EQ(second.size(), 40u);
  bool differs = false;
  for (size_t i = 0; i < first.size(); ++i) {
    EXPECT_EQ(first[i].id, second[i].id);
    EXPECT_EQ(first[i].verifier, second[i].verifier);
    differs |= first[i].id != other[i].id;
  }
  EXPECT_TRUE(differs);
}

TEST_F(ScoreTest, TextThatIsNoProgramIsAnError) {
  for (const char *bad : {"nonsense", "module {}"}) {
    auto results = score(bad, registry, {});
    EXPECT_FALSE(static_cast<bool>(results));
    llvm::consumeError(results.takeError());
  }
}

TEST_F(ScoreTest, TheTableCountsAndNamesSurvivors) {
  std::vector<KernelScore> kernel = {
      {"k",
       {{"drop-wait/a", "k", "drop-wait", "error", "", "", 0},
        {"drop-wait/b", "k", "drop-wait", "error", "error", "", 0},
        {"drop-wait/c", "k", "drop-wait", "", "", "", 0},
        {"double/d", "k", "double", "", "", "a reason", 0}}}};
  std::string table;
  llvm::raw_string_ostream os(table);
  printTable(os, kernel);
  EXPECT_NE(table.find("| 3: 2 / 1 / 0, **1 survived** |"), std::string::npos)
      << table;
  EXPECT_NE(table.find("| a reason | 1 |"), std::string::npos);
  EXPECT_NE(table.find("survived: k drop-wait/c"), std::string::npos);
}

} // namespace
