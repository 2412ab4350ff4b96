//===- Host.cpp - the backward of prefill in the harness ------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "Host.h"

#include "mla/Harness/LseConvention.h"
#include "mla/Harness/Operands.h"
#include "mla/Operators/Flops.h"

using namespace mla::runtime;

namespace mla::harness {

Status BackwardView::create(const std::vector<HostArgument> &arguments,
                            const OperatorOptions &options,
                            BackwardView &view) {
  MLA_RETURN_IF_ERROR(PrefillView::create(arguments, options, view.forward));
  Operands operands("prefill_backward", arguments);
  MLA_RETURN_IF_ERROR(operands.need("dout", 4, 4, view.dout));
  MLA_RETURN_IF_ERROR(operands.need("lse", 3, 3, view.lse));
  view.dlse = operands.find("dlse");
  view.natPerLse = 1 / LseConvention(options).perNat;
  MLA_RETURN_IF_ERROR(operands.expect(
      view.dout->shape == view.forward.out->shape, "dout of the shape of out"));
  std::vector<int64_t> rows(view.forward.out->shape);
  rows.pop_back();
  MLA_RETURN_IF_ERROR(
      operands.expect(view.lse->shape == rows, "lse of [b, s_q, h_q]"));
  return operands.expect(!view.dlse || view.dlse->shape == rows,
                         "dlse of [b, s_q, h_q]");
}

namespace {

OperatorInfo describe() {
  OperatorInfo info;
  info.name = "prefill_backward";
  info.summary = "gradients of attention of whole sequences";
  info.options = {{"lse_base", {"e", "2"}}, {"causal", {"no", "yes"}}};
  info.defaultSizes = {{"b", 1},     {"s_q", 8192}, {"s_kv", 8192},
                       {"h_q", 16},  {"h_kv", 16},  {"d_qk", 192},
                       {"d_v", 128}, {"bounds", 2}};
  info.extremes = backwardExtremes();
  return info;
}

class BackwardHost : public OperatorHost {
public:
  BackwardHost() : OperatorHost(describe()) {}

  Status fill(const KernelDescriptor &kernel, const InputOptions &options,
              std::vector<HostArgument> &arguments) const override {
    return fillBackward(kernel, options, arguments);
  }

  Status reference(const KernelDescriptor &kernel,
                   const std::vector<HostArgument> &arguments,
                   std::vector<ExpectedOutput> &expected) const override {
    return backwardReference(kernel, arguments, expected);
  }

  /// Five products, whatever the kernels compute. Pairs are those of prefill.
  double flops(const KernelDescriptor &kernel,
               const std::vector<HostArgument> &arguments) const override {
    BackwardView view;
    if (!BackwardView::create(arguments, kernel.options, view).ok())
      return 0;
    return countAttentionBackwardFlops(countPairs(view.forward),
                                       view.forward.q->shape[3],
                                       view.forward.v->shape[3]);
  }
};

} // namespace

void addPrefillBackwardHosts(OperatorHosts &hosts) {
  hosts.push_back(std::make_unique<BackwardHost>());
}

} // namespace mla::harness
