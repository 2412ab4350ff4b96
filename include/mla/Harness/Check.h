//===- Check.h - how right is right -----------------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef MLA_HARNESS_CHECK_H
#define MLA_HARNESS_CHECK_H

#include "mla/Harness/Reference.h"

namespace mla::harness {

/// How one output compares with what was expected.
struct CheckResult {
  std::string name;
  bool pass = false;
  /// Elements that fail.
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

/// Compares by the rule of semantics: an element passes if its absolute error
/// is under the tolerance OR its relative error is; infinities (with their
/// sign) and NaN must stand in the same places; the cosine holds over the
/// tensor. A tensor that was pre-filled with HostTensor::fillWithPoison must
/// still hold that in its padding.
CheckResult checkOutput(const HostTensor &got, const ExpectedOutput &expected);

/// Compares two implementations of one output, of the same shape. They agree
/// if infinities and NaN stand in the same places and the cosine difference is
/// under `cosine`; the worst element is the one furthest apart. That is loose,
/// and fast: it tells other work from the same work, not right from wrong.
CheckResult checkAgreement(const std::string &name, const HostTensor &got,
                           const HostTensor &expected, double cosine);

} // namespace mla::harness

#endif // MLA_HARNESS_CHECK_H
