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

/// The arguments of sparse_prefill found by name, with their sizes. kv and
/// indices may lack the h_kv dimension, which then is 1.
struct SparsePrefillView {
  const HostTensor *q = nullptr;
  const HostTensor *kv = nullptr;
  const HostTensor *indices = nullptr;
  /// Null if the kernel has no such argument or the launch leaves it out.
  const HostTensor *topkLength = nullptr;
  const HostTensor *sink = nullptr;
  const HostTensor *out = nullptr;
  int64_t queries = 0, heads = 0, qkSize = 0, tokens = 0, kvHeads = 0, topk = 0,
          vSize = 0;

  /// Errors name the argument that is missing or of another shape.
  static Status create(const std::vector<HostArgument> &arguments,
                       SparsePrefillView &out);

  /// Entries of a query that topk_length leaves, at most topk.
  int64_t entries(int64_t query) const {
    return clampedLength(topkLength, query, topk);
  }
  /// Place in `indices` of entry 0; its entries lie indexStride() apart.
  int64_t indexOffset(int64_t query, int64_t kvHead) const {
    return query * indices->strides[0] +
           (indices->rank() == 3 ? kvHead * indices->strides[1] : 0);
  }
  int64_t indexStride() const { return indices->strides.back(); }
  /// Calls `found` with each token that the query names: valid ones only,
  /// repeated ones repeatedly.
  template <typename Found>
  void forEachValid(int64_t query, int64_t kvHead, Found found) const {
    if (indices->storage.empty())
      return;
    const int32_t *index =
        indices->data<int32_t>() + indexOffset(query, kvHead);
    for (int64_t t = 0, end = entries(query); t < end; ++t)
      if (int64_t token = index[t * indexStride()];
          token >= 0 && token < tokens)
        found(token);
  }
  /// The valid entries of all queries.
  int64_t countValid() const {
    int64_t count = 0;
    for (int64_t query = 0; query < queries; ++query)
      for (int64_t kvHead = 0; kvHead < kvHeads; ++kvHead)
        forEachValid(query, kvHead, [&](int64_t) { ++count; });
    return count;
  }
  /// Place in `kv` of a row.
  int64_t rowOffset(int64_t token, int64_t kvHead) const {
    return token * kv->strides[0] +
           (kv->rank() == 3 ? kvHead * kv->strides[1] : 0);
  }
};

/// Fills the tensors that files do not give. Indices and lengths come first,
/// since the poison of kv depends on them.
Status fillSparsePrefill(const InputOptions &options,
                         std::vector<HostArgument> &arguments);

/// sparse_prefill to the letter of semantics. Reads the arguments q, kv,
/// indices and, where they are given, topk_length and attn_sink, and the
/// argument or constant scale; expects out, max_logits and lse. Invalid entries
/// are never dereferenced. The column count d_v is that of `out`. Values at the
/// edges: see addAttention.
Status sparsePrefillReference(const runtime::KernelDescriptor &kernel,
                              const std::vector<HostArgument> &arguments,
                              std::vector<ExpectedOutput> &expected);

} // namespace mla::harness

#endif // MLA_LIB_OPERATORS_SPARSEPREFILL_HOST_H
