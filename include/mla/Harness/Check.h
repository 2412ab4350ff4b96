//===- Check.h - how right is right -----------------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef MLA_HARNESS_CHECK_H
#define MLA_HARNESS_CHECK_H

#include "mla/Harness/Reference.h"

namespace mla::harness {

/// The comparison of one output with its expected values.
struct CheckResult {
  std::string name;
  bool pass = false;
  /// Number of elements that fail.
  int64_t failures = 0;
  /// Largest errors over the elements that are finite on both sides; relative
  /// ones only where something other than 0 is expected.
  double maxAbsolute = 0;
  double maxRelative = 0;
  /// 1 - 2 sum(ab) / sum(a^2 + b^2) over those elements; 0 if all are 0.
  double cosine = 0;
  /// The element that fails worst (or comes nearest to failing), and its
  /// values. Empty for a tensor without elements.
  std::vector<int64_t> worstIndex;
  double expected = 0;
  double got = 0;
  /// Elements of padding that the kernel wrote to.
  int64_t paddingWritten = 0;
  /// One line that says what failed; empty if it passes.
  std::string message;
};

/// Compares an output with its expected values. An element passes if its
/// absolute or its relative error is under the tolerance; infinities (with
/// their sign) and NaN must be at the same places; the cosine difference of the
/// whole tensor must be under its tolerance. A tensor that was pre-filled with
/// HostTensor::fillWithPoison must still hold poison in its padding.
CheckResult checkOutput(const HostTensor &got, const ExpectedOutput &expected);

/// Compares two implementations of one output, of the same shape. They agree
/// if infinities and NaN are at the same places and the cosine difference is
/// under `cosine`; the worst element is the one that differs most. This fast,
/// loose test detects that two implementations compute different things; it
/// does not detect small errors.
CheckResult checkAgreement(const std::string &name, const HostTensor &got,
                           const HostTensor &expected, double cosine);

} // namespace mla::harness

#endif // MLA_HARNESS_CHECK_H
