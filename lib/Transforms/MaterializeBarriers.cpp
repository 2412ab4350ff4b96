//===- MaterializeBarriers.cpp - lowers rings to mbarriers ------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// In three steps: insert a release after the last reader of each slot; create
// the mbarriers of every ring; replace acquire, await and release by waits and
// arrivals. Slot and phase come from an access count that each role carries
// through its loops: slot = count mod depth, phase = count / depth mod 2.
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

namespace {
/// A ring, its barriers and its accesses, by role.
struct RingUse {
  cta::RingOp ring;
  llvm::MapVector<cta::RoleOp, SmallVector<cta::AcquireOp>> producers;
  llvm::MapVector<cta::RoleOp, SmallVector<cta::AwaitOp>> consumers;
  Value full, empty;
};
} // namespace

namespace {
struct MaterializeBarriersPass
    : mla::impl::MaterializeBarriersBase<MaterializeBarriersPass> {
  void runOnProgram() override;

private:
  /// Finds the accesses to `ring`.
  LogicalResult collect(cta::RingOp ring, RingUse &use);
  /// Creates the mbarriers of a ring at `offset` in shared memory, which is
  /// advanced.
  LogicalResult createBarriers(RingUse &use, OpBuilder &b, int64_t &offset);
  void noteBarriers(const RingUse &use);
  /// Initialises all mbarriers in front of the first role.
  void initialise(ArrayRef<RingUse> uses, Operation *before);
  /// Lowers the acquires, awaits and releases of `role`.
  void lowerRole(cta::RoleOp role, MutableArrayRef<RingUse> uses);
};
} // namespace

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
  // After all rings, because an mbarrier can refer to several.
  OpBuilder b(firstRole);
  for (RingUse &use : uses) {
    if (failed(createBarriers(use, b, offset)))
      return signalPassFailure();
    for (auto &[role, awaits] : use.consumers)
      insertReleases(use.ring, awaits);
  }
  for (const RingUse &use : uses)
    noteBarriers(use);
  initialise(uses, firstRole);
  for (auto role : firstRole->getBlock()->getOps<cta::RoleOp>())
    lowerRole(role, uses);
  func->setAttr(cta::kSharedBytesAttr,
                IntegerAttr::get(bytes.getType(), offset));
}

//===----------------------------------------------------------------------===//
// Barriers
//===----------------------------------------------------------------------===//

/// Access counts are carried through scf.for and scf.if only.
static LogicalResult checkPlace(Operation *access, cta::RoleOp role) {
  if (!role)
    return access->emitOpError("expected an enclosing cta.role");
  for (Operation *op = access->getParentOp(); op != role;
       op = op->getParentOp())
    if (!isa<scf::ForOp, scf::IfOp>(op))
      return access->emitOpError()
             << "expected only scf.for and scf.if between "
                "the op and its role, got "
             << op->getName();
  return success();
}

LogicalResult MaterializeBarriersPass::collect(cta::RingOp ring, RingUse &use) {
  use.ring = ring;
  if (!ring.getOffset())
    return ring.emitOpError("expected an offset in shared memory; run "
                            "--mla-stage-shared first");
  if (ring->getBlock()->getOps<cta::RoleOp>().empty())
    return ring.emitOpError(
        "expected roles in the block of the ring, got none");
  // Walk rather than use lists, which are not in program order.
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
    return ring.emitOpError(
        "expected a role that fills the ring and a role that "
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
  // A ring that aliases another is empty when the barriers of that ring say so.
  if (!use.ring.getAliases())
    use.empty = make(".empty", {}, ring, readers, IntegerAttr());
  return success();
}

void MaterializeBarriersPass::noteBarriers(const RingUse &use) {
  for (Value barrier : {use.full, use.empty})
    if (barrier) {
      auto op = barrier.getDefiningOp<cta::MBarrierOp>();
      decided(op.getLoc(), "barrier")
          << remark::metric("Barrier", op.getName())
          << remark::metric("Arrivals", op.getCount())
          << remark::metric("Bytes", op.getBytes().value_or(0));
    }
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

//===----------------------------------------------------------------------===//
// Accesses
//===----------------------------------------------------------------------===//

/// A predicate for ops of type `Access` on `ring`.
template <typename Access>
static std::function<bool(Operation *)> isAccessTo(cta::RingOp ring) {
  return [ring](Operation *op) mutable {
    auto access = dyn_cast<Access>(op);
    return access && access.getRing() == ring.getResult();
  };
}

/// The slot index of access number `count`, and the parity of the phase that it
/// waits for: a writer waits for the phase before that of a reader.
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

static CountedAccess acquireOf(RingUse &use) {
  auto lower = [&use](Operation *op, Value count) {
    auto acquire = cast<cta::AcquireOp>(op);
    Value ring = use.ring.getResult();
    int64_t depth = use.ring.getResult().getType().getDepth();
    // createBarriers() has checked the fills.
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
