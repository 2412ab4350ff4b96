//===- HostReference.cpp - the reference of sparse_prefill ----------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "Host.h"

#include "mla/Harness/AttentionReference.h"
#include "mla/Harness/Tolerances.h"

namespace mla::harness {

Status sparsePrefillReference(const runtime::KernelDescriptor &kernel,
                              const std::vector<HostArgument> &arguments,
                              std::vector<ExpectedOutput> &expected) {
  SparsePrefillView view;
  double scale = 0;
  MLA_RETURN_IF_ERROR(SparsePrefillView::create(arguments, view));
  MLA_RETURN_IF_ERROR(findScale(arguments, kernel.constants, scale)
                          .within(kernel.operatorName));
  // A group: the heads of a query that share a KV head.
  auto findRows = [&](int64_t group, std::vector<int64_t> &rows) {
    int64_t kvHead = group % view.kvHeads;
    view.forEachValid(group / view.kvHeads, kvHead, [&](int64_t row) {
      rows.push_back(row * view.kvHeads + kvHead);
    });
  };
  addAttention({view.q, view.kv, view.sink, view.vSize, scale,
                LseConvention(kernel.options), view.q->dtype,
                view.queries * view.kvHeads, view.heads / view.kvHeads,
                findRows, view.topk},
               getOutTolerance(view.q->dtype), kStatTolerance, arguments,
               expected);
  return Status();
}

} // namespace mla::harness
