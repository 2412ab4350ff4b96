//===- BulkCopy.h - checks of bulk copies -----------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef MLA_LIB_SIMULATOR_BULKCOPY_H
#define MLA_LIB_SIMULATOR_BULKCOPY_H

#include "Access.h"

namespace mla::sim {

/// Addresses and sizes of bulk copies are multiples of this.
inline constexpr int64_t kBulkBytes = 16;

/// Checks the byte in shared memory at which a copy starts.
mlir::LogicalResult checkAlignment(Role &role, mlir::Operation *op, int64_t at);

/// Checks that `map` describes the boxes which a copy of a tile of `type` is
/// made of: as high as the tile and as wide as its swizzle, or the tile. `dims`
/// are the dimensions that the tile covers, by default the last ones.
mlir::LogicalResult
checkTensorMap(Role &role, mlir::Operation *op, mlir::Value map,
               cta::BufferType type,
               std::optional<llvm::ArrayRef<int64_t>> dims = std::nullopt);

/// The offset in `array` of the `count` elements without gaps from `start` on:
/// in one row, or in rows that follow each other.
mlir::FailureOr<int64_t> locateBulk(Role &role, const interp::Instruction &in,
                                    const interp::Argument &array,
                                    llvm::ArrayRef<int64_t> start,
                                    int64_t count);

/// A row of `count` elements that starts `offset` elements into `array`.
interp::Argument makeRow(const interp::Argument &array, int64_t offset,
                         int64_t count);

} // namespace mla::sim

#endif // MLA_LIB_SIMULATOR_BULKCOPY_H
