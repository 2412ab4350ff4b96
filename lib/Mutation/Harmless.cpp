//===- Harmless.cpp - damage that changes nothing ---------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// Each rule is a reason why a program that the verifier accepts is as right as
// it was. Deadlocks do not depend on timing (a barrier only ever counts up, and
// no role looks at one without waiting), so a program that ran to its end may
// wait sooner or arrive later without a rule of its own.
//
//===----------------------------------------------------------------------===//

#include "Enumerator.h"
#include "mla/Mutation/Score.h"

using namespace mlir;
using namespace mla;
using namespace mla::mutation;

namespace {
/// Why `op` may change places with `other`, or "".
using Rule = StringRef (*)(Operation *op, Operation *other, bool earlier);

/// Whether a product reads one of the rings whose wait `op` is.
bool completesRead(Operation *op, const Rings &rings) {
  if (!isa<cta::MmaWaitOp, cta::MmaWaitReadsOp>(op))
    return false;
  // Groups complete in order: a wait may cover products other than its own.
  bool reads = false;
  op->getParentOfType<cta::RoleOp>().walk(
      [&](cta::MmaAsyncOp mma) { reads |= accesses(mma, rings); });
  return reads;
}

StringRef commuteFence(Operation *op, Operation *other, bool) {
  if (!isa<cta::FenceAsyncOp>(op))
    return "";
  if (isa<cta::StoreSharedOp, cta::PeerStoreOp, cta::MmaAsyncOp,
          cta::StoreAsyncOp, cta::BulkStoreOp, cta::BulkReduceAddOp,
          cta::PeerCopyOp, cta::NamedSyncOp, cta::SyncOp>(other) ||
      classify(other) == SyncClass::Arrival)
    return "";
  return "a fence moved over no write to shared memory and no publication";
}

/// GroupAges has verified each wait's count in the damaged program.
StringRef commuteCommit(Operation *op, Operation *, bool) {
  if (!isa<cta::MmaCommitOp>(op))
    return "";
  return "groups cut elsewhere, each wait still covers its product";
}

/// Whether `op` closes the group of a product whose result, in flight, only the
/// next of its chain takes. Without it the two are one group. Nobody waits for
/// the first alone, and the verifier has followed the groups as they are now:
/// each wait covers its product, and with it the links before, whose group is
/// the same or an older one; and no slot is handed on or written that a product
/// of a group still pending, or open, reads. What is left is how long waits
/// take.
bool closesLink(Operation *op) {
  if (!isa<cta::MmaCommitOp>(op))
    return false;
  auto link = dyn_cast_or_null<cta::MmaAsyncOp>(op->getPrevNode());
  return link && !link->use_empty() &&
         llvm::all_of(link->getUsers(), [](Operation *user) {
           return isa<cta::MmaAsyncOp>(user);
         });
}

StringRef commuteGroupWait(Operation *op, Operation *other, bool earlier) {
  if (!isa<cta::MmaWaitOp, cta::MmaWaitReadsOp>(op))
    return "";
  if (earlier)
    return "waits sooner for a product";
  if (classify(other) == SyncClass::Arrival ||
      isa<cta::StoreSharedOp, cta::GatherAsyncOp, cta::CopyAsyncOp>(other))
    return "";
  return "waits later for a product, over nothing that reuses its operands";
}

StringRef commuteWait(Operation *op, Operation *other, bool earlier) {
  if (!isa<cta::MBarrierWaitOp, cta::MBarrierWaitClusterOp>(op))
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

bool accessesGlobal(Operation *op) {
  return llvm::any_of(op->getOperandTypes(), llvm::IsaPred<MemRefType>);
}

StringRef commuteLaunchWait(Operation *op, Operation *other, bool) {
  if (!isa<cta::LaunchWaitOp>(op) || accessesGlobal(other))
    return "";
  return "waits elsewhere for the kernels before, over no access to global "
         "memory";
}

constexpr Rule kRules[] = {commuteFence,     commuteCommit,  commuteGroupWait,
                           commuteWait,      commuteArrival, commuteInit,
                           commuteLaunchWait};
} // namespace

/// Why `op` may move past `other` and all that it holds.
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

static std::string whyMoveHarmless(const Mutation &mutation, const Ops &ops) {
  Operation *op = ops[mutation.target];
  StringRef why;
  for (unsigned crossed : mutation.crossed) {
    why = whyCommutes(op, ops[crossed], mutation.towardsBegin);
    // That `op` moved down past one op is that the other moved up past it.
    if (why.empty() && mutation.crossed.size() == 1)
      why = whyCommutes(ops[crossed], op, !mutation.towardsBegin);
    if (why.empty())
      return "";
  }
  return why.str();
}

std::string mutation::whyHarmless(const Mutation &mutation,
                                  func::FuncOp program, func::FuncOp damaged) {
  Ops ops = numberOps(program);
  if (mutation.moves)
    return whyMoveHarmless(mutation, ops);
  Operation *op = ops[mutation.target];
  SyncClass sync = classify(op);
  if (mutation.kind == "double") {
    if (sync == SyncClass::Fence)
      return "a fence twice";
    if (sync == SyncClass::Commit)
      return "an empty group: waits for more";
    if (isa<cta::LaunchWaitOp>(op))
      return "waits for the kernels before twice";
  }
  // Its launch descriptor then says so: the kernel is not launched early.
  if (isa<cta::LaunchWaitOp>(op) && mutation.kind == "drop-wait")
    return "without cta.launch_wait a kernel begins after those before it";
  if (closesLink(op) &&
      llvm::is_contained({"drop-commit", "out-before", "out-after"},
                         mutation.kind))
    return "links of a chain in one group, which their wait still covers";
  if (auto ring = dyn_cast<cta::RingOp>(op); ring && mutation.kind == "depth") {
    // The verifier has followed every slot and phase by the new depth.
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
