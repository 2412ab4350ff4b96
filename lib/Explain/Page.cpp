//===- Page.cpp - the page, and what its sections share -------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "Page.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/ADT/StringExtras.h"
#include <cmath>

using namespace mlir;
using namespace mla;
using namespace mla::explain;

//===----------------------------------------------------------------------===//
// Pictures
//===----------------------------------------------------------------------===//

TimeAxis TimeAxis::of(const Report &report, double left) {
  double begin = report.timeline.steadyBegin, end = report.timeline.steadyEnd;
  return {begin, std::max(end, begin + 1), left, kTotalWidth - left};
}

void explain::writePicture(Markup &out, StringRef cls, double width,
                           double height, StringRef title,
                           llvm::function_ref<void()> body) {
  out.element("div", {{"class", "scroll"}}, [&] {
    out.element("svg",
                {{"class", cls},
                 {"xmlns", "http://www.w3.org/2000/svg"},
                 {"role", "img"},
                 {"aria-label", title},
                 {"viewBox", "0 0 " + formatCoordinate(width) + " " +
                                 formatCoordinate(height)}},
                body);
  });
}

/// 1, 2 or 5 times a power of ten: about `count` ticks over `length`.
static double getTickStep(double length, double count) {
  double raw = length / count,
         power = std::pow(10, std::floor(std::log10(raw)));
  for (double step : {1.0, 2.0, 5.0})
    if (step * power >= raw)
      return step * power;
  return 10 * power;
}

/// Pixels for the number of a tick.
static constexpr double kTickWidth = 60;

static void writeTicks(Markup &out, const TimeAxis &axis, double height) {
  double step = getTickStep(axis.end - axis.begin, 10);
  out.element("g", {{"class", "ticks"}}, [&] {
    for (double t = std::ceil(axis.begin / step) * step; t <= axis.end;
         t += step) {
      out.element(
          "line",
          {{"x1", axis.x(t)}, {"x2", axis.x(t)}, {"y1", 16.0}, {"y2", height}});
      if (axis.x(t) + kTickWidth < axis.width)
        writeText(out, axis.x(t) + 3, 12, "tick", formatNumber(t));
    }
  });
}

void explain::writePlot(Markup &out, const TimeAxis &axis, double height,
                        llvm::function_ref<void()> body) {
  out.element("svg",
              {{"class", "plot"},
               {"x", axis.left},
               {"width", axis.width},
               {"height", height},
               {"data-w", axis.width},
               {"data-h", height}},
              [&] {
                out.element("rect", {{"class", "ground"},
                                     {"width", axis.width},
                                     {"height", height}});
                writeTicks(out, axis, height);
                body();
              });
}

double explain::estimateWidth(StringRef text) {
  double chars = 0;
  for (char c : text)
    chars += (c & 0xC0) != 0x80; // Not in the middle of a UTF-8 sequence.
  return 6.2 * chars + 6;
}

void explain::writeBar(Markup &out, const TimeAxis &axis, double begin,
                       double end, double y, double height, StringRef cls,
                       StringRef label, StringRef tip) {
  constexpr double kLeast = 0.5;
  bool visible = end >= axis.begin && begin <= axis.end;
  double x = axis.x(begin), width = std::max(kLeast, axis.x(end) - x);
  out.element("rect", {{"class", ("t " + cls).str()},
                       {"data-b", begin},
                       {"data-e", end},
                       {"data-tip", tip},
                       {"x", visible ? x : 0},
                       {"width", visible ? width : 0},
                       {"y", y},
                       {"height", height}});
  if (label.empty())
    return;
  double from = std::max(0.0, x), to = std::min(axis.width, x + width);
  bool fits = visible && to - from >= estimateWidth(label);
  out.element("text",
              {{"class", ("t label on-" + cls).str()},
               {"data-b", begin},
               {"data-e", end},
               {"x", from + 4},
               {"y", y + height / 2 + 4},
               {"visibility", fits ? "visible" : "hidden"}},
              label);
}

void explain::writeText(Markup &out, double x, double y, StringRef cls,
                        StringRef text) {
  out.element("text", {{"class", cls}, {"x", x}, {"y", y}}, text);
}

void explain::writeLegend(
    Markup &out, ArrayRef<std::pair<StringRef, StringRef>> classesAndNames) {
  out.element("p", {{"class", "legend"}}, [&] {
    for (const auto &entry : classesAndNames)
      out.element("span", {}, [&] {
        out.element("svg", {{"width", 14.0}, {"height", 12.0}}, [&] {
          out.element("rect", {{"class", entry.first},
                               {"x", 0.5},
                               {"y", 0.5},
                               {"width", 13.0},
                               {"height", 11.0}});
        });
        out.text(" " + entry.second.str());
      });
  });
}

std::string explain::listOps(ArrayRef<Operation *> ops) {
  llvm::SmallSetVector<StringRef, 8> names;
  for (Operation *op : ops)
    names.insert(op->getName().getStringRef());
  return llvm::join(names, ", ");
}

//===----------------------------------------------------------------------===//
// The page
//===----------------------------------------------------------------------===//

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

/// The patterns that styles refer to.
static void writePatterns(Markup &out) {
  auto pattern = [&](StringRef id, StringRef turn) {
    out.element("pattern",
                {{"id", id},
                 {"width", 6.0},
                 {"height", 6.0},
                 {"patternUnits", "userSpaceOnUse"},
                 {"patternTransform", turn}},
                [&] {
                  out.element("rect", {{"class", "hatchGround"},
                                       {"width", 6.0},
                                       {"height", 6.0}});
                  out.element("line", {{"class", "hatchLine"},
                                       {"x1", 0.0},
                                       {"x2", 0.0},
                                       {"y1", 0.0},
                                       {"y2", 6.0}});
                });
  };
  out.element("svg", {{"class", "defs"}, {"width", 0.0}, {"height", 0.0}}, [&] {
    out.element("defs", {}, [&] {
      pattern("hatch", "rotate(45)");
      pattern("backHatch", "rotate(-45)");
    });
  });
}

static void writeSection(Markup &out, StringRef id, StringRef title,
                         llvm::function_ref<void()> body) {
  out.element("section", {{"id", id}}, [&] {
    out.element("h2", {}, title);
    body();
  });
}

std::string explain::getTitle(const Report &report) {
  std::string title = report.kernel.func.getSymName().str();
  if (!report.kernel.schedule.empty())
    title += " · " + report.kernel.schedule;
  return title;
}

/// One kernel's part; `suffix` makes its ids unique on the page.
static void writeKernel(Markup &out, const Report &report,
                        const std::string &suffix) {
  auto section = [&](StringRef id, StringRef title,
                     llvm::function_ref<void()> body) {
    writeSection(out, id.str() + suffix, title, body);
  };
  auto body = [&] {
    writeHeadline(out, report);
    section("timeline", "Roles over time", [&] {
      writeTimeline(out, report);
      writeSteps(out, report);
    });
    section("shared", "Shared memory over time",
            [&] { writeSharedMap(out, report); });
    section("barriers", "Barriers", [&] { writeBarriers(out, report); });
    section("roofline", "Roofline", [&] { writeRoofline(out, report); });
  };
  out.element("article",
              {{"data-end", report.timeline.end},
               {"data-b", report.timeline.steadyBegin},
               {"data-e", report.timeline.steadyEnd}},
              body);
}

static void writeBody(Markup &out, ArrayRef<Report> reports) {
  writePatterns(out);
  if (reports.size() > 1)
    writeComparison(out, reports);
  for (auto [number, report] : llvm::enumerate(reports))
    writeKernel(out, report, number ? "-" + std::to_string(number + 1) : "");
  out.element("div", {{"id", "tip"}}, "");
}

void explain::writePage(ArrayRef<Report> reports, raw_ostream &os) {
  Markup out(os);
  os << "<!DOCTYPE html>\n";
  std::string title = llvm::join(llvm::map_range(reports, getTitle), " / ");
  out.element("html",
              {{"lang", "en"}, {"xmlns", "http://www.w3.org/1999/xhtml"}}, [&] {
                out.element("head", {}, [&] {
                  out.element("meta", {{"charset", "utf-8"}});
                  out.element("meta", {{"name", "viewport"},
                                       {"content", "width=device-width"}});
                  out.element("title", {}, title);
                  out.code("style", kStyle);
                });
                out.element("body", {}, [&] {
                  writeBody(out, reports);
                  out.code("script", kScript);
                });
              });
}
