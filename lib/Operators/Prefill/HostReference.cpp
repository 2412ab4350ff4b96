//===- HostReference.cpp - the reference of prefill -----------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "Host.h"

#include "mla/Harness/AttentionReference.h"
#include "mla/Harness/Tolerances.h"

using namespace mla::runtime;

namespace mla::harness {

namespace {

/// Rows that attend to keys of the same head and sequence: they share the
/// conversion of these keys.
struct RowGroup {
  const PrefillSequence *sequence;
  int64_t kvHead;
  /// The first row; rows are numbered as [queries, heads per KV head].
  int64_t first;
};

/// Rows per group.
constexpr int64_t kGroupRows = 32;

} // namespace

Status prefillReference(const KernelDescriptor &kernel,
                        const std::vector<HostArgument> &arguments,
                        std::vector<ExpectedOutput> &expected) {
  PrefillView view;
  double scale = 0;
  MLA_RETURN_IF_ERROR(PrefillView::create(arguments, kernel.options, view));
  MLA_RETURN_IF_ERROR(findScale(arguments, kernel.constants, scale)
                          .within(kernel.operatorName));
  std::vector<PrefillSequence> sequences = view.sequences();
  std::vector<RowGroup> groups;
  int64_t perKVHead = view.heads / view.kvHeads, mostKeys = 0;
  for (const PrefillSequence &sequence : sequences) {
    mostKeys = std::max(mostKeys, sequence.keys);
    for (int64_t kvHead = 0; kvHead < view.kvHeads; ++kvHead)
      for (int64_t row = 0; row < sequence.queries * perKVHead;
           row += kGroupRows)
        groups.push_back({&sequence, kvHead, row});
  }
  GroupedAttention problem{view.q,
                           view.k,
                           /*sink=*/nullptr,
                           view.v->shape[3],
                           scale,
                           LseConvention(kernel.options),
                           view.q->dtype,
                           static_cast<int64_t>(groups.size()),
                           kGroupRows,
                           /*findRows=*/{},
                           mostKeys};
  problem.v = view.v;
  problem.findRows = [&](int64_t group, std::vector<int64_t> &rows) {
    const RowGroup &at = groups[group];
    int64_t last = (at.first + kGroupRows - 1) / perKVHead;
    last = std::min(last, at.sequence->queries - 1);
    for (int64_t key = 0; key < view.seenKeys(*at.sequence, last); ++key)
      rows.push_back(view.keyRow(*at.sequence, key, at.kvHead));
  };
  problem.findPlace = [&](int64_t number) -> GroupedAttention::Place {
    const RowGroup &at = groups[number / kGroupRows];
    int64_t row = at.first + number % kGroupRows, query = row / perKVHead;
    if (query >= at.sequence->queries)
      return {-1, 0};
    return {view.queryRow(*at.sequence, query,
                          at.kvHead * perKVHead + row % perKVHead),
            view.seenKeys(*at.sequence, query)};
  };
  addAttention(problem, getOutTolerance(view.q->dtype), kStatTolerance,
               arguments, expected);
  return Status();
}

} // namespace mla::harness
