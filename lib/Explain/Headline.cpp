//===- Headline.cpp - the kernel at a glance ------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "Page.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;
using namespace mla;
using namespace mla::explain;

/// One number with what it means.
static void writeFigure(Markup &out, StringRef value, StringRef unit,
                        StringRef meaning) {
  out.element("div", {{"class", "figure"}}, [&] {
    out.element("div", {{"class", "value"}}, [&] {
      out.text(value);
      if (!unit.empty())
        out.element("small", {}, " " + unit.str());
    });
    out.element("div", {{"class", "meaning"}}, meaning);
  });
}

static std::string describeSizes(const Sizes &sizes) {
  std::string text;
  for (const auto &[name, value] : sizes)
    text += (text.empty() ? "" : ", ") + name + " = " +
            formatNumber(static_cast<double>(value));
  return text;
}

/// A bar of parts that fill `whole`; what is left is unused.
static void writeBudget(
    Markup &out, StringRef title, double whole,
    ArrayRef<std::tuple<StringRef, double, std::string>> classesSizesNames) {
  constexpr double kWidth = 1200, kHeight = 46;
  writePicture(out, "budget", kWidth, kHeight, title, [&] {
    out.element("rect", {{"class", "unused"},
                         {"x", 0.5},
                         {"y", 0.5},
                         {"width", kWidth - 1},
                         {"height", kHeight - 1}});
    double x = 0.5;
    for (const auto &[cls, size, name] : classesSizesNames) {
      double width = size / whole * (kWidth - 1);
      out.element("rect", {{"class", cls},
                           {"data-tip", name},
                           {"x", x},
                           {"y", 0.5},
                           {"width", width},
                           {"height", kHeight - 1}});
      auto [first, second] = StringRef(name).split('\n');
      if (width > estimateWidth(first)) {
        writeText(out, x + 8, 20, "label strong", first);
        if (width > estimateWidth(second))
          writeText(out, x + 8, 36, "label", second);
      }
      x += width;
    }
  });
}

static void writeRegisterFile(Markup &out, const Report &report) {
  static constexpr StringRef kShades[] = {"shade0", "shade1", "shade2",
                                          "shade3"};
  std::vector<std::tuple<StringRef, double, std::string>> parts;
  int64_t sum = 0;
  for (auto [i, role] : llvm::enumerate(report.kernel.roles)) {
    int64_t registers = role.totalRegisters();
    sum += registers;
    parts.emplace_back(
        kShades[i % std::size(kShades)], static_cast<double>(registers),
        role.name + "\n" + std::to_string(role.warps) + " warps × 32 × " +
            std::to_string(role.registers) + " = " +
            formatNumber(static_cast<double>(registers)));
  }
  int64_t left = report.machine.target->registersPerSM - sum;
  out.element(
      "h3", {},
      "Register file: " + formatNumber(static_cast<double>(sum)) + " of " +
          formatNumber(
              static_cast<double>(report.machine.target->registersPerSM)) +
          " registers, " + formatNumber(static_cast<double>(left)) + " unused");
  writeBudget(out, "Registers of each role",
              static_cast<double>(report.machine.target->registersPerSM),
              parts);
}

KeyFigures::KeyFigures(const Report &report)
    : cycles(report.timeline.end), period(report.timeline.period),
      busy(report.timeline.getBusyShare(Track::Kind::Products,
                                        report.timeline.steadyBegin,
                                        report.timeline.steadyEnd)) {
  seconds = modelSeconds(report.kernel, report.work, cycles, report.machine);
  flops = seconds > 0 ? report.work.gridFlops() / seconds : 0;
}

static void writeFigures(Markup &out, const Report &report) {
  KeyFigures figures(report);
  std::string registers = std::to_string(report.kernel.threads());
  out.element("div", {{"class", "figures"}}, [&] {
    writeFigure(
        out, formatNumber(figures.cycles), "cycles",
        "one CTA, start to end, by the model: " +
            formatNumber(figures.cycles / report.machine.clockGHz / 1e3) +
            " µs");
    writeFigure(out, formatNumber(figures.period), "cycles",
                "one trip of the main loop, steady state");
    writeFigure(out, formatShare(figures.busy), "",
                "of the steady state a product runs on the tensor core");
    writeFigure(
        out, formatNumber(figures.flops / 1e12), "TFLOP/s",
        formatShare(figures.flops / report.machine.tensorFlopsPerSecond()) +
            " of nominal, if every CTA ran as the model says");
    writeFigure(
        out, formatNumber(static_cast<double>(report.kernel.sharedBytes)),
        "bytes",
        "shared memory, of " + formatNumber(static_cast<double>(
                                   report.machine.target->sharedBytesPerCTA)));
    writeFigure(
        out, registers, "threads",
        std::to_string(report.kernel.roles.size()) + " roles, " +
            std::to_string(countResidentCTAs(report.kernel, report.machine)) +
            " CTA on an SM");
  });
}

void explain::writeHeadline(Markup &out, const Report &report) {
  const Kernel &kernel = report.kernel;
  std::string what =
      kernel.operatorName.empty() ? "tile program" : kernel.operatorName;
  std::string grid = describeGrid(kernel);
  std::optional<std::vector<int64_t>> extents =
      evaluateGrid(kernel, report.sizes);
  if (extents) {
    double ctas = 1;
    for (int64_t extent : *extents)
      ctas *= static_cast<double>(extent);
    grid += " = " + formatNumber(ctas) + " CTAs";
  }
  out.element("header", {}, [&] {
    out.element("h1", {}, [&] {
      out.text(kernel.func.getSymName());
      if (!kernel.schedule.empty())
        out.element("span", {{"class", "schedule"}},
                    "schedule " + kernel.schedule);
    });
    out.element("p", {{"class", "facts"}}, [&] {
      out.text("Operator " + what + " · grid " + grid +
               (kernel.clusterSize > 1
                    ? " in clusters of " + std::to_string(kernel.clusterSize)
                    : "") +
               " · " + describeSizes(report.sizes) + " · " +
               report.machine.name + ", " + std::to_string(report.machine.sms) +
               " SMs at " + formatNumber(report.machine.clockGHz) + " GHz");
    });
    std::string note =
        "Times are those of a cost model of one SM, not measurements: right "
        "for who waits for whom, not for the last percent.";
    if (report.traceSizes != report.sizes)
      note += " One CTA does the same for any number of CTAs, so it was run "
              "with " +
              describeSizes(report.traceSizes) + ".";
    out.element("p", {{"class", "note"}}, note);
  });
  writeFigures(out, report);
  writeRegisterFile(out, report);
}
