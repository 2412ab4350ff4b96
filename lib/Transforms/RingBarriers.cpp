//===- RingBarriers.cpp - rings and the mbarriers they use ------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "RingBarriers.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace mla;

//===----------------------------------------------------------------------===//
// Arrivals
//===----------------------------------------------------------------------===//

std::optional<ArrivalKind> mla::getArrivalKind(Operation *op) {
  return llvm::TypeSwitch<Operation *, std::optional<ArrivalKind>>(op)
      .Case<cta::ArriveOp>([](auto) { return ArrivalKind::Warps; })
      .Case<cta::ArriveCopiesOp>([](auto) { return ArrivalKind::Copies; })
      .Case<cta::ArriveExpectOp>([](auto) { return ArrivalKind::Bytes; })
      .Default([](Operation *) { return std::nullopt; });
}

int64_t mla::countArrivals(ArrivalKind kind, int64_t warps) {
  switch (kind) {
  case ArrivalKind::Warps:
    return warps;
  case ArrivalKind::Copies:
    return 32 * warps;
  case ArrivalKind::Bytes:
    return 1;
  }
  llvm_unreachable("covered switch");
}

bool mla::hasArrival(cta::RoleOp role, Value barrier, ArrivalKind kind) {
  return llvm::any_of(barrier.getUsers(), [&](Operation *user) {
    return role->isProperAncestor(user) && getArrivalKind(user) == kind;
  });
}

//===----------------------------------------------------------------------===//
// RingBarriers
//===----------------------------------------------------------------------===//

bool RingBarriers::isReadBy(cta::RoleOp role) const {
  return llvm::any_of(full.getUsers(), [&](Operation *user) {
    return role->isProperAncestor(user) && isa<cta::MBarrierWaitOp>(user);
  });
}

bool RingBarriers::isWrittenBy(cta::RoleOp role) const {
  return llvm::any_of(full.getUsers(), [&](Operation *user) {
    return role->isProperAncestor(user) && !isa<cta::MBarrierWaitOp>(user);
  });
}

static LogicalResult checkSize(cta::RingOp ring, cta::MBarrierOp barrier) {
  int64_t depth = ring.getResult().getType().getDepth();
  if (barrier.getResult().getType().getSize() == depth)
    return success();
  return barrier.emitOpError()
         << "expected one mbarrier for each slot of ring " << ring.getNameAttr()
         << ", " << depth << ", got "
         << barrier.getResult().getType().getSize();
}

static LogicalResult checkSizes(cta::RingOp ring, cta::MBarrierOp full,
                                cta::MBarrierOp empty) {
  return success(succeeded(checkSize(ring, full)) &&
                 succeeded(checkSize(ring, empty)));
}

static FailureOr<RingBarriers> findForAlias(cta::RingOp ring,
                                            cta::MBarrierOp full) {
  cta::RingOp below = ring.getRingBelow();
  if (cta::MBarrierOp own = ring.getEmptyBarrier())
    return own.emitOpError()
           << "expected no empty mbarrier for ring " << ring.getNameAttr()
           << ", which is empty when the aliased ring " << below.getNameAttr()
           << " is";
  cta::MBarrierOp acquired = below.getFullBarrier();
  cta::MBarrierOp released = below.getEmptyBarrier();
  if (!full || !acquired || !released)
    return ring.emitOpError()
           << "expected a full mbarrier, and a full and an empty one of the "
              "aliased ring "
           << below.getNameAttr();
  if (failed(checkSizes(ring, full, released)))
    return failure();
  return RingBarriers{ring, full.getResult(), acquired.getResult(),
                      released.getResult(), below};
}

FailureOr<RingBarriers> mla::findRingBarriers(cta::RingOp ring) {
  cta::MBarrierOp full = ring.getFullBarrier();
  if (ring.getAliases())
    return findForAlias(ring, full);
  cta::MBarrierOp empty = ring.getEmptyBarrier();
  if (!full || !empty)
    return ring.emitOpError("expected a full and an empty mbarrier; run "
                            "--mla-materialize-barriers first");
  if (failed(checkSizes(ring, full, empty)))
    return failure();
  RingBarriers found{ring, full.getResult(), empty.getResult(),
                     empty.getResult()};
  if (empty.getFull()) {
    if (ring.getResult().getType().getDepth() != 1)
      return ring.emitOpError("expected a depth of 1 for a ring whose slot is "
                              "empty when another ring is full");
    found.lender = empty.getFull().getDefiningOp<cta::RingOp>();
    found.firstAcquired = 1 - empty.getDistanceOf(ring);
    found.firstReleased = -empty.getDistanceOf(ring);
  } else if (empty.getEmpty().front() != ring.getResult()) {
    found.lender = empty.getEmpty().front().getDefiningOp<cta::RingOp>();
  }
  return found;
}
