//===- Reference.cpp - references and counts by operator ------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "mla/Harness/Reference.h"

#include "SparsePrefill.h"

namespace mla::harness {

Reference findReference(const std::string &operatorName) {
  if (operatorName == "sparse_prefill")
    return sparsePrefillReference;
  for (bool softCap : {false, true})
    if (operatorName ==
        (softCap ? "dense_attention_soft_cap" : "dense_attention"))
      return [=](const std::vector<HostArgument> &arguments,
                 std::vector<ExpectedOutput> &expected) {
        return denseAttentionReference(arguments, softCap, expected);
      };
  return {};
}

double countFlops(const std::string &operatorName,
                  const std::vector<HostArgument> &arguments) {
  SparsePrefillView view;
  if (operatorName != "sparse_prefill" ||
      !SparsePrefillView::create(arguments, view).ok())
    return 0;
  return 2.0 * static_cast<double>(view.queries) *
         static_cast<double>(view.heads) * static_cast<double>(view.topk) *
         static_cast<double>(view.qkSize + view.vSize);
}

double countBytes(const std::string &operatorName,
                  const std::vector<HostArgument> &arguments) {
  SparsePrefillView view;
  if (operatorName != "sparse_prefill" ||
      !SparsePrefillView::create(arguments, view).ok())
    return 0;
  int64_t bytes =
      view.countValid() * view.qkSize * runtime::itemSize(view.kv->dtype);
  for (const HostArgument &argument : arguments)
    if (argument.isTensor && argument.name != "kv")
      bytes +=
          argument.tensor.elements() * runtime::itemSize(argument.tensor.dtype);
  return static_cast<double>(bytes);
}

} // namespace mla::harness
