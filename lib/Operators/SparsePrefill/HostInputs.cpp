//===- HostInputs.cpp - generated inputs of sparse_prefill ----------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "Host.h"

#include "mla/Harness/Operands.h"

#include <limits>

using namespace mla::runtime;

namespace mla::harness {

namespace {

/// Generates the inputs of sparse_prefill, which depend on each other.
class SparsePrefillInputs {
public:
  SparsePrefillInputs(const SparsePrefillView &view,
                      const InputOptions &options)
      : view(view), options(options), invalid(invalidIndices(view.sKV)) {}

  void fillIndices(HostTensor &indices) const {
    uint64_t stream = streamSeed(options.seed, "indices");
    forEachRow(indices, [&](int64_t row, int64_t offset) {
      int64_t validEnd = view.topk;
      double share = options.invalidShare;
      shapeRow(stream, row, validEnd, share);
      for (int64_t t = 0; t < view.topk; ++t) {
        uint64_t at = static_cast<uint64_t>(row * view.topk + t);
        bool bad = view.sKV == 0 || t >= validEnd ||
                   randomChance(stream, 3 * at, share);
        indices.data<int32_t>()[offset + t * view.indexStride()] =
            bad ? invalid[randomBelow(stream, 3 * at + 1,
                                      static_cast<int64_t>(invalid.size()))]
                : static_cast<int32_t>(
                      randomBelow(stream, 3 * at + 1, view.sKV));
      }
    });
  }

  /// Normals in the KV rows that a valid entry selects; poison: NaN elsewhere.
  void fillKv(HostTensor &kv) const {
    uint64_t stream = streamSeed(options.seed, "kv");
    std::vector<char> named = namedRows();
    forEachRow(kv, [&](int64_t row, int64_t offset) {
      bool poison = options.poison && !named[row];
      fillRow(kv, row, offset, [&](int64_t i) {
        return poison ? std::numeric_limits<float>::quiet_NaN()
                      : randomNormal(stream, i) * options.magnitude;
      });
    });
  }

  /// Flags of the KV rows that a valid entry selects, [s_kv][h_kv].
  std::vector<char> namedRows() const {
    std::vector<char> named(view.sKV * view.kvHeads);
    for (int64_t s = 0; s < view.queries; ++s)
      for (int64_t g = 0; g < view.kvHeads; ++g)
        view.forEachValid(
            s, g, [&](int64_t row) { named[row * view.kvHeads + g] = 1; });
    return named;
  }

private:
  /// Makes some queries special, so that whole tiles are valid, invalid or
  /// partly valid.
  void shapeRow(uint64_t stream, int64_t row, int64_t &validEnd,
                double &share) const {
    if (!options.poison || options.invalidShare <= 0 || view.queries < 4)
      return;
    constexpr int64_t kKinds = 8;
    uint64_t counter = ~static_cast<uint64_t>(row);
    switch (randomBelow(stream, counter, kKinds)) {
    case 0:
      validEnd = 0;
      break;
    case 1:
      validEnd = randomBelow(stream ^ 1, counter, view.topk + 1);
      break;
    case 2:
      share = 0;
      break;
    default:
      break;
    }
  }

  const SparsePrefillView &view;
  const InputOptions &options;
  const std::vector<int32_t> invalid;
};

} // namespace

Status fillSparsePrefill(const InputOptions &options,
                         std::vector<HostArgument> &arguments) {
  SparsePrefillView view;
  MLA_RETURN_IF_ERROR(SparsePrefillView::create(arguments, view));
  SparsePrefillInputs inputs(view, options);
  auto generated = [&](const char *name) {
    return findGenerated(arguments, options, name);
  };
  if (HostTensor *q = generated("q"))
    fillWithNormals(*q, streamSeed(options.seed, "q"), options.magnitude);
  if (HostTensor *indices = generated("indices"))
    inputs.fillIndices(*indices);
  if (HostTensor *lengths = generated("topk_length"))
    fillLengths(*lengths, streamSeed(options.seed, "topk_length"), view.topk,
                options.poison);
  if (HostTensor *sink = generated("attn_sink"))
    fillAttentionSink(*sink, options);
  if (HostTensor *kv = generated("kv"))
    inputs.fillKv(*kv);
  return options.extremes.empty()
             ? Status()
             : placeAttentionExtremes(kSparsePrefillNames, options,
                                      inputs.namedRows(), arguments);
}

} // namespace mla::harness
