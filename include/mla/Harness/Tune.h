//===- Tune.h - find the fastest of several kernels -------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef MLA_HARNESS_TUNE_H
#define MLA_HARNESS_TUNE_H

#include "mla/Harness/Gpu.h"
#include "mla/Harness/Tool.h"

namespace mla::harness {

/// Median times of one case, in milliseconds.
struct CandidateTimes {
  double backToBackMs = 0, gapMs = 0;
};

/// One way to compile an operator.
struct Candidate {
  Subject subject;
  /// Why it is not timed; empty if it is.
  std::string skipped;
  /// Whether its outputs differ from those of the reference.
  bool wrong = false;
  /// By case.
  std::vector<CandidateTimes> times;

  /// The geometric mean of the back-to-back times, so that long cases do not
  /// outweigh short ones.
  double meanMs() const;
};

/// Checks each candidate that is not skipped against the reference, at reduced
/// sizes that keep the reference below a second. Times the correct ones in
/// turns, case by case; a wrong one is skipped, with the reason. Fails if none
/// is left.
Status tuneCandidates(const GpuContext &context, const ToolOptions &options,
                      std::vector<Candidate> &candidates);

/// The candidate with the least mean time; null if all are skipped.
const Candidate *findFastest(const std::vector<Candidate> &candidates);

} // namespace mla::harness

#endif // MLA_HARNESS_TUNE_H
