//===- Fills.cpp - ops that fill the slots of a ring ------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "Fills.h"
#include "RingBarriers.h"

using namespace mlir;
using namespace mla;

int64_t SlotPart::countElements() const { return llvm::product_of(sizes); }

bool SlotPart::overlaps(const SlotPart &other) const {
  for (auto [begin, size, otherBegin, otherSize] :
       llvm::zip(offsets, sizes, other.offsets, other.sizes))
    if (begin + size <= otherBegin || otherBegin + otherSize <= begin)
      return false;
  return true;
}

//===----------------------------------------------------------------------===//
// One acquire
//===----------------------------------------------------------------------===//

int64_t Fills::countBytes() {
  int64_t bytes = 0;
  for (cta::CopyAsyncOp copy : copies)
    bytes += copy.getDest().getType().getBytes();
  return bytes;
}

int64_t Fills::countArrivals(int64_t warps) const {
  int64_t arrivals = 0;
  for (auto [kind, any] : {std::pair(ArrivalKind::Bytes, !copies.empty()),
                           std::pair(ArrivalKind::Copies, !gathers.empty()),
                           std::pair(ArrivalKind::Warps, !stores.empty())})
    if (any)
      arrivals += mla::countArrivals(kind, warps);
  return arrivals;
}

void Fills::publish(Value full, Value index) {
  OpBuilder b(full.getContext());
  if (!copies.empty()) {
    // The bytes are expected before they can arrive.
    b.setInsertionPoint(copies.front());
    cta::ArriveExpectOp::create(b, copies.front().getLoc(), full, index,
                                countBytes());
  }
  for (cta::CopyAsyncOp copy : copies) {
    copy.getBarrierMutable().assign(full);
    copy.getBarrierIndexMutable().assign(index);
  }
  for (Operation *op : gathers)
    if (auto gather = cast<cta::GatherAsyncOp>(op); gather.getBlock()) {
      gather.getBarrierMutable().assign(full);
      gather.getBarrierIndexMutable().assign(index);
    }
  if (!gathers.empty()) {
    b.setInsertionPointAfter(gathers.back());
    cta::ArriveCopiesOp::create(b, gathers.back()->getLoc(), full, index);
  }
  if (!stores.empty()) {
    b.setInsertionPointAfter(stores.back());
    cta::ArriveOp::create(b, stores.back()->getLoc(), full, index);
  }
}

/// Collects the uses of `slot` and of its views, with the part that each fills.
static void
collectUses(Value slot, SlotPart whole,
            SmallVectorImpl<std::pair<Operation *, SlotPart>> &uses) {
  for (Operation *user : slot.getUsers()) {
    auto view = dyn_cast<cta::ViewOp>(user);
    if (!view) {
      uses.push_back({user, whole});
      continue;
    }
    SlotPart part = whole;
    for (auto [offset, start] : llvm::zip(part.offsets, view.getOffsets()))
      offset += start;
    part.sizes.assign(view.getResult().getType().getShape().begin(),
                      view.getResult().getType().getShape().end());
    collectUses(view.getResult(), part, uses);
  }
}

FailureOr<Fills> mla::findFills(cta::AcquireOp acquire) {
  ArrayRef<int64_t> shape = acquire.getSlot().getType().getShape();
  SmallVector<std::pair<Operation *, SlotPart>> uses;
  collectUses(
      acquire.getSlot(),
      {SmallVector<int64_t>(shape.size(), 0), SmallVector<int64_t>(shape)},
      uses);
  for (auto &[op, part] : uses) {
    if (!isa<cta::CopyAsyncOp, cta::GatherAsyncOp, cta::StoreSharedOp>(op))
      return op->emitOpError("cannot use an acquired slot, expected a copy, "
                             "gather or store that fills it");
    if (op->getBlock() != acquire->getBlock())
      return op->emitOpError(
          "expected to be in the block of the cta.acquire of "
          "the slot that it fills");
  }
  llvm::sort(uses, [](const auto &a, const auto &b) {
    return a.first->isBeforeInBlock(b.first);
  });
  Fills fills;
  for (auto &[op, part] : uses) {
    fills.parts.push_back(part);
    if (auto copy = dyn_cast<cta::CopyAsyncOp>(op))
      fills.copies.push_back(copy);
    else
      (isa<cta::GatherAsyncOp>(op) ? fills.gathers : fills.stores)
          .push_back(op);
  }
  return fills;
}

//===----------------------------------------------------------------------===//
// All roles
//===----------------------------------------------------------------------===//

/// Checks that the parts cover the slot without overlap.
static LogicalResult checkParts(cta::RingOp ring, ArrayRef<SlotPart> parts) {
  int64_t filled = 0;
  for (auto [i, part] : llvm::enumerate(parts)) {
    filled += part.countElements();
    for (const SlotPart &other : parts.take_front(i))
      if (part.overlaps(other))
        return ring.emitOpError()
               << "has a slot that is filled twice from element ["
               << part.offsets << "] on";
  }
  int64_t size = llvm::product_of(ring.getResult().getType().getShape());
  if (filled == size)
    return success();
  return ring.emitOpError() << "expected fills of all " << size
                            << " elements of a slot, got " << filled;
}

FailureOr<Filling>
mla::findFilling(cta::RingOp ring,
                 const llvm::MapVector<cta::RoleOp, SmallVector<cta::AcquireOp>>
                     &producers) {
  Filling all;
  SmallVector<SlotPart> parts;
  for (auto &[role, acquires] : producers) {
    int64_t warps = cta::RoleOp(role).getWarps();
    std::optional<Fills> first;
    for (cta::AcquireOp acquire : acquires) {
      FailureOr<Fills> fills = findFills(acquire);
      if (failed(fills))
        return failure();
      if (!first)
        first = *fills;
      int64_t arrivals = fills->countArrivals(warps),
              bytes = fills->countBytes();
      if (arrivals != first->countArrivals(warps) ||
          bytes != first->countBytes() || fills->parts != first->parts)
        return acquire.emitOpError()
               << "expected " << first->countArrivals(warps) << " arrivals and "
               << first->countBytes()
               << " bytes in the same parts as in the role's other slots of "
               << ring.getNameAttr() << ", got " << arrivals << " and "
               << bytes;
    }
    all.arrivals += first->countArrivals(warps);
    all.bytes += first->countBytes();
    llvm::append_range(parts, first->parts);
  }
  if (failed(checkParts(ring, parts)))
    return failure();
  return all;
}
