//===- RooflineSection.cpp - the kernel against the machine ---------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "Page.h"
#include "llvm/ADT/STLExtras.h"
#include <cmath>

using namespace mlir;
using namespace mla;
using namespace mla::explain;

namespace {
/// Two logarithmic axes: FLOP per byte, and FLOP/s.
struct Plot {
  static constexpr double kWidth = 660, kHeight = 430;
  static constexpr double kLeft = 62, kTop = 16, kRight = 630, kBottom = 384;
  double lowX = 1, highX = 1e4, lowY = 1e13, highY = 2e15;

  double x(double intensity) const {
    return kLeft + std::log(intensity / lowX) / std::log(highX / lowX) *
                       (kRight - kLeft);
  }
  double y(double flops) const {
    return kBottom -
           std::log(flops / lowY) / std::log(highY / lowY) * (kBottom - kTop);
  }
};
} // namespace

static void writeLine(Markup &out, StringRef cls, double x1, double y1,
                      double x2, double y2) {
  out.element("line",
              {{"class", cls}, {"x1", x1}, {"y1", y1}, {"x2", x2}, {"y2", y2}});
}

static void writeGrid(Markup &out, const Plot &plot) {
  for (double v = plot.lowX; v <= plot.highX * 1.001; v *= 10) {
    writeLine(out, "grid", plot.x(v), Plot::kTop, plot.x(v), Plot::kBottom);
    writeText(out, plot.x(v), Plot::kBottom + 16, "tick mid", formatNumber(v));
  }
  for (double v = plot.lowY; v <= plot.highY; v *= 10) {
    writeLine(out, "grid", Plot::kLeft, plot.y(v), Plot::kRight, plot.y(v));
    writeText(out, Plot::kLeft - 6, plot.y(v) + 4, "tick end",
              formatNumber(v / 1e12));
  }
  writeText(out, (Plot::kLeft + Plot::kRight) / 2, Plot::kBottom + 36,
            "name mid", "FLOP per byte");
  out.element(
      "text",
      {{"class", "name mid"},
       {"transform", "translate(18 " +
                         formatCoordinate((Plot::kTop + Plot::kBottom) / 2) +
                         ") rotate(-90)"}},
      "TFLOP/s");
}

/// A bandwidth roof: from the lowest FLOP/s or intensity up to the peak.
static void writeSlope(Markup &out, const Plot &plot, StringRef cls,
                       double bytesPerSecond, double peak, StringRef name,
                       double labelX, double shift) {
  double from = std::max(plot.lowX, plot.lowY / bytesPerSecond);
  labelX = std::max(labelX, 1.4 * plot.lowX);
  writeLine(out, cls, plot.x(from), plot.y(from * bytesPerSecond),
            plot.x(peak / bytesPerSecond), plot.y(peak));
  double dx = plot.x(10) - plot.x(1), dy = plot.y(10) - plot.y(1);
  double angle = std::atan2(dy, dx) * 180 / M_PI;
  out.element(
      "text",
      {{"class", "tiny"},
       {"transform", "translate(" + formatCoordinate(plot.x(labelX)) + " " +
                         formatCoordinate(plot.y(labelX * bytesPerSecond)) +
                         ") rotate(" + formatCoordinate(angle) +
                         ") translate(0 " + formatCoordinate(shift) + ")"}},
      name);
}

static void writeRoofs(Markup &out, const Plot &plot, const GpuRates &machine) {
  double peak = machine.tensorFlopsPerSecond();
  writeLine(out, "roof tensor", plot.x(peak / machine.measuredL2BytesPerSecond),
            plot.y(peak), Plot::kRight, plot.y(peak));
  writeText(out, Plot::kRight - 4, plot.y(peak) - 5, "tiny end",
            "tensor core, nominal: " + formatNumber(peak / 1e12) + " TFLOP/s");
  double measured = machine.measuredTensorFlops;
  writeLine(out, "roof tensor measured",
            plot.x(measured / machine.measuredL2BytesPerSecond),
            plot.y(measured), Plot::kRight, plot.y(measured));
  writeText(out, Plot::kRight - 4, plot.y(measured) - 4, "tiny end",
            "dense product, measured: " + formatNumber(measured / 1e12) +
                " TFLOP/s");
  writeSlope(out, plot, "roof l2", machine.measuredL2BytesPerSecond, peak,
             "L2 to SMs, gather measured: " +
                 formatNumber(machine.measuredL2BytesPerSecond / 1e12) +
                 " TB/s",
             1.4 * plot.lowY / machine.measuredL2BytesPerSecond, -5);
  writeSlope(out, plot, "roof hbm", machine.hbmBytesPerSecond, peak,
             "HBM nominal: " + formatNumber(machine.hbmBytesPerSecond / 1e12) +
                 " TB/s, read measured: " +
                 formatNumber(machine.measuredHbmBytesPerSecond / 1e12),
             1.4 * plot.lowY / machine.hbmBytesPerSecond, 13);
  double hbm = machine.measuredHbmBytesPerSecond;
  double from = std::max(plot.lowX, plot.lowY / hbm);
  writeLine(out, "roof hbm measured", plot.x(from), plot.y(hbm * from),
            plot.x(measured / hbm), plot.y(measured));
}

/// The kernel at one intensity, with a stem down to the axis.
static void writePoint(Markup &out, const Plot &plot, StringRef cls,
                       double intensity, double flops, StringRef name) {
  double x = plot.x(intensity), y = plot.y(flops);
  writeLine(out, ("stem " + cls).str(), x, y, x, Plot::kBottom);
  out.element("circle",
              {{"class", ("point " + cls).str()},
               {"cx", x},
               {"cy", y},
               {"r", 6.0},
               {"data-tip", name.str() + "\n" + formatNumber(intensity) +
                                " FLOP per byte\n" +
                                formatNumber(flops / 1e12) + " TFLOP/s"}});
  out.element("text",
              {{"class", "tiny"},
               {"transform", "translate(" + formatCoordinate(x - 5) + " " +
                                 formatCoordinate(Plot::kBottom - 6) +
                                 ") rotate(-90)"}},
              name.str() + ": " + formatNumber(intensity) + " FLOP/B");
}

static double divide(double a, double b) { return b > 0 ? a / b : 0; }

/// Axes of whole decades that hold the kernel's points.
static Plot fitPlot(double flops, ArrayRef<double> intensities) {
  Plot plot;
  while (flops > 0 && flops < plot.lowY)
    plot.lowY /= 10;
  for (double intensity : intensities) {
    while (intensity > 0 && intensity < plot.lowX)
      plot.lowX /= 10;
    while (intensity > plot.highX)
      plot.highX *= 10;
  }
  return plot;
}

static void writeRooflinePlot(Markup &out, const Report &report,
                              double seconds) {
  const Work &work = report.work;
  double flops = divide(work.gridFlops(), seconds);
  double l2 = divide(work.gridFlops(), work.gridGlobalBytes());
  double hbm = divide(work.gridFlops(), work.gridDistinctBytes());
  Plot plot = fitPlot(flops, {l2, hbm});
  writePicture(out, "roofline", Plot::kWidth, Plot::kHeight, "Roofline", [&] {
    writeGrid(out, plot);
    writeRoofs(out, plot, report.machine);
    if (flops <= 0)
      return;
    writeLine(out, "model", Plot::kLeft, plot.y(flops), Plot::kRight,
              plot.y(flops));
    writeText(out, Plot::kLeft + 6, plot.y(flops) - 5, "tiny strong",
              "model: " + formatNumber(flops / 1e12) + " TFLOP/s");
    writePoint(out, plot, "l2", l2, flops, "per byte from L2");
    writePoint(out, plot, "hbm", hbm, flops, "per byte from HBM, at most");
  });
}

//===----------------------------------------------------------------------===//
// Tables
//===----------------------------------------------------------------------===//

static void writeNeeds(Markup &out, const Report &report) {
  std::vector<Need> needs =
      listNeeds(report.kernel, report.work, report.machine);
  double cycles = report.timeline.end;
  auto cell = [&](const std::string &text) {
    out.element("td", {{"class", "number"}}, text);
  };
  auto row = [&](StringRef name, const std::string &amount,
                 const std::string &limit, double need, StringRef cls) {
    out.element("tr", {{"class", cls}}, [&] {
      out.element("td", {{"class", "step"}}, name);
      cell(amount);
      out.element("td", {}, limit);
      cell(formatNumber(need));
      out.element("td", {{"class", "meter"}}, [&] {
        out.element("svg", {{"width", 120.0}, {"height", 10.0}}, [&] {
          out.element(
              "rect",
              {{"class", "unused"}, {"width", 120.0}, {"height", 10.0}});
          out.element("rect",
                      {{"class", "fill"},
                       {"width", std::min(120.0, divide(need, cycles) * 120)},
                       {"height", 10.0}});
        });
        out.text(" " + formatShare(divide(need, cycles)));
      });
    });
  };
  out.element("table", {}, [&] {
    out.element("thead", {}, [&] {
      out.element("tr", {}, [&] {
        out.element("th", {}, "resource");
        out.element("th", {{"class", "number"}}, "one CTA");
        out.element("th", {}, "limit of an SM");
        out.element("th", {{"class", "number"}}, "cycles at least");
        out.element("th", {}, "of the model's");
      });
    });
    out.element("tbody", {}, [&] {
      for (const Need &need : needs)
        row(need.resource, need.amount, need.limit, need.cycles, "");
      row("Model", "", "one CTA, start to end", cycles, "total");
    });
  });
  auto largest = llvm::max_element(
      needs, [](const Need &a, const Need &b) { return a.cycles < b.cycles; });
  if (largest->cycles > 0)
    out.element("p", {},
                "The largest need: " + largest->resource +
                    ". The model takes " +
                    formatNumber(cycles / largest->cycles) + " times as long.");
}

static void writeTraffic(Markup &out, const Report &report) {
  out.element("table", {}, [&] {
    out.element("thead", {}, [&] {
      out.element("tr", {}, [&] {
        out.element("th", {}, "argument");
        out.element("th", {}, "");
        out.element("th", {{"class", "number"}}, "one CTA");
        out.element("th", {{"class", "number"}}, "all CTAs");
        out.element("th", {{"class", "number"}}, "HBM at least");
      });
    });
    out.element("tbody", {}, [&] {
      for (const ArgumentTraffic &argument : report.work.arguments)
        out.element("tr", {}, [&] {
          auto bytes = [&](double value) {
            out.element("td", {{"class", "number"}},
                        formatQuantity(value, "B"));
          };
          out.element("td", {{"class", "step"}}, argument.name);
          out.element("td", {}, argument.written ? "written" : "read");
          bytes(argument.clusterBytes /
                static_cast<double>(report.kernel.clusterSize));
          bytes(argument.gridBytes);
          bytes(argument.distinctBytes);
        });
    });
  });
}

void explain::writeRoofline(Markup &out, const Report &report) {
  double seconds = modelSeconds(report.kernel, report.work, report.timeline.end,
                                report.machine);
  out.element(
      "p", {},
      "The grid computes " + formatQuantity(report.work.gridFlops(), "FLOP") +
          " in products and "
          "moves " +
          formatQuantity(report.work.gridGlobalBytes(), "B") +
          " between L2 and SMs, of which at least " +
          formatQuantity(report.work.gridDistinctBytes(), "B") +
          " differ and come from or go to HBM. The model's time for the "
          "grid, " +
          formatNumber(seconds * 1e3) +
          " ms, is that of full waves of equal CTAs. Counted are the ops that "
          "the traced CTA executed, rows that a tile pads included.");
  out.element("div", {{"class", "columns"}}, [&] {
    out.element("div", {}, [&] { writeRooflinePlot(out, report, seconds); });
    out.element("div", {{"class", "scroll"}}, [&] {
      out.element("h3", {}, "What each resource needs at least");
      writeNeeds(out, report);
      out.element("h3", {}, "Traffic by argument");
      writeTraffic(out, report);
    });
  });
}
