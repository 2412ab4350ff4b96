//===- AttentionReference.h - attention in double precision -----*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef MLA_HARNESS_ATTENTIONREFERENCE_H
#define MLA_HARNESS_ATTENTIONREFERENCE_H

#include "mla/Harness/LseConvention.h"
#include "mla/Harness/Reference.h"

#include <functional>

namespace mla::harness {

/// Softmax attention over rows of a tensor, whose first columns are V unless V
/// is a tensor of its own. A group is a number of heads that attend to the same
/// KV rows, or to the first ones of them.
struct GroupedAttention {
  /// [..., heads, d_qk], rows counted in row-major order. Group g has the rows
  /// from g * groupSize on, modulo the number of rows: groups of several splits
  /// have the same q.
  const HostTensor *q = nullptr;
  const HostTensor *kv = nullptr;
  /// [heads], one more logit, without a value; or null.
  const HostTensor *sink = nullptr;
  /// d_v.
  int64_t vSize = 0;
  double scale = 0;
  LseConvention lse;
  /// The coarsest type that weights and results are rounded to.
  mlaDType dtype = MLA_BF16;
  int64_t groups = 0;
  /// Heads of a group.
  int64_t groupSize = 0;
  /// Appends the numbers in `kv` of the rows that a group attends to, at most
  /// `mostRows`; -1 for a row that does not exist, whose score is -inf. Called
  /// from several threads.
  std::function<void(int64_t group, std::vector<int64_t> &rows)> findRows;
  int64_t mostRows = 0;
  /// A head all of whose scores are -inf is as one without rows.
  bool isEmptyWithoutWeights = false;
  /// V, with rows numbered as those of `kv`, or null.
  const HostTensor *v = nullptr;

  /// The row of q and of the results of a head, -1 if there is no such head,
  /// and how many of its group's rows, the first ones, it attends to.
  struct Place {
    int64_t row, seen;
  };
  /// Finds the place of a head, numbered as [group][head]; if null, results are
  /// in this order. A head that does not exist follows those that do, and rows
  /// that are no head's place have NaN as results. Called from several threads.
  std::function<Place(int64_t number)> findPlace = nullptr;
};

/// Computes out, max_logits and lse of all heads, as far as the kernel
/// has these outputs, with absolute tolerances per head.
///
/// A NaN in q or in a row of the group makes all results of the head NaN. A
/// score that overflows fp32 to -inf has weight 0. If all scores of a head do,
/// max_logits and lse are -inf, and out is 0 with a sink and NaN without one,
/// unless isEmptyWithoutWeights. A score that overflows to +inf makes
/// max_logits +inf, and lse and out NaN. A group without rows has out = 0,
/// max_logits = -inf, and the lse of the convention.
void addAttention(const GroupedAttention &problem, Tolerance forOut,
                  Tolerance forStatistics,
                  const std::vector<HostArgument> &arguments,
                  std::vector<ExpectedOutput> &expected);

} // namespace mla::harness

#endif // MLA_HARNESS_ATTENTIONREFERENCE_H
