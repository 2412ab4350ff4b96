//===- Report.cpp - results as JSON lines and a table ---------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "Report.h"
#include "mla/Harness/Modes.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <cstdio>

using json = nlohmann::ordered_json;

namespace mla::harness {

namespace {

json number(double value) {
  if (std::isfinite(value))
    return value;
  return std::isnan(value) ? "nan" : value > 0 ? "inf" : "-inf";
}

json write(const CheckResult &result) {
  json object = {{"name", result.name},
                 {"pass", result.pass},
                 {"max_abs", number(result.maxAbsolute)},
                 {"max_rel", number(result.maxRelative)},
                 {"cosine", number(result.cosine)}};
  if (result.pass)
    return object;
  object["failures"] = result.failures;
  object["worst"] = result.worstIndex;
  object["expected"] = number(result.expected);
  object["got"] = number(result.got);
  object["message"] = result.message;
  return object;
}

json write(const Sizes &sizes) {
  json object = json::object();
  for (const auto &[name, value] : sizes)
    object[name] = value;
  return object;
}

std::string line(const json &object) {
  return object.dump(-1, ' ', false, json::error_handler_t::replace) + "\n";
}

double teraflops(double flops, double ms) {
  return ms > 0 ? flops / ms * 1e-9 : 0;
}
double gigabytes(double bytes, double ms) {
  return ms > 0 ? bytes / ms * 1e-6 : 0;
}

bool hasLimit(const BenchReport &report) {
  return report.flops > 0 && report.limitTflops > 0;
}
double percentOfLimit(const BenchReport &report) {
  return 100 * teraflops(report.flops, report.medianMs) / report.limitTflops;
}

std::string fixed(double value, int digits) {
  char text[40];
  std::snprintf(text, sizeof(text), "%.*f", digits, value);
  return text;
}

} // namespace

std::string sizesText(const Sizes &sizes) {
  std::string text;
  for (const auto &[name, value] : sizes)
    text += (text.empty() ? "" : " ") + name + "=" + std::to_string(value);
  return text;
}

std::string jsonLine(const RunReport &report) {
  json object = {{"package", report.package},    {"kernel", report.kernel},
                 {"sizes", write(report.sizes)}, {"seed", report.seed},
                 {"ms", number(report.ms)},      {"checked", report.checked}};
  // Without a check neither pass nor fail is reported.
  if (report.checked || !report.pass)
    object["pass"] = report.pass;
  if (!report.leftOut.empty())
    object["without"] = report.leftOut;
  if (report.repeats > 1)
    object["repeats"] = report.repeats;
  if (!report.differs.empty())
    object["differs"] = report.differs;
  if (report.checked) {
    object["outputs"] = json::array();
    for (const CheckResult &result : report.outputs)
      object["outputs"].push_back(write(result));
  }
  return line(object);
}

std::string jsonLine(const BenchReport &report) {
  json object = {{"package", report.package},
                 {"kernel", report.kernel},
                 {"device", report.device},
                 {"sizes", write(report.sizes)}};
  if (!report.leftOut.empty())
    object["without"] = report.leftOut;
  if (!report.mode.empty())
    object["mode"] = report.mode;
  if (report.phase != MLA_PHASE_ALL)
    object["phase"] = nameOf(report.phase);
  if (!report.skipped.empty()) {
    object["skipped"] = report.skipped;
    return line(object);
  }
  object["samples"] = report.samples;
  object["median_ms"] = report.medianMs;
  object["min_ms"] = report.minMs;
  if (report.graphLaunches > 0)
    object["graph_launches"] = report.graphLaunches;
  if (report.hostUs)
    object["host_us"] = *report.hostUs;
  if (report.flops > 0) {
    object["median_tflops"] = teraflops(report.flops, report.medianMs);
    object["max_tflops"] = teraflops(report.flops, report.minMs);
  }
  if (hasLimit(report)) {
    object["limit_tflops"] = report.limitTflops;
    object["percent_of_limit"] = percentOfLimit(report);
  }
  if (report.bytes > 0) {
    object["bytes"] = static_cast<int64_t>(report.bytes);
    object["median_gbs"] = gigabytes(report.bytes, report.medianMs);
  }
  for (const CheckResult &result : report.agreement)
    object["agreement"].push_back(write(result));
  return line(object);
}

std::string benchTable(const std::vector<BenchReport> &reports) {
  std::vector<std::vector<std::string>> rows = {
      {"package", "sizes", "mode", "median ms", "min ms", "host us", "TFLOP/s",
       "% limit", "GB/s"}};
  std::string notes;
  for (const BenchReport &report : reports) {
    std::string sizes = sizesText(report.sizes);
    if (!report.skipped.empty()) {
      notes += report.package + " (" + sizes + ")" +
               (report.mode.empty() ? "" : ", " + report.mode + ",") +
               " skipped: " + report.skipped + "\n";
      continue;
    }
    auto cell = [](bool known, double value, int digits) {
      return known ? fixed(value, digits) : "-";
    };
    double ms = report.medianMs;
    rows.push_back(
        {report.package, sizes, report.mode, fixed(ms, 4),
         fixed(report.minMs, 4),
         cell(report.hostUs.has_value(), report.hostUs.value_or(0), 1),
         cell(report.flops > 0, teraflops(report.flops, ms), 1),
         cell(hasLimit(report), percentOfLimit(report), 1),
         cell(report.bytes > 0, gigabytes(report.bytes, ms), 0)});
  }
  std::vector<size_t> widths(rows[0].size());
  for (const auto &row : rows)
    for (size_t i = 0; i < row.size(); ++i)
      widths[i] = std::max(widths[i], row[i].size());
  constexpr size_t kFirstNumber = 3;
  std::string text;
  for (const auto &row : rows) {
    for (size_t i = 0; i < row.size(); ++i) {
      std::string fill(widths[i] - row[i].size(), ' ');
      text +=
          (i ? "  " : "") + (i < kFirstNumber ? row[i] + fill : fill + row[i]);
    }
    text += "\n";
  }
  return text + notes;
}

} // namespace mla::harness
