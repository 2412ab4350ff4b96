//===- ProgramState.h - steps that a function has been through --*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef MLA_LIB_TRANSFORMS_PROGRAMSTATE_H
#define MLA_LIB_TRANSFORMS_PROGRAMSTATE_H

#include "mla/Transforms/Passes.h"

namespace mla {

/// The schedule of `func` if it requests `rewrite` and the rewrite is still to
/// be made: `func` has neither been rewritten nor been split into roles. Null
/// otherwise.
ScheduleAttr getScheduleWith(mlir::func::FuncOp func, llvm::StringRef rewrite);

/// Records on `func` that `rewrite` has been made.
void setRewritten(mlir::func::FuncOp func, llvm::StringRef rewrite);

/// Fails with an error at `program` if a rewrite that its schedule requests has
/// not been made.
mlir::LogicalResult checkRewritten(mlir::scf::ForallOp program,
                                   ScheduleAttr schedule);

/// Begins an error at `op`: the function's `schedule` requests `rewrite`, which
/// does not apply to the program.
mlir::InFlightDiagnostic emitRewriteError(mlir::Operation *op,
                                          ScheduleAttr schedule,
                                          llvm::StringRef rewrite);

/// Whether the tile program of `func` has been split into roles.
bool isScheduled(mlir::func::FuncOp func);

} // namespace mla

#endif // MLA_LIB_TRANSFORMS_PROGRAMSTATE_H
