//===- ProgramTarget.h - the target of a program ----------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef MLA_DIALECT_LEVELS_PROGRAMTARGET_H
#define MLA_DIALECT_LEVELS_PROGRAMTARGET_H

#include "mla/Support/Target.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace mla {

/// The target of `func`: its attribute `mla.target`, or the default target.
const TargetSpec &getTarget(mlir::func::FuncOp func);

/// Checks that the target has the instructions that the cta ops of `func` lower
/// to. The error names the op, the instruction and the target.
mlir::LogicalResult checkInstructions(mlir::func::FuncOp func);

} // namespace mla

#endif // MLA_DIALECT_LEVELS_PROGRAMTARGET_H
