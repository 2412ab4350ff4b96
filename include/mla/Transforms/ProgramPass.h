//===- ProgramPass.h - base class of the passes -----------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef MLA_TRANSFORMS_PROGRAMPASS_H
#define MLA_TRANSFORMS_PROGRAMPASS_H

#include "mla/Dialect/Levels/Levels.h"
#include "mlir/IR/Remarks.h"
#include "mlir/Pass/Pass.h"

namespace mla {

/// A pass over one function. Functions that verifyLevel() rejects are errors
/// before the pass runs.
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

  /// Reports a decision of the pass, to which the caller adds metrics. The
  /// remark's category is the pass's flag, so that `mla-opt
  /// --remarks-filter=mla-elide-barriers` shows the decisions of that pass.
  /// Remarks take the place of pass statistics and LLVM_DEBUG, both of which
  /// release builds of LLVM leave out.
  mlir::remark::detail::InFlightRemark decided(mlir::Location loc,
                                               llvm::StringRef what) {
    return mlir::remark::analysis(loc, mlir::remark::RemarkOpts::name(what)
                                           .category(getArgument())
                                           .function(getOperation().getName()));
  }
};

} // namespace mla

#endif // MLA_TRANSFORMS_PROGRAMPASS_H
