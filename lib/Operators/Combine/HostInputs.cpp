//===- HostInputs.cpp - generated inputs of combine -----------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "Host.h"

#include "mla/Harness/Operands.h"

#include <climits>

using namespace mla::runtime;

namespace mla::harness {

namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

/// The kind of lse values in a row.
enum class RowKind { Ordinary, AllEmpty, NoneEmpty, FarApart };

class CombineInputs {
public:
  CombineInputs(const CombineView &view, const InputOptions &options)
      : view(view), options(options) {}

  /// Normals of variance 1; some splits are empty. With poison, invalid splits
  /// stay poisoned and some rows are special.
  void fillLse(HostTensor &lse) const {
    uint64_t stream = streamSeed(options.seed, "partial_lse");
    for (int64_t row = 0; row < view.rows; ++row) {
      RowKind kind = kindOf(stream, row);
      for (int64_t split = 0; split < view.splits; ++split) {
        if (options.poison && split >= view.counted(row))
          continue;
        uint64_t at = static_cast<uint64_t>(row * view.splits + split);
        lse.set(view.lseOffset(split, row), valueOf(stream, at, row, kind));
      }
    }
  }

  /// Normals. With poison, invalid and empty splits stay NaN.
  void fillOut(HostTensor &out) const {
    uint64_t stream = streamSeed(options.seed, "partial_out");
    forEachRow(out, [&](int64_t number, int64_t offset) {
      if (options.poison &&
          !view.weighs(number / view.rows, number % view.rows))
        return;
      fillRow(out, number, offset, [&](int64_t i) {
        return randomNormal(stream, i) * options.magnitude;
      });
    });
  }

private:
  /// The first row and the second to last are special if there are at least
  /// four, so that small shapes contain each case.
  RowKind kindOf(uint64_t stream, int64_t row) const {
    if (!options.poison || view.rows < 4)
      return RowKind::Ordinary;
    if (row == 0)
      return RowKind::FarApart;
    bool hasEmpty = options.invalidShare > 0;
    if (row == view.rows - 2 && hasEmpty)
      return RowKind::AllEmpty;
    switch (randomBelow(stream, ~static_cast<uint64_t>(row), 8)) {
    case 0:
      return hasEmpty ? RowKind::AllEmpty : RowKind::Ordinary;
    case 1:
      return RowKind::NoneEmpty;
    case 2:
      return RowKind::FarApart;
    default:
      return RowKind::Ordinary;
    }
  }

  /// The lse of the split with the index `at` in partial_lse.
  float valueOf(uint64_t stream, uint64_t at, int64_t row, RowKind kind) const {
    bool isEmpty = kind == RowKind::AllEmpty ||
                   (kind != RowKind::NoneEmpty &&
                    randomChance(stream, 3 * at, options.invalidShare));
    uint64_t choice = randomBits(stream, 3 * at + 1);
    if (isEmpty)
      return view.infinityIsEmpty && choice % 2 ? kInfinity : -kInfinity;
    // Far above the other splits in odd rows, far below in even rows.
    if (kind == RowKind::FarApart && choice % 2)
      return row % 2 ? 1e30f : -1e30f;
    return randomNormal(stream ^ 1, at);
  }

  const CombineView &view;
  const InputOptions &options;
};

} // namespace

Status fillCombine(const InputOptions &options, const CombineView &view,
                   std::vector<HostArgument> &arguments) {
  if (HostTensor *lengths = findGenerated(arguments, options, "num_splits"))
    fillLengths(*lengths, streamSeed(options.seed, "num_splits"), view.splits,
                options.poison, {-1, view.splits + 1, INT_MIN, INT_MAX});
  CombineInputs inputs(view, options);
  if (HostTensor *lse = findGenerated(arguments, options, "partial_lse"))
    inputs.fillLse(*lse);
  if (HostTensor *out = findGenerated(arguments, options, "partial_out"))
    inputs.fillOut(*out);
  return Status();
}

} // namespace mla::harness
