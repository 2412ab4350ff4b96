//===- Sequences.h - operators over whole sequences -------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// What mla.prefill and its gradients share: supported shapes, cu_seqlens, and
// loads of rows of one head.
//
//===----------------------------------------------------------------------===//

#ifndef MLA_OPERATORS_SEQUENCES_H
#define MLA_OPERATORS_SEQUENCES_H

#include "mla/Operators/TileBuilder.h"
#include "mla/Tuning/Choice.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace mla {

/// What is wrong with the head dimensions or the numbers of heads; empty if
/// they are supported.
std::string findSequenceShapeFault(const ShapeClass &shape);

bool isCausal(const Problem &problem);
/// Whether there are cu_seqlens.
bool isPacked(const Problem &problem);

/// cu_seqlens_q and cu_seqlens_k of an op, or null, and whether a launch may
/// omit them.
struct SequenceBounds {
  mlir::Value q, k;
  bool isQOptional, isKOptional;
};
/// Emits an error unless both are given or neither is, none may be omitted, and
/// with them b is 1.
mlir::LogicalResult verifySequenceBounds(OperatorInterface op,
                                         SequenceBounds bounds);

/// Marks the arguments among `inputs`: no tile is copied that begins behind
/// their last row, so that they may have none.
void markCopiedInside(mlir::func::FuncOp func, mlir::ValueRange inputs);
/// Marks the arguments among `outputs`, of packed sequences: they may have rows
/// that are no sequence's.
void markPartlyWritten(mlir::func::FuncOp func, mlir::ValueRange outputs);
/// Limits b to 1 where it is a run-time size: packed tensors have one batch.
void limitToOneBatch(OperatorInterface op, mlir::func::FuncOp func);

/// Loads `rows` rows of one head of `operand` [b, s, heads, d], from `at` on;
/// zero beyond the memref or `bound`.
mlir::Value loadRows(TileBuilder &b, mlir::Value operand, int64_t rows,
                     mlir::ValueRange at, mlir::ValueRange bound,
                     llvm::StringRef label);

} // namespace mla

#endif // MLA_OPERATORS_SEQUENCES_H
