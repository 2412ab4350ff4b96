//===- Report.cpp - the tables that tuning prints -------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "Report.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FormatVariadic.h"

using namespace mla;

std::string mla::joinSizes(const harness::Sizes &sizes) {
  std::vector<std::string> parts;
  for (const auto &[name, size] : sizes)
    parts.push_back(name + "=" + std::to_string(size));
  return llvm::join(parts, ",");
}

static std::string formatPrediction(const Prediction &p) {
  return llvm::formatv("{0,8:f3} {1,7:f0} {2,8} {3,13:f0} {4,6} {5,7:f0} "
                       "{6,8:f0} {7,7:f0} {8,7:f0}",
                       p.ms, p.flops / p.ms / 1e9, p.waves, p.prologueEpilogue,
                       p.tiles, p.tensor, p.exposed, p.refill, p.gather);
}

static std::string formatTimes(const std::optional<Prediction> &predicted,
                               const harness::CandidateTimes &times,
                               double flops) {
  double gigaflops = flops / 1e9;
  return llvm::formatv("{0,9} {1,8:f3} {2,7:f0} {3,8:f3} {4,7:f0}",
                       predicted ? llvm::formatv("{0:f3}", predicted->ms).str()
                                 : "-",
                       times.backToBackMs, gigaflops / times.backToBackMs,
                       times.gapMs, gigaflops / times.gapMs);
}

std::string CaseReport::getColumns() const {
  return times.empty()
             ? "      ms TFLOP/s    waves  pro+epilogue  tiles  tensor  "
               "exposed  refill  gather"
             : "predicted   b2b ms TFLOP/s   gap ms TFLOP/s";
}

std::string CaseReport::getRow(size_t candidate) const {
  const std::string &skipped = candidates[candidate].skipped;
  if (!skipped.empty())
    return "skipped: " + skipped;
  const std::optional<Prediction> &predicted = predictions[candidate];
  if (!times.empty())
    return formatTimes(predicted, times[candidate], flops);
  return predicted ? formatPrediction(*predicted)
                   : "not predicted: the schedule is a file";
}

void CaseReport::print(llvm::raw_ostream &os) const {
  size_t width = 8;
  for (const harness::Candidate &candidate : candidates)
    width = std::max(width, candidate.subject.label.size());
  auto line = [&](llvm::StringRef name, const std::string &rest) {
    os << "  " << llvm::left_justify(name, width) << " " << rest << "\n";
  };
  os << "\n" << joinSizes(sizes) << "\n";
  line("schedule", getColumns());
  for (auto [i, candidate] : llvm::enumerate(candidates))
    line(candidate.subject.label, getRow(i));
}
