//===- DirectLayout.h - how threads stand along a tile ----------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef MLA_LIB_TRANSFORMS_DIRECTLAYOUT_H
#define MLA_LIB_TRANSFORMS_DIRECTLAYOUT_H

#include "mla/Dialect/CTA/CTA.h"

namespace mla {

/// A direct layout for the result of `op`, of type `type`, in `role`: accesses
/// of 16 bytes where the columns of a row follow each other, as many threads
/// side by side as there are such accesses in a row, and the role's other
/// threads down the rows. The marks `cta.threads` and `cta.vector` of `op` go
/// before. Null with an error at `op` for marks that do not divide the columns.
cta::DirectLayoutAttr chooseDirectLayout(mlir::Operation *op,
                                         mlir::RankedTensorType type,
                                         cta::RoleOp role);

} // namespace mla

#endif // MLA_LIB_TRANSFORMS_DIRECTLAYOUT_H
