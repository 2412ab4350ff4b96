//===- Lives.cpp - the uses of each slot of shared memory -----------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "mla/Explain/Timeline.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/STLExtras.h"

using namespace mlir;
using namespace mla;
using namespace mla::explain;

double Life::lastRead() const {
  double last = fill.end;
  for (const Access &read : reads)
    last = std::max(last, read.end);
  return last;
}

/// Whether an operand of `op` is the ring or buffer. Addresses alone do not
/// tell, since allocations may share bytes.
static bool touches(Operation *op, const Allocation &allocation) {
  return llvm::any_of(op->getOperands(), [&](Value operand) {
    return findRoot(operand) == allocation.op;
  });
}

//===----------------------------------------------------------------------===//
// Durations of accesses
//===----------------------------------------------------------------------===//

namespace {
/// Finds the event of an access. The n-th execution of an op makes its n-th
/// group of accesses; an asynchronous op accesses memory while it is in flight
/// and not where it is issued.
class EventFinder {
public:
  EventFinder(const sim::Trace &trace,
              ArrayRef<const sim::TraceAccess *> accesses) {
    for (const sim::TraceEvent &event : trace.events)
      if (event.kind != sim::TraceKind::Wait &&
          !StringRef(trace.tracks[event.track]).starts_with("cta "))
        add(events[event.op], event);
    for (const sim::TraceAccess *access : accesses)
      ++counts[access->op];
  }

  /// Must be called for each access, in order.
  Access find(const sim::TraceAccess &access) {
    size_t number = seen[access.op]++;
    ArrayRef<const sim::TraceEvent *> candidates = events[access.op];
    if (candidates.empty() || counts[access.op] % candidates.size())
      return {access.op, access.time, access.time};
    size_t group = counts[access.op] / candidates.size();
    const sim::TraceEvent *event = candidates[number / group];
    return {access.op, event->begin, event->end};
  }

private:
  using Events = std::vector<const sim::TraceEvent *>;

  /// The run of an asynchronous op replaces its issue.
  static void add(Events &list, const sim::TraceEvent &event) {
    auto isFlight = [](const sim::TraceEvent &e) {
      return e.kind != sim::TraceKind::Compute;
    };
    if (!list.empty() && isFlight(*list.front()) != isFlight(event)) {
      if (!isFlight(event))
        return;
      list.clear();
    }
    list.push_back(&event);
  }

  DenseMap<Operation *, Events> events;
  DenseMap<Operation *, size_t> counts, seen;
};
} // namespace

//===----------------------------------------------------------------------===//
// Releases
//===----------------------------------------------------------------------===//

/// The times of the arrivals on the ring's empty barrier, by role. Slots are
/// used in order, so the n-th arrival of a role releases the n-th use. None for
/// a ring that is released by another ring's barrier.
static std::vector<std::vector<double>>
findReleases(const Kernel &kernel, const sim::Trace &trace,
             const Allocation &allocation) {
  std::vector<std::vector<double>> releases;
  auto ring = dyn_cast<cta::RingOp>(allocation.op);
  auto empty = ring ? ring.getEmptyBarrier() : cta::MBarrierOp();
  if (!empty || empty.getFull())
    return releases;
  const Barrier *barrier = kernel.findBarrier(empty);
  for (const Arrival &arrival : barrier->arrivals) {
    std::vector<double> times;
    for (const sim::TraceEvent &event : trace.events)
      if (isa<cta::ArriveOp>(event.op) &&
          event.kind == sim::TraceKind::Compute &&
          trace.tracks[event.track] == arrival.role &&
          findRoot(event.op->getOperand(0)) == barrier->op)
        times.push_back(event.end);
    releases.push_back(std::move(times));
  }
  return releases;
}

/// When the last role released use number `use`; negative if one never does.
static double findRelease(ArrayRef<std::vector<double>> releases, int64_t use) {
  double last = -1;
  for (const std::vector<double> &times : releases) {
    if (use >= static_cast<int64_t>(times.size()))
      return -1;
    last = std::max(last, times[use]);
  }
  return last;
}

//===----------------------------------------------------------------------===//
// Lives
//===----------------------------------------------------------------------===//

/// Adds an access to the lives of its slot. A write after a read starts a new
/// life.
static void addAccess(bool write, const Access &access,
                      std::vector<Life> &lives) {
  if (write) {
    if (lives.empty() || !lives.back().reads.empty()) {
      Life life;
      life.fill = access;
      lives.push_back(std::move(life));
    }
    lives.back().fill.end = std::max(lives.back().fill.end, access.end);
    return;
  }
  if (lives.empty())
    return;
  std::vector<Access> &reads = lives.back().reads;
  if (reads.empty() || reads.back().op != access.op ||
      reads.back().begin != access.begin)
    reads.push_back(access);
}

std::vector<std::vector<Life>>
explain::findLives(const Kernel &kernel, const sim::Trace &trace,
                   const Allocation &allocation) {
  if (allocation.kind == Allocation::Kind::Barrier)
    return {};
  std::vector<const sim::TraceAccess *> accesses;
  for (const sim::TraceAccess &access : trace.accesses)
    if (access.cta == 0 && access.beginByte >= allocation.offset &&
        access.endByte <= allocation.end() && touches(access.op, allocation))
      accesses.push_back(&access);
  llvm::sort(accesses, [](const auto *a, const auto *b) {
    return std::pair(a->time, a) < std::pair(b->time, b);
  });
  EventFinder finder(trace, accesses);
  std::vector<std::vector<Life>> slots(allocation.slots);
  for (const sim::TraceAccess *access : accesses)
    addAccess(
        access->write, finder.find(*access),
        slots[(access->beginByte - allocation.offset) / allocation.slotBytes]);
  std::vector<std::vector<double>> releases =
      findReleases(kernel, trace, allocation);
  for (auto [slot, lives] : llvm::enumerate(slots))
    for (auto [number, life] : llvm::enumerate(lives)) {
      life.use = static_cast<int64_t>(number) * allocation.slots +
                 static_cast<int64_t>(slot);
      life.released = releases.empty() ? -1 : findRelease(releases, life.use);
    }
  return slots;
}
