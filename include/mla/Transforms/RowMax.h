//===- RowMax.h - row maxima of masked scores -------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef MLA_TRANSFORMS_ROWMAX_H
#define MLA_TRANSFORMS_ROWMAX_H

#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace mla {

/// A constant of the f32 tile `type` whose elements are the least finite
/// number.
mlir::Value createLeast(mlir::ImplicitLocOpBuilder &b, mlir::Type type);

/// Which elements of a tile of scores are valid.
struct ScoreMask {
  ScoreMask(mlir::Value valid, mlir::Value below = {})
      : valid(valid), below(below) {}

  /// A flag (i1) per column, or a position (i32) per column, the largest i32
  /// for a column that is valid in no row.
  mlir::Value valid;
  /// With positions: column c is valid in row r iff valid[c] < below[r].
  mlir::Value below;

  /// The mask as a tile of i1 of the shape of `scores`. `label` is called to
  /// label each new op but broadcasts.
  mlir::Value
  createFlags(mlir::ImplicitLocOpBuilder &b, mlir::Value scores,
              llvm::function_ref<mlir::Value(mlir::Value)> label) const;
};

/// Row maxima of `scores` that are -inf for empty rows only: a row with a valid
/// column has at least the least finite number, even if its scores are -inf.
/// `rowMax` are the plain row maxima. The vector over columns of `mask` is
/// reduced once for all rows. If operands will be swapped (`swapped`), it would
/// be distributed over warps; the scores are bounded instead, and reduced
/// again. `label` is called to label each new op.
mlir::Value createRowMax(mlir::ImplicitLocOpBuilder &b, mlir::Value scores,
                         mlir::Value rowMax, const ScoreMask &mask,
                         bool swapped,
                         llvm::function_ref<mlir::Value(mlir::Value)> label);

} // namespace mla

#endif // MLA_TRANSFORMS_ROWMAX_H
