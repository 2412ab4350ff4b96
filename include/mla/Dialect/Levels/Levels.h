//===- Levels.h - the ops allowed at each level -----------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// Passes and tools support a closed set of ops in each region of a program,
// which is defined here. Every pass checks it before it works on a function
// (ProgramPass.h), and so does the simulator, so that an unsupported op is an
// error at that op.
//
//===----------------------------------------------------------------------===//

#ifndef MLA_DIALECT_LEVELS_LEVELS_H
#define MLA_DIALECT_LEVELS_LEVELS_H

#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace mla {

/// Checks that the program's level (operator, tile or cta) allows each op of
/// `func` in its region: the function, its grid (the scf.forall), or a role.
/// Emits an error at the first op that is not allowed. A function without
/// operator and grid is not a program and is accepted.
mlir::LogicalResult verifyLevel(mlir::func::FuncOp func);

} // namespace mla

#endif // MLA_DIALECT_LEVELS_LEVELS_H
