//===- AttentionReference.h - attention in double precision -----*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef MLA_HARNESS_ATTENTIONREFERENCE_H
#define MLA_HARNESS_ATTENTIONREFERENCE_H

#include "mla/Harness/LseConvention.h"
#include "mla/Harness/Reference.h"

#include <functional>

namespace mla::harness {

/// Softmax attention over rows of one tensor, whose first columns are the
/// values. A group is a number of heads that read the same rows.
struct AttentionProblem {
  /// [..., heads, d_qk]; group g begins at its row g * groupSize, rows counted
  /// row-major. Where there are more groups than q has, q is used again.
  const HostTensor *q = nullptr;
  const HostTensor *kv = nullptr;
  /// [heads], a further logit without a value; or null.
  const HostTensor *sink = nullptr;
  /// Columns of a value.
  int64_t vSize = 0;
  double scale = 0;
  LseConvention lse;
  /// The coarsest type that weights and results are rounded to.
  mlaDType dtype = MLA_BF16;
  int64_t groups = 0;
  /// Heads of a group.
  int64_t groupSize = 0;
  /// Appends the places in `kv` of the rows that a group reads, at most
  /// `mostRows`. Called from several threads.
  std::function<void(int64_t group, std::vector<int64_t> &rows)> findRows;
  int64_t mostRows = 0;
};

/// Adds the outputs out, max_logits and lse that the kernel has, [groups *
/// groupSize], with absolute tolerances for each head.
///
/// A NaN in q or in a row that is read makes NaN all that it belongs to. Scores
/// that fp32 holds count, however low. One that overflows fp32 to -inf weighs
/// nothing: in a head that has no others, max_logits and lse are -inf, and out
/// is the sink's 0, or NaN without a sink. One that overflows to +inf makes
/// max_logits +inf, and lse and out NaN. A group without rows has out = 0,
/// max_logits = -inf, and the lse of the convention.
void addAttention(const AttentionProblem &problem, Tolerance forOut,
                  Tolerance forStatistics,
                  const std::vector<HostArgument> &arguments,
                  std::vector<ExpectedOutput> &expected);

} // namespace mla::harness

#endif // MLA_HARNESS_ATTENTIONREFERENCE_H
