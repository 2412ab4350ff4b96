//===- ExpandOperators.cpp - operators of several kernels -------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "LaunchInterface.h"
#include "mla/Transforms/OperatorQueries.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace mla {
#define GEN_PASS_DEF_EXPANDOPERATORS
#include "mla/Transforms/Passes.h.inc"
} // namespace mla

using namespace mlir;
using namespace mla;

namespace {
struct ExpandOperatorsPass
    : mla::impl::ExpandOperatorsBase<ExpandOperatorsPass> {
  using ExpandOperatorsBase::ExpandOperatorsBase;

  void runOnOperation() override {
    SmallVector<func::FuncOp> functions(getOperation().getOps<func::FuncOp>());
    for (func::FuncOp func : functions) {
      // Copied: expanding may add functions and arguments.
      SmallVector<OperatorInterface> ops(func.getOps<OperatorInterface>());
      for (OperatorInterface op : ops)
        if (failed(expand(op, func)))
          return signalPassFailure();
    }
  }

private:
  LogicalResult expand(OperatorInterface op, func::FuncOp func) {
    if (!op.isProgram())
      return success();
    if (!op.getScheduleAttr())
      return op->emitOpError("expected a schedule; run --mla-choose-schedule "
                             "first");
    // The other kernels' arguments have the same names.
    if (failed(checkCovered(op)) || failed(noteLaunchInterface(op, func)))
      return failure();
    return op.expandProgram(func);
  }
};
} // namespace
