//===- TestSupport.h - the project's kernels as cta programs ----*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef MLA_TEST_UNIT_MUTATION_TESTSUPPORT_H
#define MLA_TEST_UNIT_MUTATION_TESTSUPPORT_H

#include "mla/JIT/Operators.h"
#include "mla/Mutation/Score.h"
#include "mla/Pipelines/Pipelines.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"
#include "gtest/gtest.h"

namespace mla::mutation {

inline mlir::DialectRegistry getRegistry() {
  mlir::DialectRegistry registry;
  registerDialects(registry);
  return registry;
}

inline std::string print(mlir::ModuleOp module) {
  std::string text;
  llvm::raw_string_ostream(text) << module;
  return text;
}

/// The verified programs of the project: the operator under each schedule, and
/// plain attention.
class Kernels {
public:
  Kernels() : context(getRegistry()) {
    for (const char *schedule : {"shared-p", "split-columns", "seesaw"}) {
      OperatorSpec spec(*findOperator(getOperators(), "sparse_prefill"));
      EXPECT_EQ(spec.setSize("h_q", 64), "");
      add(buildOperator(context, spec), schedule);
    }
    add(mlir::parseSourceFile<mlir::ModuleOp>(
            MLA_TEST_DIR "/Programs/dense-attention.mlir", &context),
        "");
  }

  mlir::MLIRContext context;
  std::vector<mlir::OwningOpRef<mlir::ModuleOp>> modules;

private:
  void add(mlir::OwningOpRef<mlir::ModuleOp> module, const char *schedule) {
    mlir::PassManager pm(&context);
    KernelPipelineOptions options;
    options.schedule = schedule;
    buildCTAPipeline(pm, options);
    EXPECT_TRUE(succeeded(pm.run(*module)));
    modules.push_back(std::move(module));
  }
};

} // namespace mla::mutation

#endif // MLA_TEST_UNIT_MUTATION_TESTSUPPORT_H
