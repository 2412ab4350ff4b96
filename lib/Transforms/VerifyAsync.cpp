//===- VerifyAsync.cpp - proof of the synchronisation -----------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "AsyncAnalysis.h"
#include "SlotProtocol.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringSet.h"

namespace mla {
#define GEN_PASS_DEF_VERIFYASYNC
#include "mla/Transforms/Passes.h.inc"
} // namespace mla

using namespace mlir;
using namespace mla;

//===----------------------------------------------------------------------===//
// Every level is lowered
//===----------------------------------------------------------------------===//

static LogicalResult checkLowered(Operation *op) {
  if (isa<cta::AcquireOp, cta::AwaitOp, cta::ReleaseOp>(op))
    return op->emitOpError("expected mbarriers instead; run "
                           "--mla-materialize-barriers first");
  if (auto mma = dyn_cast<cta::MmaAsyncOp>(op))
    for (Value operand : {mma.getA(), mma.getB()})
      if (isa<cta::BufferType>(operand.getType()))
        return op->emitOpError("expected a descriptor operand; run "
                               "--mla-wgmma-descriptors first");
  if (!op->getParentOfType<cta::RoleOp>())
    return success();
  if (auto reduce = dyn_cast<tile::ReduceOp>(op);
      reduce && cta::crossesWarps(reduce))
    return op->emitOpError("expected a reduction within warps; run "
                           "--mla-reduce-across-warps first");
  for (Type type : op->getResultTypes()) {
    if (auto inFlight = dyn_cast<cta::InFlightType>(type))
      type = inFlight.getFragment();
    if (isa<RankedTensorType>(type) && !cta::hasLayout(type))
      return op->emitOpError() << "expected a fragment with a layout, got "
                               << type << "; run --mla-assign-layouts first";
  }
  return success();
}

/// All threads pass by an op between two roles: before the first, or behind?
static LogicalResult checkSideBySide(ArrayRef<cta::RoleOp> roles) {
  for (size_t i = 1; i < roles.size(); ++i)
    for (Operation *op = roles[i - 1]->getNextNode(); op != roles[i];
         op = op->getNextNode()) {
      if (!op)
        return roles[i]->emitOpError("expected roles side by side");
      if (!isMemoryEffectFree(op) && !cta::isDeclaration(op))
        return op->emitOpError("expected roles side by side, and nothing with "
                               "an effect between them");
    }
  return success();
}

//===----------------------------------------------------------------------===//
// Products
//===----------------------------------------------------------------------===//

static LogicalResult checkInFlightUses(ValueRange values) {
  for (Value value : values) {
    if (!isa<cta::InFlightType>(value.getType()))
      continue;
    for (Operation *user : value.getUsers())
      if (!isa<cta::MmaAsyncOp, cta::MmaWaitOp, scf::YieldOp, scf::ForOp>(user))
        return user->emitOpError("reads a product in flight");
  }
  return success();
}

static LogicalResult checkInFlightUses(Operation *op) {
  for (Region &region : op->getRegions())
    for (Block &block : region)
      if (failed(checkInFlightUses(ValueRange(block.getArguments()))))
        return failure();
  return checkInFlightUses(ValueRange(op->getResults()));
}

/// A fence stands between a product and the register writes before it.
static LogicalResult checkFenced(cta::MmaAsyncOp mma) {
  for (Operation *op = mma->getPrevNode(); op; op = op->getPrevNode()) {
    if (isa<cta::MmaFenceOp>(op))
      return success();
    if (!isa<cta::DescriptorOp, cta::MmaAsyncOp>(op))
      break;
  }
  return mma.emitOpError("expected cta.mma_fence before the product; run "
                         "--mla-insert-mma-sync first");
}

static LogicalResult checkProducts(cta::RoleOp role) {
  GroupAges ages(role, /*everyMmaCommits=*/false);
  WalkResult result = role.walk([&](Operation *op) -> WalkResult {
    if (auto mma = dyn_cast<cta::MmaAsyncOp>(op))
      return checkFenced(mma);
    auto wait = dyn_cast<cta::MmaWaitOp>(op);
    if (!wait)
      return WalkResult::advance();
    if (!wait.getPending())
      return wait.emitOpError("expected a pending count; run "
                              "--mla-insert-mma-sync first");
    std::optional<int64_t> pending = ages.getPending(wait);
    if (!pending)
      return wait.emitOpError("waits for a product that was not committed on "
                              "some path");
    if (static_cast<int64_t>(*wait.getPending()) > *pending)
      return wait.emitOpError()
             << "covers nothing: " << *wait.getPending()
             << " groups may be pending, but only " << *pending
             << " are younger than the one awaited";
    return WalkResult::advance();
  });
  return failure(result.wasInterrupted());
}

//===----------------------------------------------------------------------===//
// Barriers
//===----------------------------------------------------------------------===//

namespace {
/// Balances the waits on one barrier of a ring against the arrivals on its
/// other: a reader releases what it awaited, a writer publishes what it
/// acquired, on every path.
class BalanceChecker {
public:
  BalanceChecker(Value waited, Value arrived)
      : waited(waited), arrived(arrived) {}

  /// Waits less arrivals over `block`, or failure with an error.
  FailureOr<int64_t> run(Block &block);

private:
  static bool arrivesOn(Operation *op, Value barrier) {
    return isa<cta::ArriveOp, cta::ArriveCopiesOp, cta::ArriveExpectOp>(op) &&
           op->getOperand(0) == barrier;
  }

  Value waited, arrived;
};
} // namespace

FailureOr<int64_t> BalanceChecker::run(Block &block) {
  int64_t balance = 0;
  for (Operation &op : block) {
    if (auto wait = dyn_cast<cta::MBarrierWaitOp>(op)) {
      balance += wait.getBarrier() == waited;
    } else if (arrivesOn(&op, arrived)) {
      --balance;
    } else if (auto loop = dyn_cast<scf::ForOp>(op)) {
      FailureOr<int64_t> body = run(*loop.getBody());
      if (failed(body))
        return failure();
      if (*body)
        return loop.emitOpError()
               << "waits for " << *body
               << " more slots than it hands on in each iteration";
    } else if (auto branch = dyn_cast<scf::IfOp>(op)) {
      FailureOr<int64_t> yes = run(*branch.thenBlock()), no = 0;
      if (branch.elseBlock())
        no = run(*branch.elseBlock());
      if (failed(yes) || failed(no))
        return failure();
      if (*yes != *no)
        return branch.emitOpError()
               << "waits for " << *yes - *no
               << " more slots than it hands on in one branch only";
      balance += *yes;
    }
  }
  return balance;
}

/// Checks one role's use of two of a ring's barriers.
static LogicalResult checkBalance(cta::RoleOp role, Value waited,
                                  Value arrived) {
  FailureOr<int64_t> balance =
      BalanceChecker(waited, arrived).run(role.getBody().front());
  if (failed(balance))
    return failure();
  if (*balance)
    return role.emitOpError()
           << "waits " << *balance << " times more on "
           << waited.getDefiningOp<cta::MBarrierOp>().getNameAttr()
           << " than it arrives on "
           << arrived.getDefiningOp<cta::MBarrierOp>().getNameAttr();
  return success();
}

/// Arrivals of `role` that one phase of `barrier` sees.
static FailureOr<int64_t> countArrivals(cta::RoleOp role, Value barrier) {
  std::optional<int64_t> count;
  WalkResult result = role.walk([&](Operation *op) -> WalkResult {
    if (op->getNumOperands() == 0 || op->getOperand(0) != barrier)
      return WalkResult::advance();
    int64_t arrivals;
    if (isa<cta::ArriveOp>(op))
      arrivals = role.getWarps();
    else if (isa<cta::ArriveCopiesOp>(op))
      arrivals = 32 * role.getWarps();
    else if (isa<cta::ArriveExpectOp>(op))
      arrivals = 1;
    else
      return WalkResult::advance();
    if (count && *count != arrivals)
      return op->emitOpError("arrives in another way than the role's other "
                             "arrivals on this barrier");
    count = arrivals;
    return WalkResult::advance();
  });
  if (result.wasInterrupted())
    return failure();
  return count.value_or(0);
}

static LogicalResult checkBarrier(cta::MBarrierOp barrier,
                                  ArrayRef<cta::RoleOp> roles) {
  int64_t arrivals = 0;
  for (cta::RoleOp role : roles) {
    FailureOr<int64_t> count = countArrivals(role, barrier.getResult());
    if (failed(count))
      return failure();
    arrivals += *count;
  }
  if (arrivals != static_cast<int64_t>(barrier.getCount()))
    return barrier.emitOpError()
           << "expects " << barrier.getCount()
           << " arrivals a phase, its roles make " << arrivals;
  auto inits = llvm::count_if(barrier->getUsers(), [](Operation *user) {
    return isa<cta::MBarrierInitOp>(user);
  });
  if (inits == 0)
    return barrier.emitOpError("is never initialised");
  if (inits > 1)
    return barrier.emitOpError("is initialised twice");
  return success();
}

/// The bytes a barrier expects are those that its copies bring.
static LogicalResult checkExpectedBytes(cta::ArriveExpectOp expect) {
  int64_t bytes = 0;
  for (Operation &op : *expect->getBlock())
    if (auto copy = dyn_cast<cta::CopyAsyncOp>(op))
      if (copy.getBarrier() == expect.getBarrier() &&
          copy.getBarrierIndex() == expect.getIndex())
        bytes += copy.getDest().getType().getBytes();
  if (bytes != static_cast<int64_t>(expect.getBytes()))
    return expect.emitOpError() << "expects " << expect.getBytes()
                                << " bytes, its copies bring " << bytes;
  return success();
}

using BarrierMap = llvm::StringMap<cta::MBarrierOp>;

/// The barriers of a ring that another one returns.
static FailureOr<RingBarriers>
findBorrowed(cta::RingOp ring, cta::MBarrierOp full, cta::MBarrierOp returned) {
  int64_t ahead = ring.getAhead().value_or(0);
  if (!full || !returned || ring.getReturnedBy() == ring.getName())
    return ring.emitOpError() << "expected a full mbarrier of its own, and one "
                                 "of another ring named "
                              << *ring.getReturnedBy();
  if (ring.getOver() || full.getResult().getType().getSize() != 1 ||
      returned.getResult().getType().getSize() != 1 ||
      (ahead != 0 && ahead != 1))
    return ring.emitOpError("is returned by another ring: expected one slot of "
                            "each, over no other, and `ahead` 0 or 1");
  return RingBarriers{ring,
                      full.getResult(),
                      returned.getResult(),
                      returned.getResult(),
                      1 - ahead,
                      -ahead};
}

/// The barriers of a ring that is returned with another one.
static FailureOr<RingBarriers>
findCommon(cta::RingOp ring, cta::MBarrierOp full, cta::MBarrierOp free) {
  int64_t depth = ring.getResult().getType().getDepth();
  if (!full || !free || ring.getOver() || ring.getReturnedBy() ||
      full.getResult().getType().getSize() != depth ||
      free.getResult().getType().getSize() != depth)
    return ring.emitOpError()
           << "is returned with " << *ring.getReturnedWith()
           << ": expected a free mbarrier of that ring, a full one of its own, "
           << depth << " of each, and no other way of return";
  return RingBarriers{ring, full.getResult(), free.getResult(),
                      free.getResult()};
}

/// Finds a ring's barriers; one over another has those of the ring below.
static FailureOr<RingBarriers> findBarriers(cta::RingOp ring,
                                            const BarrierMap &barriers) {
  auto find = [&](StringRef name, StringRef suffix) {
    return barriers.lookup((name + suffix).str());
  };
  StringRef below = ring.getOver().value_or(ring.getName());
  cta::MBarrierOp full = find(ring.getName(), ".full");
  cta::MBarrierOp own = find(ring.getName(), ".free");
  StringRef other =
      ring.getReturnedWith().value_or(ring.getReturnedBy().value_or(below));
  if (own && other != ring.getName())
    return own.emitOpError()
           << "frees nothing: the place is free when " << other << " is"
           << (ring.getReturnedBy() ? " full" : "");
  if (ring.getReturnedWith())
    return findCommon(ring, full, find(other, ".free"));
  if (ring.getReturnedBy())
    return findBorrowed(ring, full, find(*ring.getReturnedBy(), ".full"));
  cta::MBarrierOp free = find(below, ".free");
  cta::MBarrierOp acquired = ring.getOver() ? find(below, ".full") : free;
  if (!full || !free || !acquired)
    return ring.emitOpError("expected a full and a free mbarrier; run "
                            "--mla-materialize-barriers first");
  for (cta::MBarrierOp barrier : {full, free})
    if (barrier.getResult().getType().getSize() !=
        ring.getResult().getType().getDepth())
      return barrier.emitOpError()
             << "expected one mbarrier for each slot of the ring, "
             << ring.getResult().getType().getDepth();
  return RingBarriers{ring, full.getResult(), acquired.getResult(),
                      free.getResult()};
}

/// What each role waits for, it hands on.
static LogicalResult checkBalances(RingBarriers ring,
                                   ArrayRef<cta::RoleOp> roles) {
  for (cta::RoleOp role : roles) {
    // Another ring whose barriers these are may have other readers.
    if ((!ring.isBorrowing() || ring.isReadBy(role)) &&
        failed(checkBalance(role, ring.full, ring.released)))
      return failure();
    if ((!ring.isBorrowing() || ring.isWrittenBy(role)) &&
        failed(checkBalance(role, ring.acquired, ring.full)))
      return failure();
  }
  if (ring.isBorrowing() && llvm::none_of(roles, [&](cta::RoleOp role) {
        return ring.isReadBy(role);
      }))
    return ring.ring.emitOpError()
           << "expected a role that reads it and then "
           << (ring.ring.getReturnedBy() ? "fills the slot of "
                                         : "releases the slot of ")
           << ring.getLender();
  return success();
}

/// Stores the rings with their barriers in \p found.
static LogicalResult checkBarriers(func::FuncOp func,
                                   ArrayRef<cta::RoleOp> roles,
                                   SmallVectorImpl<RingBarriers> &found) {
  BarrierMap barriers;
  func.walk([&](cta::MBarrierOp op) { barriers[op.getName()] = op; });
  SmallVector<cta::RingOp> rings;
  func.walk([&](cta::RingOp ring) { rings.push_back(ring); });
  llvm::StringSet<> names;
  for (cta::RingOp ring : rings) {
    if (!names.insert(ring.getName()).second)
      return ring.emitOpError()
             << "another ring is named " << ring.getNameAttr() << " too";
    FailureOr<RingBarriers> known = findBarriers(ring, barriers);
    if (failed(known))
      return failure();
    for (Value barrier : {known->full, known->released})
      if (failed(checkBarrier(barrier.getDefiningOp<cta::MBarrierOp>(), roles)))
        return failure();
    if (failed(checkBalances(*known, roles)))
      return failure();
    found.push_back(*known);
  }
  WalkResult bytes = func.walk([](cta::ArriveExpectOp expect) {
    return WalkResult(checkExpectedBytes(expect));
  });
  return failure(bytes.wasInterrupted());
}

//===----------------------------------------------------------------------===//
// Budgets
//===----------------------------------------------------------------------===//

/// Barriers are initialised, made visible to the async proxy and to all threads
/// before the first role runs.
static LogicalResult checkInitialised(func::FuncOp func,
                                      cta::RoleOp firstRole) {
  bool fenced = false, synced = false;
  llvm::DenseSet<Operation *> covered;
  for (Operation *op = firstRole->getPrevNode(); op; op = op->getPrevNode()) {
    synced |= isa<cta::SyncOp>(op);
    fenced |= synced && isa<cta::MBarrierInitFenceOp>(op);
    if (fenced)
      covered.insert(op);
  }
  WalkResult result = func.walk([&](cta::MBarrierInitOp op) -> WalkResult {
    if (covered.contains(op))
      return WalkResult::advance();
    return op->emitOpError("expected cta.mbarrier_init_fence and cta.sync "
                           "between it and the first role");
  });
  return failure(result.wasInterrupted());
}

static LogicalResult checkAlignment(cta::RingOp ring) {
  cta::SharedLayoutAttr layout = ring.getResult().getType().getLayout();
  // A swizzle repeats every 8 rows.
  int64_t alignment = layout ? 8 * layout.getSwizzle() : 0;
  auto offset = static_cast<int64_t>(ring.getOffset().value_or(0));
  if (!alignment || offset % alignment == 0)
    return success();
  return ring.emitOpError()
         << "lies at byte " << offset << ", expected a multiple of "
         << alignment << ", where its swizzle repeats";
}

/// Rings and barriers lie side by side in the bytes that the kernel asks for.
static LogicalResult checkPlan(func::FuncOp func, int64_t bytes) {
  WalkResult aligned = func.walk(
      [](cta::RingOp ring) { return WalkResult(checkAlignment(ring)); });
  if (aligned.wasInterrupted())
    return failure();
  struct Range {
    int64_t begin, end;
    Operation *op;
  };
  SmallVector<Range> ranges;
  func.walk([&](cta::RingOp ring) {
    // It lies inside another: see checkRingsOver.
    if (ring.getOver())
      return;
    cta::RingType type = ring.getResult().getType();
    int64_t begin = ring.getOffset().value_or(0);
    ranges.push_back(
        {begin, begin + type.getDepth() * type.getSlotType().getBytes(), ring});
  });
  func.walk([&](cta::MBarrierOp barrier) {
    int64_t begin = barrier.getOffset();
    ranges.push_back(
        {begin, begin + 8 * barrier.getResult().getType().getSize(), barrier});
  });
  llvm::sort(ranges, [](const Range &a, const Range &b) {
    return std::pair(a.begin, a.end) < std::pair(b.begin, b.end);
  });
  for (auto [i, range] : llvm::enumerate(ranges)) {
    if (range.end > bytes)
      return range.op->emitOpError() << "lies at bytes [" << range.begin << ", "
                                     << range.end << ") of " << bytes;
    if (i && ranges[i - 1].end > range.begin) {
      InFlightDiagnostic diag = range.op->emitOpError()
                                << "lies at bytes [" << range.begin << ", "
                                << range.end << "), which another uses";
      diag.attachNote(ranges[i - 1].op->getLoc()) << "this one";
      return diag;
    }
  }
  return success();
}

static LogicalResult checkBudgets(func::FuncOp func,
                                  ArrayRef<cta::RoleOp> roles) {
  int64_t registers = 0;
  for (cta::RoleOp role : roles)
    registers += 32 * role.getWarps() * role.getRegisters();
  const TargetSpec &target = getTarget(func);
  if (registers > target.registersPerSM)
    return func.emitOpError()
           << "roles need " << registers << " registers, an SM has "
           << target.registersPerSM;
  auto bytes = func->getAttrOfType<IntegerAttr>(cta::kSharedBytesAttr);
  if (!bytes)
    return func.emitOpError() << "expected attribute " << cta::kSharedBytesAttr
                              << "; run --mla-stage-shared first";
  if (bytes.getInt() > target.sharedBytesPerCTA)
    return func.emitOpError()
           << "needs " << bytes.getInt()
           << " bytes of shared memory, a CTA has " << target.sharedBytesPerCTA;
  if (failed(checkRingsOver(func)))
    return failure();
  return checkPlan(func, bytes.getInt());
}

static LogicalResult checkFences(func::FuncOp func,
                                 ArrayRef<cta::RoleOp> roles) {
  DenseSet<Value> asyncRead = getAsyncReadRings(func);
  LogicalResult result = success();
  for (cta::RoleOp role : roles)
    findUnfencedPublications(role, asyncRead, [&](Operation *op) {
      result = op->emitOpError(
          "publishes generic writes to the async proxy without "
          "cta.fence_async; run --mla-insert-async-fences first");
    });
  return result;
}

namespace {
struct VerifyAsyncPass : mla::impl::VerifyAsyncBase<VerifyAsyncPass> {
  void runOnProgram() override {
    func::FuncOp func = getOperation();
    SmallVector<cta::RoleOp> roles;
    func.walk([&](cta::RoleOp role) { roles.push_back(role); });
    if (roles.empty()) {
      for (scf::ForallOp program : func.getOps<scf::ForallOp>()) {
        program.emitOpError("expected roles; run --mla-schedule first");
        return signalPassFailure();
      }
      return;
    }
    WalkResult lowered = func.walk([](Operation *op) {
      return WalkResult(success(succeeded(checkLowered(op)) &&
                                succeeded(checkInFlightUses(op))));
    });
    SmallVector<RingBarriers> rings;
    if (lowered.wasInterrupted() || failed(checkInstructions(func)) ||
        failed(checkBudgets(func, roles)) ||
        failed(checkBarriers(func, roles, rings)) ||
        failed(checkInitialised(func, roles.front())) ||
        failed(checkSideBySide(roles)) || failed(checkFences(func, roles)))
      return signalPassFailure();
    for (cta::RoleOp role : roles)
      if (failed(checkProducts(role)) || failed(checkSlotProtocol(role, rings)))
        return signalPassFailure();
    func->setAttr(cta::kVerifiedAttr, UnitAttr::get(&getContext()));
  }
};
} // namespace
