//===- HostReference.cpp - the reference of decode ------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "Host.h"

#include "mla/Harness/AttentionReference.h"
#include "mla/Harness/Tolerances.h"

using namespace mla::runtime;

namespace mla::harness {

/// FlashMLA's tolerance for bf16; for f16 as much smaller as in
/// getOutTolerance.
static Tolerance getDecodeTolerance(mlaDType dtype) {
  if (dtype == MLA_F16)
    return {1e-4, 2.01 / 1024, 8e-8};
  return {8e-4, 2.01 / 128, 5e-6};
}
static constexpr Tolerance kLseTolerance = {1e-6, 8.01 / 65536, 0};

Status decodeReference(const KernelDescriptor &kernel,
                       const std::vector<HostArgument> &arguments,
                       std::vector<ExpectedOutput> &expected) {
  DecodeView view;
  double scale = 0;
  MLA_RETURN_IF_ERROR(DecodeView::create(arguments, kernel.options, view));
  MLA_RETURN_IF_ERROR(findScale(arguments, kernel.constants, scale)
                          .within(kernel.operatorName));
  // A group: the heads of a query in a split. Groups are [splits, b, s_q].
  auto findRows = [&](int64_t group, std::vector<int64_t> &rows) {
    int64_t query = group % view.queries;
    int64_t request = group / view.queries % view.requests;
    int64_t split = group / view.queries / view.requests;
    int64_t size = view.splitTokens(request);
    view.forEachToken(
        request, split * size,
        std::min((split + 1) * size, view.seenTokens(request, query)),
        [&](int64_t row) { rows.push_back(view.rowOffset(row)); });
  };
  int64_t mostRows = 0;
  for (int64_t request = 0; request < view.requests; ++request)
    mostRows = std::max(mostRows, view.tokens(request));
  // Weights are rounded to the type of q, results to that of out.
  mlaDType dtype =
      view.out->dtype == MLA_BF16 ? view.out->dtype : view.q->dtype;
  addAttention({view.q, view.kCache, /*sink=*/nullptr, view.vSize, scale,
                LseConvention(kernel.options), dtype,
                view.splits * view.requests * view.queries, view.heads,
                findRows, mostRows},
               getDecodeTolerance(dtype), kLseTolerance, arguments, expected);
  return Status();
}

} // namespace mla::harness
