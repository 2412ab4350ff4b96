//===- Host.h - decode in the harness ---------------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef MLA_LIB_OPERATORS_DECODE_HOST_H
#define MLA_LIB_OPERATORS_DECODE_HOST_H

#include "mla/Harness/AttentionExtremes.h"
#include "mla/Harness/Fill.h"
#include "mla/Harness/OperatorHost.h"

namespace mla::harness {

inline constexpr AttentionNames kDecodeNames = {"q", "k_cache", nullptr};

/// The arguments of decode found by name, with their sizes. A row of k_cache is
/// known by its number, page * page_size + its place in the page.
struct DecodeView {
  const HostTensor *q = nullptr;
  const HostTensor *kCache = nullptr;
  const HostTensor *blockTable = nullptr;
  const HostTensor *cacheSeqlens = nullptr;
  const HostTensor *out = nullptr;
  int64_t splits = 0, requests = 0, queries = 0, heads = 0, qkSize = 0,
          vSize = 0, pages = 0, pageSize = 0, maxPages = 0;
  bool isCausal = false;

  /// Errors name the argument that is missing or of another shape.
  static Status create(const std::vector<HostArgument> &arguments,
                       const runtime::OperatorOptions &options,
                       DecodeView &view);

  /// Tokens that a row of block_table has room for.
  int64_t mostTokens() const { return maxPages * pageSize; }
  int64_t tokens(int64_t request) const {
    return clampedLength(cacheSeqlens, request, mostTokens());
  }
  /// The tokens that a query sees are the first ones of its request.
  int64_t seenTokens(int64_t request, int64_t query) const {
    int64_t later = isCausal ? queries - 1 - query : 0;
    return std::max<int64_t>(0, tokens(request) - later);
  }
  /// Tokens of each split of a request, but for those at its end.
  int64_t splitTokens(int64_t request) const {
    // The usual block_kv: the descriptor does not say which one a kernel has.
    constexpr int64_t kTile = 64;
    int64_t tiles = (tokens(request) + kTile - 1) / kTile;
    return (tiles + splits - 1) / splits * kTile;
  }
  /// Place in `blockTable` of the entry of a request's page.
  int64_t tableOffset(int64_t request, int64_t slot) const {
    return request * blockTable->strides[0] + slot * blockTable->strides[1];
  }
  /// Calls `found` with the row of each token in [begin, end) of a request that
  /// has one.
  template <typename Found>
  void forEachToken(int64_t request, int64_t begin, int64_t end,
                    Found found) const {
    for (int64_t token = begin; token < end; ++token) {
      int64_t page =
          blockTable->data<int32_t>()[tableOffset(request, token / pageSize)];
      if (page >= 0 && page < pages)
        found(page * pageSize + token % pageSize);
    }
  }
  /// Place in `kCache` of a row.
  int64_t rowOffset(int64_t row) const {
    return row / pageSize * kCache->strides[0] +
           row % pageSize * kCache->strides[1];
  }
};

/// Fills the tensors that files do not give. With poison, lengths are of all
/// kinds, requests share pages, some pages are none, and k_cache is NaN where
/// no request reads it; without, lengths are full. Lengths come first, then the
/// table, then k_cache, since each depends on those before.
Status fillDecode(const runtime::KernelDescriptor &kernel,
                  const InputOptions &options,
                  std::vector<HostArgument> &arguments);
std::vector<Extreme> decodeExtremes();

/// decode to the letter of Decode.td; values at the edges: see addAttention.
/// Kernels with splits are expected to divide tokens in tiles of 64.
Status decodeReference(const runtime::KernelDescriptor &kernel,
                       const std::vector<HostArgument> &arguments,
                       std::vector<ExpectedOutput> &expected);

} // namespace mla::harness

#endif // MLA_LIB_OPERATORS_DECODE_HOST_H
