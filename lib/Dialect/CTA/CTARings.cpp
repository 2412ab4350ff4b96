//===- CTARings.cpp - rings, their mbarriers, buffers -----------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "VerifySupport.h"

using namespace mlir;
using namespace mla::cta;

LogicalResult mla::cta::verifyPlace(Operation *op,
                                    std::optional<int64_t> offset,
                                    int64_t bytes) {
  if (!offset)
    return success();
  if (*offset < 0 || *offset > kMaxSharedBytes - bytes)
    return op->emitOpError()
           << "expected a place in the " << kMaxSharedBytes
           << " bytes of shared memory, got " << bytes << " at " << *offset;
  return success();
}

//===----------------------------------------------------------------------===//
// RingOp
//===----------------------------------------------------------------------===//

LogicalResult RingOp::verify() {
  if (getAliases()) {
    RingOp below = getRingBelow();
    if (!below || below.getAliases())
      return emitOpError("expected a ring below that is declared by cta.ring "
                         "and lies over no other");
  }
  RingType type = getResult().getType();
  return verifyPlace(*this, getOffset(),
                     type.getDepth() * type.getSlotType().getBytes());
}

RingOp RingOp::getRingBelow() {
  return getAliases() ? getAliases().getDefiningOp<RingOp>() : RingOp();
}

MBarrierOp RingOp::getFullBarrier() {
  for (Operation *user : getResult().getUsers())
    if (auto barrier = dyn_cast<MBarrierOp>(user))
      if (barrier.getFull() == getResult())
        return barrier;
  return {};
}

MBarrierOp RingOp::getEmptyBarrier() {
  for (Operation *user : getResult().getUsers())
    if (auto barrier = dyn_cast<MBarrierOp>(user))
      if (llvm::is_contained(barrier.getEmpty(), getResult()))
        return barrier;
  return {};
}

//===----------------------------------------------------------------------===//
// MBarrierOp
//===----------------------------------------------------------------------===//

/// A ring has at most one array of full, and one of empty mbarriers.
static LogicalResult verifyRing(MBarrierOp barrier, Value ring, bool full) {
  if (!ring.getDefiningOp<RingOp>())
    return barrier.emitOpError("expected rings that are declared by cta.ring");
  for (OpOperand &use : ring.getUses()) {
    auto other = dyn_cast<MBarrierOp>(use.getOwner());
    if (!other || (other.getFull() == ring) != full)
      continue;
    if (other != barrier)
      return barrier.emitOpError()
             << "expected one array of mbarriers that says that ring "
             << ring.getDefiningOp<RingOp>().getNameAttr() << " is "
             << (full ? "full" : "empty");
  }
  return success();
}

LogicalResult MBarrierOp::verify() {
  if (getFull() && failed(verifyRing(*this, getFull(), /*full=*/true)))
    return failure();
  for (auto [i, ring] : llvm::enumerate(getEmpty())) {
    if (ring == getFull() || llvm::is_contained(getEmpty().take_front(i), ring))
      return emitOpError() << "says twice what becomes of ring "
                           << ring.getDefiningOp<RingOp>().getNameAttr();
    if (failed(verifyRing(*this, ring, /*full=*/false)))
      return failure();
  }
  if (std::optional<ArrayRef<int64_t>> distance = getDistance()) {
    auto isRound = [](int64_t n) { return n == 0 || n == 1; };
    if (!getFull() || distance->size() != getEmpty().size() ||
        !llvm::all_of(*distance, isRound))
      return emitOpError()
             << "expected `distance` 0 or 1 for each empty ring of "
                "mbarriers that fill another, got ["
             << *distance << "]";
  }
  if (getBytes() && !getFull())
    return emitOpError("expected bytes for a ring that they fill");
  return verifyPlace(*this, getOffset(), 8 * getResult().getType().getSize());
}

int64_t MBarrierOp::getDistanceOf(RingOp ring) {
  const auto it = llvm::find(getEmpty(), ring.getResult());
  std::optional<ArrayRef<int64_t>> distance = getDistance();
  if (!distance || it == getEmpty().end())
    return 0;
  return (*distance)[std::distance(getEmpty().begin(), it)];
}

//===----------------------------------------------------------------------===//
// BufferOp
//===----------------------------------------------------------------------===//

LogicalResult BufferOp::verify() {
  int64_t bytes = getResult().getType().getBytes();
  if (!getBase() != !getByte())
    return emitOpError("expected a base and a byte in it, or neither");
  if (!getBase())
    return verifyPlace(*this, getOffset(), bytes);
  int64_t slot, slots = 1, byte = *getByte();
  if (auto ring = dyn_cast<RingType>(getBase().getType())) {
    slot = ring.getSlotType().getBytes();
    slots = ring.getDepth();
  } else {
    slot = cast<BufferType>(getBase().getType()).getBytes();
  }
  if (byte < 0 || byte / slot >= slots || byte % slot > slot - bytes)
    return emitOpError() << "expected " << bytes << " bytes within one of "
                         << slots << " slots of " << slot << ", got byte "
                         << byte;
  return success();
}
