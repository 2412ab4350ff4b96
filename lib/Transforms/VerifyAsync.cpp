//===- VerifyAsync.cpp - verifies synchronisation ---------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "AliasingRings.h"
#include "AsyncAnalysis.h"
#include "SlotProtocol.h"
#include "VerifyBarriers.h"
#include "VerifyLaunchWait.h"

namespace mla {
#define GEN_PASS_DEF_VERIFYASYNC
#include "mla/Transforms/Passes.h.inc"
} // namespace mla

using namespace mlir;
using namespace mla;

static LogicalResult checkLowered(Operation *op);
static LogicalResult checkInFlightUses(Operation *op);
static LogicalResult checkBudgets(func::FuncOp func,
                                  ArrayRef<cta::RoleOp> roles);
static LogicalResult checkInitialised(func::FuncOp func, cta::RoleOp firstRole);
static LogicalResult checkSideBySide(ArrayRef<cta::RoleOp> roles);
static LogicalResult checkFences(func::FuncOp func);
static LogicalResult checkMmas(func::FuncOp func);

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
        failed(checkSideBySide(roles)) || failed(checkFences(func)) ||
        failed(checkMmas(func)) || failed(checkLaunchWait(func)) ||
        failed(checkSlotProtocol(func, rings)))
      return signalPassFailure();
    func->setAttr(cta::kVerifiedAttr, UnitAttr::get(&getContext()));
  }
};
} // namespace

//===----------------------------------------------------------------------===//
// Earlier passes have run
//===----------------------------------------------------------------------===//

static LogicalResult checkLowered(Operation *op) {
  if (isa<cta::AcquireOp, cta::AwaitOp, cta::ReleaseOp>(op))
    return op->emitOpError("expected mbarriers in its place; run "
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

/// An op with an effect between two roles would have no defined order relative
/// to them.
static LogicalResult checkSideBySide(ArrayRef<cta::RoleOp> roles) {
  for (size_t i = 1; i < roles.size(); ++i)
    for (Operation *op = roles[i - 1]->getNextNode(); op != roles[i];
         op = op->getNextNode()) {
      if (!op)
        return roles[i]->emitOpError(
            "expected all roles in one block, one after the other");
      if (!isMemoryEffectFree(op) && !cta::isDeclaration(op))
        return op->emitOpError(
            "expected no op with an effect between two roles");
    }
  return success();
}

//===----------------------------------------------------------------------===//
// MMAs
//===----------------------------------------------------------------------===//

static LogicalResult checkInFlightUses(ValueRange values) {
  for (Value value : values) {
    if (!isa<cta::InFlightType>(value.getType()))
      continue;
    for (Operation *user : value.getUsers())
      if (!isa<cta::MmaAsyncOp, cta::MmaWaitOp, scf::YieldOp, scf::ForOp>(user))
        return user->emitOpError("reads an MMA result in flight");
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

/// wgmma needs a fence after earlier writes to its registers.
static LogicalResult checkFenced(cta::MmaAsyncOp mma) {
  for (Operation *op = mma->getPrevNode(); op; op = op->getPrevNode()) {
    if (isa<cta::MmaFenceOp>(op))
      return success();
    if (!isa<cta::DescriptorOp, cta::MmaAsyncOp>(op))
      break;
  }
  return mma.emitOpError("expected cta.mma_fence before the MMA; run "
                         "--mla-insert-mma-sync first");
}

static LogicalResult checkMmas(func::FuncOp func) {
  GroupAges ages(func, /*insertsCommits=*/false);
  WalkResult result = func.walk([&](Operation *op) -> WalkResult {
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
      return wait.emitOpError("waits for an MMA that is not committed on every "
                              "path");
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
// Budgets
//===----------------------------------------------------------------------===//

/// Barriers must be initialised, and visible to the async proxy and all
/// threads, before the first role runs.
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
         << "expected an offset that is a multiple of " << alignment
         << ", the period of its swizzle, got " << offset;
}

/// Rings, buffers and barriers must not overlap, nor exceed the kernel's shared
/// memory.
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
    // checkAliasingRings() checks rings that alias another.
    if (ring.getAliases())
      return;
    cta::RingType type = ring.getResult().getType();
    int64_t begin = ring.getOffset().value_or(0);
    ranges.push_back(
        {begin, begin + type.getDepth() * type.getSlotType().getBytes(), ring});
  });
  func.walk([&](cta::BufferOp buffer) {
    // It lies inside a ring or another buffer: its verifier has checked that.
    if (buffer.getBase())
      return;
    int64_t begin = buffer.getOffset().value_or(0);
    ranges.push_back(
        {begin, begin + buffer.getResult().getType().getBytes(), buffer});
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
      return range.op->emitOpError()
             << "expected to end within the kernel's " << bytes
             << " bytes of shared memory, got bytes [" << range.begin << ", "
             << range.end << ")";
    if (i && ranges[i - 1].end > range.begin) {
      InFlightDiagnostic diag = range.op->emitOpError()
                                << "is at bytes [" << range.begin << ", "
                                << range.end << "), which another op uses";
      diag.attachNote(ranges[i - 1].op->getLoc()) << "used here";
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
  if (failed(checkAliasingRings(func)))
    return failure();
  return checkPlan(func, bytes.getInt());
}

static LogicalResult checkFences(func::FuncOp func) {
  LogicalResult result = success();
  findUnfencedPublications(func, [&](Operation *op) {
    result =
        op->emitOpError("publishes generic writes to the async proxy without "
                        "cta.fence_async; run --mla-insert-async-fences first");
  });
  return result;
}
