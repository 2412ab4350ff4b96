//===- Data.cpp - reports as JSON -----------------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "Labels.h"
#include "mla/Explain/Explain.h"
#include "llvm/ADT/STLExtras.h"

using namespace mlir;
using namespace mla;
using namespace mla::explain;
namespace json = llvm::json;

template <typename Range, typename Function>
static json::Array list(const Range &range, Function function) {
  json::Array array;
  for (const auto &element : range)
    array.push_back(function(element));
  return array;
}

static json::Array listTexts(ArrayRef<std::string> texts) {
  return list(texts, [](StringRef text) { return asText(text); });
}

static json::Object describeSizes(const Sizes &sizes) {
  json::Object object;
  for (const auto &[name, value] : sizes)
    object[json::fixUTF8(name)] = value;
  return object;
}

//===----------------------------------------------------------------------===//
// Figures
//===----------------------------------------------------------------------===//

static json::Object describeMachine(const Machine &machine) {
  return json::Object{
      {"name", machine.name},
      {"sms", machine.sms},
      {"clockGHz", machine.clockGHz},
      {"sharedBytesPerCTA", machine.target->sharedBytesPerCTA},
      {"registersPerSM", machine.target->registersPerSM},
      {"tensorFlopsPerSecond", machine.tensorFlopsPerSecond()},
      {"measuredTensorFlopsPerSecond", machine.measuredTensorFlops},
      {"measuredL2BytesPerSecond", machine.measuredL2BytesPerSecond},
      {"hbmBytesPerSecond", machine.hbmBytesPerSecond},
      {"measuredHbmBytesPerSecond", machine.measuredHbmBytesPerSecond}};
}

static json::Object describeFigures(const Report &report) {
  const Timeline &timeline = report.timeline;
  return json::Object{
      {"cycles", timeline.end},
      {"tripCycles", timeline.period},
      {"tensorBusy",
       timeline.getBusyShare(Track::Kind::MMAs, timeline.steadyBegin,
                             timeline.steadyEnd)},
      {"seconds",
       modelSeconds(report.kernel, report.work, timeline.end, report.machine)},
      {"flops", report.work.gridFlops()},
      {"globalBytes", report.work.gridGlobalBytes()},
      {"distinctBytes", report.work.gridDistinctBytes()},
      {"sharedBytes", report.kernel.sharedBytes},
      {"threads", report.kernel.threads()},
      {"residentCTAs", countResidentCTAs(report.kernel, report.machine)}};
}

static json::Object describeGridOf(const Report &report) {
  json::Object grid{{"text", asText(describeGrid(report.kernel))},
                    {"clusterSize", report.kernel.clusterSize}};
  if (std::optional<std::vector<int64_t>> extents =
          evaluateGrid(report.kernel, report.sizes)) {
    double ctas = 1;
    for (int64_t extent : *extents)
      ctas *= static_cast<double>(extent);
    grid["ctas"] = ctas;
  }
  return grid;
}

static json::Array describeBounds(const Report &report) {
  return list(listBounds(report.kernel, report.work, report.machine),
              [](const Bound &bound) {
                return json::Object{
                    {"resource", bound.resource}, {"amount", bound.amount},
                    {"unit", bound.unit},         {"perCycle", bound.perCycle},
                    {"note", bound.note},         {"cycles", bound.cycles()}};
              });
}

static json::Array describeTraffic(const Report &report) {
  double ctas = static_cast<double>(report.kernel.clusterSize);
  return list(report.work.arguments, [&](const ArgumentTraffic &argument) {
    return json::Object{{"argument", asText(argument.name)},
                        {"written", argument.written},
                        {"ctaBytes", argument.clusterBytes / ctas},
                        {"gridBytes", argument.gridBytes},
                        {"distinctBytes", argument.distinctBytes}};
  });
}

//===----------------------------------------------------------------------===//
// The timeline
//===----------------------------------------------------------------------===//

static json::Array describeTracks(const Report &report, Labels &labels) {
  static constexpr llvm::StringLiteral kKinds[] = {"role", "mmas", "copies"};
  return list(report.timeline.tracks, [&](const Track &track) {
    json::Array trips, spans;
    if (const RoleLoop *loop = report.timeline.findLoop(track.number))
      for (const Trip &trip : loop->trips)
        trips.push_back(
            {trip.number, roundTime(trip.begin), roundTime(trip.end)});
    for (const Span &span : report.timeline.spans)
      if (span.track == track.number) {
        json::Array row{labels.add(span.label, span.category, span.ops),
                        roundTime(span.begin), roundTime(span.end)};
        for (int64_t trip : span.iteration)
          row.push_back(trip);
        spans.push_back(std::move(row));
      }
    return json::Object{{"role", asText(track.role)},
                        {"kind", kKinds[static_cast<size_t>(track.kind)]},
                        {"cta", track.cta},
                        {"trips", std::move(trips)},
                        {"spans", std::move(spans)}};
  });
}

static json::Object describeLoop(const Track &track, const RoleLoop &loop) {
  return json::Object{{"role", asText(track.role)},
                      {"trips", static_cast<int64_t>(loop.trips.size())},
                      {"cycles", loop.period},
                      {"waiting", loop.waiting()},
                      {"steps", list(loop.steps, [](const Step &step) {
                         return json::Object{
                             {"label", asText(step.label)},
                             {"category", getCategoryName(step.category)},
                             {"cycles", step.cycles},
                             {"waiting", step.waited},
                             {"ops", listOps(step.ops)},
                             {"reason", asText(step.reason)}};
                       })}};
}

/// Of the roles of CTA 0.
static json::Array describeLoops(const Timeline &timeline) {
  json::Array loops;
  for (const Track &track : timeline.tracks)
    if (const RoleLoop *loop = timeline.findLoop(track.number);
        loop && track.cta == 0 && loop->period > 0)
      loops.push_back(describeLoop(track, *loop));
  return loops;
}

//===----------------------------------------------------------------------===//
// Shared memory and barriers
//===----------------------------------------------------------------------===//

static json::Array describeAccess(const Access &access, Labels &labels) {
  return json::Array{labels.add(access.op), roundTime(access.begin),
                     roundTime(access.end)};
}

static json::Object describeAllocation(const Report &report,
                                       const Allocation &allocation,
                                       Labels &labels) {
  json::Array lives;
  for (auto [slot, slotLives] :
       llvm::enumerate(findLives(report.kernel, *report.trace, allocation)))
    for (const Life &life : slotLives) {
      json::Object object{{"slot", static_cast<int64_t>(slot)},
                          {"use", life.use},
                          {"fill", describeAccess(life.fill, labels)},
                          {"reads", list(life.reads, [&](const Access &read) {
                             return describeAccess(read, labels);
                           })}};
      if (life.released >= 0)
        object["released"] = roundTime(life.released);
      lives.push_back(std::move(object));
    }
  return json::Object{
      {"kind", allocation.kind == Allocation::Kind::Ring ? "ring" : "buffer"},
      {"name", asText(allocation.name)},
      {"offset", allocation.offset},
      {"slots", allocation.slots},
      {"slotBytes", allocation.slotBytes},
      {"type", allocation.type},
      {"swizzle", allocation.swizzle},
      {"aliases", asText(allocation.aliases)},
      {"lives", std::move(lives)}};
}

/// Bytes by what they hold, and the ranges that hold nothing.
static json::Object describeShared(const Kernel &kernel) {
  int64_t covered = 0, unused = 0, barriers = 0;
  int64_t limit = kernel.target->sharedBytesPerCTA;
  json::Array gaps;
  auto addGap = [&](int64_t end) {
    if (end > covered) {
      gaps.push_back(json::Array{covered, end});
      unused += end - covered;
    }
  };
  // By ascending offset.
  for (const Allocation &allocation : kernel.allocations) {
    addGap(allocation.offset);
    covered = std::max(covered, allocation.end());
    if (allocation.kind == Allocation::Kind::Barrier)
      barriers += allocation.end() - allocation.offset;
  }
  addGap(limit);
  return json::Object{{"limit", limit},
                      {"tileBytes", limit - unused - barriers},
                      {"barrierBytes", barriers},
                      {"unusedBytes", unused},
                      {"gaps", std::move(gaps)}};
}

/// Waits for the barrier and arrivals at it in CTA 0.
static json::Object describeBarrier(const Report &report,
                                    const Barrier &barrier, Labels &labels) {
  json::Array events;
  double waiting = 0;
  for (const sim::TraceEvent &event : report.trace->events) {
    StringRef track = report.trace->tracks[event.track];
    if (event.op->getNumOperands() == 0 || event.end <= event.begin ||
        track.starts_with("cta ") ||
        findRoot(event.op->getOperand(0)) != barrier.op)
      continue;
    Category category = getCategory(event.op);
    if (category != Category::Wait && category != Category::Sync)
      continue;
    if (event.kind == sim::TraceKind::Wait)
      waiting += event.end - event.begin;
    events.push_back({labels.add(event.op), asText(track),
                      roundTime(event.begin), roundTime(event.end)});
  }
  json::Object object{{"name", asText(barrier.name)},
                      {"slots", barrier.slots},
                      {"count", barrier.count},
                      {"arrivals", list(barrier.arrivals,
                                        [](const Arrival &arrival) {
                                          return json::Object{
                                              {"role", asText(arrival.role)},
                                              {"count", arrival.count},
                                              {"how", arrival.how}};
                                        })},
                      {"waiters", listTexts(barrier.waiters)},
                      {"waiting", waiting},
                      {"events", std::move(events)}};
  if (barrier.offset)
    object["offset"] = *barrier.offset;
  return object;
}

//===----------------------------------------------------------------------===//
// Kernels and programs
//===----------------------------------------------------------------------===//

static json::Object describeKernel(const Report &report) {
  const Kernel &kernel = report.kernel;
  Labels labels;
  json::Array allocations;
  for (const Allocation &allocation : kernel.allocations)
    if (allocation.kind != Allocation::Kind::Barrier)
      allocations.push_back(describeAllocation(report, allocation, labels));
  json::Object object{
      {"name", asText(kernel.func.getSymName())},
      {"operator", asText(kernel.operatorName)},
      {"schedule", asText(kernel.schedule)},
      {"sizes", describeSizes(report.sizes)},
      {"tracedSizes", describeSizes(report.traceSizes)},
      {"grid", describeGridOf(report)},
      {"machine", describeMachine(report.machine)},
      {"figures", describeFigures(report)},
      {"window",
       {report.timeline.steadyBegin,
        std::max(report.timeline.steadyEnd, report.timeline.steadyBegin + 1)}},
      {"roles", list(kernel.roles,
                     [](const Role &role) {
                       return json::Object{{"name", asText(role.name)},
                                           {"warps", role.warps},
                                           {"registers", role.registers}};
                     })},
      {"tracks", describeTracks(report, labels)},
      {"loops", describeLoops(report.timeline)},
      {"shared", describeShared(kernel)},
      {"allocations", std::move(allocations)},
      {"barriers", list(kernel.barriers,
                        [&](const Barrier &barrier) {
                          return describeBarrier(report, barrier, labels);
                        })},
      {"bounds", describeBounds(report)},
      {"traffic", describeTraffic(report)}};
  object["labels"] = labels.take();
  return object;
}

json::Object explain::describeProgram(const Program &program) {
  return json::Object{{"source", asText(program.source)},
                      {"kernels", list(program.kernels, describeKernel)}};
}

json::Value explain::makeData(json::Array programs) {
  return json::Object{{"format", kDataFormat},
                      {"version", kDataVersion},
                      {"programs", std::move(programs)}};
}

void explain::writeData(const json::Value &data, raw_ostream &os) {
  os << data << "\n";
}

FailureOr<Report> explain::makeReport(func::FuncOp func,
                                      const sim::Trace &trace,
                                      const Sizes &sizes) {
  FailureOr<Kernel> kernel = readKernel(func);
  if (failed(kernel))
    return failure();
  Report report;
  report.kernel = std::move(*kernel);
  report.trace = &trace;
  report.timeline = buildTimeline(report.kernel, trace);
  report.work = countWork(report.kernel, trace, sizes);
  report.sizes = report.traceSizes = sizes;
  return report;
}
