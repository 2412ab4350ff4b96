//===- Tile.h - the tile dialect --------------------------------*- C++ -*-===//
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

namespace mla::tile {
/// Two dimensions of a memref that one dimension of a tile counts through in
/// row-major order, with `width` elements of `inner` for each one of `outer`.
struct Merge {
  int64_t outer, inner, width;
};
} // namespace mla::tile

#include "mla/Dialect/Tile/TileDialect.h.inc"
#include "mla/Dialect/Tile/TileEnums.h.inc"
#define GET_ATTRDEF_CLASSES
#include "mla/Dialect/Tile/TileAttrs.h.inc"
#define GET_OP_CLASSES
#include "mla/Dialect/Tile/TileOps.h.inc"

namespace mla::tile {
/// Discardable attribute of a tile op: its name in schedules.
inline constexpr llvm::StringLiteral kLabelAttr = "tile.label";

/// Discardable attribute of an scf.for over tiles: an extra iteration past the
/// upper bound has no effect, so the trip count may be rounded up.
inline constexpr llvm::StringLiteral kPaddedAttr = "tile.padded";
/// Discardable attribute of an scf.for over tiles: its last iteration stands
/// behind the pipelined loop, so that what only the loop reads is released in
/// the middle of it.
inline constexpr llvm::StringLiteral kPeelLastAttr = "tile.peel_last";
/// Discardable attribute of an arith.mulf: the factor is often exactly 1 in a
/// whole warp. A hint that does not affect results.
inline constexpr llvm::StringLiteral kOftenOneAttr = "tile.often_one";
/// Discardable attribute of an scf.forall over output tiles, of which a later
/// one takes no longer than an earlier one. A hint that does not affect
/// results.
inline constexpr llvm::StringLiteral kLongestFirstAttr = "tile.longest_first";
/// Discardable attribute of an scf.forall over CTAs that loop over tiles.
inline constexpr llvm::StringLiteral kPersistentAttr = "tile.persistent";

/// The largest threshold of a lazy softmax. Sums of weights of up to 2^64 do
/// not overflow f32.
inline constexpr int kMaxThreshold = 64;

/// The label of `op`, or "" without one.
llvm::StringRef getLabel(mlir::Operation *op);

/// Checks the rank and element type of a tile and the number of indices against
/// `memref`; emits an error on `op`.
mlir::LogicalResult verifyBox(mlir::Operation *op, mlir::MemRefType memref,
                              size_t numIndices, mlir::RankedTensorType tile);

/// Emits an error unless the rows of a gather can be found in `memref`. With
/// `dim` 0, a row index counts through the leading dimensions, those without
/// one of the `numIndices` indices: all but the first must be static.
/// Otherwise it selects rows, of rank `rowRank`, in dimension `dim`, and there
/// is an index for each other dimension.
mlir::LogicalResult verifyGather(mlir::Operation *op, mlir::MemRefType memref,
                                 size_t numIndices, int64_t dim,
                                 int64_t rowRank);

/// Emits an error unless `dims` are ascending dimensions of a memref of rank
/// `rank`, one for each dimension of a tile of rank `tileRank`.
mlir::LogicalResult verifyDims(mlir::Operation *op,
                               llvm::ArrayRef<int64_t> dims, int64_t rank,
                               size_t tileRank);

/// The dimensions [0, rank) of a memref, reordered so that those that a tile of
/// rank `tileRank` covers (`dims`, by default the last ones) come last.
llvm::SmallVector<int64_t>
orderDims(std::optional<llvm::ArrayRef<int64_t>> dims, int64_t rank,
          int64_t tileRank);
} // namespace mla::tile

#endif // MLA_DIALECT_TILE_TILE_H
