//===- Plot.cpp - figures of `bench` as a picture -------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "mla/Harness/Plot.h"

#include "mla/Harness/Modes.h"
#include "mla/Runtime/Files.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <set>

using namespace mla::runtime;

namespace mla::harness {

namespace {

/// Colours after Okabe and Ito, which are told apart with any colour vision;
/// shapes tell them apart in print. No variables: some viewers of SVG have
/// none.
constexpr const char *kStyle = R"css(
.mla-plot { font: 13px system-ui, -apple-system, "Segoe UI", "Liberation Sans",
  "DejaVu Sans", sans-serif; }
.paper { fill: #ffffff; }
text { fill: #1b1f24; }
.title { font-size: 16px; font-weight: 650; }
.muted { fill: #5b6570; }
.rule { stroke: #d5dae0; } .axis { stroke: #5b6570; }
.roof { stroke: #1b1f24; stroke-width: 1.5; stroke-dasharray: 2 4; }
.s0 { stroke: #0072b2; fill: #0072b2; } .s1 { stroke: #d55e00; fill: #d55e00; }
.s2 { stroke: #009e73; fill: #009e73; } .s3 { stroke: #b04a8a; fill: #b04a8a; }
.s4 { stroke: #c98200; fill: #c98200; } .s5 { stroke: #3a9bd6; fill: #3a9bd6; }
.s6 { stroke: #6b7480; fill: #6b7480; } .any { stroke: #1b1f24; }
@media (prefers-color-scheme: dark) {
  .paper { fill: #14181d; }
  text { fill: #e6eaee; } .muted { fill: #9aa5b1; }
  .rule { stroke: #343b44; } .axis { stroke: #9aa5b1; }
  .roof, .any { stroke: #e6eaee; }
  .s0 { stroke: #4ba3e0; fill: #4ba3e0; } .s1 { stroke: #f08a3c; fill: #f08a3c; }
  .s2 { stroke: #2fb58b; fill: #2fb58b; } .s3 { stroke: #d98abb; fill: #d98abb; }
  .s4 { stroke: #e6b23a; fill: #e6b23a; } .s5 { stroke: #8fd0f5; fill: #8fd0f5; }
  .s6 { stroke: #a9b2bc; fill: #a9b2bc; }
}
.line { fill: none; stroke-width: 2; stroke-linejoin: round; }
.gap { stroke-dasharray: 6 4; } .flush { stroke-dasharray: 12 4 2 4; }
.graph { stroke-dasharray: 2 2; }
.hollow { fill: #ffffff; stroke-width: 1.7; }
.halo { paint-order: stroke; stroke: #ffffff; stroke-width: 4; }
@media (prefers-color-scheme: dark) {
  .hollow { fill: #14181d; } .halo { stroke: #14181d; }
}
)css";
constexpr size_t kColours = 7;
constexpr size_t kShapes = 4;

/// Of the picture, in pixels.
constexpr double kLeft = 68, kTop = 74, kPlotWidth = 600, kPlotHeight = 360;
constexpr double kBottom = 62, kLegendGap = 24, kRow = 22, kSwatch = 34;
/// A wide estimate of the mean character; the font is the viewer's.
constexpr double kCharacter = 7.2;
constexpr size_t kLongestLabel = 40;

/// Whether a byte begins a character of UTF-8.
bool beginsCharacter(char byte) {
  return (static_cast<unsigned char>(byte) & 0xC0) != 0x80;
}

/// The text with at most `most` characters: the end stays, which is what tells
/// paths apart.
std::string shorten(const std::string &text, size_t most) {
  std::vector<size_t> begins;
  for (size_t at = 0; at < text.size(); ++at)
    if (beginsCharacter(text[at]))
      begins.push_back(at);
  if (begins.size() <= most)
    return text;
  return "\u2026" + text.substr(begins[begins.size() - most + 1]);
}

size_t characters(const std::string &text) {
  return std::count_if(text.begin(), text.end(), beginsCharacter);
}

/// For text and attribute values; XML has no control characters.
std::string escape(const std::string &text) {
  std::string out;
  for (char c : text)
    switch (c) {
    case '&':
      out += "&amp;";
      break;
    case '<':
      out += "&lt;";
      break;
    case '>':
      out += "&gt;";
      break;
    case '"':
      out += "&quot;";
      break;
    default:
      out += static_cast<unsigned char>(c) < ' ' ? ' ' : c;
    }
  return out;
}

std::string coordinate(double value) {
  char text[40];
  std::snprintf(text, sizeof(text), "%.1f", value);
  return text;
}

/// "8,192"
std::string grouped(int64_t value) {
  std::string text = std::to_string(value);
  for (size_t at = text.size(); at > 3;)
    text.insert(at -= 3, ",");
  return text;
}

/// "582.1", and "779" where there is nothing behind the point.
std::string rate(double value) {
  char text[40];
  std::snprintf(text, sizeof(text),
                value == std::floor(value) ? "%.0f" : "%.1f", value);
  return text;
}

std::string axisLabel(double value) {
  return value == std::floor(value) ? grouped(static_cast<int64_t>(value))
                                    : rate(value);
}

/// One contestant in one mode, by ascending size.
struct Line {
  /// Number of the contestant.
  size_t contestant = 0;
  std::string mode;
  std::map<int64_t, double> points;
};

/// What is drawn, and over what.
struct Chart {
  std::string sizeName;
  std::string subtitle;
  std::vector<std::string> contestants;
  std::vector<Line> lines;
  std::set<int64_t> sizes;
  double highest = 0;
  /// In the order of kModes.
  std::vector<ModeName> modes() const {
    std::vector<ModeName> found;
    for (const ModeName &known : kModes)
      if (std::any_of(lines.begin(), lines.end(), [&](const Line &line) {
            return line.mode == known.name;
          }))
        found.push_back(known);
    return found;
  }
};

/// What all figures have in common: the device, and the sizes not swept.
std::string describe(const std::vector<Figure> &figures,
                     const std::string &swept) {
  std::set<std::string> devices;
  Sizes common;
  for (const Figure &figure : figures) {
    if (!figure.device.empty())
      devices.insert(figure.device);
    common.insert(figure.sizes.begin(), figure.sizes.end());
  }
  std::string text;
  for (const std::string &device : devices)
    text += (text.empty() ? "" : ", ") + device;
  for (const auto &[name, value] : common)
    if (name != swept)
      text += (text.empty() ? "" : " · ") + name + " = " + grouped(value);
  return text;
}

bool isWanted(const Figure &figure, const Sizes &only) {
  for (const auto &[name, value] : only) {
    auto size = figure.sizes.find(name);
    if (size == figure.sizes.end() || size->second != value)
      return false;
  }
  return true;
}

Status makeChart(const std::vector<Figure> &all, const Sizes &only,
                 Chart &chart) {
  std::vector<Figure> figures;
  std::vector<Sizes> cases;
  for (const Figure &figure : all)
    if (isWanted(figure, only)) {
      figures.push_back(figure);
      cases.push_back(figure.sizes);
    }
  if (figures.empty())
    return invalidArgument("expected results of bench, got none");
  MLA_RETURN_IF_ERROR(findSweptSize(cases, chart.sizeName));
  chart.subtitle = describe(figures, chart.sizeName);
  for (const Figure &figure : figures) {
    auto size = figure.sizes.find(chart.sizeName);
    if (size == figure.sizes.end())
      return invalidArgument(figure.file + ":" + std::to_string(figure.line) +
                             ": lacks the size '" + chart.sizeName +
                             "', which others have");
    auto &names = chart.contestants;
    size_t number =
        std::find(names.begin(), names.end(), figure.label) - names.begin();
    if (number == names.size())
      names.push_back(figure.label);
    auto line = std::find_if(
        chart.lines.begin(), chart.lines.end(), [&](const Line &other) {
          return other.contestant == number && other.mode == figure.mode;
        });
    if (line == chart.lines.end())
      line = chart.lines.insert(line, {number, figure.mode, {}});
    line->points[size->second] = figure.tflops;
    chart.sizes.insert(size->second);
    chart.highest = std::max(chart.highest, figure.tflops);
  }
  return Status();
}

/// Writes the SVG from the back to the front.
class Drawing {
public:
  Drawing(const Chart &chart, const PlotOptions &options)
      : chart(chart), options(options) {
    low = static_cast<double>(*chart.sizes.begin());
    high = static_cast<double>(*chart.sizes.rbegin());
    // Powers of two evenly, where the sizes span more than a few of them.
    isLogarithmic = low > 0 && high / low > 4;
    double most = std::max(chart.highest, options.roof) * 1.06;
    step = std::pow(10, std::floor(std::log10(most / 4)));
    for (double factor : {2.0, 2.5, 2.0})
      if (most / step > 10)
        step *= factor;
    top = std::ceil(most / step) * step;
    size_t longest = 26; // the legend of the modes
    for (const std::string &name : chart.contestants)
      longest = std::max(longest, characters(shorten(name, kLongestLabel)));
    width = kLeft + kPlotWidth + kLegendGap + kSwatch + 8 +
            kCharacter * static_cast<double>(longest) + 12;
    // Half a row between contestants and modes, and half one behind.
    double rows = static_cast<double>(chart.contestants.size() +
                                      chart.modes().size() + 1);
    height = std::max(kTop + kPlotHeight + kBottom, kTop + rows * kRow + 12);
  }

  std::string draw() {
    head();
    gridLines();
    roof();
    for (const Line &line : chart.lines)
      series(line);
    legend();
    svg += "</svg>\n";
    return svg;
  }

private:
  double x(int64_t size) const {
    double value = static_cast<double>(size);
    double share = isLogarithmic
                       ? std::log2(value / low) / std::log2(high / low)
                       : (value - low) / (high - low);
    // The outermost points stay clear of the axes.
    return kLeft + 24 + share * (kPlotWidth - 48);
  }
  double y(double tflops) const {
    return kTop + kPlotHeight * (1 - tflops / top);
  }

  void text(double atX, double atY, const char *attributes,
            const std::string &what) {
    svg += "<text x=\"" + coordinate(atX) + "\" y=\"" + coordinate(atY) +
           "\" " + attributes + ">" + escape(what) + "</text>\n";
  }
  void line(double x1, double y1, double x2, double y2,
            const std::string &classes) {
    svg += "<line class=\"" + classes + "\" x1=\"" + coordinate(x1) +
           "\" y1=\"" + coordinate(y1) + "\" x2=\"" + coordinate(x2) +
           "\" y2=\"" + coordinate(y2) + "\"/>\n";
  }

  void head() {
    std::string w = coordinate(width), h = coordinate(height);
    std::string title = "Median TFLOP/s over " + chart.sizeName;
    svg = "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"mla-plot\" "
          "role=\"img\" width=\"" +
          w + "\" height=\"" + h + "\" viewBox=\"0 0 " + w + " " + h +
          "\" aria-label=\"" + escape(title) + "\">\n<style>" + kStyle +
          "</style>\n<rect class=\"paper\" width=\"100%\" height=\"100%\"/>\n";
    text(kLeft, 28, "class=\"title\"", title);
    size_t fits = static_cast<size_t>((width - kLeft) / kCharacter);
    text(kLeft, 50, "class=\"muted\"", shorten(chart.subtitle, fits));
  }

  void gridLines() {
    constexpr double kRight = kLeft + kPlotWidth;
    constexpr double kFloor = kTop + kPlotHeight;
    for (int n = 0; n * step <= top * 1.0001; ++n) {
      line(kLeft, y(n * step), kRight, y(n * step), n ? "rule" : "axis");
      text(kLeft - 8, y(n * step) + 4.5, "class=\"muted\" text-anchor=\"end\"",
           axisLabel(n * step));
    }
    double taken = 0;
    for (int64_t size : chart.sizes) {
      line(x(size), kFloor, x(size), kFloor + 5, "axis");
      std::string label = grouped(size);
      double half = kCharacter * static_cast<double>(label.size()) / 2;
      // Labels that would touch the one before are left out.
      if (x(size) - half < taken)
        continue;
      taken = x(size) + half + 6;
      text(x(size), kFloor + 21, "class=\"muted\" text-anchor=\"middle\"",
           label);
    }
    text(kLeft + kPlotWidth / 2, kFloor + 46, "text-anchor=\"middle\"",
         chart.sizeName + (isLogarithmic ? " (log scale)" : ""));
    std::string middle = coordinate(kTop + kPlotHeight / 2);
    text(20, kTop + kPlotHeight / 2,
         ("text-anchor=\"middle\" transform=\"rotate(-90 20 " + middle + ")\"")
             .c_str(),
         "median TFLOP/s");
  }

  void roof() {
    if (options.roof <= 0)
      return;
    line(kLeft, y(options.roof), kLeft + kPlotWidth, y(options.roof), "roof");
    std::string label = rate(options.roof) + " TFLOP/s";
    if (!options.roofLabel.empty())
      label = options.roofLabel + ": " + label;
    text(kLeft + kPlotWidth - 4, y(options.roof) - 6,
         "class=\"halo\" text-anchor=\"end\"",
         shorten(label, static_cast<size_t>(kPlotWidth / kCharacter)));
  }

  /// The line first, so that the points lie on it.
  void series(const Line &one) {
    std::string colour = " s" + std::to_string(one.contestant % kColours);
    std::string path;
    for (const auto &[size, tflops] : one.points)
      path += (path.empty() ? "" : " ") + coordinate(x(size)) + "," +
              coordinate(y(tflops));
    svg += "<polyline class=\"line " + one.mode + colour + "\" points=\"" +
           path + "\"/>\n";
    for (const auto &[size, tflops] : one.points)
      point(x(size), y(tflops), one.contestant, one.mode != "b2b",
            chart.contestants[one.contestant] + ", " + one.mode + ", " +
                chart.sizeName + " = " + grouped(size) + ": " + rate(tflops) +
                " TFLOP/s");
  }

  /// A contestant's shape; what it stands for is shown under the pointer.
  void point(double atX, double atY, size_t contestant, bool isHollow,
             const std::string &tip) {
    constexpr const char *kPaths[kShapes] = {
        "m-4.5 0a4.5 4.5 0 1 0 9 0a4.5 4.5 0 1 0 -9 0z", "m-4 -4h8v8h-8z",
        "m0 -5.5l5 9h-10z", "m0 -5.5l5.5 5.5l-5.5 5.5l-5.5 -5.5z"};
    svg += "<path class=\"s" + std::to_string(contestant % kColours) +
           (isHollow ? " hollow" : "") + "\" d=\"M" + coordinate(atX) + " " +
           coordinate(atY) + kPaths[contestant % kShapes] + "\"><title>" +
           escape(tip) + "</title></path>\n";
  }

  void legend() {
    double left = kLeft + kPlotWidth + kLegendGap, at = kTop + 6;
    for (size_t i = 0; i < chart.contestants.size(); ++i, at += kRow) {
      line(left, at, left + kSwatch, at,
           "line s" + std::to_string(i % kColours));
      point(left + kSwatch / 2, at, i, false, chart.contestants[i]);
      text(left + kSwatch + 8, at + 4.5, "text-anchor=\"start\"",
           shorten(chart.contestants[i], kLongestLabel));
    }
    at += kRow / 2;
    for (const ModeName &mode : chart.modes()) {
      line(left, at, left + kSwatch, at, std::string("line any ") + mode.name);
      text(left + kSwatch + 8, at + 4.5, "class=\"muted\"", mode.meaning);
      at += kRow;
    }
  }

  const Chart &chart;
  const PlotOptions &options;
  /// The ends of the axes.
  double low = 0, high = 0, top = 0, step = 0;
  bool isLogarithmic = false;
  double width = 0, height = 0;
  std::string svg;
};

Status writePlot(std::vector<Figure> figures, const PlotOptions &options) {
  std::string svg;
  MLA_RETURN_IF_ERROR(joinFigures(figures));
  MLA_RETURN_IF_ERROR(drawPlot(figures, options, svg));
  return writeFileAtomically(options.file, svg);
}

} // namespace

Status drawPlot(const std::vector<Figure> &figures, const PlotOptions &options,
                std::string &svg) {
  Chart chart;
  MLA_RETURN_IF_ERROR(makeChart(figures, options.only, chart));
  svg = Drawing(chart, options).draw();
  return Status();
}

Status plotFiles(const std::vector<std::string> &files,
                 const PlotOptions &options) {
  std::vector<Figure> figures;
  for (const std::string &file : files) {
    std::string text;
    MLA_RETURN_IF_ERROR(readFile(file, text));
    MLA_RETURN_IF_ERROR(readFigures(text, file, figures));
  }
  return writePlot(std::move(figures), options);
}

Status plotLines(const std::string &lines, const PlotOptions &options) {
  std::vector<Figure> figures;
  MLA_RETURN_IF_ERROR(readFigures(lines, "results", figures));
  return writePlot(std::move(figures), options);
}

} // namespace mla::harness
