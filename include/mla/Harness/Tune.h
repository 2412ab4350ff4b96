//===- Tune.h - which of several kernels is the fastest ---------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef MLA_HARNESS_TUNE_H
#define MLA_HARNESS_TUNE_H

#include "mla/Harness/Gpu.h"
#include "mla/Harness/Tool.h"

namespace mla::harness {

/// What one case took, medians in milliseconds.
struct CandidateTimes {
  double backToBackMs = 0, gapMs = 0;
};

/// One way to compile an operator.
struct Candidate {
  Subject subject;
  /// Why it takes no part; empty if it does.
  std::string skipped;
  /// It ran, and its outputs are not those of the reference.
  bool wrong = false;
  /// By case.
  std::vector<CandidateTimes> times;

  /// The geometric mean over the cases, back to back: a case counts by how much
  /// faster a candidate is, not by how long it takes.
  double meanMs() const;
};

/// Checks each candidate that is not skipped against the reference, at sizes
/// cut down to what the reference does in a second, and times those that are
/// right in turns, case by case. One that is wrong is skipped, with the reason.
/// Fails if none is left.
Status tuneCandidates(const GpuContext &context, const ToolOptions &options,
                      std::vector<Candidate> &candidates);

/// The one with the least mean; null if all are skipped.
const Candidate *findFastest(const std::vector<Candidate> &candidates);

} // namespace mla::harness

#endif // MLA_HARNESS_TUNE_H
