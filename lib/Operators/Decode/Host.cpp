//===- Host.cpp - decode in the harness -----------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "Host.h"

#include "mla/Harness/LseConvention.h"
#include "mla/Harness/Operands.h"
#include "mla/Operators/Flops.h"

using namespace mla::runtime;

namespace mla::harness {

Status DecodeView::create(const std::vector<HostArgument> &arguments,
                          const OperatorOptions &options, DecodeView &view) {
  Operands operands("decode", arguments);
  MLA_RETURN_IF_ERROR(operands.need("q", 4, 4, view.q));
  MLA_RETURN_IF_ERROR(operands.need("k_cache", 4, 4, view.kCache));
  MLA_RETURN_IF_ERROR(operands.need("cache_seqlens", 1, 1, view.cacheSeqlens));
  MLA_RETURN_IF_ERROR(operands.need("out", 4, 4, view.out));
  view.requests = view.q->shape[0];
  view.queries = view.q->shape[1];
  view.heads = view.q->shape[2];
  view.qkSize = view.q->shape[3];
  view.pages = view.kCache->shape[0];
  view.pageSize = view.kCache->shape[1];
  view.kvHeads = view.kCache->shape[2];
  view.qRope = operands.find("q_rope");
  view.kRope = operands.find("k_rope");
  view.blockTable = operands.find("block_table");
  view.sink = operands.find("attn_sink");
  view.vSize = view.out->shape[3];
  auto causal = options.find("causal");
  view.isCausal = causal != options.end() && causal->second == "yes";
  using Shape = std::vector<int64_t>;
  MLA_RETURN_IF_ERROR(operands.expect(
      view.kvHeads > 0 && view.heads % view.kvHeads == 0 &&
          view.kCache->shape[3] == view.qkSize,
      "k_cache with an h_kv that divides h_q, and the d_qk of q"));
  MLA_RETURN_IF_ERROR(
      operands.expect(view.vSize <= view.qkSize, "d_v <= d_qk"));
  MLA_RETURN_IF_ERROR(
      operands.expect(view.out->shape == Shape{view.requests, view.queries,
                                               view.heads, view.vSize},
                      "out of [b, s_q, h_q, d_v] with the sizes of q"));
  if (view.sink)
    MLA_RETURN_IF_ERROR(operands.expect(view.sink->shape == Shape{view.heads},
                                        "attn_sink of [h_q]"));
  MLA_RETURN_IF_ERROR(operands.expect(!view.qRope == !view.kRope,
                                      "q_rope and k_rope, or neither"));
  if (view.qRope) {
    int64_t further = view.qRope->shape.back();
    Shape queries = view.q->shape, cache = view.kCache->shape;
    queries.back() = cache.back() = further;
    MLA_RETURN_IF_ERROR(operands.expect(
        view.qRope->shape == queries && view.kRope->shape == cache,
        "q_rope and k_rope with the sizes of q and k_cache but for the last"));
    view.qkSize += further;
  }
  if (view.blockTable) {
    MLA_RETURN_IF_ERROR(operands.expect(
        view.blockTable->dtype == MLA_I32 && view.blockTable->rank() == 2 &&
            view.blockTable->shape[0] == view.requests,
        "block_table of i32 [b, max_pages]"));
    view.maxPages = view.blockTable->shape[1];
  } else {
    MLA_RETURN_IF_ERROR(
        operands.expect(view.pages == view.requests,
                        "k_cache of [b, ...] without block_table"));
    view.maxPages = 1;
  }
  return operands.expect(view.cacheSeqlens->dtype == MLA_I32 &&
                             view.cacheSeqlens->shape == Shape{view.requests},
                         "cache_seqlens of i32 [b]");
}

namespace {

OperatorInfo describe() {
  OperatorInfo info;
  info.name = "decode";
  info.summary = "attention over a paged or contiguous KV cache";
  info.options = lseOptions();
  info.options.push_back({"causal", {"no", "yes"}});
  info.options.push_back({"partials", {"out", "f32"}});
  info.options.push_back({"batch_invariant", {"no", "yes"}});
  // 4,096 tokens per request; requests share no pages. The page size is a
  // run-time size only without pages.
  info.defaultSizes = {
      {"b", 64},         {"s_q", 1},   {"h_q", 128},        {"h_kv", 1},
      {"d_qk", 576},     {"d_v", 512}, {"num_pages", 4096}, {"page_size", 4096},
      {"max_pages", 64}, {"ctas", 132}};
  info.extremes = decodeExtremes();
  info.bytesNote = "the cache the rows of each request; rows that requests "
                   "share count for each of them";
  return info;
}

class DecodeHost : public OperatorHost {
public:
  DecodeHost() : OperatorHost(describe()) {}

  Status fill(const KernelDescriptor &kernel, const InputOptions &options,
              std::vector<HostArgument> &arguments) const override {
    return fillDecode(kernel, options, arguments);
  }

  Status reference(const KernelDescriptor &kernel,
                   const std::vector<HostArgument> &arguments,
                   std::vector<ExpectedOutput> &expected) const override {
    return decodeReference(kernel, arguments, expected);
  }

  double flops(const KernelDescriptor &kernel,
               const std::vector<HostArgument> &arguments) const override {
    DecodeView view;
    if (!DecodeView::create(arguments, kernel.options, view).ok())
      return 0;
    int64_t tokens = 0;
    for (int64_t request = 0; request < view.requests; ++request)
      for (int64_t query = 0; query < view.queries; ++query)
        tokens += view.seenTokens(request, query);
    return countAttentionFlops(static_cast<double>(tokens) *
                                   static_cast<double>(view.heads),
                               view.qkSize, view.vSize);
  }

  double bytes(const KernelDescriptor &kernel,
               const std::vector<HostArgument> &arguments) const override {
    DecodeView view;
    if (!DecodeView::create(arguments, kernel.options, view).ok())
      return 0;
    int64_t rows = 0;
    for (int64_t request = 0; request < view.requests; ++request)
      view.forEachToken(request, view.tokens(request),
                        [&](int64_t row) { rows += row >= 0; });
    int64_t bytes =
        rows * view.kvHeads * view.qkSize * itemSize(view.kCache->dtype);
    for (const HostArgument &argument : arguments)
      if (argument.name != "k_cache" && argument.name != "k_rope")
        bytes += bytesOf(argument);
    return static_cast<double>(bytes);
  }
};

} // namespace

void addDecodeHosts(OperatorHosts &hosts) {
  hosts.push_back(std::make_unique<DecodeHost>());
}

} // namespace mla::harness
