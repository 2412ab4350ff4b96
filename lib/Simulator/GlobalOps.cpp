//===- GlobalOps.cpp - global memory and what orders it ---------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// PTX ISA: ld, st; atom.relaxed.gpu; ld.acquire.gpu; fence.acq_rel.gpu.
//
//===----------------------------------------------------------------------===//

#include "Machine.h"

using namespace mlir;
using namespace mla;
using namespace mla::sim;
using namespace mla::interp;

static LogicalResult runTileLevel(Frame &frame, const Instruction &in) {
  static const HandlerTable &table = getTileVocabulary().handlers;
  return table.lookup(in.op->getName().getStringRef())(frame, in);
}

static LogicalResult runLoad(Frame &frame, const Instruction &in) {
  Role &role = Role::of(frame);
  if (!role.machine.globals.empty() || frame.getArray(in.operands[0]).written) {
    auto type = cast<RankedTensorType>(in.op->getResult(0).getType());
    Window window(frame, cast<tile::LoadOp>(in.op), in.operands);
    Touch touch{in.op, role.makeEvent(in.op), /*write=*/false};
    if (failed(touchGlobal(role, frame.getArray(in.operands[0]),
                           window.getBox(type.getShape()), getLayoutOf(type),
                           touch)))
      return failure();
  }
  return runTileLevel(frame, in);
}

static LogicalResult runStore(Frame &frame, const Instruction &in) {
  Role &role = Role::of(frame);
  auto store = cast<tile::StoreOp>(in.op);
  auto type = cast<RankedTensorType>(store.getTile().getType());
  Window window(frame, store, in.operands);
  Touch touch{in.op, role.makeEvent(in.op), /*write=*/true};
  if (failed(touchGlobal(role, frame.getArray(in.operands[1]),
                         window.getBox(type.getShape()), getLayoutOf(type),
                         touch)))
    return failure();
  return runTileLevel(frame, in);
}

/// Reads a scalar, as every thread does. Also used before the roles exist.
static LogicalResult runScalarLoad(Frame &frame, const Instruction &in) {
  if (failed(runTileLevel(frame, in)) || !in.op->getParentOfType<cta::RoleOp>())
    return success(!frame.getFailure());
  Role &role = Role::of(frame);
  SmallVector<int64_t> start =
      frame.getInts(ArrayRef(in.operands).drop_front());
  Touch touch{in.op, role.makeEvent(in.op), /*write=*/false};
  const Argument &array = frame.getArray(in.operands[0]);
  return touchGlobal(role, array, {array, start, {}}, Attribute(), touch);
}

/// The address of the element that the op names.
static FailureOr<char *> locate(Role &role, const Instruction &in,
                                size_t memref) {
  const Argument &array = role.getArray(in.operands[memref]);
  std::string error;
  std::optional<int64_t> offset = locateElement(
      array,
      role.getInts(ArrayRef(in.operands).slice(memref + 1, array.shape.size())),
      error);
  if (!offset)
    return role.failAt(in.op, error);
  return getAddress(array, *offset);
}

/// Relaxed: it passes on what a fence before it covers, and what it learns
/// counts from the next fence on.
static LogicalResult runAtomicAdd(Frame &frame, const Instruction &in) {
  Role &role = Role::of(frame);
  FailureOr<char *> address = locate(role, in, 1);
  if (failed(address))
    return failure();
  ElementType type = frame.getArray(in.operands[1]).elementType;
  Lane old = readElement(type, *address),
       value = frame.get(in.operands[0]).scalar;
  Lane sum = isFloat(type) ? Lane::ofFloat(old.f + value.f)
                           : Lane::ofInt(old.i + value.i);
  writeElement(type, *address, roundTo(type, sum));
  Warp &warp = role.getWarps().front();
  Knowledge &cell = role.machine.cells[*address];
  warp.acquired.join(cell);
  cell.join(warp.released);
  frame.set(in.results[0], old);
  return success();
}

static LogicalResult runLoadAcquire(Frame &frame, const Instruction &in) {
  Role &role = Role::of(frame);
  FailureOr<char *> address = locate(role, in, 0);
  if (failed(address))
    return failure();
  const Knowledge &cell = role.machine.cells[*address];
  for (Warp &warp : role.getWarps())
    warp.knows.join(cell);
  role.polled = true;
  frame.set(in.results[0],
            readElement(frame.getArray(in.operands[0]).elementType, *address));
  return success();
}

static LogicalResult runFenceGpu(Frame &frame, const Instruction &) {
  Role &role = Role::of(frame);
  for (Warp &warp : role.getWarps()) {
    warp.knows.join(warp.acquired);
    warp.released = warp.knows;
  }
  role.publish();
  return success();
}

/// One kernel alone: there is nothing before it and nothing after.
static LogicalResult runNothing(Frame &, const Instruction &) {
  return success();
}

void mla::sim::addGlobalOps(HandlerTable &table) {
  table["tile.load"] = runLoad;
  table["tile.store"] = runStore;
  table["memref.load"] = runScalarLoad;
  table["cta.atomic_add"] = runAtomicAdd;
  table["cta.load_acquire"] = runLoadAcquire;
  table["cta.fence_gpu"] = runFenceGpu;
  table["cta.launch_wait"] = runNothing;
  table["cta.launch_dependents"] = runNothing;
}
