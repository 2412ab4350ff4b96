//===- RoleEmitterFills.cpp - how one role fills rings ----------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "RoleEmitter.h"

using namespace mlir;
using namespace mla;

LogicalResult RoleEmitter::emitAsyncLoad(Operation *op) {
  Value tile = op->getResult(0);
  cta::RingOp ring = channels.get(tile, role);
  if (!ring)
    return failure();
  SmallVector<Operation *> loads{op};
  auto concat = dyn_cast<tile::ConcatOp>(op);
  if (concat)
    loads = llvm::map_to_vector(concat.getParts(),
                                [](Value v) { return v.getDefiningOp(); });
  // Row indices are loaded before the wait for the slot, which can take long.
  SmallVector<Rows> rows;
  for (Operation *load : loads) {
    FailureOr<Rows> looked = emitRows(load);
    if (failed(looked))
      return failure();
    rows.push_back(*looked);
  }
  Value slot = mark(cta::AcquireOp::create(b, ring));
  SmallVector<int64_t> offsets(getTileType(tile).getRank(), 0);
  for (auto [load, itsRows] : llvm::zip(loads, rows)) {
    RankedTensorType type = getTileType(load->getResult(0));
    Value dest = getView(slot, offsets, type.getShape());
    if (!dest)
      return failure();
    emitFill(load, itsRows, dest);
    if (concat)
      offsets[concat.getDim()] += type.getDimSize(concat.getDim());
  }
  return success();
}

/// The dimension of the memref in which the rows of `load` follow each other.
static int64_t getRowDim(tile::LoadOp load) {
  int64_t rank = load.getIndices().size();
  return tile::orderDims(load.getDims(), rank, 2)[rank - 2];
}

FailureOr<RoleEmitter::Rows> RoleEmitter::emitRows(Operation *op) {
  if (auto gather = dyn_cast<tile::GatherOp>(op)) {
    Value indices = getFragment(gather.getRows(), {}, op);
    if (!indices)
      return failure();
    Value block = gather.getBlock();
    return Rows{indices, block ? scalars.lookupOrDefault(block) : Value()};
  }
  auto load = cast<tile::LoadOp>(op);
  if (load.getPaddingAttr())
    return load.emitOpError("expected no padding on an asynchronous load, "
                            "which always pads with zeros");
  auto rank = static_cast<int64_t>(load.getIndices().size());
  if (load.getBounds().size() > 1 ||
      (load.getDims() && load.getDims()->back() != rank - 1))
    return load.emitOpError(
        "expected an asynchronous load with dims or bounds to read rows along "
        "the memref's last dimension, bounded by rows only");
  if (load.getBounds().empty())
    return Rows();
  return emitBoundedRows(load, getRowDim(load));
}

RoleEmitter::Rows RoleEmitter::emitBoundedRows(tile::LoadOp load, int64_t dim) {
  Type i32 = b.getI32Type();
  int64_t number = getTileType(load.getResult()).getDimSize(0);
  auto type = RankedTensorType::get(number, i32);
  auto splat = [&](Value scalar) -> Value {
    Value number = mark(arith::IndexCastOp::create(b, i32, scalar));
    return mark(tensor::SplatOp::create(b, number, type));
  };
  Value first = mapScalars(load.getIndices())[dim];
  Value bound = mapScalars(load.getBounds())[0];
  Value rows = mark(arith::AddIOp::create(
      b, mark(tile::IotaOp::create(b, type)), splat(first)));
  Value size = memref::DimOp::create(b, load.getSource(),
                                     arith::ConstantIndexOp::create(b, dim));
  Value end = mark(arith::MinSIOp::create(b, bound, size));
  Value inside = mark(
      arith::CmpIOp::create(b, arith::CmpIPredicate::slt, rows, splat(end)));
  Value outside = mark(arith::ConstantOp::create(
      b, DenseElementsAttr::get(type, APInt(32, -1, true))));
  rows = mark(arith::SelectOp::create(b, inside, rows, outside));
  Value next = mark(arith::AddIOp::create(
      b, first, arith::ConstantIndexOp::create(b, number)));
  Value isBlock =
      mark(arith::CmpIOp::create(b, arith::CmpIPredicate::sle, next, end));
  Value none = mark(arith::ConstantOp::create(b, b.getI32IntegerAttr(-1)));
  Value start = mark(arith::IndexCastOp::create(b, i32, first));
  return {rows, mark(arith::SelectOp::create(b, isBlock, start, none))};
}

void RoleEmitter::emitFill(Operation *op, const Rows &rows, Value dest) {
  if (auto gather = dyn_cast<tile::GatherOp>(op)) {
    mark(cta::GatherAsyncOp::create(b, gather.getSource(), rows.indices,
                                    mapScalars(gather.getIndices()), dest,
                                    gather.getDim(), rows.block));
    return;
  }
  auto load = cast<tile::LoadOp>(op);
  SmallVector<Value> indices = mapScalars(load.getIndices());
  if (!rows.indices) {
    mark(cta::CopyAsyncOp::create(b, load.getSource(), indices, dest,
                                  load.getDimsAttr()));
    return;
  }
  int64_t dim = getRowDim(load);
  indices.erase(indices.begin() + dim);
  mark(cta::GatherAsyncOp::create(b, load.getSource(), rows.indices, indices,
                                  dest, dim, rows.block));
}

LogicalResult RoleEmitter::fillChannels() {
  for (Channel channel : channels.all()) {
    Operation *def = channel.tile.getDefiningOp();
    if (!llvm::is_contained(channel.writers, role) || (def && isAsyncLoad(def)))
      continue;
    Value fragment = fragments.lookup(channel.tile);
    if (!fragment)
      return emitError(channel.tile.getLoc())
             << "role " << schedule.getRoles()[role].getName()
             << " does not compute this tile, which other roles read";
    b.setInsertionPointAfterValue(fragment);
    b.setLoc(channel.tile.getLoc());
    row = def ? schedule.lookup(tile::getLabel(def)) : PlaceAttr();
    Slice slice = placement.get(channel.tile).getSlice(role);
    ArrayRef<int64_t> shape = getTileType(channel.tile).getShape();
    SmallVector<int64_t> offsets;
    for (auto [d, size] : llvm::enumerate(shape))
      offsets.push_back(slice.getOffset(d, size));
    Value slot = mark(cta::AcquireOp::create(b, channel.ring));
    Value part = getView(slot, offsets, slice.apply(shape));
    if (!part)
      return failure();
    mark(cta::StoreSharedOp::create(b, fragment, part));
  }
  return success();
}
