//===- Host.h - decode in the harness ---------------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef MLA_LIB_OPERATORS_DECODE_HOST_H
#define MLA_LIB_OPERATORS_DECODE_HOST_H

#include "mla/Harness/AttentionExtremes.h"
#include "mla/Harness/Fill.h"
#include "mla/Harness/OperatorHost.h"

namespace mla::harness {

inline constexpr AttentionNames kDecodeNames = {"q", "k_cache", "attn_sink"};

/// The arguments of decode by name, and their sizes. Rows of k_cache are
/// counted in row-major order: page * page_size + the token's index in the
/// page. A contiguous cache has a page for each request.
struct DecodeView {
  const HostTensor *q = nullptr;
  const HostTensor *qRope = nullptr; ///< or null, as kRope
  const HostTensor *kCache = nullptr;
  const HostTensor *kRope = nullptr;
  const HostTensor *blockTable = nullptr; ///< null if the cache is contiguous
  const HostTensor *cacheSeqlens = nullptr;
  const HostTensor *sink = nullptr; ///< or null
  const HostTensor *out = nullptr;
  int64_t requests = 0, queries = 0, heads = 0, kvHeads = 0, qkSize = 0,
          vSize = 0, pages = 0, pageSize = 0, maxPages = 0;
  bool isCausal = false;

  /// Errors name the argument that is missing or has the wrong shape.
  static Status create(const std::vector<HostArgument> &arguments,
                       const runtime::OperatorOptions &options,
                       DecodeView &view);

  /// The number of tokens that a request has room for.
  int64_t mostTokens() const { return maxPages * pageSize; }
  /// The number of tokens of a request.
  int64_t tokens(int64_t request) const {
    return clampedLength(cacheSeqlens, request, mostTokens());
  }
  /// The number of tokens that a query attends to: the first ones of its
  /// request.
  int64_t seenTokens(int64_t request, int64_t query) const {
    int64_t later = isCausal ? queries - 1 - query : 0;
    return std::max<int64_t>(0, tokens(request) - later);
  }
  /// The offset in `blockTable` of a request's entry.
  int64_t tableOffset(int64_t request, int64_t slot) const {
    return request * blockTable->strides[0] + slot * blockTable->strides[1];
  }
  /// The page of a request's entry in the table.
  int64_t page(int64_t request, int64_t slot) const {
    return blockTable ? blockTable->data<int32_t>()[tableOffset(request, slot)]
                      : request;
  }
  /// Calls `found` with the row of each of the first `count` tokens of a
  /// request; -1 for one whose page is invalid.
  template <typename Found>
  void forEachToken(int64_t request, int64_t count, Found found) const {
    for (int64_t token = 0; token < count; ++token) {
      int64_t at = page(request, token / pageSize);
      bool isValid = at >= 0 && at < pages;
      found(isValid ? at * pageSize + token % pageSize : -1);
    }
  }
};

/// Fills the tensors that are not read from files. With poison, lengths include
/// all edge cases, requests share pages, some pages are invalid, and rows of
/// the cache that no request reads are NaN; without, all lengths have the
/// maximum. Lengths are filled first, then the table, then the cache, which
/// depends on both.
Status fillDecode(const runtime::KernelDescriptor &kernel,
                  const InputOptions &options,
                  std::vector<HostArgument> &arguments);

/// The extreme values that inputs of this operator may contain.
std::vector<Extreme> decodeExtremes();

/// The reference of decode, in double precision. NaN and overflowing scores:
/// see addAttention.
Status decodeReference(const runtime::KernelDescriptor &kernel,
                       const std::vector<HostArgument> &arguments,
                       std::vector<ExpectedOutput> &expected);

} // namespace mla::harness

#endif // MLA_LIB_OPERATORS_DECODE_HOST_H
