//===- FoldTiles.cpp - canonicalizes tile programs --------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "ProgramState.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Transforms/Passes.h"

namespace mla {
#define GEN_PASS_DEF_FOLDTILES
#include "mla/Transforms/Passes.h.inc"
} // namespace mla

using namespace mlir;
using namespace mla;

std::unique_ptr<Pass> mla::createGridCanonicalizer() {
  return createCanonicalizerPass(
      GreedyRewriteConfig(),
      {"(anonymous namespace)::ForallOpSingleOrZeroIterationDimsFolder",
       "(anonymous namespace)::ForallOpReplaceConstantInductionVar"});
}

namespace {
struct FoldTilesPass : mla::impl::FoldTilesBase<FoldTilesPass> {
  void runOnProgram() override {
    if (isScheduled(getOperation()))
      return;
    OpPassManager pm(func::FuncOp::getOperationName());
    pm.addPass(createGridCanonicalizer());
    pm.addPass(createCSEPass());
    if (failed(runPipeline(pm, getOperation())))
      signalPassFailure();
  }
};
} // namespace
