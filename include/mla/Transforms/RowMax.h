//===- RowMax.h - row maxima that tell empty rows apart ---------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef MLA_TRANSFORMS_ROWMAX_H
#define MLA_TRANSFORMS_ROWMAX_H

#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace mla {

/// The least finite number in every element of the f32 tile `type`.
mlir::Value createLeast(mlir::ImplicitLocOpBuilder &b, mlir::Type type);

/// `rowMax`, the row maxima of `scores`, but at least the least finite number
/// if any column is valid: so that an empty row can be told from one whose
/// valid scores are all -inf. The flags are looked at once; only where heads
/// will be columns (`swapped`), so that the flags are spread over warps, the
/// scores are bounded instead, and reduced anew. `label` labels what is made.
mlir::Value createRowMax(mlir::ImplicitLocOpBuilder &b, mlir::Value scores,
                         mlir::Value rowMax, mlir::Value valid, bool swapped,
                         llvm::function_ref<mlir::Value(mlir::Value)> label);

} // namespace mla

#endif // MLA_TRANSFORMS_ROWMAX_H
