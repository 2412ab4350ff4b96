//===- CompileTest.cpp - compiling through the C interface ----------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "TestSupport.h"

#include <cmath>
#include <regex>
#include <set>
#include <thread>

using namespace mla;
using namespace mla::jit;

namespace {

class Compile : public JitTest {};

TEST_F(Compile, FromIr) {
  std::vector<std::string> steps;
  options.progress = [&](const char *step, double seconds) {
    steps.push_back(step + std::string(seconds < 0 ? "<" : ">"));
  };
  Compiler compiler = makeCompiler();
  mlaCompileInfo info = MLA_COMPILE_INFO_INIT;
  Status status;
  std::optional<Kernel> kernel =
      compiler.compile(program(), status, nullptr, nullptr, &info);
  ASSERT_TRUE(kernel) << status.message();
  EXPECT_STREQ(kernel->info().name, "k");
  EXPECT_STREQ(kernel->info().operatorName, "numbers");
  EXPECT_EQ(info.origin, MLA_COMPILED);
  EXPECT_EQ(info.assembler, MLA_ASSEMBLER_PTXAS);
  EXPECT_EQ(info.registers, 40);
  EXPECT_EQ(info.stackBytes, 0);
  EXPECT_EQ(info.spillBytes, 0);
  EXPECT_EQ(info.warnings, 0);
  EXPECT_EQ(info.cubinBytes, 68);
  EXPECT_EQ(std::string(info.key).size(), 64u);
  EXPECT_GT(info.passesSeconds, 0);
  EXPECT_GT(info.ptxSeconds, 0);
  EXPECT_GT(info.assembleSeconds, 0);
  EXPECT_GE(info.seconds,
            info.passesSeconds + info.ptxSeconds + info.assembleSeconds);
  EXPECT_EQ(steps,
            (std::vector<std::string>{"passes<", "passes>", "ptx<", "ptx>",
                                      "assemble<", "assemble>"}));
  EXPECT_EQ(runs(), 1u);
  EXPECT_TRUE(warnings.empty());
}

TEST_F(Compile, FromAnOperator) {
  Compiler compiler = makeCompiler();
  Operator op("sparse_prefill");
  op.size("h_q", 64).option("attn_sink", "yes");
  mlaCompileInfo info = MLA_COMPILE_INFO_INIT;
  Status status;
  std::optional<Kernel> kernel = compiler.compile(op, status, nullptr, &info);
  ASSERT_TRUE(kernel) << status.message();
  EXPECT_EQ(info.origin, MLA_COMPILED);
  mlaArgumentInfo sink;
  ASSERT_TRUE(kernel->argument(4, sink).ok());
  EXPECT_STREQ(sink.name, "attn_sink");
  EXPECT_EQ(sink.shape[0], 64);
  std::optional<Kernel> again = compiler.compile(op, status, nullptr, &info);
  ASSERT_TRUE(again) << status.message();
  EXPECT_EQ(info.origin, MLA_FROM_MEMORY);
  EXPECT_EQ(again->get(), kernel->get());
}

TEST_F(Compile, OptionsOfTheOperatorTellKernelsApart) {
  Compiler compiler = makeCompiler();
  struct Change {
    const char *option, *value, *name;
    bool isOptional[2];
  };
  const Change changes[] = {
      {"lse_base", "e", "sparse_prefill", {false, false}},
      {"topk_length", "optional", "sparse_prefill", {true, false}},
      {"attn_sink", "optional", "sparse_prefill", {false, true}},
      {"lse_base", "2", "sparse_prefill lse_base=2", {false, false}},
      {"empty_lse", "-inf", "sparse_prefill empty_lse=-inf", {false, false}}};
  std::set<mlaKernel> seen;
  std::vector<Kernel> kept;
  for (const Change &change : changes) {
    Operator op("sparse_prefill");
    op.size("h_q", 8).option("topk_length", "yes").option("attn_sink", "yes");
    op.option(change.option, change.value);
    mlaCompileInfo info = MLA_COMPILE_INFO_INIT;
    Status status;
    std::optional<Kernel> kernel = compiler.compile(op, status, nullptr, &info);
    ASSERT_TRUE(kernel) << status.message();
    EXPECT_EQ(info.origin, MLA_COMPILED);
    EXPECT_STREQ(kernel->info().operatorName, change.name);
    for (int32_t i : {0, 1}) {
      bool optional = false;
      ASSERT_TRUE(kernel->isArgumentOptional(4 + i, optional).ok());
      EXPECT_EQ(optional, change.isOptional[i]);
    }
    EXPECT_TRUE(seen.insert(kernel->get()).second);
    kept.push_back(std::move(*kernel));
  }
}

TEST_F(Compile, EqualCallsGiveOneKernel) {
  Compiler compiler = makeCompiler();
  mlaCompileInfo info = MLA_COMPILE_INFO_INIT;
  Status status;
  std::optional<Kernel> first =
      compiler.compile(program(), status, nullptr, nullptr, &info);
  std::string key = info.key;
  std::optional<Kernel> second =
      compiler.compile(program(), status, nullptr, nullptr, &info);
  ASSERT_TRUE(first && second) << status.message();
  EXPECT_EQ(first->get(), second->get());
  EXPECT_EQ(info.origin, MLA_FROM_MEMORY);
  EXPECT_EQ(info.key, key);
  EXPECT_EQ(info.registers, 40);
  EXPECT_EQ(info.assembleSeconds, 0);
  // It outlives the compiler and the other reference.
  first.reset();
  {
    Compiler gone = std::move(compiler);
  }
  EXPECT_STREQ(second->info().name, "k");
}

TEST_F(Compile, FromDisk) {
  mlaCompileInfo first = compileFresh();
  mlaCompileInfo second = compileFresh();
  EXPECT_EQ(second.origin, MLA_FROM_DISK);
  EXPECT_STREQ(second.key, first.key);
  EXPECT_EQ(second.registers, 40);
  EXPECT_EQ(second.cubinBytes, 68);
  EXPECT_EQ(second.passesSeconds, 0);
  EXPECT_EQ(runs(), 1u);
}

TEST_F(Compile, FormIsNoDifferenceButOptionsAre) {
  Compiler compiler = makeCompiler();
  mlaCompileInfo info = MLA_COMPILE_INFO_INIT;
  Status status;
  (void)compiler.compile(program(), status, nullptr, nullptr, &info);
  std::string key = info.key;
  std::string renamed =
      "// A comment.\n" +
      std::regex_replace(program(), std::regex("%rows"), "%number");
  (void)compiler.compile(renamed, status, nullptr, nullptr, &info);
  EXPECT_EQ(info.origin, MLA_FROM_DISK);
  EXPECT_EQ(info.key, key);
  mlaCompileOptions how = MLA_COMPILE_OPTIONS_INIT;
  how.threshold = 4;
  (void)compiler.compile(program(), status, nullptr, &how, &info);
  EXPECT_EQ(info.origin, MLA_COMPILED);
  EXPECT_NE(info.key, key);
  (void)compiler.compile(program(1), status, nullptr, nullptr, &info);
  EXPECT_EQ(info.origin, MLA_COMPILED);
  EXPECT_NE(info.key, key);
}

TEST_F(Compile, WithoutMemory) {
  options.memoryKernels = -1;
  Compiler compiler = makeCompiler();
  EXPECT_EQ(compileWith(compiler).origin, MLA_COMPILED);
  EXPECT_EQ(compileWith(compiler).origin, MLA_FROM_DISK);
}

TEST_F(Compile, WithoutAFolder) {
  options.cacheFolder = "none";
  Compiler compiler = makeCompiler();
  EXPECT_EQ(compileWith(compiler).origin, MLA_COMPILED);
  EXPECT_EQ(compileWith(compiler).origin, MLA_FROM_MEMORY);
  EXPECT_EQ(compileFresh().origin, MLA_COMPILED);
  EXPECT_FALSE(fs::exists(cache));
  EXPECT_TRUE(warnings.empty());
}

TEST_F(Compile, MemoryDropsWhatWasUsedLongestAgo) {
  options.memoryKernels = 2;
  Compiler compiler = makeCompiler();
  for (int tag : {0, 1, 0, 2}) // Drops 1.
    compileWith(compiler, tag);
  EXPECT_EQ(compileWith(compiler, 0).origin, MLA_FROM_MEMORY);
  EXPECT_EQ(compileWith(compiler, 2).origin, MLA_FROM_MEMORY);
  EXPECT_EQ(compileWith(compiler, 1).origin, MLA_FROM_DISK);
}

TEST_F(Compile, Package) {
  Compiler compiler = makeCompiler();
  mlaCompileInfo info = MLA_COMPILE_INFO_INIT;
  Status status = compiler.compilePackage(program(), root / "a" / "package",
                                          nullptr, nullptr, &info);
  EXPECT_TRUE(status.ok()) << status.message();
  EXPECT_EQ(info.origin, MLA_COMPILED);
  EXPECT_TRUE(Kernel::load(root / "a" / "package", status)) << status.message();
  status = compiler.compilePackage(sparsePrefill(), root / "operator");
  EXPECT_TRUE(status.ok()) << status.message();
  EXPECT_TRUE(Kernel::load(root / "operator", status)) << status.message();
  writeFile(root / "file", "");
  status = compiler.compilePackage(program(), root / "file" / "package");
  EXPECT_EQ(status.code(), MLA_NOT_FOUND);
  EXPECT_TRUE(contains(status.message(), "cannot create folder"));
}

TEST_F(Compile, DefaultFolder) {
  options.cacheFolder.clear();
  for (const char *variable : {"HOME", "XDG_CACHE_HOME", "MLA_CACHE_DIR"}) {
    fs::path home = root / variable;
    std::string before = std::getenv(variable) ? std::getenv(variable) : "";
    ::setenv(variable, home.c_str(), 1);
    EXPECT_EQ(compileFresh().origin, MLA_COMPILED);
    EXPECT_TRUE(fs::exists(
        home / (variable == std::string("HOME")             ? ".cache/mla/lock"
                : variable == std::string("XDG_CACHE_HOME") ? "mla/lock"
                                                            : "lock")));
    // HOME stays set: the next variable has to take precedence.
    if (variable == std::string("MLA_CACHE_DIR"))
      for (const char *name : {"XDG_CACHE_HOME", "MLA_CACHE_DIR"})
        ::unsetenv(name);
  }
}

/// The fastest of many runs of `body`, in seconds: an estimate on an idle
/// machine.
double bestOf(int count, const std::function<void()> &body) {
  double best = 1e9;
  for (int i = 0; i < count; ++i) {
    auto start = std::chrono::steady_clock::now();
    body();
    std::chrono::duration<double> spent =
        std::chrono::steady_clock::now() - start;
    best = std::min(best, spent.count());
  }
  return best;
}

TEST_F(Compile, HitsAreQuick) {
  mlaOperator op = sparsePrefill();
  Compiler compiler = makeCompiler();
  Status status;
  (void)compiler.compile(op, status);
  double memory = bestOf(100, [&] { (void)compiler.compile(op, status); });
  double disk = bestOf(10, [&] { (void)makeCompiler().compile(op, status); });
  EXPECT_TRUE(status.ok()) << status.message();
  EXPECT_LT(memory, 50e-6);
  EXPECT_LT(disk, 10e-3);
  std::printf("from memory %.1f us, from disk %.1f ms\n", memory * 1e6,
              disk * 1e3);
}

} // namespace
