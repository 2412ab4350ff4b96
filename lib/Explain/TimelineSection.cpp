//===- TimelineSection.cpp - roles over time, and their steps -------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "Page.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;
using namespace mla;
using namespace mla::explain;

//===----------------------------------------------------------------------===//
// The timeline
//===----------------------------------------------------------------------===//

static constexpr double kNames = 130;
static constexpr double kTop = 22;
static constexpr double kTripHeight = 14;
static constexpr double kRoleHeight = 30;
static constexpr double kQueueHeight = 18;
static constexpr double kGap = 14;

static double getHeight(const Track &track) {
  return track.kind == Track::Kind::Role ? kGap + kTripHeight + kRoleHeight
                                         : kQueueHeight + 2;
}

static std::string describeIteration(ArrayRef<int64_t> iteration) {
  if (iteration.empty())
    return "outside loops";
  std::vector<std::string> trips;
  for (int64_t trip : iteration)
    trips.push_back(std::to_string(trip));
  return "trip " + llvm::join(trips, ", ");
}

static std::string describeSpan(const Span &span) {
  std::string tip = span.label + "\n" + listOps(span.ops) + "\n" +
                    describeIteration(span.iteration) + "\n" +
                    formatNumber(span.end - span.begin) + " cycles, from " +
                    formatNumber(span.begin) + " to " + formatNumber(span.end);
  for (Operation *op : span.ops)
    if (std::string work = describeWork(op); !work.empty())
      tip += "\n" + work;
  std::string location = getOpLocation(span.ops.front());
  return location.empty() ? tip : tip + "\n" + location;
}

static void writeTrips(Markup &out, const TimeAxis &axis, const RoleLoop &loop,
                       double y) {
  for (auto [i, trip] : llvm::enumerate(loop.trips)) {
    double end = i + 1 < loop.trips.size() ? loop.trips[i + 1].begin : trip.end;
    std::string name = "trip " + std::to_string(trip.number);
    writeBar(out, axis, trip.begin, end, y, kTripHeight - 2,
             i % 2 ? "odd" : "even", name,
             name + "\n" + formatNumber(end - trip.begin) + " cycles");
  }
}

static void writeTrack(Markup &out, const Report &report, const TimeAxis &axis,
                       const Track &track, double y) {
  bool isRole = track.kind == Track::Kind::Role;
  if (isRole) {
    y += kGap;
    if (const RoleLoop *loop = report.timeline.findLoop(track.number))
      writeTrips(out, axis, *loop, y);
    y += kTripHeight;
  }
  double height = isRole ? kRoleHeight : kQueueHeight;
  for (const Span &span : report.timeline.spans)
    if (span.track == track.number)
      writeBar(out, axis, span.begin, span.end, y, height,
               getCategoryName(span.category), span.label, describeSpan(span));
}

static void writeTrackName(Markup &out, const Kernel &kernel,
                           const Track &track, double y) {
  if (track.kind != Track::Kind::Role) {
    writeText(out, kNames - 8, y + kQueueHeight / 2 + 4, "name end muted",
              track.kind == Track::Kind::Products ? "products" : "copies");
    return;
  }
  y += kGap + kTripHeight;
  std::string prefix =
      kernel.clusterSize > 1 ? std::to_string(track.cta) + ": " : "";
  writeText(out, kNames - 8, y + 13, "name end strong", prefix + track.role);
  for (const Role &role : kernel.roles)
    if (role.name == track.role)
      writeText(out, kNames - 8, y + 27, "tiny end muted",
                std::to_string(role.warps) + " warps, " +
                    std::to_string(role.registers) + " regs");
}

static void writeControls(Markup &out) {
  auto button = [&](StringRef id, StringRef text) {
    out.element("button", {{"type", "button"}, {"data-do", id}}, text);
  };
  out.element("p", {{"class", "controls"}}, [&] {
    button("steady", "Steady state");
    button("all", "Whole run");
    button("in", "Zoom in");
    button("out", "Zoom out");
    button("left", "◀");
    button("right", "▶");
    out.element("span", {{"class", "muted"}},
                "Drag to pan, Ctrl + wheel to zoom, or the keys W A S D over a "
                "picture. Time is in cycles.");
  });
}

/// The whole run, small, with the window in it.
static void writeOverview(Markup &out, const Report &report) {
  constexpr double kLane = 7;
  TimeAxis axis = TimeAxis::of(report, kNames);
  axis.begin = 0;
  axis.end = std::max(1.0, report.timeline.end);
  double height =
      kLane * static_cast<double>(report.timeline.tracks.size()) + 6;
  writePicture(
      out, "overview", TimeAxis::kTotalWidth, height, "The whole run", [&] {
        writeText(out, kNames - 8, height / 2 + 4, "tiny end muted",
                  "whole run");
        out.element(
            "svg",
            {{"class", "mini"},
             {"x", kNames},
             {"width", axis.width},
             {"height", height},
             {"data-w", axis.width}},
            [&] {
              out.element("rect", {{"class", "ground"},
                                   {"width", axis.width},
                                   {"height", height}});
              double y = 3;
              for (const Track &track : report.timeline.tracks) {
                for (const Span &span : report.timeline.spans)
                  if (span.track == track.number)
                    out.element(
                        "rect",
                        {{"class", getCategoryName(span.category)},
                         {"x", axis.x(span.begin)},
                         {"width", axis.x(span.end) - axis.x(span.begin)},
                         {"y", y},
                         {"height", kLane - 1}});
                y += kLane;
              }
              double from = axis.x(report.timeline.steadyBegin);
              out.element("rect",
                          {{"class", "brush"},
                           {"x", from},
                           {"width", axis.x(report.timeline.steadyEnd) - from},
                           {"y", 0.5},
                           {"height", height - 1}});
            });
      });
}

void explain::writeTimeline(Markup &out, const Report &report) {
  writeControls(out);
  writeLegend(out, {{"math", "arithmetic"},
                    {"product", "product (wgmma)"},
                    {"copy", "copy in flight or issued"},
                    {"shared", "registers ↔ shared memory"},
                    {"global", "global memory"},
                    {"sync", "arrival, fence, commit"},
                    {"wait", "waiting"}});
  TimeAxis axis = TimeAxis::of(report, kNames);
  double height = kTop;
  for (const Track &track : report.timeline.tracks)
    height += getHeight(track);
  writePicture(out, "time", TimeAxis::kTotalWidth, height, "Roles over time",
               [&] {
                 double y = kTop - kGap;
                 writePlot(out, axis, height, [&] {
                   for (const Track &track : report.timeline.tracks) {
                     writeTrack(out, report, axis, track, y);
                     y += getHeight(track);
                   }
                 });
                 y = kTop - kGap;
                 for (const Track &track : report.timeline.tracks) {
                   writeTrackName(out, report.kernel, track, y);
                   y += getHeight(track);
                 }
               });
  writeOverview(out, report);
}

//===----------------------------------------------------------------------===//
// The steps of a loop
//===----------------------------------------------------------------------===//

static void writeTripBar(Markup &out, const RoleLoop &loop) {
  constexpr double kWidth = 560, kHeight = 22;
  writePicture(out, "trip", kWidth, kHeight, "One trip", [&] {
    double x = 0;
    for (const Step &step : loop.steps) {
      double width = step.cycles / loop.period * kWidth;
      out.element("rect",
                  {{"class", getCategoryName(step.category)},
                   {"data-tip",
                    step.label + "\n" + formatNumber(step.cycles) + " cycles"},
                   {"x", x},
                   {"width", width},
                   {"height", kHeight}});
      x += width;
    }
  });
}

static void writeStep(Markup &out, const RoleLoop &loop, const Step &step) {
  double share = step.cycles / loop.period;
  out.element("tr", {}, [&] {
    out.element("td", {{"class", "swatch"}}, [&] {
      out.element("svg", {{"width", 10.0}, {"height", 10.0}}, [&] {
        out.element("rect", {{"class", getCategoryName(step.category)},
                             {"width", 10.0},
                             {"height", 10.0}});
      });
    });
    out.element("td", {{"class", "step"}}, step.label);
    std::string detail = listOps(step.ops);
    if (!step.reason.empty())
      detail = (step.waited > 0 ? "until " : "no wait: ") + step.reason;
    out.element(
        "td",
        {{"class", step.waited > 0 ? "ops why" : "ops"}, {"data-tip", detail}},
        detail);
    out.element("td", {{"class", "number"}}, formatNumber(step.cycles));
    out.element("td", {{"class", "number"}}, formatShare(share));
  });
}

/// What the role waits for, the longest first.
static void writeWaits(Markup &out, const RoleLoop &loop) {
  constexpr double kLeastShare = 0.005;
  std::vector<const Step *> waits;
  for (const Step &step : loop.steps)
    if (step.waited > kLeastShare * loop.period)
      waits.push_back(&step);
  llvm::sort(waits, [](const Step *a, const Step *b) {
    return std::pair(-a->waited, a) < std::pair(-b->waited, b);
  });
  std::string text;
  for (const Step *step : waits)
    text += (text.empty() ? "Waits until " : ", ") + step->reason + " " +
            formatShare(step->waited / loop.period);
  if (!text.empty())
    out.element("p", {}, text + ".");
}

static void writeRoleLoop(Markup &out, const Track &track,
                          const RoleLoop &loop) {
  out.element("div", {{"class", "card"}}, [&] {
    out.element("h3", {}, track.role);
    out.element("p", {}, [&] {
      out.text("A trip takes ");
      out.element("b", {}, formatNumber(loop.period) + " cycles");
      out.text(", of which ");
      out.element("b", {}, formatShare(loop.waiting() / loop.period));
      out.text(" waiting; " + std::to_string(loop.trips.size()) + " trips.");
    });
    writeWaits(out, loop);
    writeTripBar(out, loop);
    out.element("table", {}, [&] {
      out.element("thead", {}, [&] {
        out.element("tr", {}, [&] {
          out.element("th", {}, "");
          out.element("th", {}, "step");
          out.element("th", {}, "ops, or what ends the wait");
          out.element("th", {{"class", "number"}}, "cycles");
          out.element("th", {{"class", "number"}}, "of trip");
        });
      });
      out.element("tbody", {}, [&] {
        for (const Step &step : loop.steps)
          writeStep(out, loop, step);
      });
    });
  });
}

void explain::writeSteps(Markup &out, const Report &report) {
  if (report.timeline.loops.empty())
    return;
  out.element("h3", {}, "One trip of each role's loop, on average");
  out.element("div", {{"class", "cards"}}, [&] {
    for (const Track &track : report.timeline.tracks)
      if (const RoleLoop *loop = report.timeline.findLoop(track.number);
          loop && track.cta == 0 && loop->period > 0)
        writeRoleLoop(out, track, *loop);
  });
}
