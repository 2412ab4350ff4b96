//===- ProgramBuilder.h - operators of several kernels ----------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef MLA_OPERATORS_PROGRAMBUILDER_H
#define MLA_OPERATORS_PROGRAMBUILDER_H

#include "mla/Operators/TileBuilder.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace mla {

/// The function's argument with that name, or null.
mlir::Value findArgument(mlir::func::FuncOp func, llvm::StringRef name);

/// Adds workspaces and kernels to the function of an operator that is a program
/// of several kernels (--mla-expand-operators).
class ProgramBuilder {
public:
  /// `func` contains `op`.
  ProgramBuilder(OperatorInterface op, mlir::func::FuncOp func)
      : op(op), func(func) {}

  /// Emits an error if the module has a function with the name of `func` and
  /// one of these suffixes.
  mlir::LogicalResult checkNames(llvm::ArrayRef<llvm::StringLiteral> suffixes);

  /// Appends a workspace to the arguments of `func`. `dims` has a name or an
  /// expression for each dimension that is not static, and "" for the others.
  mlir::LogicalResult addWorkspace(llvm::StringRef name, mlir::MemRefType type,
                                   llvm::ArrayRef<std::string> dims);

  /// Where a kernel stands among those of the program.
  enum class Place { beforeOperator, afterOperator };

  /// Adds a kernel with the arguments that `func` has now, and returns a
  /// builder in its empty body. Kernels added behind the operator run in the
  /// reverse order of these calls.
  TileBuilder createKernel(llvm::StringRef suffix, ScheduleAttr schedule,
                           Place place);

  /// The value in the kernel of `b` that `operand` is in `func`: an argument,
  /// or a copy of a constant. Null for null.
  static mlir::Value getOperand(TileBuilder &b, mlir::Value operand);
  /// The function of a kernel.
  static mlir::func::FuncOp getKernel(TileBuilder &b);

private:
  OperatorInterface op;
  mlir::func::FuncOp func;
};

} // namespace mla

#endif // MLA_OPERATORS_PROGRAMBUILDER_H
