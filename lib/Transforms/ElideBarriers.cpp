//===- ElideBarriers.cpp - empty barriers that others imply -----*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// Roles that work on the same iteration answer each other. What the answer
// proves needs no barrier: neither its waits nor its arrivals, which stand
// between products and cost a role some 50 cycles each.
//
//===----------------------------------------------------------------------===//

#include "mla/Transforms/Passes.h"

namespace mla {
#define GEN_PASS_DEF_ELIDEBARRIERS
#include "mla/Transforms/Passes.h.inc"
} // namespace mla

using namespace mlir;
using namespace mla;

namespace {
/// A ring, its barriers, and who waits for and arrives at them.
struct RingUse {
  cta::RingOp ring;
  /// `empty` is null where it is that of another ring too.
  cta::MBarrierOp full, empty;
  cta::RoleOp writer = {}, reader = {};
  /// Filled by stores, not by copies.
  bool stored = false;

  int64_t depth() { return ring.getResult().getType().getDepth(); }
};

/// How many more events of one kind than of another lie before each of the
/// other's, if that is the same number on every path.
class LeadFinder {
public:
  using Matcher = llvm::function_ref<bool(Operation *)>;
  LeadFinder(Matcher isEvent, Matcher isCounted)
      : isEvent(isEvent), isCounted(isCounted) {}

  std::optional<int64_t> run(Block &block) {
    std::optional<int64_t> end = visit(block, 0);
    return end ? lead : std::nullopt;
  }

private:
  /// The lead behind `block`; nothing if it differs from path to path.
  std::optional<int64_t> visit(Block &block, int64_t now);
  std::optional<int64_t> visitRegions(Operation &op, int64_t now);

  Matcher isEvent, isCounted;
  std::optional<int64_t> lead;
};
} // namespace

std::optional<int64_t> LeadFinder::visit(Block &block, int64_t now) {
  for (Operation &op : block) {
    if (isEvent(&op)) {
      if (lead.value_or(now) != now)
        return std::nullopt;
      lead = now--;
    } else if (isCounted(&op)) {
      ++now;
    } else if (op.getNumRegions()) {
      std::optional<int64_t> after = visitRegions(op, now);
      if (!after)
        return std::nullopt;
      now = *after;
    }
  }
  return now;
}

std::optional<int64_t> LeadFinder::visitRegions(Operation &op, int64_t now) {
  std::optional<int64_t> after;
  for (Region &region : op.getRegions()) {
    std::optional<int64_t> end =
        region.empty() ? now : visit(region.front(), now);
    if (!end || after.value_or(*end) != *end)
      return std::nullopt;
    after = end;
  }
  // The next iteration begins where this one ended.
  if (isa<scf::ForOp>(op) && *after != now)
    return std::nullopt;
  return after;
}

/// The one role with an op on `barrier` that waits, or that does not.
static cta::RoleOp getRole(cta::MBarrierOp barrier, bool waits) {
  cta::RoleOp found;
  for (Operation *user : barrier.getResult().getUsers()) {
    auto role = user->getParentOfType<cta::RoleOp>();
    if (!role || isa<cta::MBarrierWaitOp>(user) != waits)
      continue;
    if (found && found != role)
      return {};
    found = role;
  }
  return found;
}

/// Matches the ops on `barrier` that wait, or arrive.
static auto isWait(cta::MBarrierOp barrier) {
  return [barrier](Operation *op) mutable {
    auto wait = dyn_cast<cta::MBarrierWaitOp>(op);
    return wait && wait.getBarrier() == barrier.getResult();
  };
}
static auto isArrival(cta::MBarrierOp barrier) {
  return [barrier](Operation *op) mutable {
    auto arrive = dyn_cast<cta::ArriveOp>(op);
    return arrive && arrive.getBarrier() == barrier.getResult();
  };
}

/// The rounds that `by` is ahead of `ring` where it returns it.
static std::optional<int64_t> findDistance(RingUse ring, RingUse by) {
  if (by.writer != ring.reader || by.reader != ring.writer || !by.stored ||
      ring.depth() != 1 || by.depth() != 1)
    return std::nullopt;
  std::optional<int64_t> acquired =
      LeadFinder(isWait(ring.empty), isWait(by.full))
          .run(ring.writer.getBody().front());
  std::optional<int64_t> released =
      LeadFinder(isArrival(ring.empty), isArrival(by.full))
          .run(ring.reader.getBody().front());
  if (!acquired || acquired != released || *acquired < 0 || *acquired > 1)
    return std::nullopt;
  return acquired;
}

/// Whether `ring` is empty whenever `with` is: acquired behind it and released
/// before it, round by round.
static bool isReturnedWith(RingUse ring, RingUse with) {
  if (with.ring == ring.ring || !with.empty || with.writer != ring.writer ||
      with.reader != ring.reader || with.depth() != ring.depth())
    return false;
  std::optional<int64_t> acquired =
      LeadFinder(isWait(ring.empty), isWait(with.empty))
          .run(ring.writer.getBody().front());
  std::optional<int64_t> released =
      LeadFinder(isArrival(ring.empty), isArrival(with.empty))
          .run(ring.reader.getBody().front());
  return acquired == 1 && released == 0;
}

/// Whether roles signal each other by the barrier, and do nothing else with it.
static bool isPlain(cta::MBarrierOp barrier) {
  return llvm::all_of(barrier->getUsers(), [](Operation *user) {
    return isa<cta::MBarrierInitOp, cta::MBarrierWaitOp, cta::ArriveOp>(user);
  });
}

/// The rings that one role fills and one other reads.
static SmallVector<RingUse> findRings(func::FuncOp func) {
  SmallVector<RingUse> rings;
  func.walk([&](cta::RingOp ring) {
    RingUse use{ring, ring.getFullBarrier(), ring.getEmptyBarrier()};
    if (!use.full)
      return;
    if (use.empty && (use.empty.getFull() || use.empty.getEmpty().size() != 1))
      use.empty = {};
    use.writer = getRole(use.full, /*waits=*/false);
    use.reader = getRole(use.full, /*waits=*/true);
    use.stored = isPlain(use.full);
    if (use.writer && use.reader && use.writer != use.reader)
      rings.push_back(use);
  });
  return rings;
}

namespace {
struct ElideBarriersPass : mla::impl::ElideBarriersBase<ElideBarriersPass> {
  void runOnProgram() override {
    elided = false;
    SmallVector<RingUse> rings = findRings(getOperation());
    // What arrives by copies keeps its barrier: its copies take longest, and
    // others are returned with it.
    for (RingUse &ring : rings)
      if (ring.empty && ring.stored && isPlain(ring.empty))
        returnByAnother(ring, rings);
    closeGaps();
  }

private:
  /// The barriers that are left move up, and the plan ends behind the last.
  void closeGaps() {
    func::FuncOp func = getOperation();
    std::optional<int64_t> next;
    if (!elided)
      return;
    func.walk([&](cta::MBarrierOp barrier) {
      if (!next)
        next = barrier.getOffset();
      barrier.setOffset(*next);
      *next += 8 * barrier.getResult().getType().getSize();
    });
    if (next)
      func->setAttr(cta::kSharedBytesAttr,
                    Builder(&getContext()).getI64IntegerAttr(*next));
  }

  void returnByAnother(RingUse &ring, ArrayRef<RingUse> rings) {
    for (RingUse other : rings) {
      if (std::optional<int64_t> distance = findDistance(ring, other))
        sayEmpty(other.full, ring.ring, *distance);
      else if (!other.stored && isReturnedWith(ring, other))
        sayEmpty(other.empty, ring.ring, std::nullopt);
      else
        continue;
      for (Operation *user : llvm::make_early_inc_range(ring.empty->getUsers()))
        user->erase();
      ring.empty.erase();
      ring.empty = {};
      elided = true;
      return;
    }
  }

  /// From now on `barrier` says that slots of `ring` are empty.
  void sayEmpty(cta::MBarrierOp barrier, cta::RingOp ring,
                std::optional<int64_t> distance) {
    // An operand is defined before its user.
    if (barrier->isBeforeInBlock(ring))
      ring->moveBefore(barrier);
    barrier.getEmptyMutable().append(ring.getResult());
    if (!distance)
      return;
    SmallVector<int64_t> all(
        barrier.getDistance().value_or(ArrayRef<int64_t>()));
    all.push_back(*distance);
    barrier.setDistance(all);
  }

  bool elided = false;
};
} // namespace
