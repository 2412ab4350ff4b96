//===- DirectLayout.h - layouts of tiles loaded by threads ------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef MLA_LIB_TRANSFORMS_DIRECTLAYOUT_H
#define MLA_LIB_TRANSFORMS_DIRECTLAYOUT_H

#include "mla/Dialect/CTA/CTA.h"

namespace mla {

/// A direct layout for the result of `op`, of type `type`, in `role`: accesses
/// of up to 16 bytes where elements of a row are contiguous in memory,
/// consecutive threads along a row, and the role's remaining threads along the
/// columns. The attributes `cta.threads` and `cta.vector` of `op` override the
/// threads per row and the elements per access. Null with an error at `op` if
/// they do not divide the columns.
cta::DirectLayoutAttr chooseDirectLayout(mlir::Operation *op,
                                         mlir::RankedTensorType type,
                                         cta::RoleOp role);

} // namespace mla

#endif // MLA_LIB_TRANSFORMS_DIRECTLAYOUT_H
