//===- Host.h - prefill in the harness --------------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef MLA_LIB_OPERATORS_PREFILL_HOST_H
#define MLA_LIB_OPERATORS_PREFILL_HOST_H

#include "mla/Harness/AttentionExtremes.h"
#include "mla/Harness/Fill.h"
#include "mla/Harness/OperatorHost.h"

namespace mla::harness {

inline constexpr AttentionNames kPrefillNames = {"q", "k", /*sink=*/nullptr};

/// A sequence: where its queries and keys begin in the tensors, and their
/// numbers.
struct PrefillSequence {
  int64_t batch = 0, qBegin = 0, queries = 0, kBegin = 0, keys = 0;
};

/// The arguments of prefill by name, and their sizes.
struct PrefillView {
  const HostTensor *q = nullptr;
  const HostTensor *k = nullptr;
  const HostTensor *v = nullptr;
  const HostTensor *cuSeqlensQ = nullptr; ///< or null
  const HostTensor *cuSeqlensK = nullptr; ///< or null
  const HostTensor *out = nullptr;
  int64_t batches = 0, sQ = 0, sKV = 0, heads = 0, kvHeads = 0;
  bool isCausal = false;

  /// Errors name the argument that is missing or has the wrong shape.
  static Status create(const std::vector<HostArgument> &arguments,
                       const runtime::OperatorOptions &options,
                       PrefillView &view);

  /// All sequences, those of cu_seqlens clamped to the tensors.
  std::vector<PrefillSequence> sequences() const;
  /// The number of keys that a query attends to, the first ones of its
  /// sequence.
  int64_t seenKeys(const PrefillSequence &sequence, int64_t query) const {
    if (!isCausal)
      return sequence.keys;
    int64_t later = sequence.queries - 1 - query;
    return std::max<int64_t>(0, sequence.keys - later);
  }
  /// The number of a row of k and v in row-major order.
  int64_t keyRow(const PrefillSequence &sequence, int64_t key,
                 int64_t kvHead) const {
    return (sequence.batch * sKV + sequence.kBegin + key) * kvHeads + kvHead;
  }
  /// The number of a row of q, out and lse in row-major order.
  int64_t queryRow(const PrefillSequence &sequence, int64_t query,
                   int64_t head) const {
    return (sequence.batch * sQ + sequence.qBegin + query) * heads + head;
  }
};

/// Pairs of a query head and a key. A causal sequence counts half of its pairs
/// where s_q = s_kv, as papers count them, and otherwise those of a query that
/// attends to the key.
double countPairs(const PrefillView &view);

/// Fills the tensors that are not read from files. With poison, sequences have
/// different lengths, 0 among them, and rows of no sequence are NaN; without,
/// sequences have equal lengths.
Status fillPrefill(const runtime::KernelDescriptor &kernel,
                   const InputOptions &options,
                   std::vector<HostArgument> &arguments);

/// The extreme values that inputs of this operator may contain.
std::vector<Extreme> prefillExtremes();

/// The reference of prefill, in double precision. Results of rows of no
/// sequence are NaN, as outputs are before a run. NaN and overflowing scores:
/// see addAttention.
Status prefillReference(const runtime::KernelDescriptor &kernel,
                        const std::vector<HostArgument> &arguments,
                        std::vector<ExpectedOutput> &expected);

} // namespace mla::harness

#endif // MLA_LIB_OPERATORS_PREFILL_HOST_H
