//===- Host.cpp - combine in the harness ----------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "Host.h"
#include "Flops.h"

#include "mla/Harness/LseConvention.h"
#include "mla/Harness/Operands.h"

using namespace mla::runtime;

namespace mla::harness {

Status CombineView::create(const std::vector<HostArgument> &arguments,
                           const OperatorOptions &options, CombineView &view) {
  Operands operands("combine", arguments);
  MLA_RETURN_IF_ERROR(operands.need("partial_out", 3, 3, view.partialOut));
  MLA_RETURN_IF_ERROR(operands.need("partial_lse", 2, 2, view.partialLse));
  MLA_RETURN_IF_ERROR(operands.need("out", 2, 2, view.out));
  view.numSplits = operands.find("num_splits");
  view.splits = view.partialOut->shape[0];
  view.rows = view.partialOut->shape[1];
  view.columns = view.partialOut->shape[2];
  auto option = options.find("empty_split");
  view.infinityIsEmpty = option != options.end() && option->second == "+inf";
  using Shape = std::vector<int64_t>;
  MLA_RETURN_IF_ERROR(operands.expect(
      view.partialLse->dtype == MLA_F32 &&
          view.partialLse->shape == Shape{view.splits, view.rows},
      "partial_lse of f32 [splits, rows], with the sizes of partial_out"));
  MLA_RETURN_IF_ERROR(
      operands.expect(view.out->shape == Shape{view.rows, view.columns},
                      "out of [rows, d_v], with the sizes of partial_out"));
  MLA_RETURN_IF_ERROR(operands.expect(isFloat(view.partialOut->dtype) &&
                                          isFloat(view.out->dtype),
                                      "floating-point partial_out and out"));
  return operands.expect(!view.numSplits ||
                             (view.numSplits->dtype == MLA_I32 &&
                              view.numSplits->shape == Shape{view.rows}),
                         "num_splits of i32 [rows]");
}

namespace {

OperatorInfo describe() {
  OperatorInfo info;
  info.name = "combine";
  info.summary = "merges the partial results of split-KV attention";
  info.options = lseOptions();
  info.options.push_back({"empty_split", {"-inf", "+inf"}});
  info.defaultSizes = {{"rows", 128}, {"splits", 16}, {"d_v", 512}};
  info.extremes = combineExtremes();
  info.bytesNote = "partial_out and partial_lse only the valid splits";
  return info;
}

class CombineHost : public OperatorHost {
public:
  CombineHost() : OperatorHost(describe()) {}

  Status fill(const KernelDescriptor &kernel, const InputOptions &options,
              std::vector<HostArgument> &arguments) const override {
    CombineView view;
    MLA_RETURN_IF_ERROR(CombineView::create(arguments, kernel.options, view));
    MLA_RETURN_IF_ERROR(fillCombine(options, view, arguments));
    return placeCombineExtremes(options, view, arguments);
  }

  Status reference(const KernelDescriptor &kernel,
                   const std::vector<HostArgument> &arguments,
                   std::vector<ExpectedOutput> &expected) const override {
    CombineView view;
    MLA_RETURN_IF_ERROR(CombineView::create(arguments, kernel.options, view));
    return combineReference(kernel, view, arguments, expected);
  }

  double flops(const std::vector<HostArgument> &arguments) const override {
    // The options do not change sizes.
    CombineView view;
    if (!CombineView::create(arguments, /*options=*/{}, view).ok())
      return 0;
    return countCombineFlops(static_cast<double>(view.rows),
                             static_cast<double>(view.splits),
                             static_cast<double>(view.columns));
  }

  double bytes(const std::vector<HostArgument> &arguments) const override {
    CombineView view;
    if (!CombineView::create(arguments, /*options=*/{}, view).ok())
      return 0;
    int64_t counted = 0;
    for (int64_t row = 0; row < view.rows; ++row)
      counted += view.counted(row);
    int64_t bytes = counted * (view.columns * itemSize(view.partialOut->dtype) +
                               itemSize(view.partialLse->dtype));
    for (const HostArgument &argument : arguments)
      if (argument.name != "partial_out" && argument.name != "partial_lse")
        bytes += bytesOf(argument);
    return static_cast<double>(bytes);
  }
};

} // namespace

void addCombineHosts(OperatorHosts &hosts) {
  hosts.push_back(std::make_unique<CombineHost>());
}

} // namespace mla::harness
