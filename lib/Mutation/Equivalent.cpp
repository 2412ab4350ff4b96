//===- Equivalent.cpp - damage that changes nothing -------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// Each rule states why a damaged program that the verifier accepts is still
// correct. Whether a program deadlocks does not depend on timing, because
// barriers only count up and no role tests one without waiting. Hence a program
// that ran to its end may wait sooner or arrive later.
//
//===----------------------------------------------------------------------===//

#include "Enumerator.h"
#include "mla/Dialect/MLA/MLA.h"
#include "mla/Mutation/Score.h"

using namespace mlir;
using namespace mla;
using namespace mla::mutation;

namespace {
/// Why `op` may change places with `other`, or "".
using Rule = StringRef (*)(Operation *op, Operation *other, bool earlier);

/// Whether `op` waits for MMAs that may read one of the rings.
bool completesRead(Operation *op, const Rings &rings) {
  if (!isa<cta::MmaWaitOp>(op))
    return false;
  // Groups complete in order, so a wait may cover MMAs besides its own.
  bool reads = false;
  op->getParentOfType<cta::RoleOp>().walk(
      [&](cta::MmaAsyncOp mma) { reads |= accesses(mma, rings); });
  return reads;
}

StringRef commuteFence(Operation *op, Operation *other, bool) {
  auto fence = dyn_cast<cta::FenceAsyncOp>(op);
  if (!fence || fence.getGlobal())
    return "";
  if (isa<cta::StoreSharedOp, cta::MmaAsyncOp, cta::StoreAsyncOp,
          cta::BulkStoreOp, cta::NamedSyncOp, cta::SyncOp>(other) ||
      classify(other) == SyncClass::Arrival)
    return "";
  return "a fence moved over no write to shared memory and no publication";
}

/// The verifier has checked the count of each wait in the damaged program.
StringRef commuteCommit(Operation *op, Operation *, bool) {
  if (!isa<cta::MmaCommitOp>(op))
    return "";
  return "groups are divided elsewhere, and each wait still covers its MMA";
}

/// Whether `op` commits an MMA whose result, still in flight, is used only by
/// the next MMA of its chain. Without it both are in one group. No wait is for
/// the first MMA alone, and the verifier has checked the new groups: each wait
/// covers its MMA and the earlier ones of the chain, and no slot is released or
/// written that an MMA of a pending or open group reads. Only the length of
/// waits changes.
bool closesLink(Operation *op) {
  if (!isa<cta::MmaCommitOp>(op))
    return false;
  auto mma = dyn_cast_or_null<cta::MmaAsyncOp>(op->getPrevNode());
  return mma && !mma->use_empty() &&
         llvm::all_of(mma->getUsers(), [](Operation *user) {
           return isa<cta::MmaAsyncOp>(user);
         });
}

StringRef commuteGroupWait(Operation *op, Operation *other, bool earlier) {
  if (!isa<cta::MmaWaitOp>(op))
    return "";
  if (earlier)
    return "waits sooner for an MMA";
  if (classify(other) == SyncClass::Arrival ||
      isa<cta::StoreSharedOp, cta::GatherAsyncOp, cta::CopyAsyncOp>(other))
    return "";
  return "waits later for an MMA, over nothing that reuses its operands";
}

StringRef commuteWait(Operation *op, Operation *other, bool earlier) {
  if (!isa<cta::MBarrierWaitOp>(op))
    return "";
  if (earlier)
    return "waits sooner for a barrier";
  Rings rings = getRings(getBarrier(op)->get());
  if (rings.empty() || accesses(other, rings) || signals(other, rings))
    return "";
  return "waits later for a slot, over nothing that touches the ring";
}

StringRef commuteArrival(Operation *op, Operation *other, bool earlier) {
  OpOperand *barrier = getBarrier(op);
  if (classify(op) != SyncClass::Arrival || !barrier)
    return "";
  if (!earlier)
    return "arrives later";
  Rings rings = getRings(barrier->get());
  if (rings.empty() || accesses(other, rings) || signals(other, rings) ||
      completesRead(other, rings) || isa<cta::FenceAsyncOp>(other))
    return "";
  return "arrives sooner, over nothing that touches the ring";
}

StringRef commuteInit(Operation *op, Operation *other, bool) {
  if (classify(op) == SyncClass::Init && classify(other) == SyncClass::Init)
    return "mbarriers initialised in another order";
  return "";
}

Attribute getName(BlockArgument arg) {
  auto func = cast<func::FuncOp>(arg.getOwner()->getParentOp());
  return func.getArgAttr(arg.getArgNumber(), kArgNameAttr);
}

bool waitsForLaunch(func::FuncOp kernel) {
  return kernel.walk([](cta::LaunchWaitOp) { return WalkResult::interrupt(); })
      .wasInterrupted();
}

/// Whether one of the kernels before `kernel` that may still run beside it, the
/// last one, and those before it if that has not waited for them, writes the
/// argument that `memref` is; if `isStore`, whether one accesses it.
bool mayConflict(Value memref, bool isStore, func::FuncOp kernel) {
  auto arg = dyn_cast<BlockArgument>(memref);
  if (!arg || arg.getOwner()->getParentOp() != kernel || !getName(arg))
    return true;
  auto conflicts = [&](BlockArgument its) {
    return getName(its) == getName(arg) &&
           llvm::any_of(its.getUsers(), [&](Operation *user) {
             return isStore ? !isa<memref::DimOp>(user)
                            : hasEffect<MemoryEffects::Write>(user, its);
           });
  };
  SmallVector<func::FuncOp> kernels =
      findKernels(kernel->getParentOfType<ModuleOp>());
  for (auto other = llvm::find(kernels, kernel); other != kernels.begin();) {
    --other;
    if (llvm::any_of(other->getArguments(), conflicts))
      return true;
    // It began when all kernels before it had ended.
    if (!waitsForLaunch(*other))
      return false;
  }
  return false;
}

StringRef commuteLaunchWait(Operation *op, Operation *other, bool) {
  if (!isa<cta::LaunchWaitOp>(op))
    return "";
  auto kernel = op->getParentOfType<func::FuncOp>();
  for (Value operand : other->getOperands())
    if (isa<MemRefType>(operand.getType()) &&
        mayConflict(operand, hasEffect<MemoryEffects::Write>(other, operand),
                    kernel))
      return "";
  return "waits elsewhere for the kernels before, over no access to global "
         "memory that could meet theirs";
}

constexpr Rule kRules[] = {commuteFence,     commuteCommit,  commuteGroupWait,
                           commuteWait,      commuteArrival, commuteInit,
                           commuteLaunchWait};
} // namespace

/// Why `op` may move past `other` and all ops nested in it, or "".
static StringRef whyCommutes(Operation *op, Operation *other, bool earlier) {
  StringRef why;
  WalkResult result = other->walk([&](Operation *nested) {
    if (!isEvent(nested) || nested->getNumRegions())
      return WalkResult::advance();
    for (Rule rule : kRules)
      if (why = rule(op, nested, earlier); !why.empty())
        return WalkResult::advance();
    return WalkResult::interrupt();
  });
  return result.wasInterrupted() ? "" : why;
}

static std::string explainEquivalentMove(const Mutation &mutation,
                                         const Ops &ops) {
  Operation *op = ops[mutation.target];
  StringRef why;
  for (unsigned crossed : mutation.crossed) {
    why = whyCommutes(op, ops[crossed], mutation.towardsBegin);
    // Moving down past one op is the same as moving that op up.
    if (why.empty() && mutation.crossed.size() == 1)
      why = whyCommutes(ops[crossed], op, !mutation.towardsBegin);
    if (why.empty())
      return "";
  }
  return why.str();
}

std::string mutation::explainEquivalence(const Mutation &mutation,
                                         func::FuncOp kernel,
                                         func::FuncOp damaged) {
  Ops ops = numberOps(kernel);
  if (mutation.moves)
    return explainEquivalentMove(mutation, ops);
  Operation *op = ops[mutation.target];
  SyncClass sync = classify(op);
  if (mutation.kind == "double") {
    if (sync == SyncClass::Fence)
      return "a fence twice";
    if (sync == SyncClass::Commit)
      return "an empty group: waits for more";
    if (isa<cta::StoreReleaseOp>(op))
      return "a flag written twice with one value";
    if (isa<cta::LaunchWaitOp>(op))
      return "waits for the kernels before twice";
  }
  // The launch descriptor is then without programmatic dependent launch.
  if (isa<cta::LaunchWaitOp>(op) && mutation.kind == "drop-wait")
    return "without cta.launch_wait a kernel begins after those before it";
  if (closesLink(op) &&
      llvm::is_contained({"drop-commit", "out-before", "out-after"},
                         mutation.kind))
    return "links of a chain in one group, which their wait still covers";
  if (auto ring = dyn_cast<cta::RingOp>(op); ring && mutation.kind == "depth") {
    // The verifier has checked every slot and phase with the new depth.
    auto shorter = cast<cta::RingOp>(numberOps(damaged)[mutation.target]);
    if (shorter.getResult().getType().getDepth() <
        ring.getResult().getType().getDepth())
      return "a ring with a slot less, used as one";
  }
  if (mutation.kind == "pending") {
    Operation *changed = numberOps(damaged)[mutation.target];
    auto before = op->getAttrOfType<IntegerAttr>("pending");
    auto after = changed->getAttrOfType<IntegerAttr>("pending");
    if (after.getInt() < before.getInt())
      return "waits for more groups";
  }
  return "";
}
