//===- HostInputs.cpp - generated inputs of prefill -----------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "Host.h"

#include "mla/Harness/Operands.h"

#include <limits>

using namespace mla::runtime;

namespace mla::harness {

namespace {

constexpr const char *kNanV = "nan-v";

/// Fills the bounds of sequences in a tensor of `rows` rows. With poison they
/// have random lengths, some 0, and do not fill the tensor.
void fillBounds(HostTensor &bounds, const InputOptions &options,
                const char *name, int64_t rows) {
  uint64_t stream = streamSeed(options.seed, name);
  int64_t sequences = bounds.shape[0] - 1;
  std::vector<int64_t> at{0};
  int64_t used = rows;
  if (options.poison && sequences > 0)
    used -= randomBelow(stream, ~uint64_t(0), rows / 8 + 1);
  for (int64_t i = 1; i <= sequences; ++i)
    at.push_back(options.poison ? randomBelow(stream, 2 * i, used + 1)
                                : rows * i / sequences);
  std::sort(at.begin(), at.end());
  if (options.poison)
    for (int64_t i = 1; i < sequences; ++i)
      if (randomChance(stream, 2 * i + 1, 0.25))
        at[i] = at[i - 1];
  for (int64_t i = 0; i < bounds.shape[0]; ++i)
    bounds.data<int32_t>()[i * bounds.strides[0]] = static_cast<int32_t>(at[i]);
}

/// Flags of the rows of k and v that a query attends to, [b, s_kv, h_kv].
std::vector<char> readKeys(const PrefillView &view) {
  std::vector<char> isRead(view.batches * view.sKV * view.kvHeads);
  for (const PrefillSequence &sequence : view.sequences())
    if (sequence.queries > 0 && sequence.keys > 0)
      std::fill_n(isRead.begin() + view.keyRow(sequence, 0, 0),
                  sequence.keys * view.kvHeads, 1);
  return isRead;
}

/// Flags of the rows of q of a sequence, [b, s_q, h_q].
std::vector<char> usedQueries(const PrefillView &view) {
  std::vector<char> isUsed(view.batches * view.sQ * view.heads);
  for (const PrefillSequence &sequence : view.sequences())
    if (sequence.queries > 0)
      std::fill_n(isUsed.begin() + view.queryRow(sequence, 0, 0),
                  sequence.queries * view.heads, 1);
  return isUsed;
}

/// Normals in the flagged rows; poison: NaN elsewhere.
void fillUsed(HostTensor &tensor, const char *name,
              const std::vector<char> &isUsed, const InputOptions &options) {
  uint64_t stream = streamSeed(options.seed, name);
  forEachRow(tensor, [&](int64_t row, int64_t offset) {
    bool poison = options.poison && !isUsed[row];
    fillRow(tensor, row, offset, [&](int64_t i) {
      return poison ? std::numeric_limits<float>::quiet_NaN()
                    : randomNormal(stream, i) * options.magnitude;
    });
  });
}

/// Sets an element of the first value of each sequence to NaN. All its queries
/// attend to it, unless they attend to none.
Status placeNanV(const PrefillView &view, const InputOptions &options,
                 std::vector<HostArgument> &arguments) {
  HostTensor *v = nullptr;
  MLA_RETURN_IF_ERROR(needGenerated(arguments, options, "v", v)
                          .within(std::string("extreme '") + kNanV + "'"));
  uint64_t stream = streamSeed(options.seed, kNanV);
  int64_t columns = v->shape[3];
  for (const PrefillSequence &sequence : view.sequences())
    for (int64_t kvHead = 0; sequence.keys > 0 && kvHead < view.kvHeads;
         ++kvHead) {
      int64_t row = view.keyRow(sequence, 0, kvHead);
      int64_t column = randomBelow(stream, row, columns);
      v->set(v->offsetOf(row * columns + column),
             std::numeric_limits<double>::quiet_NaN());
    }
  return Status();
}

} // namespace

std::vector<Extreme> prefillExtremes() {
  std::vector<Extreme> extremes = attentionExtremes(kPrefillNames);
  extremes.push_back({kNanV, "NaN in the first row of v of each sequence"});
  return extremes;
}

Status fillPrefill(const KernelDescriptor &kernel, const InputOptions &options,
                   std::vector<HostArgument> &arguments) {
  PrefillView view;
  MLA_RETURN_IF_ERROR(PrefillView::create(arguments, kernel.options, view));
  auto generated = [&](const char *name) {
    return findGenerated(arguments, options, name);
  };
  if (HostTensor *bounds = generated("cu_seqlens_q"))
    fillBounds(*bounds, options, "cu_seqlens_q", view.sQ);
  if (HostTensor *bounds = generated("cu_seqlens_k"))
    fillBounds(*bounds, options, "cu_seqlens_k", view.sKV);
  std::vector<char> isRead = readKeys(view);
  if (HostTensor *q = generated("q"))
    fillUsed(*q, "q", usedQueries(view), options);
  if (HostTensor *k = generated("k"))
    fillUsed(*k, "k", isRead, options);
  if (HostTensor *v = generated("v"))
    fillUsed(*v, "v", isRead, options);
  if (options.extremes.count(kNanV))
    MLA_RETURN_IF_ERROR(placeNanV(view, options, arguments));
  return options.extremes.empty()
             ? Status()
             : placeAttentionExtremes(kPrefillNames, options, isRead,
                                      arguments);
}

} // namespace mla::harness
