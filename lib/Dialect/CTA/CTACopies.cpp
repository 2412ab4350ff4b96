//===- CTACopies.cpp - copies to and from shared memory ---------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "VerifySupport.h"

using namespace mlir;
using namespace mla::cta;

/// Checks a copy between `buffer` and the box of `memref` whose first element
/// has `indices`.
static LogicalResult verifyCopy(Operation *op, Type memref, size_t indices,
                                BufferType buffer) {
  auto type = cast<MemRefType>(memref);
  if (indices != static_cast<size_t>(type.getRank()))
    return op->emitOpError() << "expected " << type.getRank() << " indices for "
                             << type << ", got " << indices;
  if (type.getElementType() != buffer.getElementType())
    return op->emitOpError() << "expected a tile of " << type.getElementType()
                             << ", got " << buffer;
  if (type.getElementTypeBitWidth() % 8)
    return op->emitOpError()
           << "expected elements of whole bytes, got " << type.getElementType()
           << ", which is packed in shared memory only";
  return success();
}

LogicalResult GatherAsyncOp::verify() {
  auto rows = cast<RankedTensorType>(getRows().getType());
  BufferType dest = getDest().getType();
  if (dest.getShape().size() != 2 || rows.getRank() != 1 ||
      dest.getShape()[0] != rows.getDimSize(0))
    return emitOpError() << "expected as many row indices as rows of " << dest
                         << ", got " << rows;
  if (!getBarrier() != !getBarrierIndex())
    return emitOpError("expected a barrier and its index, or neither");
  if (!getBlock() && (getMap() || getBarrier()))
    return emitOpError("expected a tensor map and a barrier only with `block`");
  return tile::verifyGather(*this, cast<MemRefType>(getSource().getType()),
                            getIndices().size(), getDim(), /*rowRank=*/1);
}

LogicalResult CopyAsyncOp::verify() {
  if (!getBarrier() != !getBarrierIndex())
    return emitOpError("expected a barrier and its index, or neither");
  BufferType dest = getDest().getType();
  int64_t rank = cast<MemRefType>(getSource().getType()).getRank();
  if (std::optional<ArrayRef<int64_t>> dims = getDims()) {
    if (failed(tile::verifyDims(*this, *dims, rank, dest.getShape().size())))
      return failure();
    if (!dims->empty() && dims->back() != rank - 1)
      return emitOpError() << "expected dims that end with the last dimension, "
                           << rank - 1 << ", got " << dims->back();
  }
  return verifyCopy(*this, getSource().getType(), getIndices().size(), dest);
}

/// Checks a bulk copy between `buffer` and contiguous bytes of `memref`.
static LogicalResult verifyBulk(Operation *op, Type memref, size_t indices,
                                BufferType buffer) {
  if (buffer.getBytes() % 16)
    return op->emitOpError()
           << "expected a multiple of 16 bytes, got " << buffer.getBytes();
  if (SharedLayoutAttr layout = buffer.getLayout();
      layout && layout.getSwizzle())
    return op->emitOpError()
           << "expected a tile without a swizzle, got " << buffer;
  return verifyCopy(op, memref, indices, buffer);
}

LogicalResult BulkLoadOp::verify() {
  if (!getBarrier() != !getBarrierIndex())
    return emitOpError("expected a barrier and its index, or neither");
  return verifyBulk(*this, getSource().getType(), getIndices().size(),
                    getDest().getType());
}

LogicalResult StoreAsyncOp::verify() {
  if (failed(verifyOneLane(*this)))
    return failure();
  return verifyCopy(*this, getDest().getType(), getIndices().size(),
                    getSource().getType());
}

LogicalResult BulkStoreOp::verify() {
  if (failed(verifyOneLane(*this)))
    return failure();
  return verifyBulk(*this, getDest().getType(), getIndices().size(),
                    getSource().getType());
}

LogicalResult BulkCommitOp::verify() { return verifyOneLane(*this); }
LogicalResult BulkWaitOp::verify() { return verifyOneLane(*this); }
