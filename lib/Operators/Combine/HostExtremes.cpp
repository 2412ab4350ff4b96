//===- HostExtremes.cpp - extreme inputs of combine -----------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// Splits are chosen at random from the seed. Each extreme is always placed in
// the first row with a valid, non-empty split, so that the smallest sizes
// contain every case.
//
//===----------------------------------------------------------------------===//

#include "Host.h"

#include "mla/Harness/Operands.h"

using namespace mla::runtime;

namespace mla::harness {

namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();

/// Calls place(row, split) for some rows, with a random split among the valid,
/// non-empty ones.
template <typename Place>
void forSomeSplits(const CombineView &view, uint64_t stream, Place place) {
  bool isFirst = true;
  for (int64_t row = 0; row < view.rows; ++row) {
    std::vector<int64_t> weighing;
    for (int64_t split = 0; split < view.splits; ++split)
      if (view.weighs(split, row))
        weighing.push_back(split);
    if (weighing.empty() || !(isFirst || randomChance(stream, 2 * row, 0.25)))
      continue;
    isFirst = false;
    place(row, weighing[randomBelow(stream, 2 * row + 1,
                                    static_cast<int64_t>(weighing.size()))]);
  }
}

void placeInLse(const CombineView &view, uint64_t stream, double value,
                HostTensor &lse) {
  forSomeSplits(view, stream, [&](int64_t row, int64_t split) {
    lse.set(view.lseOffset(split, row), value);
  });
}

void placeNanLse(const CombineView &view, uint64_t stream, HostTensor &lse) {
  placeInLse(view, stream, kNan, lse);
}

void placeInfiniteLse(const CombineView &view, uint64_t stream,
                      HostTensor &lse) {
  placeInLse(view, stream, kInfinity, lse);
}

/// Of three consecutive rows, the first gets the lowest lse in all splits, the
/// second a mix of the lowest and the highest, and the third is unchanged.
void placeHugeLse(const CombineView &view, uint64_t stream, HostTensor &lse) {
  constexpr double kHuge = 3e38;
  for (int64_t row = 0; row < view.rows; ++row)
    for (int64_t split = 0; split < view.splits; ++split) {
      if (!view.weighs(split, row) || row % 3 == 2)
        continue;
      bool isHigh =
          row % 3 == 1 && randomChance(stream, row * view.splits + split, 0.5);
      lse.set(view.lseOffset(split, row), isHigh ? kHuge : -kHuge);
    }
}

void placeNanPartial(const CombineView &view, uint64_t stream,
                     HostTensor &out) {
  if (view.columns == 0)
    return;
  forSomeSplits(view, stream, [&](int64_t row, int64_t split) {
    int64_t column = randomBelow(stream ^ 1, row, view.columns);
    out.set(view.outOffset(split, row) + column * out.strides[2], kNan);
  });
}

struct PlacedExtreme {
  const char *name;
  const char *meaning;
  /// The argument that holds it.
  const char *argument;
  void (*place)(const CombineView &view, uint64_t stream, HostTensor &tensor);
};
constexpr PlacedExtreme kExtremes[] = {
    {"huge-lse", "lse of -3e38, or of -3e38 and 3e38, in all splits of a row",
     "partial_lse", placeHugeLse},
    {"infinite-lse",
     "lse of +inf, with numbers in partial_out: a NaN, or an empty split",
     "partial_lse", placeInfiniteLse},
    {"nan-lse", "NaN as the lse of a split of some rows", "partial_lse",
     placeNanLse},
    {"nan-partial", "NaN in partial_out of a split of some rows", "partial_out",
     placeNanPartial}};

} // namespace

std::vector<Extreme> combineExtremes() {
  std::vector<Extreme> extremes;
  for (const PlacedExtreme &known : kExtremes)
    extremes.push_back({known.name, known.meaning});
  return extremes;
}

Status placeCombineExtremes(const InputOptions &options,
                            const CombineView &view,
                            std::vector<HostArgument> &arguments) {
  // In this order: later extremes overwrite earlier ones.
  for (const PlacedExtreme &known : kExtremes) {
    if (!options.extremes.count(known.name))
      continue;
    HostTensor *tensor = nullptr;
    MLA_RETURN_IF_ERROR(
        needGenerated(arguments, options, known.argument, tensor)
            .within(std::string("extreme '") + known.name + "'"));
    known.place(view, streamSeed(options.seed, known.name), *tensor);
  }
  return Status();
}

} // namespace mla::harness
