//===- CopyOps.cpp - copies into shared memory ------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// PTX ISA: cp.async; cp.async.bulk and cp.async.bulk.tensor with mbarrier
// completion.
//
//===----------------------------------------------------------------------===//

#include "BulkCopy.h"
#include "Handlers.h"

using namespace mlir;
using namespace mla;
using namespace mla::sim;
using namespace mla::interp;

//===----------------------------------------------------------------------===//
// cp.async. A gather with `block` is simulated as one without.
//===----------------------------------------------------------------------===//

static LogicalResult runGatherAsync(Frame &frame, const Instruction &in) {
  Role &role = Role::of(frame);
  auto op = cast<cta::GatherAsyncOp>(in.op);
  const Argument &array = frame.getArray(in.operands[0]);
  auto rows = frame.get(in.operands[1]).tile;
  size_t numIndices = op.getIndices().size();
  SmallVector<int64_t> rest =
      frame.getInts(ArrayRef(in.operands).slice(2, numIndices));
  int64_t dest = frame.getInt(in.operands[2 + numIndices]);
  if (op.getBlock()) {
    std::string fault = interp::findBlockFault(
        array, *rows, frame.getInt(in.operands[3 + numIndices]), op.getDim(),
        op.getBlockDim());
    if (!fault.empty())
      return role.failAt(in.op, fault);
  }
  cta::BufferType type = op.getDest().getType();
  const Footprint &footprint = role.machine.getFootprint(type);

  Time number = ++role.copiesIssued;
  EventId event = role.lastCopy = role.makeEvent(in.op);
  Touch touch{in.op, event, /*write=*/true, Proxy::Generic,
              Epoch{role.copyAgent, number}};
  if (failed(touchShared(role, role.getWarps(), dest, footprint, touch)))
    return failure();
  Touch read = touch;
  read.write = false;
  for (int64_t row : rows->ints) {
    SmallVector<int64_t> start =
        interp::locateRow(array, row, rest, op.getDim());
    if (failed(touchGlobal(role, array,
                           {array, start, type.getShape().drop_front()},
                           Attribute(), read)))
      return failure();
  }
  poison(role.cta, dest, footprint);
  role.copiesInFlight.push_back(number);

  Flight flight;
  flight.op = in.op;
  flight.role = &role;
  flight.kind = TraceKind::Copy;
  flight.ready = [] { return true; };
  flight.land = [&role, &array, &footprint, rows, rest, dest, type, number,
                 dim = op.getDim()] {
    TilePtr tile = makeTile(type);
    readRows(array, *rows, rest, dim, *tile);
    storeTile(role.cta, dest, footprint, *tile);
    llvm::erase(role.copiesInFlight, number);
    return success();
  };
  return role.machine.launch(std::move(flight));
}

//===----------------------------------------------------------------------===//
// Bulk copies that a barrier counts
//===----------------------------------------------------------------------===//

namespace {
/// A copy whose bytes an mbarrier counts.
struct CountedCopy {
  Role &role;
  const Instruction &in;
  cta::BufferType type;
  int64_t dest;
  MBarrier &barrier;
  /// Reads the data, when the copy lands.
  std::function<TilePtr()> read;

  LogicalResult launch();
};
} // namespace

LogicalResult CountedCopy::launch() {
  if (!isFenced(barrier, role.getWarps()))
    return role.failAt(in.op, "signals " + describe(barrier) +
                                  " without cta.mbarrier_init_fence after its "
                                  "initialisation");
  if (failed(checkAlignment(role, in.op, dest)))
    return failure();
  const Footprint &footprint = role.machine.getFootprint(type);
  ArrayRef<Warp> warps = ArrayRef<Warp>(role.getWarps()).take_front(1);
  Knowledge issuer = warps.front().knows;
  if (failed(checkPhase(role, in.op, barrier, issuer)))
    return failure();
  EventId event = role.makeEvent(in.op);
  Touch touch{in.op, event, /*write=*/true, Proxy::Async,
              beginCopy(barrier, event)};
  if (failed(touchShared(role, warps, dest, footprint, touch)))
    return failure();
  poison(role.cta, dest, footprint);

  Flight flight;
  flight.op = in.op;
  flight.role = &role;
  flight.kind = TraceKind::Copy;
  flight.ready = [] { return true; };
  flight.land = [copy = *this, &footprint, issuer] {
    storeTile(copy.role.cta, copy.dest, footprint, *copy.read());
    return endCopy(copy.role, copy.in.op, copy.barrier, copy.type.getBytes(),
                   issuer);
  };
  return role.machine.launch(std::move(flight));
}

/// The read of such a copy, which is over when the barrier's phase completes.
static Touch makeCountedRead(Role &role, const Instruction &in,
                             const MBarrier &barrier) {
  return {in.op, role.makeEvent(in.op), /*write=*/false, Proxy::Async,
          Epoch{barrier.agent, barrier.phase + 1}};
}

/// The index of the first operand of an ODS group.
template <typename OpTy> static size_t findOperand(OpTy op, unsigned group) {
  return op.getODSOperandIndexAndLength(group).first;
}

static LogicalResult runCopyAsync(Frame &frame, const Instruction &in) {
  Role &role = Role::of(frame);
  auto op = cast<cta::CopyAsyncOp>(in.op);
  cta::BufferType type = op.getDest().getType();
  if (!op.getBarrier())
    return role.failAt(in.op, "expected a barrier; run "
                              "--mla-materialize-barriers first");
  if (failed(checkTensorMap(role, in.op, op.getMap(), type, op.getDims())))
    return failure();
  size_t numIndices = op.getIndices().size();
  const Argument &array = frame.getArray(in.operands[0]);
  Window window(frame, op.getDims(), type.getShape().size(),
                ArrayRef(in.operands).take_front(1 + numIndices));
  Box box = window.getBox(type.getShape());
  FailureOr<MBarrier *> barrier =
      getBarrier(role, in, in.operands[findOperand(op, 4)],
                 in.operands[findOperand(op, 5)]);
  if (failed(barrier))
    return failure();
  Touch read = makeCountedRead(role, in, **barrier);
  if (failed(touchGlobal(role, array, box, Attribute(), read)))
    return failure();
  // An H200 reports such a copy as an illegal instruction.
  int64_t byte =
      box.start.back() * static_cast<int64_t>(getByteWidth(array.elementType));
  if (byte % kBulkBytes)
    return role.failAt(in.op, "expected a box that starts at a multiple of " +
                                  Twine(kBulkBytes) +
                                  " bytes in its last dimension, got byte " +
                                  Twine(byte));
  int64_t dest = frame.getInt(in.operands[1 + numIndices]);
  auto load = [type, window] {
    TilePtr tile = makeTile(type);
    readBox(window.getBox(tile->shape), *tile);
    return tile;
  };
  return CountedCopy{role, in, type, dest, **barrier, load}.launch();
}

static LogicalResult runBulkLoad(Frame &frame, const Instruction &in) {
  Role &role = Role::of(frame);
  auto op = cast<cta::BulkLoadOp>(in.op);
  cta::BufferType type = op.getDest().getType();
  if (!op.getBarrier())
    return role.failAt(in.op, "expected a barrier; run "
                              "--mla-materialize-barriers first");
  size_t numIndices = op.getIndices().size();
  const Argument &array = frame.getArray(in.operands[0]);
  SmallVector<int64_t> start =
      frame.getInts(ArrayRef(in.operands).slice(1, numIndices));
  int64_t count = ShapedType::getNumElements(type.getShape());
  FailureOr<int64_t> offset = locateBulk(role, in, array, start, count);
  FailureOr<MBarrier *> barrier =
      getBarrier(role, in, in.operands[findOperand(op, 3)],
                 in.operands[findOperand(op, 4)]);
  if (failed(offset) || failed(barrier))
    return failure();
  int64_t width = getByteWidth(array.elementType);
  if (failed(touchGlobal(role, role.getWarps().take_front(1), array,
                         {*offset * width, (*offset + count) * width},
                         makeCountedRead(role, in, **barrier))))
    return failure();
  int64_t dest = frame.getInt(in.operands[1 + numIndices]);
  auto load = [type, count, row = makeRow(array, *offset, count)] {
    TilePtr tile = makeTile(type);
    for (int64_t n = 0; n < count; ++n)
      tile->set(n, readElement(tile->type, getAddress(row, n)));
    return tile;
  };
  return CountedCopy{role, in, type, dest, **barrier, load}.launch();
}

void mla::sim::addCopyOps(HandlerTable &table) {
  table["cta.gather_async"] = runGatherAsync;
  table["cta.copy_async"] = runCopyAsync;
  table["cta.bulk_load"] = runBulkLoad;
}
