//===- SharedOps.cpp - tiles in shared memory -------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "Handlers.h"
#include "mla/Interpreter/Reduce.h"

using namespace mlir;
using namespace mla;
using namespace mla::sim;
using namespace mla::interp;

static LogicalResult runRing(Frame &frame, const Instruction &in) {
  Role &role = Role::of(frame);
  auto op = cast<cta::RingOp>(in.op);
  if (!op.getOffset())
    return role.failAt(in.op, "expected a place in shared memory; run "
                              "--mla-stage-shared first");
  frame.set(in.results[0], Lane::ofInt(static_cast<int64_t>(*op.getOffset())));
  return success();
}

static LogicalResult runBuffer(Frame &frame, const Instruction &in) {
  Role &role = Role::of(frame);
  auto op = cast<cta::BufferOp>(in.op);
  int64_t at = 0;
  if (op.getBase())
    at = frame.getInt(in.operands[0]) + static_cast<int64_t>(*op.getByte());
  else if (op.getOffset())
    at = static_cast<int64_t>(*op.getOffset());
  else
    return role.failAt(in.op, "expected a place in shared memory");
  frame.set(in.results[0], Lane::ofInt(at));
  return success();
}

static LogicalResult runSlot(Frame &frame, const Instruction &in) {
  auto op = cast<cta::SlotOp>(in.op);
  cta::RingType ring = op.getRing().getType();
  int64_t index = frame.getInt(in.operands[1]);
  if (index < 0 || index >= ring.getDepth())
    return Role::of(frame).failAt(in.op, "expected a slot in [0, " +
                                             Twine(ring.getDepth()) +
                                             "), got " + Twine(index));
  frame.set(in.results[0], Lane::ofInt(frame.getInt(in.operands[0]) +
                                       index * ring.getSlotType().getBytes()));
  return success();
}

static LogicalResult runView(Frame &frame, const Instruction &in) {
  auto op = cast<cta::ViewOp>(in.op);
  cta::BufferType source = op.getSource().getType();
  std::optional<int64_t> offset = getViewOffset(source, op.getOffsets());
  // Without a swizzle rows follow each other, so a view has whole rows.
  cta::SharedLayoutAttr layout = source.getLayout();
  bool whole = op.getResult().getType().getShape().drop_front() ==
               source.getShape().drop_front();
  if (!offset || (!whole && !(layout && layout.getSwizzle())))
    return Role::of(frame).failAt(
        in.op, "expected a view of whole rows, or one that starts at a "
               "multiple of 8 rows and at a block of the swizzle");
  frame.set(in.results[0], Lane::ofInt(frame.getInt(in.operands[0]) + *offset));
  return success();
}

/// Ops that only give their operand another type.
static LogicalResult runSame(Frame &frame, const Instruction &in) {
  frame.set(in.results[0], frame.get(in.operands[0]));
  return success();
}

static FailureOr<Attribute> getFragmentLayout(Role &role, Operation *op,
                                              RankedTensorType fragment) {
  if (Attribute layout = getLayoutOf(fragment))
    return layout;
  return role.failAt(op, "expected a fragment with a layout; run "
                         "--mla-assign-layouts first");
}

static LogicalResult runLoadShared(Frame &frame, const Instruction &in) {
  Role &role = Role::of(frame);
  auto op = cast<cta::LoadSharedOp>(in.op);
  int64_t at = frame.getInt(in.operands[0]);
  cta::BufferType buffer = op.getSource().getType();
  Touch touch{in.op, role.makeEvent(in.op), /*write=*/false};
  auto layout = getFragmentLayout(role, op, op.getFragment().getType());
  if (failed(layout) || failed(touchByWarp(role, at, buffer, *layout, touch)))
    return failure();
  TilePtr tile = makeResult(in);
  loadTile(role.cta, at, role.machine.getFootprint(buffer), *tile);
  frame.set(in.results[0], std::move(tile));
  return success();
}

static LogicalResult runStoreShared(Frame &frame, const Instruction &in) {
  Role &role = Role::of(frame);
  auto op = cast<cta::StoreSharedOp>(in.op);
  int64_t at = frame.getInt(in.operands[1]);
  cta::BufferType buffer = op.getDest().getType();
  Touch touch{in.op, role.makeEvent(in.op), /*write=*/true};
  touch.needsFence = true;
  auto layout = getFragmentLayout(role, op, op.getFragment().getType());
  if (failed(layout) || failed(touchByWarp(role, at, buffer, *layout, touch)))
    return failure();
  storeTile(role.cta, at, role.machine.getFootprint(buffer),
            frame.getTile(in.operands[0]));
  return success();
}

/// Reduces dimension `dim` of a fragment with a direct layout: one result for
/// each group of its threads that shares a warp.
static LogicalResult runReduceGroups(Frame &frame, const Instruction &in,
                                     int64_t dim) {
  Role &role = Role::of(frame);
  auto op = cast<cta::ReduceWarpOp>(in.op);
  const DenseTile &source = frame.getTile(in.operands[0]);
  auto layout = cta::getDirectLayout(op.getSource().getType());
  if (!layout)
    return role.failAt(in.op, "expected a fragment with a direct layout");
  int64_t stride = layout.getStrides()[dim];
  int64_t group = std::max<int64_t>(stride, 32);
  TilePtr result = makeResult(in);
  int64_t groups = result->shape[dim];
  if (groups != layout.getSpan(dim) / group)
    return role.failAt(in.op, "expected " + Twine(layout.getSpan(dim) / group) +
                                  " groups, got " + Twine(groups));
  for (int64_t n = 0, size = result->size(); n < size; ++n)
    result->set(n, getNeutral(op.getKind(), source.type));
  int64_t inner = 1;
  for (int64_t size : ArrayRef(source.shape).drop_front(dim + 1))
    inner *= size;
  cta::DirectLayoutAttr along = cta::DirectLayoutAttr::get(
      op.getContext(), layout.getThreads()[dim], stride, layout.getVector(dim));
  for (int64_t n = 0, size = source.size(); n < size; ++n) {
    int64_t at = n / inner % source.shape[dim];
    int64_t number = getThreads(along, source.shape[dim], at).value / group;
    int64_t to =
        (n / inner / source.shape[dim] * groups + number) * inner + n % inner;
    result->set(
        to, combine(op.getKind(), source.type, result->get(to), source.get(n)));
  }
  frame.set(in.results[0], std::move(result));
  return success();
}

/// Reduces the rows that each warp holds: one vector per warp, one after the
/// other.
static LogicalResult runReduceWarp(Frame &frame, const Instruction &in) {
  Role &role = Role::of(frame);
  auto op = cast<cta::ReduceWarpOp>(in.op);
  if (std::optional<uint64_t> dim = op.getDim())
    return runReduceGroups(frame, in, static_cast<int64_t>(*dim));
  const DenseTile &source = frame.getTile(in.operands[0]);
  auto warps = static_cast<int64_t>(role.getWarps().size());
  auto layout = getFragmentLayout(role, op, op.getSource().getType());
  if (failed(layout))
    return failure();
  TilePtr result = makeResult(in);
  int64_t columns = source.shape[1];
  if (result->size() != warps * columns)
    return role.failAt(in.op,
                       "expected a role of 4 warps, got " + Twine(warps));
  for (int64_t n = 0, size = result->size(); n < size; ++n)
    result->set(n, getNeutral(op.getKind(), source.type));
  for (int64_t n = 0, size = source.size(); n < size; ++n) {
    int64_t warp = *getWarpOf(*layout, source.shape, n, warps);
    int64_t at = warp * columns + n % columns;
    result->set(
        at, combine(op.getKind(), source.type, result->get(at), source.get(n)));
  }
  frame.set(in.results[0], std::move(result));
  return success();
}

void mla::sim::addSharedOps(HandlerTable &table) {
  table["cta.ring"] = runRing;
  table["cta.buffer"] = runBuffer;
  table["cta.slot"] = runSlot;
  table["cta.view"] = runView;
  table["cta.descriptor"] = runSame;
  table["cta.tensor_map"] = runSame;
  table["cta.convert_layout"] = runSame;
  table["cta.reduce_warp"] = runReduceWarp;
  table["cta.load_shared"] = runLoadShared;
  table["cta.store_shared"] = runStoreShared;
}
