//===- Levels.h - what a program may consist of -----------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// The passes and tools understand a closed set of ops in each place of a
// program. This is the one definition of that set. Every pass of the project
// checks it before it works on a function (ProgramPass.h), and so does the
// simulator: an op that nobody expects is an error that names the op, wherever
// it stands.
//
//===----------------------------------------------------------------------===//

#ifndef MLA_DIALECT_LEVELS_LEVELS_H
#define MLA_DIALECT_LEVELS_LEVELS_H

#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace mla {

/// Checks the ops of `func` against what the level of the program allows where
/// they stand: in the function, in its grid (the scf.forall), or in a role of
/// the grid. Emits an error at the first op that is not allowed. A function
/// without operator and grid is no program, and passes.
mlir::LogicalResult verifyLevel(mlir::func::FuncOp func);

} // namespace mla

#endif // MLA_DIALECT_LEVELS_LEVELS_H
