//===- GlobalOps.cpp - global memory and flags in it ------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// PTX ISA: ld, st; ld.acquire.gpu, st.release.gpu.
//
//===----------------------------------------------------------------------===//

#include "Handlers.h"

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

/// Every thread reads the scalar. Also used before the roles start.
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

//===----------------------------------------------------------------------===//
// Flags
//===----------------------------------------------------------------------===//

/// The address of the element that the op names; `memref` is its operand.
static FailureOr<char *> locate(Role &role, const Instruction &in,
                                size_t memref) {
  const Argument &array = role.getArray(in.operands[memref]);
  std::string error;
  std::optional<int64_t> offset = locateElement(
      array, role.getInts(ArrayRef(in.operands).drop_front(memref + 1)), error);
  if (!offset)
    return role.failAt(in.op, error);
  return getAddress(array, *offset);
}

static LogicalResult runLoadAcquire(Frame &frame, const Instruction &in) {
  Role &role = Role::of(frame);
  FailureOr<char *> address = locate(role, in, 0);
  if (failed(address))
    return failure();
  auto flag = role.machine.flags.find(*address);
  if (flag != role.machine.flags.end())
    for (Warp &warp : role.getWarps())
      warp.knows.join(flag->second.knowledge);
  role.polled = true;
  frame.set(in.results[0],
            readElement(frame.getArray(in.operands[0]).elementType, *address));
  return success();
}

/// A reader synchronises with the last writer only, so writers that are not
/// ordered among themselves are an error.
static LogicalResult runStoreRelease(Frame &frame, const Instruction &in) {
  Role &role = Role::of(frame);
  FailureOr<char *> address = locate(role, in, 1);
  if (failed(address))
    return failure();
  Warp &warp = role.getWarps().front();
  Flag &flag = role.machine.flags[*address];
  if (!warp.knows.now.knows(flag.writer))
    return role.failAt(in.op,
                       "writes a flag without having read what was last "
                       "written there",
                       flag.event);
  flag = {{warp.agent, warp.knows.now.get(warp.agent)},
          role.makeEvent(in.op),
          warp.knows};
  role.publish();
  writeElement(frame.getArray(in.operands[1]).elementType, *address,
               frame.get(in.operands[0]).scalar);
  return success();
}

/// The kernels of a program run one after the other here.
static LogicalResult runNothing(Frame &, const Instruction &) {
  return success();
}

void mla::sim::addGlobalOps(HandlerTable &table) {
  table["tile.load"] = runLoad;
  table["tile.store"] = runStore;
  table["memref.load"] = runScalarLoad;
  table["cta.load_acquire"] = runLoadAcquire;
  table["cta.store_release"] = runStoreRelease;
  table["cta.launch_wait"] = runNothing;
  table["cta.launch_dependents"] = runNothing;
}
