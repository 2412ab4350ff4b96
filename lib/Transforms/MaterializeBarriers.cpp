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

#include "ThreadCounts.h"
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
// Releases
//===----------------------------------------------------------------------===//

namespace {
/// Where the readers of one awaited slot are known to be done.
struct Completions {
  /// In the await's own iteration: the last one in its block counts.
  SmallVector<Operation *> local;
  /// After a loop carry: the waits themselves.
  llvm::SetVector<Operation *> carried;
};
} // namespace

namespace {
/// Follows an awaited slot, and the products in flight that read it, through
/// loops and branches to the ops that complete them.
class CompletionFinder {
public:
  /// \p block is the await's own.
  CompletionFinder(Block *block) : block(block) {}

  Completions run(Value slot) {
    follow(slot, /*carried=*/false);
    return std::move(found);
  }

private:
  void follow(Value v, bool carried);
  /// Where \p use passes the value on to; false if it reads it.
  bool followForwarded(OpOperand &use, bool carried);
  void complete(Operation *op, bool carried);

  Block *block;
  Completions found;
  llvm::SmallDenseSet<std::pair<Value, unsigned>> seen;
};
} // namespace

void CompletionFinder::complete(Operation *op, bool carried) {
  if (block->findAncestorOpInBlock(*op) && !carried)
    found.local.push_back(op);
  else
    found.carried.insert(op);
}

bool CompletionFinder::followForwarded(OpOperand &use, bool carried) {
  Operation *user = use.getOwner();
  if (auto loop = dyn_cast<scf::ForOp>(user)) {
    follow(loop.getTiedLoopRegionIterArg(&use), true);
    follow(loop.getTiedLoopResult(&use), true);
  } else if (isa<scf::YieldOp>(user)) {
    auto loop = dyn_cast<scf::ForOp>(user->getParentOp());
    if (!loop && !isa<scf::IfOp>(user->getParentOp()))
      return false;
    unsigned i = use.getOperandNumber();
    if (loop)
      follow(loop.getRegionIterArg(i), true);
    follow(user->getParentOp()->getResult(i), carried || loop);
  } else if (auto view = dyn_cast<cta::ViewOp>(user)) {
    follow(view.getResult(), carried);
  } else if (auto mma = dyn_cast<cta::MmaAsyncOp>(user)) {
    follow(mma.getResult(), carried);
  } else {
    return false;
  }
  return true;
}

void CompletionFinder::follow(Value v, bool carried) {
  if (!seen.insert({v, carried}).second)
    return;
  for (OpOperand &use : v.getUses())
    if (!followForwarded(use, carried))
      complete(use.getOwner(), carried);
}

/// Adds the ops behind which a slot is known to be free to `points`, one on
/// each way through `block`: the last of `readers`, or where it is a condition,
/// the last one of each branch; `start` where there is none.
static void findReleasePoints(Block *block, Block::iterator start,
                              ArrayRef<Operation *> readers,
                              SmallVectorImpl<OpBuilder::InsertPoint> &points) {
  Operation *last = nullptr;
  for (Operation *reader : readers) {
    Operation *op = block->findAncestorOpInBlock(*reader);
    if (op && (!last || last->isBeforeInBlock(op)))
      last = op;
  }
  auto condition = dyn_cast_or_null<scf::IfOp>(last);
  if (!condition || !condition.elseBlock()) {
    points.push_back({block, last ? std::next(last->getIterator()) : start});
    return;
  }
  for (Block *branch : {condition.thenBlock(), condition.elseBlock()})
    findReleasePoints(branch, branch->begin(), readers, points);
}

/// Releases the slots that the role of `awaits` reads from `ring`.
static void insertReleases(cta::RingOp ring, ArrayRef<cta::AwaitOp> awaits) {
  // Where a later iteration completes slots, after every local reader, it does
  // so for all awaits of the slot.
  llvm::SetVector<Operation *> carried;
  SmallVector<OpBuilder::InsertPoint> points;
  for (cta::AwaitOp await : awaits) {
    Block *block = await->getBlock();
    Completions found = CompletionFinder(block).run(await.getSlot());
    carried.insert(found.carried.begin(), found.carried.end());
    if (found.carried.empty())
      findReleasePoints(block, std::next(await->getIterator()), found.local,
                        points);
  }
  for (Operation *op : carried)
    points.push_back({op->getBlock(), std::next(op->getIterator())});
  OpBuilder b(ring.getContext());
  for (OpBuilder::InsertPoint point : points) {
    b.restoreInsertionPoint(point);
    cta::ReleaseOp::create(b, ring.getLoc(), ring);
  }
}

//===----------------------------------------------------------------------===//
// Barriers
//===----------------------------------------------------------------------===//

namespace {
/// A ring, its barriers, and who uses it.
struct RingUse {
  cta::RingOp ring;
  cta::RoleOp producer;
  SmallVector<cta::AcquireOp> acquires;
  llvm::MapVector<cta::RoleOp, SmallVector<cta::AwaitOp>> consumers;
  Value full, free;
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
  LogicalResult createBarriers(RingUse &use, int64_t &offset);
  FailureOr<int64_t> countFills(RingUse &use);
  void initialise(ArrayRef<RingUse> uses, Operation *before);
  void lowerRole(cta::RoleOp role, MutableArrayRef<RingUse> uses);
  CountedAccess acquireOf(RingUse &use);
  void publish(Value slot, Value index, RingUse &use);
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
      if (use.producer && use.producer != role) {
        acquire.emitOpError()
            << "expected one producer role of ring " << ring.getNameAttr();
        return WalkResult::interrupt();
      }
      use.producer = role;
      use.acquires.push_back(acquire);
    }
    return WalkResult::advance();
  });
  if (result.wasInterrupted())
    return failure();
  if (!use.producer || use.consumers.empty())
    return ring.emitOpError("expected a role that fills the ring and one that "
                            "reads it");
  return success();
}

/// Ops that fill `slot`, through views.
static void getFills(Value slot, SmallVectorImpl<Operation *> &fills) {
  for (Operation *user : slot.getUsers()) {
    if (auto view = dyn_cast<cta::ViewOp>(user))
      getFills(view.getResult(), fills);
    else
      fills.push_back(user);
  }
}

/// Arrivals that complete the full barrier of the ring's slots.
FailureOr<int64_t> MaterializeBarriersPass::countFills(RingUse &use) {
  std::optional<int64_t> count;
  for (cta::AcquireOp acquire : use.acquires) {
    SmallVector<Operation *> fills;
    getFills(acquire.getSlot(), fills);
    if (fills.size() != 1)
      return acquire.emitOpError()
             << "expected one op that fills the slot, got " << fills.size();
    int64_t warps = use.producer.getWarps();
    int64_t arrivals = 1;
    if (isa<cta::GatherAsyncOp>(fills[0]))
      arrivals = 32 * warps;
    else if (isa<cta::StoreSharedOp>(fills[0]))
      arrivals = warps;
    else if (!isa<cta::CopyAsyncOp>(fills[0]))
      return fills[0]->emitOpError("does not fill a slot");
    if (count && *count != arrivals)
      return fills[0]->emitOpError(
          "fills a slot of a ring that another kind of "
          "op fills too");
    count = arrivals;
  }
  return *count;
}

LogicalResult MaterializeBarriersPass::createBarriers(RingUse &use,
                                                      int64_t &offset) {
  FailureOr<int64_t> fullCount = countFills(use);
  if (failed(fullCount))
    return failure();
  int64_t freeCount = 0;
  for (auto &[role, awaits] : use.consumers)
    freeCount += role.getWarps();
  int64_t depth = use.ring.getResult().getType().getDepth();
  OpBuilder b(&getContext());
  b.setInsertionPointAfter(use.ring);
  auto make = [&](StringRef suffix, int64_t count) {
    auto barrier = cta::MBarrierOp::create(
        b, use.ring.getLoc(), cta::MBarrierType::get(&getContext(), depth),
        (use.ring.getName() + suffix).str(), count, offset);
    offset += 8 * depth;
    return barrier.getResult();
  };
  use.full = make(".full", *fullCount);
  // The ring below says when the place is free.
  if (!use.ring.getOver())
    use.free = make(".free", freeCount);
  return success();
}

void MaterializeBarriersPass::initialise(ArrayRef<RingUse> uses,
                                         Operation *before) {
  ImplicitLocOpBuilder b(before->getLoc(), before);
  for (const RingUse &use : uses) {
    cta::MBarrierInitOp::create(b, use.full);
    if (use.free)
      cta::MBarrierInitOp::create(b, use.free);
  }
  cta::MBarrierInitFenceOp::create(b);
  cta::SyncOp::create(b);
}

/// Adds the arrival that tells the readers that `slot` is being filled.
void MaterializeBarriersPass::publish(Value slot, Value index, RingUse &use) {
  SmallVector<Operation *> fills;
  getFills(slot, fills);
  Operation *fill = fills.front();
  ImplicitLocOpBuilder b(fill->getLoc(), fill);
  if (auto copy = dyn_cast<cta::CopyAsyncOp>(fill)) {
    // The bytes are expected before they can arrive.
    cta::ArriveExpectOp::create(b, use.full, index,
                                copy.getDest().getType().getBytes());
    copy.getBarrierMutable().assign(use.full);
    copy.getBarrierIndexMutable().assign(index);
    return;
  }
  b.setInsertionPointAfter(fill);
  if (isa<cta::GatherAsyncOp>(fill))
    cta::ArriveCopiesOp::create(b, use.full, index);
  else
    cta::ArriveOp::create(b, use.full, index);
}

CountedAccess MaterializeBarriersPass::acquireOf(RingUse &use) {
  auto lower = [this, &use](Operation *op, Value count) {
    auto acquire = cast<cta::AcquireOp>(op);
    Value ring = use.ring.getResult();
    int64_t depth = use.ring.getResult().getType().getDepth();
    ImplicitLocOpBuilder b(op->getLoc(), op);
    auto [index, parity] = getSlotAndParity(b, count, depth, /*writer=*/true);
    if (use.free)
      cta::MBarrierWaitOp::create(b, use.free, index, parity);
    Value slot = cta::SlotOp::create(b, ring, index);
    acquire.getSlot().replaceAllUsesWith(slot);
    acquire.erase();
    publish(slot, index, use);
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
    if (use.free)
      cta::ArriveOp::create(b, use.free, index);
    op->erase();
  };
  return {isAccessTo<cta::ReleaseOp>(use.ring), lower};
}

/// Acquires, awaits and releases of `role` become waits and arrivals.
void MaterializeBarriersPass::lowerRole(cta::RoleOp role,
                                        MutableArrayRef<RingUse> uses) {
  SmallVector<CountedAccess> accesses;
  for (RingUse &use : uses) {
    if (use.producer == role)
      accesses.push_back(acquireOf(use));
    if (use.consumers.contains(role)) {
      accesses.push_back(awaitOf(use));
      accesses.push_back(releaseOf(use));
    }
  }
  threadCounts(role.getBody().front(), accesses);
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
  for (auto [ring, use] : llvm::zip(rings, uses)) {
    if (failed(collect(ring, use)) || failed(createBarriers(use, offset)))
      return signalPassFailure();
    for (auto &[role, awaits] : use.consumers)
      insertReleases(ring, awaits);
  }
  Operation *firstRole =
      *rings.front()->getBlock()->getOps<cta::RoleOp>().begin();
  initialise(uses, firstRole);
  for (auto role : firstRole->getBlock()->getOps<cta::RoleOp>())
    lowerRole(role, uses);
  func->setAttr(cta::kSharedBytesAttr,
                IntegerAttr::get(bytes.getType(), offset));
}
