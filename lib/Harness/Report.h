//===- Report.h - results as JSON lines and a table -------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef MLA_LIB_HARNESS_REPORT_H
#define MLA_LIB_HARNESS_REPORT_H

#include "mla/Harness/Check.h"

#include <optional>
#include <set>

namespace mla::harness {

/// The result of `run` for one case.
struct RunReport {
  std::string package, kernel;
  Sizes sizes;
  uint64_t seed = 0;
  /// Optional arguments that the launch left out.
  std::set<std::string> leftOut;
  double ms = 0;
  /// Empty without --check.
  std::vector<CheckResult> outputs;
  bool checked = false;
  /// Number of runs with the same bits.
  int repeats = 1;
  /// The output and the run whose bits differ from the first run's.
  std::string differs;
  bool pass = true;
};

/// The result of `bench` for one kernel, case and mode.
struct BenchReport {
  std::string package, kernel, mode, device;
  mlaPhase phase = MLA_PHASE_ALL;
  Sizes sizes;
  std::set<std::string> leftOut;
  int samples = 0;
  double medianMs = 0, minMs = 0;
  /// Launches of one graph, whose time is divided by them; 0: no graph.
  int graphLaunches = 0;
  /// Host time of the call of a launch, where it was measured.
  std::optional<double> hostUs;
  /// 0 if the operator has no formula.
  double flops = 0, bytes = 0;
  /// The most that was measured on such a device; 0: not known.
  double limitTflops = 0;
  /// For a peer: the comparison of its outputs with the first kernel's.
  std::vector<CheckResult> agreement;
  /// Why a peer was not timed in the case, or in the mode if there is one.
  std::string skipped;
};

/// One JSON object in one line, with its newline. NaN and infinities, which
/// JSON lacks, are written as strings.
std::string jsonLine(const RunReport &report);
std::string jsonLine(const BenchReport &report);

/// The table at the end of `bench`.
std::string benchTable(const std::vector<BenchReport> &reports);

/// "s_kv=128 s_q=4"
std::string sizesText(const Sizes &sizes);

} // namespace mla::harness

#endif // MLA_LIB_HARNESS_REPORT_H
