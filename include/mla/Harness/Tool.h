//===- Tool.h - what `run` and `bench` do -----------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// Command lines for them: mla/Harness/CommandLine.h.
//
//===----------------------------------------------------------------------===//

#ifndef MLA_HARNESS_TOOL_H
#define MLA_HARNESS_TOOL_H

#include "mla/Harness/Executor.h"
#include "mla/Harness/Inputs.h"
#include "mla/Harness/Modes.h"

#include <iosfwd>
#include <optional>

namespace mla::harness {

struct ToolOptions {
  /// Kernels.
  std::vector<std::string> operands;
  /// The cases: each a set of run-time sizes. At least one.
  std::vector<Sizes> cases;
  /// Sizes of all cases; finishCases adds them to each.
  Sizes commonSizes;
  InputOptions inputs;
  // run:
  bool check = false;
  /// .npy files that outputs are compared with, by argument name; they replace
  /// the operator's reference.
  std::map<std::string, std::string> expected;
  /// Largest error in units of the largest expected magnitude; without a value
  /// that of the output's type.
  std::optional<double> tolerance;
  std::string outputFolder;
  // bench:
  /// How to time, without duplicates.
  std::vector<Mode> modes = {Mode::BackToBack, Mode::Gap};
  /// The kernels that a timed launch runs; before those of MLA_PHASE_LAUNCH the
  /// plan is made once, untimed.
  mlaPhase phase = MLA_PHASE_ALL;
  int iterations = 20;
  int warmup = 5;
  int rounds = 5;
  /// Runs of each case, which have to give the same bits.
  int repeats = 1;
  double gapMs = 20;
  /// Report progress even if stderr is no terminal.
  bool progress = false;
  /// Libraries with other implementations: mla/Harness/Peer.h.
  std::vector<std::string> peers;
};

/// Run and time loaded subjects. Results go to `out`, one JSON line each (and a
/// table at the end of `bench`), errors to `err`, one line each. Return the
/// exit code: 0, or 1 for bad input or a case that fails.
int runSubjects(const std::vector<Subject> &subjects,
                const ToolOptions &options, std::ostream &out,
                std::ostream &err);
int benchSubjects(const std::vector<Subject> &subjects,
                  const ToolOptions &options, std::ostream &out,
                  std::ostream &err);

/// What can be wrong with a request to time before anything is loaded: peers
/// that are no libraries, cases that no picture shows.
Status checkBenchOptions(const ToolOptions &options);

/// A loader for ToolConfig::load: the operand is a package's folder.
Status loadPackageSubject(const std::string &folder, std::vector<Subject> &out);

} // namespace mla::harness

#endif // MLA_HARNESS_TOOL_H
