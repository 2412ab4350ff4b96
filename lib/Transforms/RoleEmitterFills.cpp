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
  SmallVector<Value> rows;
  for (Operation *load : loads) {
    FailureOr<Value> looked = emitRows(load);
    if (failed(looked))
      return failure();
    rows.push_back(*looked);
  }
  Value slot = mark(cta::AcquireOp::create(b, ring));
  SmallVector<int64_t> offsets(getTileType(tile).getRank(), 0);
  for (auto [load, index] : llvm::zip(loads, rows)) {
    RankedTensorType type = getTileType(load->getResult(0));
    Value dest = getView(slot, offsets, type.getShape());
    if (!dest || failed(emitFill(load, index, dest)))
      return failure();
    if (concat)
      offsets[concat.getDim()] += type.getDimSize(concat.getDim());
  }
  return success();
}

FailureOr<Value> RoleEmitter::emitRows(Operation *op) {
  if (auto gather = dyn_cast<tile::GatherOp>(op)) {
    Value rows = getFragment(gather.getRows(), {}, op);
    if (!rows)
      return failure();
    return rows;
  }
  auto load = cast<tile::LoadOp>(op);
  if (load.getPaddingAttr())
    return load.emitOpError("expected no padding on an asynchronous load, "
                            "which always pads with zeros");
  if (!load.getDims() && load.getBounds().empty())
    return Value();
  int64_t rank = load.getIndices().size();
  SmallVector<int64_t> order = tile::orderDims(load.getDims(), rank, 2);
  if (load.getBounds().size() > 1 || order[rank - 2] != 0 ||
      order[rank - 1] != rank - 1)
    return load.emitOpError(
        "expected an asynchronous load with dims or bounds to read rows of "
        "the memref's first dimension, bounded by rows only");
  return emitBoundedRows(load);
}

Value RoleEmitter::emitBoundedRows(tile::LoadOp load) {
  Type i32 = b.getI32Type();
  auto type =
      RankedTensorType::get(getTileType(load.getResult()).getDimSize(0), i32);
  auto splat = [&](Value scalar) -> Value {
    Value number = mark(arith::IndexCastOp::create(b, i32, scalar));
    return mark(tensor::SplatOp::create(b, number, type));
  };
  Value first = mapScalars(load.getIndices())[0];
  Value rows = mark(arith::AddIOp::create(
      b, mark(tile::IotaOp::create(b, type)), splat(first)));
  for (Value bound : mapScalars(load.getBounds())) {
    Value zero = arith::ConstantIndexOp::create(b, 0);
    Value size = memref::DimOp::create(b, load.getSource(), zero);
    Value end = mark(arith::MinSIOp::create(b, bound, size));
    Value inside = mark(
        arith::CmpIOp::create(b, arith::CmpIPredicate::slt, rows, splat(end)));
    Value outside = mark(arith::ConstantOp::create(
        b, DenseElementsAttr::get(type, APInt(32, -1, true))));
    rows = mark(arith::SelectOp::create(b, inside, rows, outside));
  }
  return rows;
}

LogicalResult RoleEmitter::emitFill(Operation *op, Value rows, Value dest) {
  if (auto gather = dyn_cast<tile::GatherOp>(op)) {
    Value block = gather.getBlock();
    mark(cta::GatherAsyncOp::create(
        b, gather.getSource(), rows, mapScalars(gather.getIndices()), dest,
        gather.getDim(), block ? scalars.lookupOrDefault(block) : Value()));
    return success();
  }
  auto load = cast<tile::LoadOp>(op);
  SmallVector<Value> indices = mapScalars(load.getIndices());
  if (rows)
    mark(cta::GatherAsyncOp::create(b, load.getSource(), rows,
                                    ArrayRef(indices).drop_front(), dest,
                                    /*dim=*/0, /*block=*/Value()));
  else
    mark(cta::CopyAsyncOp::create(b, load.getSource(), indices, dest, Value(),
                                  Value(), Value()));
  return success();
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
