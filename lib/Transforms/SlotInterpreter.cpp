//===- SlotInterpreter.cpp - effects of ops on ring slots -------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// Counts the role's waits and arrivals for each ring, and compares the counts
// with the values from which slot indices and parities are computed.
//
// For a ring that aliases another, the waits and arrivals on the barriers of
// the ring below are counted, in roles that write or read the aliasing ring:
// see RingBarriers.
//
//===----------------------------------------------------------------------===//

#include "SlotInterpreter.h"
#include "AliasingRings.h"
#include "AsyncAnalysis.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace mla;
using namespace mla::slots;

/// Older groups are merged into one.
static constexpr size_t kMaxGroups = 8;

void SlotInterpreter::visit(Operation *op) {
  if (auto wait = dyn_cast<cta::MBarrierWaitOp>(op))
    visitWait(wait);
  else if (isa<cta::ArriveOp, cta::ArriveCopiesOp, cta::ArriveExpectOp>(op))
    visitArrival(op);
  else if (auto load = dyn_cast<cta::LoadSharedOp>(op))
    read(op, load.getSource());
  else if (auto store = dyn_cast<cta::StoreSharedOp>(op))
    write(op, store.getDest());
  else if (auto gather = dyn_cast<cta::GatherAsyncOp>(op))
    write(op, gather.getDest());
  else if (auto copy = dyn_cast<cta::CopyAsyncOp>(op))
    write(op, copy.getDest());
  else if (auto load = dyn_cast<cta::BulkLoadOp>(op))
    write(op, load.getDest());
  else if (isa<cta::StoreAsyncOp, cta::BulkStoreOp>(op))
    refuseBulkStore(op);
  else if (auto mma = dyn_cast<cta::MmaAsyncOp>(op))
    visitMma(mma);
  else if (isa<cta::MmaCommitOp>(op))
    commit();
  else if (auto wait = dyn_cast<cta::MmaWaitOp>(op))
    waitForGroups(*wait.getPending());
}

void SlotInterpreter::refuse(Operation *op, const Twine &what, unsigned ring) {
  report(op, what + " (ring \"" + getRingOp(ring).getName() + "\")");
}

//===----------------------------------------------------------------------===//
// Ops
//===----------------------------------------------------------------------===//

void SlotInterpreter::visitWait(cta::MBarrierWaitOp wait) {
  for (auto [i, ring] : llvm::enumerate(rings.rings)) {
    bool writer = wait.getBarrier() == ring.acquired;
    if (!writer && wait.getBarrier() != ring.full)
      continue;
    Count &next = count(i, writer ? Acquired : Awaited);
    // Borrowed barriers are checked with the ring that owns them.
    if (!writer || !ring.isBorrowing()) {
      if (!values.isSlotOf(wait.getIndex(), next, rings.depth(i)))
        refuse(wait, "waits for a slot other than the next", i);
      else if (!values.isParityOf(wait.getParity(), next, rings.depth(i),
                                  writer))
        refuse(wait, "waits for a phase other than the next", i);
    }
    if (isDeadlock(i, writer))
      refuse(wait, "waits for a slot that the role itself holds", i);
    next = next + 1;
  }
}

void SlotInterpreter::visitArrival(Operation *op) {
  for (auto [i, ring] : llvm::enumerate(rings.rings)) {
    bool writer = op->getOperand(0) == ring.full;
    if (!writer && op->getOperand(0) != ring.released)
      continue;
    ArrivalKind kind = *getArrivalKind(op);
    Event event = writer ? getPublication(kind) : Released;
    Count &next = count(i, event);
    Slot slot{static_cast<unsigned>(i), next};
    if (!values.isSlotOf(op->getOperand(1), next, rings.depth(i)))
      refuse(op, "arrives for a slot other than the next", i);
    else if (!isHeld(slot, writer ? Acquired : Awaited, event))
      refuse(op, "arrives for a slot that the role does not hold", i);
    // A published slot of an aliasing ring can be overwritten by the ring
    // below.
    else if ((!writer || getRingOp(i).getAliases()) && isInFlight(slot))
      refuse(op,
             writer ? "publishes a slot that an MMA may still read"
                    : "releases a slot that an MMA may still read",
             i);
    // arrive_expect precedes its copies, whose bytes checkBarriers() adds up.
    Slots &filled = kind == ArrivalKind::Copies ? state.gathered : state.stored;
    if (writer && kind != ArrivalKind::Bytes &&
        llvm::none_of(filled, [&](const Slot &other) {
          return other.count.symbol == slot.count.symbol &&
                 mayEqual(other, slot);
        }))
      refuse(op, "publishes a slot that is not filled", i);
    for (Slots *slots : {&filled, &state.written})
      for (auto it = slots->begin(); it != slots->end();)
        it = mayEqual(*it, slot) ? slots->erase(it) : std::next(it);
    next = next + 1;
  }
}

/// Reports a slot whose ring is unknown, such as a result of an scf.if that
/// yields slots of two rings.
void SlotInterpreter::checkTraceable(Operation *op, Value buffer) {
  Value whole = getWhole(buffer);
  if (!isa<cta::BufferType>(whole.getType()) || getRing(whole) ||
      whole.getDefiningOp<cta::BufferOp>())
    return;
  report(op, "accesses a slot whose ring is ambiguous");
}

void SlotInterpreter::read(Operation *op, Value buffer) {
  checkTraceable(op, buffer);
  std::optional<Slot> slot = values.evaluateSlot(buffer);
  if (!slot)
    return;
  if (!isHeld(*slot, Awaited, Released) && !isHeldToFill(*slot))
    refuse(op, "reads a slot that the role does not hold", slot->ring);
  readUnder(op, buffer, *slot);
}

/// Only MMAs of the writer of an aliasing ring may read the bytes below, and
/// only before it writes. Loads may not: those of its other warps may come
/// later.
void SlotInterpreter::readUnder(Operation *op, Value buffer, const Slot &slot) {
  cta::RingOp below = getRingOp(slot.ring);
  for (unsigned i = 0; i < rings.size(); ++i) {
    cta::RingOp alias = getRingOp(i);
    if (alias.getAliases() != below.getResult() ||
        !mayReadUnder(buffer, below, alias))
      continue;
    Slot top{static_cast<unsigned>(i), count(i, Acquired) + -1};
    bool isWritten = llvm::any_of(
        state.written, [&](const Slot &other) { return mayEqual(other, top); });
    if (!isa<cta::MmaAsyncOp>(op) || !isHeldToFill(top) || isWritten)
      refuse(op, "reads bytes that the aliasing ring may have overwritten", i);
    state.open.insert(top);
  }
}

void SlotInterpreter::write(Operation *op, Value buffer) {
  checkTraceable(op, buffer);
  std::optional<Slot> slot = values.evaluateSlot(buffer);
  if (!slot)
    return;
  // A copy follows its arrive_expect, so the slot counts as published already.
  Value signalled, signalledIndex;
  TypeSwitch<Operation *>(op)
      .Case<cta::CopyAsyncOp, cta::BulkLoadOp, cta::GatherAsyncOp>(
          [&](auto copy) {
            signalled = copy.getBarrier();
            signalledIndex = copy.getBarrierIndex();
          });
  bool copy = isa<cta::CopyAsyncOp, cta::BulkLoadOp>(op);
  bool gathers = isa<cta::GatherAsyncOp>(op);
  Event event = copy      ? PublishedBytes
                : gathers ? PublishedCopies
                          : PublishedByWarps;
  Count &published = count(slot->ring, event);
  published = published + (copy ? -1 : 0);
  if (!isHeld(*slot, Acquired, event))
    refuse(op, "writes a slot that the role does not hold", slot->ring);
  else if (isInFlight(*slot))
    refuse(op, "writes a slot that an MMA may still read", slot->ring);
  published = published + (copy ? 1 : 0);
  if (rings.depth(slot->ring) == 1)
    slot->count = count(slot->ring, Acquired) + -1;
  if (!copy) {
    (gathers ? state.gathered : state.stored).insert(*slot);
    if (getRingOp(slot->ring).getAliases())
      state.written.insert(*slot);
  }
  if ((copy || signalled) &&
      (signalled != rings[slot->ring].full ||
       !values.isSlotOf(signalledIndex, slot->count, rings.depth(slot->ring))))
    refuse(op, "signals a barrier other than that of its slot", slot->ring);
}

/// When a bulk store has read its tile is not tracked here.
void SlotInterpreter::refuseBulkStore(Operation *op) {
  if (std::optional<Slot> slot = values.evaluateSlot(op->getOperand(0)))
    refuse(op, "reads a slot by a bulk store, expected a cta.buffer",
           slot->ring);
}

void SlotInterpreter::visitMma(cta::MmaAsyncOp mma) {
  for (Value operand : {mma.getA(), mma.getB()}) {
    read(mma, operand);
    std::optional<Slot> slot = values.evaluateSlot(operand);
    if (!slot)
      continue;
    // A ring of depth 1 has only the slot that is held.
    if (rings.depth(slot->ring) == 1)
      slot->count =
          count(slot->ring,
                isHeld(*slot, Awaited, Released) ? Awaited : Acquired) +
          -1;
    state.open.insert(*slot);
  }
}

void SlotInterpreter::commit() {
  state.groups.insert(state.groups.begin(), std::move(state.open));
  state.open.clear();
  if (state.groups.size() <= kMaxGroups)
    return;
  Slots oldest = state.groups.pop_back_val();
  state.groups.back().merge(oldest);
}

void SlotInterpreter::waitForGroups(size_t pending) {
  if (pending < state.groups.size())
    state.groups.resize(pending);
}

//===----------------------------------------------------------------------===//
// Slots
//===----------------------------------------------------------------------===//

/// Whether the event `from` has occurred for the slot, and `until` has not.
bool SlotInterpreter::isHeld(const Slot &slot, Event from, Event until) {
  Count begin = count(slot.ring, until), end = count(slot.ring, from);
  if (begin.symbol != end.symbol || begin.offset >= end.offset ||
      slot.count.symbol == kUnknown)
    return false;
  if (rings.depth(slot.ring) == 1)
    return true;
  if (slot.count.symbol != end.symbol)
    return false;
  for (int64_t i = begin.offset; i < end.offset; ++i)
    if (modulo(i - slot.count.offset, rings.depth(slot.ring)) == 0)
      return true;
  return false;
}

/// Whether the role has acquired the slot, and not yet published all of it.
bool SlotInterpreter::isHeldToFill(const Slot &slot) {
  return llvm::any_of(rings.publications[slot.ring], [&](Event published) {
    return isHeld(slot, Acquired, published);
  });
}

/// Whether the next wait needs an event of the same role that comes later: the
/// release or publication of a slot.
bool SlotInterpreter::isDeadlock(unsigned ring, bool writer) {
  Count next = count(ring, writer ? Acquired : Awaited);
  // Whether `event` is at least `by` slots behind.
  auto lags = [&](Event event, int64_t by) {
    Count done = count(ring, event);
    return done.symbol == next.symbol && next.offset - done.offset >= by;
  };
  if ((!writer || rings.isOwnReader[ring]) && lags(Released, rings.depth(ring)))
    return true;
  return (writer || rings.isOwnReader[ring]) &&
         llvm::any_of(rings.publications[ring], [&](Event published) {
           return lags(published, writer ? rings.depth(ring) : 0);
         });
}

bool SlotInterpreter::mayEqual(const Slot &a, const Slot &b) {
  return a.ring == b.ring &&
         (a.count.symbol != b.count.symbol || a.count.symbol == kUnknown ||
          modulo(a.count.offset - b.count.offset, rings.depth(a.ring)) == 0);
}

bool SlotInterpreter::isInFlight(const Slot &slot) {
  auto reads = [&](const Slots &slots) {
    return llvm::any_of(slots,
                        [&](const Slot &read) { return mayEqual(read, slot); });
  };
  return reads(state.open) || llvm::any_of(state.groups, reads);
}
