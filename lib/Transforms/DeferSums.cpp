//===- DeferSums.cpp - moves reductions behind loops ------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "CarriedSums.h"
#include "ProgramState.h"

namespace mla {
#define GEN_PASS_DEF_DEFERSUMS
#include "mla/Transforms/Passes.h.inc"
} // namespace mla

using namespace mlir;
using namespace mla;

namespace {
struct DeferSumsPass : mla::impl::DeferSumsBase<DeferSumsPass> {
  void runOnProgram() override {
    func::FuncOp func = getOperation();
    if (!getScheduleWith(func, "defer-sums"))
      return;
    auto getType = [](tile::ReduceOp reduce) {
      return cast<RankedTensorType>(reduce.getSource().getType());
    };
    auto getTerm = [](ImplicitLocOpBuilder &, Value tile, RankedTensorType) {
      return tile;
    };
    FailureOr<int64_t> deferred =
        reduceAfterLoops(func, "defer-sums", {getType, getTerm});
    if (failed(deferred))
      return signalPassFailure();
    decided(func.getLoc(), "deferred") << remark::metric("Sums", *deferred);
  }
};
} // namespace
