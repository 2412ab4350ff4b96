//===- Host.cpp - prefill in the harness ----------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "Host.h"

#include "mla/Harness/LseConvention.h"
#include "mla/Harness/Operands.h"
#include "mla/Operators/Flops.h"

using namespace mla::runtime;

namespace mla::harness {

Status PrefillView::create(const std::vector<HostArgument> &arguments,
                           const OperatorOptions &options, PrefillView &view) {
  Operands operands("prefill", arguments);
  MLA_RETURN_IF_ERROR(operands.need("q", 4, 4, view.q));
  MLA_RETURN_IF_ERROR(operands.need("k", 4, 4, view.k));
  MLA_RETURN_IF_ERROR(operands.need("v", 4, 4, view.v));
  MLA_RETURN_IF_ERROR(operands.need("out", 4, 4, view.out));
  view.cuSeqlensQ = operands.find("cu_seqlens_q");
  view.cuSeqlensK = operands.find("cu_seqlens_k");
  view.batches = view.q->shape[0];
  view.sQ = view.q->shape[1];
  view.heads = view.q->shape[2];
  view.sKV = view.k->shape[1];
  view.kvHeads = view.k->shape[2];
  auto causal = options.find("causal");
  view.isCausal = causal != options.end() && causal->second == "yes";
  using Shape = std::vector<int64_t>;
  MLA_RETURN_IF_ERROR(operands.expect(
      view.kvHeads > 0 && view.heads % view.kvHeads == 0 &&
          view.k->shape ==
              Shape{view.batches, view.sKV, view.kvHeads, view.q->shape[3]},
      "k with an h_kv that divides h_q, and the b and d_qk of q"));
  MLA_RETURN_IF_ERROR(
      operands.expect(view.v->shape == Shape{view.batches, view.sKV,
                                             view.kvHeads, view.v->shape[3]},
                      "v with the b, s_kv and h_kv of k"));
  MLA_RETURN_IF_ERROR(
      operands.expect(view.out->shape == Shape{view.batches, view.sQ,
                                               view.heads, view.v->shape[3]},
                      "out of [b, s_q, h_q, d_v] with the sizes of q and v"));
  MLA_RETURN_IF_ERROR(operands.expect(!view.cuSeqlensQ == !view.cuSeqlensK,
                                      "both cu_seqlens or neither"));
  if (!view.cuSeqlensQ)
    return Status();
  for (const HostTensor *bounds : {view.cuSeqlensQ, view.cuSeqlensK})
    MLA_RETURN_IF_ERROR(
        operands.expect(bounds->dtype == MLA_I32 && bounds->rank() == 1 &&
                            bounds->shape == view.cuSeqlensQ->shape,
                        "cu_seqlens of i32, as many of queries as of keys"));
  return operands.expect(view.batches == 1, "b = 1 with cu_seqlens");
}

std::vector<PrefillSequence> PrefillView::sequences() const {
  std::vector<PrefillSequence> result;
  if (!cuSeqlensQ) {
    for (int64_t batch = 0; batch < batches; ++batch)
      result.push_back({batch, 0, sQ, 0, sKV});
    return result;
  }
  auto bound = [](const HostTensor *bounds, int64_t i, int64_t most) {
    return clampedLength(bounds, i, most);
  };
  for (int64_t i = 0; i + 1 < cuSeqlensQ->shape[0]; ++i) {
    int64_t q = bound(cuSeqlensQ, i, sQ), k = bound(cuSeqlensK, i, sKV);
    result.push_back({0, q,
                      std::max<int64_t>(0, bound(cuSeqlensQ, i + 1, sQ) - q), k,
                      std::max<int64_t>(0, bound(cuSeqlensK, i + 1, sKV) - k)});
  }
  return result;
}

static double countPairs(const PrefillView &view,
                         const PrefillSequence &sequence) {
  auto queries = static_cast<double>(sequence.queries);
  auto keys = static_cast<double>(sequence.keys);
  if (!view.isCausal)
    return queries * keys;
  if (sequence.queries == sequence.keys)
    return queries * keys / 2;
  // The last queries, as many as there are keys, attend to some.
  double some = std::min(queries, keys);
  return some * (keys - (some - 1) / 2);
}

double countPairs(const PrefillView &view) {
  double pairs = 0;
  for (const PrefillSequence &sequence : view.sequences())
    pairs += countPairs(view, sequence);
  return pairs * static_cast<double>(view.heads);
}

namespace {

OperatorInfo describe() {
  OperatorInfo info;
  info.name = "prefill";
  info.summary = "attention of whole sequences";
  info.options = lseOptions();
  info.options.push_back({"causal", {"no", "yes"}});
  info.defaultSizes = {{"b", 1},     {"s_q", 8192}, {"s_kv", 8192},
                       {"h_q", 16},  {"h_kv", 16},  {"d_qk", 192},
                       {"d_v", 128}, {"bounds", 2}};
  info.extremes = prefillExtremes();
  return info;
}

class PrefillHost : public OperatorHost {
public:
  PrefillHost() : OperatorHost(describe()) {}

  Status fill(const KernelDescriptor &kernel, const InputOptions &options,
              std::vector<HostArgument> &arguments) const override {
    return fillPrefill(kernel, options, arguments);
  }

  Status reference(const KernelDescriptor &kernel,
                   const std::vector<HostArgument> &arguments,
                   std::vector<ExpectedOutput> &expected) const override {
    return prefillReference(kernel, arguments, expected);
  }

  double flops(const KernelDescriptor &kernel,
               const std::vector<HostArgument> &arguments) const override {
    PrefillView view;
    if (!PrefillView::create(arguments, kernel.options, view).ok())
      return 0;
    return countAttentionFlops(countPairs(view), view.q->shape[3],
                               view.v->shape[3]);
  }
};

} // namespace

void addPrefillHosts(OperatorHosts &hosts) {
  hosts.push_back(std::make_unique<PrefillHost>());
}

} // namespace mla::harness
