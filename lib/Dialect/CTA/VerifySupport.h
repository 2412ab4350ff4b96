//===- VerifySupport.h - checks that several verifiers make -----*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef MLA_LIB_DIALECT_CTA_VERIFYSUPPORT_H
#define MLA_LIB_DIALECT_CTA_VERIFYSUPPORT_H

#include "mla/Dialect/CTA/CTA.h"

namespace mla::cta {

/// Checks that `bytes` bytes from `offset` on lie in the shared memory of a
/// CTA. An op without an offset has no place yet.
mlir::LogicalResult verifyPlace(mlir::Operation *op,
                                std::optional<int64_t> offset, int64_t bytes);

/// Checks that one lane executes `op`: the hardware counts bulk groups by
/// thread, and a flag has one writer.
mlir::LogicalResult verifyOneLane(mlir::Operation *op);

} // namespace mla::cta

#endif // MLA_LIB_DIALECT_CTA_VERIFYSUPPORT_H
