//===- HostInputs.cpp - generated inputs of decode ------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "Host.h"

#include "mla/Harness/Operands.h"

#include <climits>
#include <iterator>
#include <numeric>

using namespace mla::runtime;

namespace mla::harness {

namespace {

constexpr const char *kRaggedLengths = "ragged-lengths";

/// The lengths that occur with poison.
enum class LengthKind {
  Any,
  Pages, // a multiple of the page
  Full,
  PartOfPage,
  One,
  None,
  Beyond,
  Negative
};

/// Generates the inputs of decode, which depend on each other.
class DecodeInputs {
public:
  DecodeInputs(const DecodeView &view, const InputOptions &options)
      : view(view), options(options) {}

  void fillLengths(HostTensor &lengths) const {
    uint64_t stream = streamSeed(options.seed, "cache_seqlens");
    for (int64_t request = 0; request < view.requests; ++request)
      lengths.data<int32_t>()[request * lengths.strides[0]] =
          static_cast<int32_t>(
              std::min<int64_t>(INT_MAX, lengthOf(stream, request)));
  }

  void fillTable(HostTensor &table) const {
    uint64_t stream = streamSeed(options.seed, "block_table");
    std::vector<int32_t> order = shufflePages(stream ^ 1);
    std::vector<int32_t> invalid = invalidIndices(view.pages);
    int64_t kinds = static_cast<int64_t>(invalid.size());
    for (int64_t request = 0; request < view.requests; ++request)
      for (int64_t slot = 0; slot < view.maxPages; ++slot) {
        uint64_t at = static_cast<uint64_t>(request * view.maxPages + slot);
        int64_t kind = randomBelow(stream, 2 * at, kinds);
        bool isUsed = slot * view.pageSize < view.tokens(request);
        bool isInvalid = view.pages == 0;
        if (isUsed)
          isInvalid |= randomChance(stream, 2 * at + 1, options.invalidShare);
        else if (options.poison)
          // Some unused entries are valid pages.
          isInvalid |= randomChance(stream, 2 * at + 1, 0.75);
        table.data<int32_t>()[view.tableOffset(request, slot)] =
            isInvalid
                ? invalid[kind]
                : order[pageNumber(stream ^ 2, request, slot) % view.pages];
      }
  }

  /// Normals in the rows that a request reads; poison: NaN elsewhere.
  void fillCache(HostTensor &cache, const std::string &name) const {
    uint64_t stream = streamSeed(options.seed, name);
    std::vector<char> isRead = readRows();
    forEachRow(cache, [&](int64_t row, int64_t offset) {
      bool poison = options.poison && !isRead[row];
      fillRow(cache, row, offset, [&](int64_t i) {
        return poison ? std::numeric_limits<float>::quiet_NaN()
                      : randomNormal(stream, i) * options.magnitude;
      });
    });
  }

  /// Flags of the rows of k_cache that a request reads, [row][h_kv].
  std::vector<char> readRows() const {
    std::vector<char> isRead(view.pages * view.pageSize * view.kvHeads);
    for (int64_t request = 0; request < view.requests; ++request)
      view.forEachToken(request, view.tokens(request), [&](int64_t row) {
        if (row >= 0)
          std::fill_n(isRead.begin() + row * view.kvHeads, view.kvHeads, 1);
      });
    return isRead;
  }

private:
  int64_t lengthOf(uint64_t stream, int64_t request) const {
    int64_t most = view.mostTokens();
    if (most > 0 && options.extremes.count(kRaggedLengths))
      return 1 + randomBelow(stream, request, most);
    if (!options.poison)
      return most;
    // Requests take the kinds in turns, so that a few requests have all kinds.
    using Kind = LengthKind;
    constexpr LengthKind kKinds[] = {
        Kind::Any,        Kind::Pages,  Kind::Full, Kind::Any,
        Kind::PartOfPage, Kind::Beyond, Kind::Any,  Kind::One,
        Kind::Pages,      Kind::None,   Kind::Any,  Kind::Negative};
    constexpr int64_t kCount = std::size(kKinds);
    int64_t first = randomBelow(stream, ~uint64_t(0), kCount);
    auto below = [&](int64_t bound) {
      return randomBelow(stream, request, bound);
    };
    switch (kKinds[(first + request) % kCount]) {
    case Kind::Any:
      return below(most + 1);
    case Kind::Pages:
      return below(view.maxPages + 1) * view.pageSize;
    case Kind::Full:
      return most;
    case Kind::PartOfPage:
      return below(std::clamp<int64_t>(view.pageSize, 1, most + 1));
    case Kind::One:
      return std::min<int64_t>(1, most);
    case Kind::None:
      return 0;
    case Kind::Beyond:
      return below(2) ? INT_MAX : most + 1;
    case Kind::Negative:
      return below(2) ? INT_MIN : -1;
    }
    return 0;
  }

  std::vector<int32_t> shufflePages(uint64_t stream) const {
    std::vector<int32_t> order(view.pages);
    std::iota(order.begin(), order.end(), 0);
    for (int64_t i = 1; i < view.pages; ++i)
      std::swap(order[i], order[randomBelow(stream, i, i + 1)]);
    return order;
  }

  /// A number per page of a request. With poison, some requests share their
  /// first pages with the previous request.
  int64_t pageNumber(uint64_t stream, int64_t request, int64_t slot) const {
    auto isShared = [&] {
      uint64_t at = 2 * static_cast<uint64_t>(request);
      return options.poison && request > 0 &&
             randomChance(stream, at, 1. / 3) &&
             slot < randomBelow(stream, at + 1, view.maxPages + 1);
    };
    while (isShared())
      --request;
    return request * view.maxPages + slot;
  }

  const DecodeView &view;
  const InputOptions &options;
};

} // namespace

std::vector<Extreme> decodeExtremes() {
  std::vector<Extreme> extremes = attentionExtremes(kDecodeNames);
  extremes.push_back({kRaggedLengths,
                      "cache_seqlens uniform in 1 to max_pages * page_size; "
                      "to page_size without block_table"});
  return extremes;
}

Status fillDecode(const KernelDescriptor &kernel, const InputOptions &options,
                  std::vector<HostArgument> &arguments) {
  DecodeView view;
  MLA_RETURN_IF_ERROR(DecodeView::create(arguments, kernel.options, view));
  DecodeInputs inputs(view, options);
  auto generated = [&](const char *name) {
    return findGenerated(arguments, options, name);
  };
  for (const char *name : {"q", "q_rope"})
    if (HostTensor *q = generated(name))
      fillWithNormals(*q, streamSeed(options.seed, name), options.magnitude);
  HostTensor *lengths = nullptr;
  Status status = needGenerated(arguments, options, "cache_seqlens", lengths);
  if (options.extremes.count(kRaggedLengths))
    MLA_RETURN_IF_ERROR(
        status.within(std::string("extreme '") + kRaggedLengths + "'"));
  if (lengths)
    inputs.fillLengths(*lengths);
  if (HostTensor *table = generated("block_table"))
    inputs.fillTable(*table);
  if (HostTensor *sink = generated("attn_sink"))
    fillAttentionSink(*sink, options);
  for (const char *name : {"k_cache", "k_rope"})
    if (HostTensor *cache = generated(name))
      inputs.fillCache(*cache, name);
  return options.extremes.empty()
             ? Status()
             : placeAttentionExtremes(kDecodeNames, options, inputs.readRows(),
                                      arguments);
}

} // namespace mla::harness
