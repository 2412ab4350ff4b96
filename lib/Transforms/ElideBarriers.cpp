//===- ElideBarriers.cpp - removes redundant empty barriers -----*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// Waits and arrivals between MMAs cost a role some 50 cycles each. Where two
// roles exchange tiles in both directions, the barriers of one ring often imply
// that a slot of another is empty.
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
/// A ring with one writer and one reader, and its barriers.
struct RingUse {
  cta::RingOp ring;
  /// `empty` is null if the barrier also belongs to another ring.
  cta::MBarrierOp full, empty;
  cta::RoleOp writer = {}, reader = {};
  /// Whether the ring is filled by stores only.
  bool stored = false;

  int64_t depth() { return ring.getResult().getType().getDepth(); }
};

struct ElideBarriersPass : mla::impl::ElideBarriersBase<ElideBarriersPass> {
  void runOnProgram() override;

private:
  /// Removes the empty barrier of `ring` if a barrier of one of `rings` implies
  /// it; returns whether it did.
  bool elide(RingUse &ring, ArrayRef<RingUse> rings);
  /// Declares that `barrier` also signals that slots of `ring` are empty.
  static void declareEmpty(cta::MBarrierOp barrier, cta::RingOp ring,
                           std::optional<int64_t> distance);
  /// Moves the remaining barriers together in shared memory.
  void closeGaps();
};
} // namespace

static SmallVector<RingUse> findRings(func::FuncOp func);
static bool isPlain(cta::MBarrierOp barrier);
static std::optional<int64_t> findDistance(RingUse ring, RingUse by);
static bool isReturnedWith(RingUse ring, RingUse with);

void ElideBarriersPass::runOnProgram() {
  bool elided = false;
  SmallVector<RingUse> rings = findRings(getOperation());
  // A ring filled by copies keeps its barrier: copies take longest, and the
  // barriers of other rings are elided because of it.
  for (RingUse &ring : rings)
    if (ring.empty && ring.stored && isPlain(ring.empty))
      elided |= elide(ring, rings);
  if (elided)
    closeGaps();
}

bool ElideBarriersPass::elide(RingUse &ring, ArrayRef<RingUse> rings) {
  for (RingUse other : rings) {
    cta::MBarrierOp by;
    if (std::optional<int64_t> distance = findDistance(ring, other)) {
      by = other.full;
      declareEmpty(by, ring.ring, *distance);
    } else if (!other.stored && isReturnedWith(ring, other)) {
      by = other.empty;
      declareEmpty(by, ring.ring, std::nullopt);
    } else {
      continue;
    }
    decided(ring.ring.getLoc(), "elided")
        << remark::metric("Barrier", ring.empty.getName())
        << remark::metric("ImpliedBy", by.getName());
    for (Operation *user : llvm::make_early_inc_range(ring.empty->getUsers()))
      user->erase();
    ring.empty.erase();
    ring.empty = {};
    return true;
  }
  decided(ring.ring.getLoc(), "kept")
      << remark::metric("Barrier", ring.empty.getName());
  return false;
}

void ElideBarriersPass::declareEmpty(cta::MBarrierOp barrier, cta::RingOp ring,
                                     std::optional<int64_t> distance) {
  // The barrier refers to the ring, which must be defined first.
  if (barrier->isBeforeInBlock(ring))
    ring->moveBefore(barrier);
  barrier.getEmptyMutable().append(ring.getResult());
  if (!distance)
    return;
  SmallVector<int64_t> all(barrier.getDistance().value_or(ArrayRef<int64_t>()));
  all.push_back(*distance);
  barrier.setDistance(all);
}

void ElideBarriersPass::closeGaps() {
  func::FuncOp func = getOperation();
  std::optional<int64_t> next;
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

//===----------------------------------------------------------------------===//
// Rings and their users
//===----------------------------------------------------------------------===//

/// The only role with a wait on `barrier`, or, without `waits`, with any other
/// op on it; null if there are several.
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

/// Whether nothing but waits and arrivals by warps use the barrier.
static bool isPlain(cta::MBarrierOp barrier) {
  return llvm::all_of(barrier->getUsers(), [](Operation *user) {
    return isa<cta::MBarrierInitOp, cta::MBarrierWaitOp, cta::ArriveOp>(user);
  });
}

/// The rings that one role fills and one other role reads.
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

//===----------------------------------------------------------------------===//
// Proofs
//===----------------------------------------------------------------------===//

namespace {
/// Finds by how many `isCounted` ops exceed `isEvent` ops before each
/// `isEvent` op, if that is the same number for all of them, on every path.
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
  /// Given the lead before `block`, returns that behind it; nothing if it
  /// differs between paths.
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
  // All iterations of a loop must begin with the same lead.
  if (isa<scf::ForOp>(op) && *after != now)
    return std::nullopt;
  return after;
}

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

/// If the full barrier of `by` implies that `ring` is empty, by how many rounds
/// `by` is ahead of `ring`.
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

/// Whether the empty barrier of `with` implies that `ring` is empty: in every
/// round, `ring` is acquired after it and released before it.
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
