//===- MaterializeBarriers.cpp - rings become mbarriers ---------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// Three steps: releases are placed after the last reader of each slot; every
// ring gets its mbarriers; acquire, await and release become waits and arrivals
// whose slot and phase come from a count that each role carries through its
// loops: slot = count mod depth, phase = count / depth mod 2.
//
//===----------------------------------------------------------------------===//

#include "AccessCounters.h"
#include "Fills.h"
#include "Releases.h"
#include "mla/Transforms/Passes.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/IR/PatternMatch.h"

namespace mla {
#define GEN_PASS_DEF_MATERIALIZEBARRIERS
#include "mla/Transforms/Passes.h.inc"
} // namespace mla

using namespace mlir;
using namespace mla;

//===----------------------------------------------------------------------===//
// Barriers
//===----------------------------------------------------------------------===//

namespace {
/// A ring, its barriers, and who uses it.
struct RingUse {
  cta::RingOp ring;
  llvm::MapVector<cta::RoleOp, SmallVector<cta::AcquireOp>> producers;
  llvm::MapVector<cta::RoleOp, SmallVector<cta::AwaitOp>> consumers;
  Value full, empty;
};
} // namespace

/// Tells ops of type `Access` to `ring`.
template <typename Access>
static std::function<bool(Operation *)> isAccessTo(cta::RingOp ring) {
  return [ring](Operation *op) mutable {
    auto access = dyn_cast<Access>(op);
    return access && access.getRing() == ring.getResult();
  };
}

/// Slot number and parity of access number `count`. The parity is that of the
/// phase a reader waits for; a writer waits for the phase before.
static std::pair<Value, Value> getSlotAndParity(ImplicitLocOpBuilder &b,
                                                Value count, int64_t depth,
                                                bool writer) {
  auto constant = [&](int64_t v) {
    return arith::ConstantIntOp::create(b, v, 32);
  };
  Value slot = arith::RemUIOp::create(b, count, constant(depth));
  Value round = arith::DivUIOp::create(b, count, constant(depth));
  if (writer)
    round = arith::AddIOp::create(b, round, constant(1));
  return {slot, arith::AndIOp::create(b, round, constant(1))};
}

namespace {
struct MaterializeBarriersPass
    : mla::impl::MaterializeBarriersBase<MaterializeBarriersPass> {
  void runOnProgram() override;

  LogicalResult collect(cta::RingOp ring, RingUse &use);
  LogicalResult createBarriers(RingUse &use, OpBuilder &b, int64_t &offset);
  void initialise(ArrayRef<RingUse> uses, Operation *before);
  void lowerRole(cta::RoleOp role, MutableArrayRef<RingUse> uses);
};
} // namespace

/// Counts go from access to access through loops and conditions.
static LogicalResult checkPlace(Operation *access, cta::RoleOp role) {
  if (!role)
    return access->emitOpError("expected cta.role around it, got none");
  for (Operation *op = access->getParentOp(); op != role;
       op = op->getParentOp())
    if (!isa<scf::ForOp, scf::IfOp>(op))
      return access->emitOpError() << "expected nothing but scf.for and scf.if "
                                      "between it and its role, got "
                                   << op->getName();
  return success();
}

LogicalResult MaterializeBarriersPass::collect(cta::RingOp ring, RingUse &use) {
  use.ring = ring;
  if (!ring.getOffset())
    return ring.emitOpError("expected a place in shared memory; run "
                            "--mla-stage-shared first");
  if (ring->getBlock()->getOps<cta::RoleOp>().empty())
    return ring.emitOpError("expected roles beside the ring, got none");
  // In program order, which use lists do not keep.
  WalkResult result = ring->getBlock()->getParentOp()->walk([&](Operation *op) {
    auto role = op->getParentOfType<cta::RoleOp>();
    if (isa<cta::AwaitOp, cta::AcquireOp, cta::ReleaseOp>(op) &&
        op->getOperand(0) == ring.getResult() && failed(checkPlace(op, role)))
      return WalkResult::interrupt();
    if (auto await = dyn_cast<cta::AwaitOp>(op)) {
      if (await.getRing() == ring.getResult())
        use.consumers[role].push_back(await);
    } else if (auto acquire = dyn_cast<cta::AcquireOp>(op)) {
      if (acquire.getRing() != ring.getResult())
        return WalkResult::advance();
      use.producers[role].push_back(acquire);
    }
    return WalkResult::advance();
  });
  if (result.wasInterrupted())
    return failure();
  if (use.producers.empty() || use.consumers.empty())
    return ring.emitOpError("expected a role that fills the ring and one that "
                            "reads it");
  return success();
}

LogicalResult MaterializeBarriersPass::createBarriers(RingUse &use,
                                                      OpBuilder &b,
                                                      int64_t &offset) {
  FailureOr<Filling> filling = findFilling(use.ring, use.producers);
  if (failed(filling))
    return failure();
  int64_t readers = 0;
  for (auto &[role, awaits] : use.consumers)
    readers += role.getWarps();
  int64_t depth = use.ring.getResult().getType().getDepth();
  auto make = [&](StringRef suffix, Value full, ValueRange empty, int64_t count,
                  IntegerAttr bytes) {
    auto barrier = cta::MBarrierOp::create(
        b, use.ring.getLoc(), cta::MBarrierType::get(&getContext(), depth),
        b.getStringAttr(use.ring.getName() + suffix), full, empty,
        DenseI64ArrayAttr(), b.getI64IntegerAttr(count), bytes,
        b.getI64IntegerAttr(offset));
    offset += 8 * depth;
    return barrier.getResult();
  };
  Value ring = use.ring.getResult();
  use.full = make(".full", ring, {}, filling->arrivals,
                  filling->bytes ? b.getI64IntegerAttr(filling->bytes)
                                 : IntegerAttr());
  // The ring below says when the place is empty.
  if (!use.ring.getAliases())
    use.empty = make(".empty", {}, ring, readers, IntegerAttr());
  return success();
}

void MaterializeBarriersPass::initialise(ArrayRef<RingUse> uses,
                                         Operation *before) {
  ImplicitLocOpBuilder b(before->getLoc(), before);
  for (const RingUse &use : uses) {
    cta::MBarrierInitOp::create(b, use.full);
    if (use.empty)
      cta::MBarrierInitOp::create(b, use.empty);
  }
  cta::MBarrierInitFenceOp::create(b);
  cta::SyncOp::create(b);
}

static CountedAccess acquireOf(RingUse &use) {
  auto lower = [&use](Operation *op, Value count) {
    auto acquire = cast<cta::AcquireOp>(op);
    Value ring = use.ring.getResult();
    int64_t depth = use.ring.getResult().getType().getDepth();
    // Its fills were found to be well before.
    Fills fills = *findFills(acquire);
    ImplicitLocOpBuilder b(op->getLoc(), op);
    auto [index, parity] = getSlotAndParity(b, count, depth, /*writer=*/true);
    if (use.empty)
      cta::MBarrierWaitOp::create(b, use.empty, index, parity);
    Value slot = cta::SlotOp::create(b, ring, index);
    acquire.getSlot().replaceAllUsesWith(slot);
    acquire.erase();
    fills.publish(use.full, index);
  };
  return {isAccessTo<cta::AcquireOp>(use.ring), lower};
}

static CountedAccess awaitOf(RingUse &use) {
  auto lower = [&use](Operation *op, Value count) {
    Value ring = use.ring.getResult();
    int64_t depth = use.ring.getResult().getType().getDepth();
    ImplicitLocOpBuilder b(op->getLoc(), op);
    auto [index, parity] = getSlotAndParity(b, count, depth, /*writer=*/false);
    cta::MBarrierWaitOp::create(b, use.full, index, parity);
    Value slot = cta::SlotOp::create(b, ring, index);
    op->getResult(0).replaceAllUsesWith(slot);
    op->erase();
  };
  return {isAccessTo<cta::AwaitOp>(use.ring), lower};
}

static CountedAccess releaseOf(RingUse &use) {
  auto lower = [&use](Operation *op, Value count) {
    int64_t depth = use.ring.getResult().getType().getDepth();
    ImplicitLocOpBuilder b(op->getLoc(), op);
    Value index = getSlotAndParity(b, count, depth, /*writer=*/false).first;
    if (use.empty)
      cta::ArriveOp::create(b, use.empty, index);
    op->erase();
  };
  return {isAccessTo<cta::ReleaseOp>(use.ring), lower};
}

/// Acquires, awaits and releases of `role` become waits and arrivals.
void MaterializeBarriersPass::lowerRole(cta::RoleOp role,
                                        MutableArrayRef<RingUse> uses) {
  SmallVector<CountedAccess> accesses;
  for (RingUse &use : uses) {
    if (use.producers.contains(role))
      accesses.push_back(acquireOf(use));
    if (use.consumers.contains(role)) {
      accesses.push_back(awaitOf(use));
      accesses.push_back(releaseOf(use));
    }
  }
  addAccessCounters(role.getBody().front(), accesses);
}

void MaterializeBarriersPass::runOnProgram() {
  func::FuncOp func = getOperation();
  SmallVector<cta::RingOp> rings;
  func.walk([&](cta::RingOp ring) { rings.push_back(ring); });
  bool done = func.walk([](cta::MBarrierOp) { return WalkResult::interrupt(); })
                  .wasInterrupted();
  if (rings.empty() || done)
    return;
  auto bytes = func->getAttrOfType<IntegerAttr>(cta::kSharedBytesAttr);
  if (!bytes) {
    func.emitOpError() << "expected attribute " << cta::kSharedBytesAttr
                       << "; run --mla-stage-shared first";
    return signalPassFailure();
  }
  int64_t offset = bytes.getInt();
  SmallVector<RingUse> uses(rings.size());
  for (auto [ring, use] : llvm::zip(rings, uses))
    if (failed(collect(ring, use)))
      return signalPassFailure();
  Operation *firstRole =
      *rings.front()->getBlock()->getOps<cta::RoleOp>().begin();
  // Behind all rings, so that an mbarrier can be that of several.
  OpBuilder b(firstRole);
  for (RingUse &use : uses) {
    if (failed(createBarriers(use, b, offset)))
      return signalPassFailure();
    for (auto &[role, awaits] : use.consumers)
      insertReleases(use.ring, awaits);
  }
  initialise(uses, firstRole);
  for (auto role : firstRole->getBlock()->getOps<cta::RoleOp>())
    lowerRole(role, uses);
  func->setAttr(cta::kSharedBytesAttr,
                IntegerAttr::get(bytes.getType(), offset));
}
