//===- Host.cpp - sparse_prefill in the harness ---------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "Host.h"

#include "mla/Harness/LseConvention.h"
#include "mla/Harness/Operands.h"
#include "mla/Operators/Flops.h"

namespace mla::harness {

Status SparsePrefillView::create(const std::vector<HostArgument> &arguments,
                                 SparsePrefillView &view) {
  Operands operands("sparse_prefill", arguments);
  MLA_RETURN_IF_ERROR(operands.need("q", 3, 3, view.q));
  MLA_RETURN_IF_ERROR(operands.need("kv", 2, 3, view.kv));
  MLA_RETURN_IF_ERROR(operands.need("indices", 2, 3, view.indices));
  MLA_RETURN_IF_ERROR(operands.need("out", 3, 3, view.out));
  view.topkLength = operands.find("topk_length");
  view.sink = operands.find("attn_sink");
  view.queries = view.q->shape[0];
  view.heads = view.q->shape[1];
  view.qkSize = view.q->shape[2];
  view.sKV = view.kv->shape[0];
  view.kvHeads = view.kv->rank() == 3 ? view.kv->shape[1] : 1;
  view.topk = view.indices->shape.back();
  view.vSize = view.out->shape[2];
  int64_t indexHeads = view.indices->rank() == 3 ? view.indices->shape[1] : 1;
  MLA_RETURN_IF_ERROR(
      operands.expect(view.indices->dtype == MLA_I32, "i32 indices"));
  MLA_RETURN_IF_ERROR(operands.expect(view.kv->shape.back() == view.qkSize,
                                      "q and kv with the same d_qk"));
  MLA_RETURN_IF_ERROR(
      operands.expect(view.vSize <= view.qkSize, "d_v <= d_qk"));
  MLA_RETURN_IF_ERROR(operands.expect(view.indices->shape[0] == view.queries &&
                                          view.out->shape[0] == view.queries,
                                      "q, indices and out with the same s_q"));
  MLA_RETURN_IF_ERROR(operands.expect(view.out->shape[1] == view.heads,
                                      "q and out with the same h_q"));
  MLA_RETURN_IF_ERROR(
      operands.expect(indexHeads == view.kvHeads && view.kvHeads > 0 &&
                          view.heads % view.kvHeads == 0,
                      "kv and indices with the same h_kv, a divisor of h_q"));
  if (view.topkLength)
    MLA_RETURN_IF_ERROR(operands.expect(
        view.topkLength->dtype == MLA_I32 &&
            view.topkLength->shape == std::vector<int64_t>{view.queries},
        "topk_length of i32 [s_q]"));
  if (view.sink)
    MLA_RETURN_IF_ERROR(
        operands.expect(view.sink->shape == std::vector<int64_t>{view.heads},
                        "attn_sink of [h_q]"));
  return Status();
}

namespace {

OperatorInfo describe() {
  OperatorInfo info;
  info.name = "sparse_prefill";
  info.summary = "attention over the KV rows that indices select";
  info.options = lseOptions();
  // The sizes of published measurements.
  info.defaultSizes = {{"s_q", 4096}, {"s_kv", 65536}, {"topk", 2048},
                       {"h_q", 128},  {"h_kv", 1},     {"d_qk", 576},
                       {"d_v", 512}};
  info.extremes = attentionExtremes(kSparsePrefillNames);
  info.bytesNote =
      "kv one row per valid index, including duplicates. Rows that "
      "queries share are read from L2, so the rate may exceed the "
      "memory bandwidth.";
  return info;
}

class SparsePrefillHost : public OperatorHost {
public:
  SparsePrefillHost() : OperatorHost(describe()) {}

  Status fill(const runtime::KernelDescriptor &, const InputOptions &options,
              std::vector<HostArgument> &arguments) const override {
    return fillSparsePrefill(options, arguments);
  }

  Status reference(const runtime::KernelDescriptor &kernel,
                   const std::vector<HostArgument> &arguments,
                   std::vector<ExpectedOutput> &expected) const override {
    return sparsePrefillReference(kernel, arguments, expected);
  }

  double flops(const runtime::KernelDescriptor &,
               const std::vector<HostArgument> &arguments) const override {
    SparsePrefillView view;
    if (!SparsePrefillView::create(arguments, view).ok())
      return 0;
    double pairs = static_cast<double>(view.queries) *
                   static_cast<double>(view.heads) *
                   static_cast<double>(view.topk);
    return countAttentionFlops(pairs, view.qkSize, view.vSize);
  }

  double bytes(const runtime::KernelDescriptor &,
               const std::vector<HostArgument> &arguments) const override {
    SparsePrefillView view;
    if (!SparsePrefillView::create(arguments, view).ok())
      return 0;
    int64_t bytes =
        view.countValid() * view.qkSize * runtime::itemSize(view.kv->dtype);
    for (const HostArgument &argument : arguments)
      if (argument.name != "kv")
        bytes += bytesOf(argument);
    return static_cast<double>(bytes);
  }
};

} // namespace

void addSparsePrefillHosts(OperatorHosts &hosts) {
  hosts.push_back(std::make_unique<SparsePrefillHost>());
}

} // namespace mla::harness
