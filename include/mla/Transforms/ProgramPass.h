//===- ProgramPass.h - the passes' common base ------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef MLA_TRANSFORMS_PROGRAMPASS_H
#define MLA_TRANSFORMS_PROGRAMPASS_H

#include "mla/Dialect/Levels/Levels.h"
#include "mlir/Pass/Pass.h"

namespace mla {

/// A pass over one function. It only sees functions that verifyLevel() accepts:
/// others are refused before it runs.
class ProgramPass : public mlir::OperationPass<mlir::func::FuncOp> {
public:
  void runOnOperation() final {
    if (failed(verifyLevel(getOperation())))
      return signalPassFailure();
    runOnProgram();
  }

protected:
  using OperationPass::OperationPass;

  virtual void runOnProgram() = 0;
};

} // namespace mla

#endif // MLA_TRANSFORMS_PROGRAMPASS_H
