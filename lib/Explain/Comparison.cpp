//===- Comparison.cpp - kernels side by side ------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "Page.h"
#include "llvm/ADT/STLExtras.h"

using namespace mla;
using namespace mla::explain;

/// One figure of every kernel; those behind the first one with their ratio to
/// it.
static void writeRow(Markup &out, llvm::StringRef name,
                     llvm::ArrayRef<Report> reports,
                     llvm::function_ref<double(const Report &)> get,
                     llvm::function_ref<std::string(double)> format) {
  double first = get(reports.front());
  out.element("tr", {}, [&] {
    out.element("td", {}, name);
    for (auto [number, report] : llvm::enumerate(reports)) {
      double value = get(report);
      std::string text = format(value);
      if (number && first > 0)
        text += " (× " + formatNumber(value / first) + ")";
      out.element("td", {{"class", "number"}}, text);
    }
  });
}

void explain::writeComparison(Markup &out, llvm::ArrayRef<Report> reports) {
  auto format = [](double value) { return formatNumber(value); };
  auto row = [&](llvm::StringRef name, auto get) {
    writeRow(out, name, reports, get, format);
  };
  out.element("section", {{"id", "comparison"}}, [&] {
    out.element("h1", {}, "Comparison");
    out.element(
        "p", {{"class", "note"}},
        "Ratios are to the first kernel, times those of the cost model. "
        "A CTA that is persistent does several output tiles, and a trip "
        "of the main loop takes one KV tile or two, as the schedule "
        "says: the grid's time is what compares.");
    out.element("table", {}, [&] {
      out.element("tr", {}, [&] {
        out.element("th", {}, "");
        for (const Report &report : reports)
          out.element("th", {{"class", "number"}}, getTitle(report));
      });
      row("µs of the grid", [](const Report &report) {
        return KeyFigures(report).seconds * 1e6;
      });
      row("TFLOP/s",
          [](const Report &report) { return KeyFigures(report).flops / 1e12; });
      row("cycles of one CTA",
          [](const Report &report) { return KeyFigures(report).cycles; });
      row("cycles of one trip of the main loop",
          [](const Report &report) { return KeyFigures(report).period; });
      writeRow(
          out, "tensor core busy in the steady state", reports,
          [](const Report &report) { return KeyFigures(report).busy; },
          [](double share) { return formatShare(share); });
      row("bytes of shared memory", [](const Report &report) {
        return static_cast<double>(report.kernel.sharedBytes);
      });
      row("threads", [](const Report &report) {
        return static_cast<double>(report.kernel.threads());
      });
    });
  });
}
