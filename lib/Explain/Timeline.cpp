//===- Timeline.cpp - tracks, spans and loops of a trace ------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "mla/Explain/Timeline.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;
using namespace mla;
using namespace mla::explain;

//===----------------------------------------------------------------------===//
// Tracks
//===----------------------------------------------------------------------===//

/// Reads "cta 1: softmax copies": a role, or one of its queues. None for what
/// runs before the roles.
static std::optional<Track> readTrack(const Kernel &kernel, StringRef name,
                                      unsigned number) {
  Track track;
  track.number = number;
  if (name.consume_front("cta ")) {
    name.consumeInteger(10, track.cta);
    name.consume_front(": ");
  }
  for (const Role &role : kernel.roles) {
    StringRef queue = name;
    if (!queue.consume_front(role.name))
      continue;
    track.role = role.name;
    if (queue.empty())
      return track;
    track.kind = queue == " copies" ? Track::Kind::Copies : Track::Kind::MMAs;
    if (queue.starts_with(" "))
      return track;
  }
  return std::nullopt;
}

/// Roles in the order of the IR, each with its queues that have events.
static std::vector<Track> orderTracks(const Kernel &kernel,
                                      const sim::Trace &trace) {
  llvm::DenseSet<unsigned> used;
  for (const sim::TraceEvent &event : trace.events)
    used.insert(event.track);
  std::vector<Track> tracks;
  for (auto [number, name] : llvm::enumerate(trace.tracks)) {
    std::optional<Track> track = readTrack(kernel, name, number);
    if (track && (track->kind == Track::Kind::Role || used.contains(number)))
      tracks.push_back(std::move(*track));
  }
  auto rank = [&](const Track &track) {
    auto role = llvm::find_if(
        kernel.roles, [&](const Role &r) { return r.name == track.role; });
    return std::tuple(track.cta, role - kernel.roles.begin(), track.kind,
                      track.number);
  };
  llvm::sort(tracks,
             [&](const Track &a, const Track &b) { return rank(a) < rank(b); });
  return tracks;
}

//===----------------------------------------------------------------------===//
// Spans
//===----------------------------------------------------------------------===//

static Category getEventCategory(const sim::TraceEvent &event) {
  switch (event.kind) {
  case sim::TraceKind::Wait:
    return Category::Wait;
  case sim::TraceKind::Copy:
    return Category::Copy;
  case sim::TraceKind::Mma:
    return Category::MMA;
  case sim::TraceKind::Compute:
    break;
  }
  Category category = getCategory(event.op);
  return category == Category::Wait ? Category::Sync : category;
}

/// An MMA or copy is issued on the track of its role and runs on a queue.
static std::string getEventLabel(const sim::TraceEvent &event,
                                 Category category) {
  bool issues = event.kind == sim::TraceKind::Compute &&
                (category == Category::MMA || category == Category::Copy);
  return (issues ? "issue " : "") + getOpLabel(event.op);
}

/// Events below this many cycles are left out: waits that were already
/// satisfied, ops without a cost.
static constexpr double kNoTime = 1e-9;

static std::vector<Span> makeSpans(const sim::Trace &trace) {
  std::vector<Span> spans;
  std::vector<std::optional<size_t>> last(trace.tracks.size());
  for (const sim::TraceEvent &event : trace.events) {
    if (event.end - event.begin < kNoTime)
      continue;
    Category category = getEventCategory(event);
    std::string label = getEventLabel(event, category);
    bool isFlight =
        event.kind == sim::TraceKind::Copy || event.kind == sim::TraceKind::Mma;
    if (std::optional<size_t> at = last[event.track]) {
      Span &span = spans[*at];
      if (span.label == label && span.category == category &&
          span.iteration == event.iteration &&
          event.begin - span.end < kNoTime && !isFlight) {
        span.end = event.end;
        if (!llvm::is_contained(span.ops, event.op))
          span.ops.push_back(event.op);
        continue;
      }
    }
    last[event.track] = spans.size();
    spans.push_back({event.track,
                     category,
                     std::move(label),
                     event.begin,
                     event.end,
                     {event.op},
                     event.op->getParentOfType<scf::ForOp>(),
                     event.iteration});
  }
  return spans;
}

//===----------------------------------------------------------------------===//
// Loops
//===----------------------------------------------------------------------===//

/// The condition that ends a wait: "producer fills k".
static std::string findReason(const Kernel &kernel, Operation *op) {
  if (getCategory(op) != Category::Wait)
    return "";
  if (isa<cta::MmaWaitOp>(op))
    return StringRef(getOpLabel(op)).drop_front(strlen("wait ")).str() +
           " is done";
  if (op->getNumOperands() == 0)
    return "";
  const Barrier *barrier = kernel.findBarrier(findRoot(op->getOperand(0)));
  if (!barrier)
    return "";
  llvm::SmallSetVector<StringRef, 4> roles;
  for (const Arrival &arrival : barrier->arrivals)
    roles.insert(arrival.role);
  std::string who = llvm::join(roles, " and ");
  StringRef plural = roles.size() == 1 ? "s " : " ";
  auto name = [](Value ring) {
    return ring.getDefiningOp<cta::RingOp>().getName();
  };
  auto mbarriers = dyn_cast<cta::MBarrierOp>(barrier->op);
  if (mbarriers && mbarriers.getFull())
    return (who + " fill" + plural + name(mbarriers.getFull())).str();
  if (mbarriers && !mbarriers.getEmpty().empty())
    return (who + " release" + plural + name(mbarriers.getEmpty().front()))
        .str();
  return (who + " arrive" + plural).str();
}

static scf::ForOp findMainLoop(ArrayRef<Span> spans, unsigned track) {
  llvm::MapVector<Operation *, double> time;
  for (const Span &span : spans)
    if (span.track == track && span.loop)
      time[span.loop] += span.end - span.begin;
  Operation *best = nullptr;
  for (auto &[loop, cycles] : time)
    if (!best || cycles > time[best])
      best = loop;
  return cast_or_null<scf::ForOp>(best);
}

static std::vector<Trip> findTrips(ArrayRef<const Span *> spans) {
  std::vector<Trip> trips;
  llvm::SmallVector<int64_t, 2> current;
  for (const Span *span : spans) {
    if (trips.empty() || current != span->iteration) {
      current = span->iteration;
      trips.push_back(
          {current.empty() ? 0 : current.back(), span->begin, span->end});
    }
    trips.back().end = span->end;
  }
  return trips;
}

/// The range of trips in the steady state: without a quarter at each end.
static std::pair<size_t, size_t> getSteadyTrips(ArrayRef<Trip> trips) {
  size_t skip = trips.size() >= 3 ? std::max<size_t>(1, trips.size() / 4) : 0;
  return {skip, trips.size() - skip};
}

/// Consecutive ops with one label are a step, identified by its first op: a
/// wait that was satisfied at once is missing from some trips, which merges its
/// neighbours there.
static std::vector<Step> findSteps(const Kernel &kernel, scf::ForOp loop,
                                   ArrayRef<const Span *> spans, double begin,
                                   double end, double trips) {
  llvm::MapVector<Operation *, Step> steps;
  for (const Span *span : spans) {
    if (span->begin < begin || span->begin >= end)
      continue;
    Operation *first = span->ops.front();
    bool counts = span->label == kBookkeeping;
    // Bookkeeping is one step, wherever it stands in the loop.
    Step &step = steps[counts ? nullptr : first];
    if (step.ops.empty())
      step = {span->label, span->category, 0, 0, {}, findReason(kernel, first)};
    double cycles = (span->end - span->begin) / trips;
    step.cycles += cycles;
    if (span->category == Category::Wait) {
      step.waited += cycles;
      step.category = Category::Wait;
    }
    for (Operation *op : span->ops)
      if (!llvm::is_contained(step.ops, op))
        step.ops.push_back(op);
  }
  // In the order of the IR: the first trip may lack a wait.
  std::vector<Step> list;
  loop->walk<WalkOrder::PreOrder>([&](Operation *op) {
    if (auto *step = steps.find(op); step != steps.end())
      list.push_back(std::move(step->second));
  });
  if (auto *step = steps.find(nullptr); step != steps.end())
    list.push_back(std::move(step->second));
  return list;
}

static std::optional<RoleLoop>
findRoleLoop(const Kernel &kernel, ArrayRef<Span> all, unsigned track) {
  scf::ForOp main = findMainLoop(all, track);
  if (!main)
    return std::nullopt;
  std::vector<const Span *> spans;
  for (const Span &span : all)
    if (span.track == track && span.loop == main)
      spans.push_back(&span);
  RoleLoop loop;
  loop.track = track;
  loop.trips = findTrips(spans);
  auto [first, last] = getSteadyTrips(loop.trips);
  double begin = loop.trips[first].begin;
  double end =
      last < loop.trips.size() ? loop.trips[last].begin : loop.trips.back().end;
  double count = static_cast<double>(last - first);
  loop.period = (end - begin) / count;
  loop.steps = findSteps(kernel, main, spans, begin, end, count);
  return loop;
}

double RoleLoop::waiting() const {
  double cycles = 0;
  for (const Step &step : steps)
    cycles += step.waited;
  return cycles;
}

const RoleLoop *Timeline::findLoop(unsigned track) const {
  auto found = llvm::find_if(
      loops, [&](const RoleLoop &loop) { return loop.track == track; });
  return found == loops.end() ? nullptr : &*found;
}

//===----------------------------------------------------------------------===//
// The timeline
//===----------------------------------------------------------------------===//

double Timeline::getBusyShare(Track::Kind kind, double begin,
                              double end) const {
  std::vector<std::pair<double, double>> busy;
  for (const Track &track : tracks)
    if (track.kind == kind && track.cta == 0)
      for (const Span &span : spans)
        if (span.track == track.number && span.end > begin && span.begin < end)
          busy.push_back(
              {std::max(begin, span.begin), std::min(end, span.end)});
  llvm::sort(busy);
  double cycles = 0, covered = begin;
  for (auto [from, to] : busy) {
    cycles += std::max(0.0, to - std::max(from, covered));
    covered = std::max(covered, to);
  }
  return end > begin ? cycles / (end - begin) : 0;
}

/// Chooses a few trips from the middle of the run of the first role that has
/// MMAs; without one, of the first role that has a loop.
static void findSteadyWindow(Timeline &timeline) {
  constexpr size_t kFewTrips = 6, kManySteps = 30;
  timeline.steadyEnd = timeline.end;
  const RoleLoop *chosen = nullptr;
  for (const Track &track : timeline.tracks)
    if (const RoleLoop *loop = timeline.findLoop(track.number)) {
      bool issuesMMAs = llvm::any_of(timeline.tracks, [&](const Track &other) {
        return other.kind == Track::Kind::MMAs && other.cta == track.cta &&
               other.role == track.role;
      });
      if (!chosen || issuesMMAs) {
        chosen = loop;
        if (issuesMMAs)
          break;
      }
    }
  if (!chosen)
    return;
  timeline.period = chosen->period;
  if (chosen->trips.size() < kFewTrips)
    return;
  size_t middle = chosen->trips.size() / 2;
  size_t shown = chosen->steps.size() > kManySteps ? 2 : 3;
  timeline.steadyBegin = chosen->trips[middle - 1].begin;
  timeline.steadyEnd = chosen->trips[middle - 1 + shown].begin;
}

Timeline explain::buildTimeline(const Kernel &kernel, const sim::Trace &trace) {
  Timeline timeline;
  timeline.end = trace.end;
  timeline.tracks = orderTracks(kernel, trace);
  timeline.spans = makeSpans(trace);
  for (const Track &track : timeline.tracks)
    if (track.kind == Track::Kind::Role)
      if (std::optional<RoleLoop> loop =
              findRoleLoop(kernel, timeline.spans, track.number))
        timeline.loops.push_back(std::move(*loop));
  findSteadyWindow(timeline);
  return timeline;
}
