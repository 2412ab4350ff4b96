//===- Host.h - sparse_prefill in the harness -------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef MLA_LIB_OPERATORS_SPARSEPREFILL_HOST_H
#define MLA_LIB_OPERATORS_SPARSEPREFILL_HOST_H

#include "mla/Harness/AttentionExtremes.h"
#include "mla/Harness/Fill.h"
#include "mla/Harness/OperatorHost.h"

namespace mla::harness {

inline constexpr AttentionNames kSparsePrefillNames = {"q", "kv", "attn_sink"};

/// The arguments of sparse_prefill by name, and their sizes. kv and indices may
/// lack the dimension h_kv, which is then 1.
struct SparsePrefillView {
  const HostTensor *q = nullptr;
  const HostTensor *kv = nullptr;
  const HostTensor *indices = nullptr;
  /// Null if the kernel has no such argument or the launch omits it.
  const HostTensor *topkLength = nullptr;
  const HostTensor *sink = nullptr;
  const HostTensor *out = nullptr;
  int64_t queries = 0, heads = 0, qkSize = 0, sKV = 0, kvHeads = 0, topk = 0,
          vSize = 0;

  /// Errors name the argument that is missing or has the wrong shape.
  static Status create(const std::vector<HostArgument> &arguments,
                       SparsePrefillView &out);

  /// The entries of a query: its topk_length clamped to [0, topk].
  int64_t entries(int64_t query) const {
    return clampedLength(topkLength, query, topk);
  }
  /// The offset of a query's entry 0 in `indices`; entries are indexStride()
  /// apart.
  int64_t indexOffset(int64_t query, int64_t kvHead) const {
    return query * indices->strides[0] +
           (indices->rank() == 3 ? kvHead * indices->strides[1] : 0);
  }
  int64_t indexStride() const { return indices->strides.back(); }
  /// Calls `found` with the KV row of each valid entry of the query, in order,
  /// including duplicates.
  template <typename Found>
  void forEachValid(int64_t query, int64_t kvHead, Found found) const {
    if (indices->storage.empty())
      return;
    const int32_t *index =
        indices->data<int32_t>() + indexOffset(query, kvHead);
    for (int64_t t = 0, end = entries(query); t < end; ++t)
      if (int64_t row = index[t * indexStride()]; row >= 0 && row < sKV)
        found(row);
  }
  /// The number of valid entries of all queries.
  int64_t countValid() const {
    int64_t count = 0;
    for (int64_t query = 0; query < queries; ++query)
      for (int64_t kvHead = 0; kvHead < kvHeads; ++kvHead)
        forEachValid(query, kvHead, [&](int64_t) { ++count; });
    return count;
  }
};

/// Fills the tensors that are not read from files. Indices and lengths are
/// filled first, because only KV rows that they do not select are poisoned.
Status fillSparsePrefill(const InputOptions &options,
                         std::vector<HostArgument> &arguments);

/// The reference of sparse_prefill, in double precision. Reads the arguments q,
/// kv, indices, topk_length and attn_sink if present, and the argument or
/// constant scale. Gives the expected out, max_logits and lse. Invalid entries
/// are never dereferenced. d_v is the last size of `out`. NaN and overflowing
/// scores: see addAttention.
Status sparsePrefillReference(const runtime::KernelDescriptor &kernel,
                              const std::vector<HostArgument> &arguments,
                              std::vector<ExpectedOutput> &expected);

} // namespace mla::harness

#endif // MLA_LIB_OPERATORS_SPARSEPREFILL_HOST_H
