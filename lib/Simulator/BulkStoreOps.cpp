//===- BulkStoreOps.cpp - bulk groups of stores -----------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// PTX ISA: cp.async.bulk and cp.async.bulk.tensor with bulk_group completion.
//
//===----------------------------------------------------------------------===//

#include "BulkCopy.h"
#include "Handlers.h"

using namespace mlir;
using namespace mla;
using namespace mla::sim;
using namespace mla::interp;

/// Launches a store: its flight reads the tile, then a second one calls
/// `write`, which writes it to global memory.
static LogicalResult launchStore(Role &role, const Instruction &in,
                                 cta::BufferType type, EventId event,
                                 std::function<void(const DenseTile &)> write) {
  int64_t source = role.getInt(in.operands[0]);
  const Footprint &footprint = role.machine.getFootprint(type);
  Warp &warp = role.getWarps().front();
  Touch read{in.op, event, /*write=*/false, Proxy::Async,
             Epoch{warp.bulkReadAgent, warp.bulkGroups + 1}};
  if (failed(checkAlignment(role, in.op, source)) ||
      failed(touchShared(role, warp, source, footprint, read)))
    return failure();
  auto bulk = std::make_shared<BulkStore>();
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
    loadTile(role.cta, source, footprint, *tile);
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

static LogicalResult runBulkStore(Frame &frame, const Instruction &in) {
  Role &role = Role::of(frame);
  auto op = cast<cta::BulkStoreOp>(in.op);
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
  if (failed(touchGlobal(role, role.getWarps(), array, bytes, touch)))
    return failure();
  return launchStore(
      role, in, type, touch.event,
      [row = makeRow(array, *offset, count)](const DenseTile &tile) {
        for (int64_t n = 0; n < tile.size(); ++n)
          writeElement(tile.type, getAddress(row, n), tile.get(n));
      });
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

void mla::sim::addBulkStoreOps(HandlerTable &table) {
  table["cta.store_async"] = runStoreAsync;
  table["cta.bulk_store"] = runBulkStore;
  table["cta.bulk_commit"] = runBulkCommit;
  table["cta.bulk_wait"] = runBulkWait;
}
