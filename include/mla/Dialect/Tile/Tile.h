//===- Tile.h - the algorithm over SSA tiles --------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef MLA_DIALECT_TILE_TILE_H
#define MLA_DIALECT_TILE_TILE_H

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#include "mla/Dialect/Tile/TileDialect.h.inc"
#include "mla/Dialect/Tile/TileEnums.h.inc"
#define GET_ATTRDEF_CLASSES
#include "mla/Dialect/Tile/TileAttrs.h.inc"
#define GET_OP_CLASSES
#include "mla/Dialect/Tile/TileOps.h.inc"

namespace mla::tile {
/// Discardable attribute of a tile op: its name in schedules.
inline constexpr llvm::StringLiteral kLabelAttr = "tile.label";

/// Discardable attribute of an scf.for over tiles: an iteration past its end
/// changes nothing.
inline constexpr llvm::StringLiteral kPaddedAttr = "tile.padded";
/// Discardable attribute of an arith.mulf: often, a whole warp multiplies by
/// exactly 1. A hint, which changes no value.
inline constexpr llvm::StringLiteral kOftenOneAttr = "tile.often_one";
/// Discardable attribute of an scf.forall over CTAs that loop over tiles.
inline constexpr llvm::StringLiteral kPersistentAttr = "tile.persistent";

/// The largest threshold of a lazy softmax: sums of weights of up to 2^64 are
/// far from overflow.
inline constexpr int kMaxThreshold = 64;

/// The label of `op`, or "" without one.
llvm::StringRef getLabel(mlir::Operation *op);

/// Checks that a box of `tile`'s shape at `numIndices` indices lies in the last
/// dimensions of `memref` and has its element type; emits an error on `op`.
mlir::LogicalResult verifyBox(mlir::Operation *op, mlir::MemRefType memref,
                              size_t numIndices, mlir::RankedTensorType tile);

/// Fails with an error at `op` unless a row index, with `numIndices` for the
/// trailing dimensions of `memref`, can count through the leading ones: all of
/// them but the first are static.
mlir::LogicalResult verifyLeadingDims(mlir::Operation *op,
                                      mlir::MemRefType memref,
                                      size_t numIndices);

/// The dimensions of a memref of rank `rank`, those that a tile of rank
/// `tileRank` spans last: `dims`, or the last ones.
llvm::SmallVector<int64_t>
orderDims(std::optional<llvm::ArrayRef<int64_t>> dims, int64_t rank,
          int64_t tileRank);
} // namespace mla::tile

#endif // MLA_DIALECT_TILE_TILE_H
