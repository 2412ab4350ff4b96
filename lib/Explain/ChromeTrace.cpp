//===- ChromeTrace.cpp - a trace for Perfetto -----------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// The format: "Trace Event Format", object form. Metadata events name the
// processes and threads, complete events ("X") carry a begin and a duration in
// microseconds.
//
//===----------------------------------------------------------------------===//

#include "mla/Explain/Explain.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/JSON.h"

using namespace mlir;
using namespace mla;
using namespace mla::explain;
namespace json = llvm::json;

namespace {
/// One kernel on the timeline of the program.
struct KernelTrace {
  const sim::Trace &trace;
  /// The process of CTA 0.
  int64_t firstProcess;
  /// When it begins: where the kernel before it ends.
  double begin;
  /// "split_sums, "; empty in a program of one kernel.
  std::string prefix;
};

/// The process and thread of a track.
struct Place {
  int64_t process, thread;
  std::string name;
};
} // namespace

/// Splits "cta 1: softmax copies" into 1 and "softmax copies".
static std::pair<int64_t, StringRef> splitTrack(StringRef name) {
  int64_t cta = 0;
  if (name.consume_front("cta ")) {
    name.consumeInteger(10, cta);
    name.consume_front(": ");
  }
  return {cta, name};
}

/// A track is a thread of the process of its CTA.
static Place findPlace(const KernelTrace &kernel, unsigned track) {
  auto [cta, name] = splitTrack(kernel.trace.tracks[track]);
  return {kernel.firstProcess + cta, static_cast<int64_t>(track) + 1,
          name.str()};
}

static StringRef getKindName(sim::TraceKind kind) {
  switch (kind) {
  case sim::TraceKind::Compute:
    return "compute";
  case sim::TraceKind::Wait:
    return "wait";
  case sim::TraceKind::Copy:
    return "copy";
  case sim::TraceKind::Mma:
    return "mma";
  }
  return "";
}

/// A colour name of the trace-event format; waits are grey.
static StringRef getColour(sim::TraceKind kind) {
  switch (kind) {
  case sim::TraceKind::Compute:
    return "thread_state_running";
  case sim::TraceKind::Wait:
    return "grey";
  case sim::TraceKind::Copy:
    return "rail_load";
  case sim::TraceKind::Mma:
    return "rail_animation";
  }
  return "";
}

static void writeMetadata(json::OStream &out, StringRef name,
                          const Place &place, StringRef key,
                          json::Value value) {
  out.object([&] {
    out.attribute("name", name);
    out.attribute("ph", "M");
    out.attribute("pid", place.process);
    out.attribute("tid", place.thread);
    out.attributeObject("args", [&] { out.attribute(key, value); });
  });
}

static void writeEvent(json::OStream &out, const KernelTrace &kernel,
                       const sim::TraceEvent &event) {
  Place place = findPlace(kernel, event.track);
  out.object([&] {
    out.attribute("name", getOpLabel(event.op));
    out.attribute("cat", getKindName(event.kind));
    out.attribute("cname", getColour(event.kind));
    out.attribute("ph", "X");
    out.attribute("pid", place.process);
    out.attribute("tid", place.thread);
    out.attribute("ts", kernel.begin + event.begin);
    out.attribute("dur", event.end - event.begin);
    out.attributeObject("args", [&] {
      out.attribute("op", event.op->getName().getStringRef());
      out.attribute("label", tile::getLabel(event.op));
      out.attribute("location", getOpLocation(event.op));
      out.attributeArray("iteration", [&] {
        for (int64_t trip : event.iteration)
          out.value(trip);
      });
    });
  });
}

/// Orders the tracks of a process: each role, its MMAs, its copies, in the
/// order in which the roles first appear.
static int64_t findSortIndex(const sim::Trace &trace, unsigned track) {
  StringRef name = trace.tracks[track];
  int64_t kind = name.consume_back(" products") ? 1
                 : name.consume_back(" copies") ? 2
                                                : 0;
  int64_t role = 0;
  while (StringRef(trace.tracks[role]) != name &&
         !StringRef(trace.tracks[role]).starts_with((name + " ").str()))
    ++role;
  return 3 * role + kind;
}

static void writeNames(json::OStream &out, const KernelTrace &kernel) {
  int64_t lastProcess = -1;
  for (unsigned track = 0; track < kernel.trace.tracks.size(); ++track) {
    Place place = findPlace(kernel, track);
    int64_t cta = place.process - kernel.firstProcess;
    if (place.process != lastProcess)
      writeMetadata(out, "process_name", {place.process, 0, ""}, "name",
                    kernel.prefix + "CTA " + std::to_string(cta));
    lastProcess = place.process;
    writeMetadata(out, "thread_name", place, "name", place.name);
    writeMetadata(out, "thread_sort_index", place, "sort_index",
                  findSortIndex(kernel.trace, track));
  }
}

static void writeEvents(json::OStream &out, const KernelTrace &kernel) {
  // By thread and ascending begin, which viewers read fastest.
  std::vector<const sim::TraceEvent *> events;
  events.reserve(kernel.trace.events.size());
  for (const sim::TraceEvent &event : kernel.trace.events)
    events.push_back(&event);
  llvm::sort(events, [](const auto *a, const auto *b) {
    return std::tuple(a->track, a->begin, a) <
           std::tuple(b->track, b->begin, b);
  });
  for (const sim::TraceEvent *event : events)
    writeEvent(out, kernel, *event);
}

/// Places the kernels one after another.
static std::vector<KernelTrace> placeKernels(ArrayRef<sim::Trace> traces) {
  std::vector<KernelTrace> kernels;
  int64_t process = 0;
  double begin = 0;
  for (const sim::Trace &trace : traces) {
    kernels.push_back(
        {trace, process, begin, traces.size() > 1 ? trace.kernel + ", " : ""});
    int64_t lastCTA = 0;
    for (StringRef track : trace.tracks)
      lastCTA = std::max(lastCTA, splitTrack(track).first);
    process += lastCTA + 1;
    begin += trace.end;
  }
  return kernels;
}

void explain::writeChromeTrace(ArrayRef<sim::Trace> traces, raw_ostream &os) {
  std::vector<KernelTrace> kernels = placeKernels(traces);
  double cycles = 0;
  for (const sim::Trace &trace : traces)
    cycles += trace.end;
  json::OStream out(os);
  out.object([&] {
    out.attribute("displayTimeUnit", "ns");
    out.attributeObject("otherData", [&] {
      out.attribute("unit", "1 us is 1 cycle of the modelled SM");
      out.attribute("cycles", cycles);
    });
    out.attributeArray("traceEvents", [&] {
      for (const KernelTrace &kernel : kernels)
        writeNames(out, kernel);
      for (const KernelTrace &kernel : kernels)
        writeEvents(out, kernel);
    });
  });
  os << "\n";
}
