//===- MutationTest.cpp - each mutation is one damage, and its own --------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "TestSupport.h"
#include "mlir/IR/Verifier.h"
#include "llvm/ADT/StringSet.h"
#include <map>

using namespace mla;
using namespace mla::mutation;

namespace {

/// The names of the ops that are more than arithmetic, in order.
std::vector<std::string> listOps(mlir::ModuleOp module) {
  std::vector<std::string> names;
  for (mlir::Operation *op : numberOps(findKernels(module).front()))
    if (op->getDialect()->getNamespace() != "arith")
      names.push_back(op->getName().getStringRef().str());
  return names;
}

std::vector<std::string> without(std::vector<std::string> names,
                                 const std::string &name) {
  auto found = std::find(names.begin(), names.end(), name);
  EXPECT_NE(found, names.end()) << name;
  if (found != names.end())
    names.erase(found);
  return names;
}

std::vector<std::string> sorted(std::vector<std::string> names) {
  std::sort(names.begin(), names.end());
  return names;
}

class MutationTest : public testing::Test {
protected:
  Kernels kernels;
};

TEST_F(MutationTest, EveryKindOccurs) {
  std::map<std::string, int> counts;
  for (auto &module : kernels.modules)
    for (const Mutation &mutation : enumerate(*module))
      ++counts[mutation.kind];
  EXPECT_EQ(counts.size(), getKinds().size());
  for (auto &kind : getKinds())
    EXPECT_GT(counts[kind.first.str()], 0) << kind.first.str();
}

TEST_F(MutationTest, IdentifiersAreUniqueAndSurviveParsing) {
  for (auto &module : kernels.modules) {
    auto parsed = mlir::parseSourceString<mlir::ModuleOp>(print(*module),
                                                          &kernels.context);
    std::vector<Mutation> first = enumerate(*module);
    std::vector<Mutation> second = enumerate(*parsed);
    ASSERT_EQ(first.size(), second.size());
    llvm::StringSet<> ids;
    for (size_t i = 0; i < first.size(); ++i) {
      EXPECT_EQ(first[i].id, second[i].id);
      EXPECT_TRUE(ids.insert(first[i].id).second) << first[i].id;
      EXPECT_EQ(first[i].id.find(first[i].kind + "/"), 0u);
    }
  }
}

TEST_F(MutationTest, EachDiffersFromTheProgramAndParses) {
  for (auto &module : kernels.modules) {
    mlir::OwningOpRef<mlir::ModuleOp> bare = module->clone();
    findKernels(*bare).front()->removeAttr("cta.verified");
    std::string before = print(*module);
    llvm::StringSet<> texts;
    texts.insert(print(*bare));
    for (const Mutation &mutation : enumerate(*module)) {
      mlir::OwningOpRef<mlir::ModuleOp> damaged = apply(*module, mutation);
      // Only a place behind the end of shared memory is refused by an op.
      mlir::ScopedDiagnosticHandler silent(&kernels.context,
                                           [](mlir::Diagnostic &) {});
      if (failed(mlir::verify(*damaged))) {
        EXPECT_EQ(mutation.kind, "place") << mutation.id;
        continue;
      }
      std::string text = print(*damaged);
      EXPECT_TRUE(texts.insert(text).second)
          << mutation.id << " repeats another";
      auto parsed =
          mlir::parseSourceString<mlir::ModuleOp>(text, &kernels.context);
      ASSERT_TRUE(parsed) << mutation.id;
      EXPECT_EQ(print(*parsed), text) << mutation.id;
    }
    EXPECT_EQ(print(*module), before) << "the program itself was damaged";
  }
}

TEST_F(MutationTest, EachDamagesOneThing) {
  for (auto &module : kernels.modules) {
    std::vector<std::string> before = listOps(*module);
    Ops ops = numberOps(findKernels(*module).front());
    for (const Mutation &mutation : enumerate(*module)) {
      mlir::OwningOpRef<mlir::ModuleOp> damaged = apply(*module, mutation);
      std::vector<std::string> after = listOps(*damaged);
      std::string name = ops[mutation.target]->getName().getStringRef().str();
      llvm::StringRef kind = mutation.kind;
      bool moves = mutation.moves || kind.starts_with("out-");
      if (kind.starts_with("drop-") && after.size() != before.size())
        EXPECT_EQ(sorted(after), sorted(without(before, name))) << mutation.id;
      else if (kind == "double")
        EXPECT_EQ(sorted(without(after, name)), sorted(before)) << mutation.id;
      else if (moves)
        EXPECT_EQ(sorted(after), sorted(before)) << mutation.id;
      else
        EXPECT_EQ(after, before) << mutation.id;
    }
  }
}

// The ops that no kernel of an operator uses are damaged too.
TEST_F(MutationTest, OpsWithoutAPassAreCovered) {
  std::map<std::string, int> ops;
  for (const char *program : {"bulk", "cluster", "flags", "named-barriers"}) {
    std::string path =
        std::string(MLA_TEST_DIR "/Conformance/") + program + ".mlir";
    auto module = mlir::parseSourceFile<mlir::ModuleOp>(path, &kernels.context);
    ASSERT_TRUE(module) << path;
    std::string before = print(*module);
    llvm::StringSet<> ids;
    for (const Mutation &mutation : enumerate(*module)) {
      EXPECT_TRUE(ids.insert(mutation.id).second) << mutation.id;
      EXPECT_TRUE(print(*apply(*module, mutation)) != before) << mutation.id;
      auto [kind, rest] = llvm::StringRef(mutation.id).split('/');
      if (kind.starts_with("drop-"))
        ++ops[rest.split('/').first.str()];
    }
  }
  for (const char *op :
       {"named_sync", "named_arrive", "bulk_commit", "bulk_wait",
        "store_release", "cluster_arrive", "cluster_wait"})
    EXPECT_GT(ops[op], 0) << op;
}

TEST_F(MutationTest, AMoveNamesWhatItCrosses) {
  for (auto &module : kernels.modules)
    for (const Mutation &mutation : enumerate(*module))
      if (mutation.moves) {
        EXPECT_FALSE(mutation.crossed.empty()) << mutation.id;
        EXPECT_FALSE(llvm::is_contained(mutation.crossed, mutation.target))
            << mutation.id;
      }
}

} // namespace
