//===- TileDialect.cpp - the tile dialect -----------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "mla/Dialect/Tile/Tile.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace mla::tile;

#include "mla/Dialect/Tile/TileDialect.cpp.inc"
#include "mla/Dialect/Tile/TileEnums.cpp.inc"
#define GET_ATTRDEF_CLASSES
#include "mla/Dialect/Tile/TileAttrs.cpp.inc"
#define GET_OP_CLASSES
#include "mla/Dialect/Tile/TileOps.cpp.inc"

void TileDialect::initialize() {
  addAttributes<
#define GET_ATTRDEF_LIST
#include "mla/Dialect/Tile/TileAttrs.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "mla/Dialect/Tile/TileOps.cpp.inc"
      >();
}

StringRef mla::tile::getLabel(Operation *op) {
  auto label = op->getAttrOfType<StringAttr>(kLabelAttr);
  return label ? label.getValue() : StringRef();
}

LogicalResult mla::tile::verifyBox(Operation *op, MemRefType memref,
                                   size_t numIndices, RankedTensorType tile) {
  if (numIndices != static_cast<size_t>(memref.getRank()))
    return op->emitOpError()
           << "expected " << memref.getRank() << " indices for " << memref
           << ", got " << numIndices;
  if (tile.getRank() > memref.getRank())
    return op->emitOpError()
           << "expected a tile of rank <= " << memref.getRank() << ", got "
           << tile;
  if (tile.getElementType() != memref.getElementType())
    return op->emitOpError()
           << "expected tile elements of type " << memref.getElementType()
           << ", got " << tile.getElementType();
  return success();
}

LogicalResult mla::tile::verifyGather(Operation *op, MemRefType memref,
                                      size_t numIndices, int64_t dim,
                                      int64_t rowRank) {
  auto rank = static_cast<size_t>(memref.getRank());
  if (dim != 0) {
    if (dim < static_cast<int64_t>(rank) - rowRank && numIndices + 1 == rank)
      return success();
    return op->emitOpError()
           << "expected `dim` below " << static_cast<int64_t>(rank) - rowRank
           << " and an index for each other dimension of " << memref
           << ", got `dim` " << dim << " and " << numIndices << " indices";
  }
  if (numIndices >= rank)
    return op->emitOpError()
           << "expected fewer indices than the " << rank << " dimensions of "
           << memref << ", got " << numIndices;
  for (int64_t size :
       memref.getShape().take_front(rank - numIndices).drop_front())
    if (ShapedType::isDynamic(size) || size == 0)
      return op->emitOpError()
             << "expected static sizes above 0 after the first of the "
             << rank - numIndices << " leading dimensions of " << memref
             << ", which have no index";
  return success();
}

SmallVector<int64_t> mla::tile::orderDims(std::optional<ArrayRef<int64_t>> dims,
                                          int64_t rank, int64_t tileRank) {
  SmallVector<int64_t> order;
  for (int64_t d = 0; d < rank; ++d)
    if (dims ? !llvm::is_contained(*dims, d) : d < rank - tileRank)
      order.push_back(d);
  if (dims)
    llvm::append_range(order, *dims);
  else
    llvm::append_range(order, llvm::seq(rank - tileRank, rank));
  return order;
}

LogicalResult mla::tile::verifyDims(Operation *op, ArrayRef<int64_t> dims,
                                    int64_t rank, size_t tileRank) {
  if (dims.size() != tileRank)
    return op->emitOpError()
           << "expected " << tileRank
           << " dims, one for each dimension of the tile, got " << dims.size();
  int64_t previous = -1;
  for (int64_t d : dims) {
    if (d <= previous || d >= rank)
      return op->emitOpError()
             << "expected ascending dims in [0, " << rank << "), got " << d;
    previous = d;
  }
  return success();
}

/// Checks `dims` and the number of bounds of a load or store.
static LogicalResult verifyWindow(Operation *op,
                                  std::optional<ArrayRef<int64_t>> dims,
                                  size_t numBounds, MemRefType memref,
                                  RankedTensorType tile) {
  if (numBounds > static_cast<size_t>(tile.getRank()))
    return op->emitOpError() << "expected at most " << tile.getRank()
                             << " bounds, one for each dimension of " << tile
                             << ", got " << numBounds;
  return dims ? verifyDims(op, *dims, memref.getRank(), tile.getRank())
              : success();
}

LogicalResult LoadOp::verify() {
  auto result = cast<RankedTensorType>(getResult().getType());
  if (auto padding = getPaddingAttr())
    if (padding.getType() != result.getElementType())
      return emitOpError() << "expected padding of type "
                           << result.getElementType() << ", got "
                           << padding.getType();
  auto source = cast<MemRefType>(getSource().getType());
  if (failed(verifyBox(*this, source, getIndices().size(), result)))
    return failure();
  return verifyWindow(*this, getDims(), getBounds().size(), source, result);
}

/// Checks the merged dimensions of a store.
static LogicalResult verifyMerge(StoreOp op, MemRefType dest,
                                 RankedTensorType tile) {
  std::optional<ArrayRef<int64_t>> merge = op.getMerge();
  std::optional<int64_t> by = op.getMergeBy();
  if (!merge) {
    if (by)
      return op.emitOpError("expected `by` after `merge`");
    return success();
  }
  int64_t rank = dest.getRank(), tileRank = tile.getRank();
  SmallVector<int64_t> order = orderDims(op.getDims(), rank, tileRank);
  // The tile's first dimension covers the inner one; no dimension of the tile
  // covers the outer one.
  if (merge->size() != 2 || tileRank == 0 ||
      (*merge)[1] != order[rank - tileRank] ||
      !llvm::is_contained(ArrayRef(order).drop_back(tileRank), (*merge)[0]))
    return op.emitOpError()
           << "expected `merge` of a dimension that the tile does not cover "
              "and "
              "of the one that its first dimension covers, got ["
           << *merge << "] for " << tile << " in " << dest;
  int64_t outer = dest.getDimSize((*merge)[0]);
  int64_t inner = dest.getDimSize((*merge)[1]);
  if (ShapedType::isDynamic(outer) || (ShapedType::isDynamic(inner) && !by))
    return op.emitOpError()
           << "expected static sizes of the merged dimensions [" << *merge
           << "], got " << dest;
  int64_t width = by.value_or(inner);
  if (width < 1 || (!ShapedType::isDynamic(inner) && width > inner))
    return op.emitOpError()
           << "expected to merge at least 1 element of "
              "dimension "
           << (*merge)[1] << " of " << dest << ", at most all, got " << width;
  if (outer > std::numeric_limits<int32_t>::max() / width)
    return op.emitOpError() << "expected fewer than 2^31 merged elements, got "
                            << outer << " times " << width;
  return success();
}

LogicalResult StoreOp::verify() {
  auto dest = cast<MemRefType>(getDest().getType());
  auto tile = cast<RankedTensorType>(getTile().getType());
  if (failed(verifyBox(*this, dest, getIndices().size(), tile)))
    return failure();
  if (failed(verifyWindow(*this, getDims(), getBounds().size(), dest, tile)))
    return failure();
  return verifyMerge(*this, dest, tile);
}

std::optional<Merge> StoreOp::getMerged() {
  std::optional<ArrayRef<int64_t>> merge = getMerge();
  if (!merge)
    return std::nullopt;
  int64_t outer = (*merge)[0], inner = (*merge)[1];
  auto size = cast<MemRefType>(getDest().getType()).getDimSize(inner);
  return Merge{outer, inner, static_cast<int64_t>(getMergeBy().value_or(size))};
}

LogicalResult GatherOp::verify() {
  auto source = cast<MemRefType>(getSource().getType());
  auto result = cast<RankedTensorType>(getResult().getType());
  auto rows = cast<RankedTensorType>(getRows().getType());
  int64_t rank = result.getRank();
  if (rank < 1 || rank > 2 || result.getDimSize(0) != rows.getDimSize(0))
    return emitOpError() << "expected a result of rank 1 or 2 with "
                         << rows.getDimSize(0) << " rows, got " << result;
  if (getBlock() && rank != 2)
    return emitOpError() << "expected `block` only with a matrix, got "
                         << result;
  if (failed(
          verifyGather(*this, source, getIndices().size(), getDim(), rank - 1)))
    return failure();
  return verifyBox(*this, source, source.getRank(), result);
}

LogicalResult ViewOp::verify() {
  auto source = cast<RankedTensorType>(getSource().getType());
  auto result = cast<RankedTensorType>(getResult().getType());
  size_t rank = source.getRank();
  if (getOffsets().size() != rank ||
      result.getRank() != static_cast<int64_t>(rank) ||
      source.getElementType() != result.getElementType())
    return emitOpError() << "expected " << rank << " offsets and a result of "
                         << "rank " << rank << " with element type "
                         << source.getElementType();
  for (auto [d, offset] : llvm::enumerate(getOffsets()))
    if (offset < 0 || offset > source.getDimSize(d) - result.getDimSize(d))
      return emitOpError() << "expected " << result.getDimSize(d)
                           << " elements from " << offset
                           << " inside dimension " << d << " of " << source;
  return success();
}

OpFoldResult ViewOp::fold(FoldAdaptor) {
  if (getSource().getType() == getResult().getType())
    return getSource();
  return {};
}

LogicalResult ConcatOp::verify() {
  auto result = cast<RankedTensorType>(getResult().getType());
  auto dim = static_cast<int64_t>(getDim());
  if (dim >= result.getRank())
    return emitOpError() << "expected dim in [0, " << result.getRank()
                         << "), got " << dim;
  int64_t size = 0;
  for (Type type : getParts().getTypes()) {
    auto part = cast<RankedTensorType>(type);
    SmallVector<int64_t> shape(part.getShape());
    if (part.getRank() == result.getRank()) {
      size += shape[dim];
      shape[dim] = result.getDimSize(dim);
    }
    if (shape != result.getShape() ||
        part.getElementType() != result.getElementType())
      return emitOpError() << "expected parts that differ from " << result
                           << " only in dimension " << dim << ", got " << part;
  }
  if (size != result.getDimSize(dim))
    return emitOpError() << "expected parts with a total size of "
                         << result.getDimSize(dim) << " in dimension " << dim
                         << ", got " << size;
  return success();
}

int64_t DotOp::getReductionSize() {
  return cast<RankedTensorType>(getA().getType())
      .getDimSize(getTransposeA() ? 0 : 1);
}

LogicalResult DotOp::verify() {
  auto a = cast<RankedTensorType>(getA().getType());
  auto b = cast<RankedTensorType>(getB().getType());
  auto result = cast<RankedTensorType>(getResult().getType());
  for (RankedTensorType type : {a, b, result})
    if (type.getRank() != 2)
      return emitOpError() << "expected operands and a result of rank 2, got "
                           << type;
  if (!result.getElementType().isF32())
    return emitOpError() << "expected an f32 result, got " << result;
  int64_t m = a.getDimSize(getTransposeA() ? 1 : 0);
  int64_t kb = b.getDimSize(getTransposeB() ? 1 : 0);
  int64_t n = b.getDimSize(getTransposeB() ? 0 : 1);
  if (getReductionSize() != kb)
    return emitOpError() << "expected equal reduction sizes, got "
                         << getReductionSize() << " and " << kb;
  if (result.getDimSize(0) != m || result.getDimSize(1) != n)
    return emitOpError() << "expected a " << m << "x" << n << " result, got "
                         << result;
  if (getAcc() && getAcc().getType() != result)
    return emitOpError() << "expected acc of type " << result << ", got "
                         << getAcc().getType();
  return success();
}

/// Checks that `vector` is `tile` without dimension `dim`.
static LogicalResult verifyDropped(Operation *op, Type tileType,
                                   Type vectorType, int64_t dim) {
  auto tile = cast<RankedTensorType>(tileType);
  auto vector = cast<RankedTensorType>(vectorType);
  if (dim < 0 || dim >= tile.getRank())
    return op->emitOpError()
           << "expected dim in [0, " << tile.getRank() << "), got " << dim;
  SmallVector<int64_t> shape(tile.getShape());
  shape.erase(shape.begin() + dim);
  if (ArrayRef(shape) != vector.getShape() ||
      tile.getElementType() != vector.getElementType())
    return op->emitOpError() << "expected " << tile << " without dimension "
                             << dim << ", got " << vector;
  return success();
}

LogicalResult ReduceOp::verify() {
  return verifyDropped(*this, getSource().getType(), getResult().getType(),
                       getDim());
}

LogicalResult FoldOp::verify() {
  auto source = cast<RankedTensorType>(getSource().getType());
  auto result = cast<RankedTensorType>(getResult().getType());
  if (source.getRank() != 2 || !source.getElementType().isF32())
    return emitOpError() << "expected a matrix of f32, got " << source;
  if (result.getRank() != 2 || !result.getElementType().isF32() ||
      source.getDimSize(0) != result.getDimSize(0) ||
      result.getDimSize(1) == 0 || source.getDimSize(1) % result.getDimSize(1))
    return emitOpError() << "expected the rows of " << source
                         << " and a divisor of its columns, got " << result;
  return success();
}

LogicalResult BroadcastOp::verify() {
  return verifyDropped(*this, getResult().getType(), getSource().getType(),
                       getDim());
}

LogicalResult TransposeOp::verify() {
  auto source = cast<RankedTensorType>(getSource().getType());
  auto result = cast<RankedTensorType>(getResult().getType());
  if (source.getDimSize(0) != result.getDimSize(1) ||
      source.getDimSize(1) != result.getDimSize(0) ||
      source.getElementType() != result.getElementType())
    return emitOpError() << "expected " << source
                         << " with its dimensions exchanged, got " << result;
  return success();
}

LogicalResult OnlineSoftmaxOp::verify() {
  // The negated form also rejects NaN.
  if (std::optional<APFloat> threshold = getThreshold())
    if (float t = threshold->convertToFloat(); !(t >= 0 && t <= kMaxThreshold))
      return emitOpError() << "expected a threshold in [0, " << kMaxThreshold
                           << "], got " << t;
  Value valid = getValid();
  bool positions = valid && getElementTypeOrSelf(valid).isInteger(32);
  if (positions != static_cast<bool>(getBelow()))
    return emitOpError(positions
                           ? "expected limits (below) for valid positions"
                           : "expected valid positions for limits (below)");
  if (valid) {
    if (getThreshold())
      return emitOpError(
          "expected valid flags or a threshold (lazy), got both");
    int64_t columns =
        cast<RankedTensorType>(getScores().getType()).getDimSize(1);
    auto type = cast<RankedTensorType>(valid.getType());
    if (type.getDimSize(0) != columns)
      return emitOpError() << "expected a valid flag for each of " << columns
                           << " columns, got " << type;
    auto max = cast<RankedTensorType>(getMax().getType());
    if (getBelow() && cast<RankedTensorType>(getBelow().getType()).getShape() !=
                          max.getShape())
      return emitOpError() << "expected a limit for each of "
                           << max.getDimSize(0) << " rows, got "
                           << getBelow().getType();
  }
  return verifyDropped(*this, getScores().getType(), getMax().getType(), 1);
}
