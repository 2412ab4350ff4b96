//===- HostReference.cpp - the reference of decode ------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "Host.h"
#include "HostPlan.h"

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

/// The tensor whose rows are those of `first` and, if it is not null, `second`;
/// `joined` holds it if it is a new one.
static const HostTensor *joinColumns(const HostTensor *first,
                                     const HostTensor *second,
                                     HostTensor &joined) {
  if (!second)
    return first;
  std::vector<int64_t> shape = first->shape;
  shape.back() += second->shape.back();
  joined = HostTensor(first->dtype, shape);
  int64_t column = 0;
  for (const HostTensor *part : {first, second}) {
    int64_t count = part->shape.back(), stride = part->strides.back();
    forEachRow(*part, [&](int64_t row, int64_t offset) {
      for (int64_t i = 0; i < count; ++i)
        joined.set(row * shape.back() + column + i,
                   part->get(offset + i * stride));
    });
    column += count;
  }
  return &joined;
}

/// The number of CTAs per part: the grid of the attention kernel with a single
/// CTA to divide the work among.
static Status findTiles(const KernelDescriptor &kernel, int64_t &tiles) {
  std::vector<int64_t> ones(kernel.sizeNames.size(), 1);
  for (const EntryDescriptor &entry : kernel.kernels)
    if (entry.phase == MLA_PHASE_LAUNCH)
      return entry.grid.evaluate(ones.data(), /*sms=*/1, tiles);
  return invalidArgument("decode: expected a kernel of the launch phase");
}

/// Adds the output `plan`, which has to be equal.
static Status addPlan(const KernelDescriptor &kernel, const DecodeView &view,
                      const std::vector<HostArgument> &arguments,
                      std::vector<ExpectedOutput> &expected) {
  const Tolerance exact{0.5, 0, 1};
  HostPlanInput input;
  MLA_RETURN_IF_ERROR(findTiles(kernel, input.tiles));
  input.overhead = getOverhead(input.tiles);
  input.slackDivisor = getSlackDivisor(input.tiles);
  for (int64_t request = 0; request < view.requests; ++request)
    input.lengths.push_back(
        view.cacheSeqlens
            ->data<int32_t>()[request * view.cacheSeqlens->strides[0]]);
  input.maxTokens = view.mostTokens();
  auto invariant = kernel.options.find("batch_invariant");
  input.isBatchInvariant =
      invariant != kernel.options.end() && invariant->second == "yes";
  for (const HostArgument &argument : arguments)
    if (argument.name == "plan")
      input.ctas = argument.tensor.shape[0];
  HostPlan plan = makeHostPlan(input);
  ExpectedOutput rows{"plan", {}, exact};
  for (const auto &row : plan.rows)
    rows.values.insert(rows.values.end(), row.begin(), row.end());
  expected.push_back(std::move(rows));
  return Status();
}

Status decodeReference(const KernelDescriptor &kernel,
                       const std::vector<HostArgument> &arguments,
                       std::vector<ExpectedOutput> &expected) {
  DecodeView view;
  double scale = 0;
  MLA_RETURN_IF_ERROR(DecodeView::create(arguments, kernel.options, view));
  MLA_RETURN_IF_ERROR(findScale(arguments, kernel.constants, scale)
                          .within(kernel.operatorName));
  // A group: the heads of a query that share a KV head, [b, s_q, h_kv].
  HostTensor joinedQ, joinedK;
  const HostTensor *q = joinColumns(view.q, view.qRope, joinedQ);
  const HostTensor *k = joinColumns(view.kCache, view.kRope, joinedK);
  auto findRows = [&](int64_t group, std::vector<int64_t> &rows) {
    int64_t kvHead = group % view.kvHeads;
    int64_t query = group / view.kvHeads % view.queries;
    int64_t request = group / view.kvHeads / view.queries;
    view.forEachToken(
        request, view.seenTokens(request, query), [&](int64_t row) {
          rows.push_back(row < 0 ? -1 : row * view.kvHeads + kvHead);
        });
  };
  int64_t mostRows = 0;
  for (int64_t request = 0; request < view.requests; ++request)
    mostRows = std::max(mostRows, view.tokens(request));
  addAttention(
      {q, k, view.sink, view.vSize, scale, LseConvention(kernel.options),
       view.q->dtype, view.requests * view.queries * view.kvHeads,
       view.heads / view.kvHeads, findRows, mostRows,
       /*isEmptyWithoutWeights=*/true},
      getDecodeTolerance(view.q->dtype), kLseTolerance, arguments, expected);
  return addPlan(kernel, view, arguments, expected);
}

} // namespace mla::harness
