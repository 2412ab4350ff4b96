//===- VerifyLaunchWait.cpp - workspaces and the kernels before -----------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "VerifyLaunchWait.h"
#include "mla/Dialect/CTA/CTA.h"
#include "mla/Dialect/MLA/MLA.h"
#include "mlir/IR/Dominance.h"

using namespace mlir;
using namespace mla;

static bool isWorkspace(func::FuncOp func, Value value) {
  auto argument = dyn_cast<BlockArgument>(value);
  return argument && argument.getOwner()->getParentOp() == func &&
         func.getArgAttr(argument.getArgNumber(), kArgWorkspaceAttr);
}

LogicalResult mla::checkLaunchWait(func::FuncOp func) {
  SmallVector<Operation *> waits;
  func.walk([&](cta::LaunchWaitOp wait) { waits.push_back(wait); });
  if (waits.empty())
    return success();
  DominanceInfo dominance(func);
  WalkResult result = func.walk([&](Operation *op) -> WalkResult {
    if (isMemoryEffectFree(op) || op->getNumRegions() ||
        llvm::none_of(op->getOperands(), [&](Value operand) {
          return isWorkspace(func, operand);
        }))
      return WalkResult::advance();
    if (llvm::any_of(waits, [&](Operation *wait) {
          return dominance.properlyDominates(wait, op);
        }))
      return WalkResult::advance();
    InFlightDiagnostic error =
        op->emitOpError("accesses a workspace before cta.launch_wait; kernels "
                        "before this one may still be running");
    error.attachNote(waits.front()->getLoc()) << "the wait";
    return error;
  });
  return failure(result.wasInterrupted());
}
