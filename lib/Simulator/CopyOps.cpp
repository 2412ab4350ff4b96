//===- CopyOps.cpp - copies in flight ---------------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// PTX ISA: cp.async; cp.async.bulk and .tensor with mbarrier completion, to
// this CTA or to several; bulk groups of stores.
//
//===----------------------------------------------------------------------===//

#include "Machine.h"

using namespace mlir;
using namespace mla;
using namespace mla::sim;
using namespace mla::interp;

/// Addresses and sizes of bulk copies are multiples of this; in shared memory,
/// addresses of copies that a tensor map describes are of more.
static constexpr int64_t kBulkBytes = 16, kTensorBytes = 128;

static LogicalResult checkAlignment(Role &role, Operation *op, Ref place) {
  int64_t needed =
      isa<cta::CopyAsyncOp, cta::CopyMulticastOp, cta::StoreAsyncOp>(op)
          ? kTensorBytes
          : kBulkBytes;
  if (place.at % needed == 0)
    return success();
  return role.failAt(op, "expected a place in shared memory that is a multiple "
                         "of " +
                             Twine(needed) + " bytes, got byte " +
                             Twine(place.at));
}

static TilePtr makeTile(cta::BufferType type) {
  return std::make_shared<DenseTile>(
      RankedTensorType::get(type.getShape(), type.getElementType()));
}

//===----------------------------------------------------------------------===//
// cp.async
//===----------------------------------------------------------------------===//

static LogicalResult runGatherAsync(Frame &frame, const Instruction &in) {
  Role &role = Role::of(frame);
  auto op = cast<cta::GatherAsyncOp>(in.op);
  const Argument &array = frame.getArray(in.operands[0]);
  auto rows = frame.get(in.operands[1]).tile;
  SmallVector<int64_t> rest =
      frame.getInts(ArrayRef(in.operands).drop_front(2).drop_back());
  Ref dest = Ref::unpack(frame.get(in.operands.back()).scalar);
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
    SmallVector<int64_t> start = interp::locateRow(array, row, rest);
    if (failed(touchGlobal(role, array,
                           {array, start, type.getShape().drop_front()},
                           Attribute(), read)))
      return failure();
  }
  poison(*role.machine.ctas[dest.cta], dest.at, footprint);
  role.copiesInFlight.push_back(number);

  Flight flight;
  flight.op = in.op;
  flight.role = &role;
  flight.kind = TraceKind::Copy;
  flight.ready = [] { return true; };
  flight.land = [&role, &array, &footprint, rows, rest, dest, type, number] {
    TilePtr tile = makeTile(type);
    readRows(array, *rows, rest, *tile);
    storeTile(*role.machine.ctas[dest.cta], dest.at, footprint, *tile);
    llvm::erase(role.copiesInFlight, number);
    return success();
  };
  return role.machine.launch(std::move(flight));
}

//===----------------------------------------------------------------------===//
// Bulk copies that a barrier counts
//===----------------------------------------------------------------------===//

namespace {
/// What the copies with a barrier have in common.
struct CountedCopy {
  Role &role;
  const Instruction &in;
  cta::BufferType type;
  Ref dest;
  Ref barrier;
  /// Makes the data, when the copy lands.
  std::function<TilePtr()> read;
  /// The bytes were written by ordinary stores, as far as wgmma is concerned.
  bool needsFence = false;

  LogicalResult launch();
};
} // namespace

LogicalResult CountedCopy::launch() {
  MBarrier &counter = role.machine.getBarrier(barrier);
  if (!isFenced(counter, role.getWarps()))
    return role.failAt(in.op, "signals " + describe(counter) +
                                  " without cta.mbarrier_init_fence after its "
                                  "initialisation");
  if (failed(checkAlignment(role, in.op, dest)))
    return failure();
  const Footprint &footprint = role.machine.getFootprint(type);
  // One thread issues it, unless each stores its own registers.
  ArrayRef<Warp> warps = role.getWarps();
  if (!needsFence)
    warps = warps.take_front(1);
  Knowledge issuer = getCommon(warps);
  if (failed(checkPhase(role, in.op, counter, issuer)))
    return failure();
  EventId event = role.makeEvent(in.op);
  Touch touch{in.op,
              event,
              /*write=*/true,
              needsFence ? Proxy::Generic : Proxy::Async,
              beginCopy(counter, event),
              needsFence};
  if (failed(touchShared(role, warps, dest, footprint, touch)))
    return failure();
  poison(*role.machine.ctas[dest.cta], dest.at, footprint);

  Flight flight;
  flight.op = in.op;
  flight.role = &role;
  flight.kind = TraceKind::Copy;
  flight.ready = [] { return true; };
  flight.land = [copy = *this, &counter, &footprint, issuer] {
    Machine &machine = copy.role.machine;
    storeTile(*machine.ctas[copy.dest.cta], copy.dest.at, footprint,
              *copy.read());
    return endCopy(copy.role, copy.in.op, counter, copy.type.getBytes(),
                   issuer);
  };
  return role.machine.launch(std::move(flight));
}

/// What such a copy reads, it has read when the barrier says so.
static Touch makeCountedRead(Role &role, const Instruction &in, Ref barrier) {
  const MBarrier &counter = role.machine.getBarrier(barrier);
  return {in.op, role.makeEvent(in.op), /*write=*/false, Proxy::Async,
          Epoch{counter.agent, counter.phase + 1}};
}

/// A TMA box is as high as the tile and as wide as its swizzle (or the tile).
static LogicalResult checkTensorMap(Role &role, Operation *op, Value map,
                                    cta::BufferType type) {
  auto made = map ? map.getDefiningOp<cta::TensorMapOp>() : nullptr;
  if (!made)
    return role.failAt(op, "expected a tensor map");
  cta::SharedLayoutAttr layout = type.getLayout();
  int64_t swizzle = layout ? layout.getSwizzle() : 0;
  if (static_cast<int64_t>(made.getSwizzle()) != swizzle)
    return role.failAt(op, "expected a tensor map with the tile's swizzle of " +
                               Twine(swizzle) + " bytes, got " +
                               Twine(made.getSwizzle()));
  SmallVector<int64_t> box(made.getBox().size(), 1);
  ArrayRef<int64_t> shape = type.getShape();
  for (size_t d = 0; d < shape.size(); ++d)
    box[box.size() - shape.size() + d] = shape[d];
  int64_t width =
      std::max(1u, type.getElementType().getIntOrFloatBitWidth() / 8);
  if (swizzle)
    box.back() = std::min(box.back(), swizzle / width);
  if (ArrayRef(box) != made.getBox())
    return role.failAt(op, "expected a tensor map whose box fits the tile");
  return success();
}

/// Where the operands of an ODS group begin.
template <typename OpTy> static size_t findOperand(OpTy op, unsigned group) {
  return op.getODSOperandIndexAndLength(group).first;
}

/// TMA into the CTAs of `ranks` (of this cluster); without it, into this one.
template <typename OpTy>
static LogicalResult runTensorCopy(Frame &frame, const Instruction &in,
                                   std::optional<uint64_t> ranks) {
  Role &role = Role::of(frame);
  auto op = cast<OpTy>(in.op);
  cta::BufferType type = op.getDest().getType();
  if (!op.getBarrier())
    return role.failAt(in.op, "expected a barrier; run "
                              "--mla-materialize-barriers first");
  if (failed(checkTensorMap(role, in.op, op.getMap(), type)))
    return failure();
  size_t numIndices = op.getIndices().size();
  const Argument &array = frame.getArray(in.operands[0]);
  SmallVector<int64_t> start =
      frame.getInts(ArrayRef(in.operands).slice(1, numIndices));
  FailureOr<Ref> barrier = getBarrier(role, in, in.operands[findOperand(op, 4)],
                                      in.operands[findOperand(op, 5)]);
  if (failed(barrier))
    return failure();
  Touch read = makeCountedRead(role, in, *barrier);
  if (failed(touchGlobal(role, array, {array, start, type.getShape()},
                         Attribute(), read)))
    return failure();
  // Seen on an H200: such a copy is an illegal instruction.
  int64_t byte =
      start.back() * static_cast<int64_t>(getByteWidth(array.elementType));
  if (byte % kBulkBytes)
    return role.failAt(in.op, "expected a box that starts at a multiple of " +
                                  Twine(kBulkBytes) +
                                  " bytes in its last dimension, got byte " +
                                  Twine(byte));
  Ref dest = Ref::unpack(frame.get(in.operands[1 + numIndices]).scalar);
  auto load = [type, &array, start] {
    TilePtr tile = makeTile(type);
    readBox({array, start, tile->shape}, *tile);
    return tile;
  };
  for (unsigned rank = 0; rank < role.cta.clusterSize; ++rank) {
    if (ranks ? !(*ranks >> rank & 1) : rank != role.cta.rank)
      continue;
    unsigned cta = role.cta.clusterFirst + rank;
    CountedCopy copy{role, in, type, {cta, dest.at}, {cta, barrier->at}, load};
    if (failed(copy.launch()))
      return failure();
  }
  if (ranks && *ranks >> role.cta.clusterSize)
    return role.failAt(in.op, "expected CTAs of a cluster of " +
                                  Twine(role.cta.clusterSize) +
                                  ", got the mask " + Twine(*ranks));
  return success();
}

static LogicalResult runCopyAsync(Frame &frame, const Instruction &in) {
  return runTensorCopy<cta::CopyAsyncOp>(frame, in, std::nullopt);
}

static LogicalResult runCopyMulticast(Frame &frame, const Instruction &in) {
  return runTensorCopy<cta::CopyMulticastOp>(
      frame, in, cast<cta::CopyMulticastOp>(in.op).getCtas());
}

/// The elements of a bulk copy: `count` without gaps from `start` on. They have
/// to lie in one row, or in rows that follow each other.
static FailureOr<int64_t> locateBulk(Role &role, const Instruction &in,
                                     const Argument &array,
                                     ArrayRef<int64_t> start, int64_t count) {
  std::string error;
  std::optional<int64_t> offset = locateElement(array, start, error);
  if (!offset)
    return role.failAt(in.op, error);
  int64_t left = 1, dense = 1;
  bool contiguous = true;
  for (size_t d = start.size(); d--;) {
    contiguous &= array.strides[d] == dense;
    if (contiguous) {
      left = (array.shape[d] - start[d] - 1) * dense +
             (d + 1 == start.size() ? 1 : left);
      dense *= array.shape[d];
    }
  }
  if (count > left)
    return role.failAt(in.op, "reaches beyond the memref: expected at most " +
                                  Twine(left) + " elements, got " +
                                  Twine(count));
  if (reinterpret_cast<uintptr_t>(getAddress(array, *offset)) % kBulkBytes)
    return role.failAt(in.op, "expected an address that is a multiple of " +
                                  Twine(kBulkBytes) + " bytes");
  return *offset;
}

/// A row of `count` elements that starts `offset` elements into `array`.
static Argument makeRow(const Argument &array, int64_t offset, int64_t count) {
  return Argument::array(array.elementType, getAddress(array, offset), {count});
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
  FailureOr<Ref> barrier = getBarrier(role, in, in.operands[findOperand(op, 3)],
                                      in.operands[findOperand(op, 4)]);
  if (failed(offset) || failed(barrier))
    return failure();
  int64_t width = getByteWidth(array.elementType);
  if (failed(touchGlobal(role, role.getWarps().take_front(1), array,
                         {*offset * width, (*offset + count) * width},
                         makeCountedRead(role, in, *barrier))))
    return failure();
  Ref dest = Ref::unpack(frame.get(in.operands[1 + numIndices]).scalar);
  auto load = [type, count, row = makeRow(array, *offset, count)] {
    TilePtr tile = makeTile(type);
    for (int64_t n = 0; n < count; ++n)
      tile->set(n, readElement(tile->type, getAddress(row, n)));
    return tile;
  };
  return CountedCopy{role, in, type, dest, *barrier, load}.launch();
}

//===----------------------------------------------------------------------===//
// To a peer
//===----------------------------------------------------------------------===//

static LogicalResult runPeerCopy(Frame &frame, const Instruction &in) {
  Role &role = Role::of(frame);
  auto op = cast<cta::PeerCopyOp>(in.op);
  cta::BufferType type = op.getSource().getType();
  Ref source = Ref::unpack(frame.get(in.operands[0]).scalar);
  FailureOr<Ref> barrier = getBarrier(role, in, in.operands[2], in.operands[3]);
  if (failed(barrier))
    return failure();
  const Footprint &footprint = role.machine.getFootprint(type);
  Touch read = makeCountedRead(role, in, *barrier);
  if (failed(checkAlignment(role, in.op, source)) ||
      failed(touchShared(role, ArrayRef<Warp>(role.getWarps()).take_front(1),
                         source, footprint, read)))
    return failure();
  // This CTA must not end before its own tile has been read.
  role.cta.peerAccesses.raise(*read.epoch);
  role.cta.lastPeerAccess = read.event;
  auto load = [&role, &footprint, type, source] {
    TilePtr tile = makeTile(type);
    loadTile(*role.machine.ctas[source.cta], source.at, footprint, *tile);
    return tile;
  };
  auto local = cast<cta::BufferType>(op.getDest().getType().getLocal());
  return CountedCopy{role,     in,
                     local,    Ref::unpack(frame.get(in.operands[1]).scalar),
                     *barrier, load}
      .launch();
}

static LogicalResult runPeerStore(Frame &frame, const Instruction &in) {
  Role &role = Role::of(frame);
  auto op = cast<cta::PeerStoreOp>(in.op);
  FailureOr<Ref> barrier = getBarrier(role, in, in.operands[2], in.operands[3]);
  if (failed(barrier))
    return failure();
  auto tile = std::make_shared<DenseTile>(frame.getTile(in.operands[0]));
  CountedCopy copy{role,
                   in,
                   cast<cta::BufferType>(op.getDest().getType().getLocal()),
                   Ref::unpack(frame.get(in.operands[1]).scalar),
                   *barrier,
                   [tile] { return tile; }};
  copy.needsFence = true;
  return copy.launch();
}

//===----------------------------------------------------------------------===//
// Stores in bulk groups
//===----------------------------------------------------------------------===//

/// `write` puts the tile where it belongs in global memory.
static LogicalResult launchStore(Role &role, const Instruction &in,
                                 cta::BufferType type, EventId event,
                                 std::function<void(const DenseTile &)> write) {
  Ref source = Ref::unpack(role.get(in.operands[0]).scalar);
  const Footprint &footprint = role.machine.getFootprint(type);
  Warp &warp = role.getWarps().front();
  Touch read{in.op, event, /*write=*/false, Proxy::Async,
             Epoch{warp.bulkReadAgent, warp.bulkGroups + 1}};
  if (failed(checkAlignment(role, in.op, source)) ||
      failed(touchShared(role, warp, source, footprint, read)))
    return failure();
  auto bulk = std::make_shared<Bulk>();
  bulk->group = warp.bulkGroups + 1;
  warp.bulkOpen = true;
  warp.bulks.push_back(bulk);

  Flight flight;
  flight.op = in.op;
  flight.role = &role;
  flight.kind = TraceKind::Copy;
  flight.ready = [] { return true; };
  flight.land = [&role, &in, &footprint, type, source, bulk, write] {
    TilePtr tile = makeTile(type);
    loadTile(*role.machine.ctas[source.cta], source.at, footprint, *tile);
    bulk->read = true;
    Flight second;
    second.op = in.op;
    second.role = &role;
    second.kind = TraceKind::Copy;
    second.ready = [] { return true; };
    second.land = [bulk, tile, write] {
      write(*tile);
      bulk->written = true;
      return success();
    };
    return role.machine.launch(std::move(second));
  };
  return role.machine.launch(std::move(flight));
}

static Touch makeStoreTouch(Role &role, const Instruction &in) {
  const Warp &warp = role.getWarps().front();
  return {in.op, role.makeEvent(in.op), /*write=*/true, Proxy::Async,
          Epoch{warp.bulkWriteAgent, warp.bulkGroups + 1}};
}

static LogicalResult runStoreAsync(Frame &frame, const Instruction &in) {
  Role &role = Role::of(frame);
  auto op = cast<cta::StoreAsyncOp>(in.op);
  cta::BufferType type = op.getSource().getType();
  if (failed(checkTensorMap(role, in.op, op.getMap(), type)))
    return failure();
  const Argument &array = frame.getArray(in.operands[1]);
  SmallVector<int64_t> start =
      frame.getInts(ArrayRef(in.operands).slice(2, op.getIndices().size()));
  Touch touch = makeStoreTouch(role, in);
  if (failed(touchGlobal(role, array, {array, start, type.getShape()},
                         Attribute(), touch)))
    return failure();
  return launchStore(role, in, type, touch.event,
                     [&array, start](const DenseTile &tile) {
                       writeBox({array, start, tile.shape}, tile);
                     });
}

template <typename OpTy>
static LogicalResult runBulkOut(Frame &frame, const Instruction &in,
                                bool adds) {
  Role &role = Role::of(frame);
  auto op = cast<OpTy>(in.op);
  cta::BufferType type = op.getSource().getType();
  const Argument &array = frame.getArray(in.operands[1]);
  SmallVector<int64_t> start =
      frame.getInts(ArrayRef(in.operands).drop_front(2));
  int64_t count = ShapedType::getNumElements(type.getShape());
  FailureOr<int64_t> offset = locateBulk(role, in, array, start, count);
  if (failed(offset))
    return failure();
  Touch touch = makeStoreTouch(role, in);
  int64_t width = getByteWidth(array.elementType);
  ByteRange bytes{*offset * width, (*offset + count) * width};
  // Additions are atomic: they conflict with nothing of their kind.
  if (!adds && failed(touchGlobal(role, role.getWarps(), array, bytes, touch)))
    return failure();
  return launchStore(
      role, in, type, touch.event,
      [adds, row = makeRow(array, *offset, count)](const DenseTile &tile) {
        for (int64_t n = 0; n < tile.size(); ++n) {
          char *address = getAddress(row, n);
          Lane value = tile.get(n);
          if (adds) {
            Lane old = readElement(tile.type, address);
            value = isFloat(tile.type) ? Lane::ofFloat(old.f + value.f)
                                       : Lane::ofInt(old.i + value.i);
            value = roundTo(tile.type, value);
          }
          writeElement(tile.type, address, value);
        }
      });
}

static LogicalResult runBulkStore(Frame &frame, const Instruction &in) {
  return runBulkOut<cta::BulkStoreOp>(frame, in, /*adds=*/false);
}

static LogicalResult runBulkReduceAdd(Frame &frame, const Instruction &in) {
  return runBulkOut<cta::BulkReduceAddOp>(frame, in, /*adds=*/true);
}

static LogicalResult runBulkCommit(Frame &frame, const Instruction &) {
  Warp &warp = Role::of(frame).getWarps().front();
  ++warp.bulkGroups;
  warp.bulkOpen = false;
  return success();
}

static LogicalResult runBulkWait(Frame &frame, const Instruction &in) {
  Role &role = Role::of(frame);
  auto op = cast<cta::BulkWaitOp>(in.op);
  bool read = op.getRead();
  Warp &warp = role.getWarps().front();
  int64_t limit =
      int64_t(warp.bulkGroups) - static_cast<int64_t>(op.getPending());
  Wait wait;
  wait.ready = [&warp, limit, read] {
    return llvm::all_of(warp.bulks, [&](const auto &bulk) {
      return int64_t(bulk->group) > limit || bulk->written ||
             (read && bulk->read);
    });
  };
  wait.resume = [&warp, limit, read] {
    if (limit > 0) {
      auto time = static_cast<Time>(limit);
      warp.knows.now.raise({warp.bulkReadAgent, time});
      if (!read)
        warp.knows.now.raise({warp.bulkWriteAgent, time});
    }
    llvm::erase_if(warp.bulks, [](const auto &bulk) { return bulk->written; });
    return success();
  };
  wait.describe = [limit] {
    return "bulk stores of groups up to " + std::to_string(limit);
  };
  return role.waitFor(std::move(wait));
}

void mla::sim::addCopyOps(HandlerTable &table) {
  table["cta.gather_async"] = runGatherAsync;
  table["cta.copy_async"] = runCopyAsync;
  table["cta.copy_multicast"] = runCopyMulticast;
  table["cta.bulk_load"] = runBulkLoad;
  table["cta.peer_copy"] = runPeerCopy;
  table["cta.peer_store"] = runPeerStore;
  table["cta.store_async"] = runStoreAsync;
  table["cta.bulk_store"] = runBulkStore;
  table["cta.bulk_reduce_add"] = runBulkReduceAdd;
  table["cta.bulk_commit"] = runBulkCommit;
  table["cta.bulk_wait"] = runBulkWait;
}
