//===- RoleEmitterOperands.cpp - where a role gets operands -----*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "RoleEmitter.h"

using namespace mlir;
using namespace mla;

Value RoleEmitter::getFragment(Value tile, Slice slice, Operation *user) {
  const Placement &place = placement.get(tile);
  Operation *def = tile.getDefiningOp();
  bool local = !place.isAnywhere() && place.contains(role);
  if (local && fragments.count(tile) && place.getSlice(role) == slice)
    return fragments[tile];
  if (def && def->getNumRegions() && place.isAnywhere()) {
    user->emitOpError(
        "expected a tile that a role computes, got one that a loop "
        "carries unchanged");
    return {};
  }
  if (def && (isReplicable(def) || place.isAnywhere())) {
    for (auto &[value, part, copy] : replicas)
      if (value == tile && part == slice)
        return copy;
    OpBuilder::InsertionGuard guard(b);
    moveTo(def->getBlock());
    Value copy = emitClone(def, slice);
    if (copy)
      replicas.push_back({tile, slice, copy});
    return copy;
  }
  // The row `<label>.load` places the load of a tile from its ring; without
  // one the tile is loaded where it is used.
  PlaceAttr userRow = row;
  std::string label = def ? (tile::getLabel(def) + ".load").str() : "";
  if (PlaceAttr load = schedule.lookup(label);
      load && load.getLabel().getValue() == label) {
    row = load;
    channels.noteLoad(load);
  }
  Value buffer = getBuffer(tile, slice);
  if (!buffer) {
    user->emitOpError()
        << "role " << schedule.getRoles()[role].getName()
        << " uses a tile that it neither computes nor receives through a ring";
    return {};
  }
  auto type = cast<cta::BufferType>(buffer.getType());
  Value fragment = mark(cta::LoadSharedOp::create(
      b, RankedTensorType::get(type.getShape(), type.getElementType()),
      buffer));
  row = userRow;
  return fragment;
}

Value RoleEmitter::getBuffer(Value tile, Slice slice, bool stage) {
  SmallVector<int64_t> offsets(getTileType(tile).getRank(), 0);
  SmallVector<int64_t> shape = slice.apply(getTileType(tile).getShape());
  for (auto [d, size] : llvm::enumerate(getTileType(tile).getShape()))
    offsets[d] = slice.getOffset(d, size);
  bool viewed = false;
  while (auto view = tile.getDefiningOp<tile::ViewOp>()) {
    for (auto [offset, start] : llvm::zip(offsets, view.getOffsets()))
      offset += start;
    tile = view.getSource();
    viewed = true;
  }
  Operation *def = tile.getDefiningOp();
  const Placement &place = placement.get(tile);
  if (place.isAnywhere() || (def && isReplicable(def)))
    return {};
  bool inRegisters = !(def && isAsyncLoad(def)) && place.contains(role) &&
                     (viewed || place.getSlice(role) == slice);
  if (inRegisters && !stage)
    return {};
  // If all roles hold the whole tile, the first one writes it.
  ArrayRef<unsigned> writers = place.roles;
  Value slot =
      awaitChannel(tile, place.split < 0 ? writers.take_front() : writers);
  return slot ? getView(slot, offsets, shape) : Value();
}

Value RoleEmitter::awaitChannel(Value tile, ArrayRef<unsigned> writers) {
  Value &slot = slots[tile];
  if (slot)
    return slot;
  OpBuilder::InsertionGuard guard(b);
  cta::RingOp ring = channels.get(tile, writers);
  if (!ring)
    return {};
  moveTo(tile.getParentBlock());
  slot = mark(cta::AwaitOp::create(b, ring));
  return slot;
}

Value RoleEmitter::getView(Value slot, ArrayRef<int64_t> offsets,
                           ArrayRef<int64_t> shape) {
  auto type = cast<cta::BufferType>(slot.getType());
  if (shape == type.getShape())
    return slot;
  auto viewType = cta::BufferType::getChecked(
      [&] { return emitError(b.getLoc(), "part of a tile: "); }, b.getContext(),
      shape, type.getElementType(), type.getLayout());
  if (!viewType)
    return {};
  return mark(
      cta::ViewOp::create(b, viewType, slot, b.getDenseI64ArrayAttr(offsets)));
}

void RoleEmitter::moveTo(Block *defBlock) {
  Block *block = blocks.lookup(defBlock);
  if (!block) // Defined outside of the grid.
    block = blocks.lookup(program.getBody());
  if (b.getInsertionBlock() == block)
    return;
  Operation *ancestor =
      block->findAncestorOpInBlock(*b.getInsertionBlock()->getParentOp());
  b.setInsertionPoint(ancestor);
}
