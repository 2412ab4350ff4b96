//===- Places.h - places in shared memory -----------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef MLA_LIB_DIALECT_CTA_PLACES_H
#define MLA_LIB_DIALECT_CTA_PLACES_H

#include "mla/Dialect/CTA/CTA.h"

namespace mla::cta {

/// Something of `bytes` bytes at `offset` must lie in what a CTA has.
mlir::LogicalResult verifyPlace(mlir::Operation *op,
                                std::optional<int64_t> offset, int64_t bytes);

} // namespace mla::cta

#endif // MLA_LIB_DIALECT_CTA_PLACES_H
