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

/// Row maxima of `scores` that are -inf for empty rows only: a row with a valid
/// column has at least the least finite number, even if its scores are -inf.
/// `rowMax` are the plain row maxima. `valid` has a flag per column, which is
/// reduced once for all rows. If operands will be swapped (`swapped`), the
/// flags would be distributed over warps; the scores are bounded instead, and
/// reduced again. `label` is called to label each new op.
mlir::Value createRowMax(mlir::ImplicitLocOpBuilder &b, mlir::Value scores,
                         mlir::Value rowMax, mlir::Value valid, bool swapped,
                         llvm::function_ref<mlir::Value(mlir::Value)> label);

} // namespace mla

#endif // MLA_TRANSFORMS_ROWMAX_H
