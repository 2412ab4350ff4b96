//===- Host.h - combine in the harness --------------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// combine merges the partial results of attention whose keys were split:
//
//   lse = ln sum_i exp(lse_i),  out = sum_i exp(lse_i - lse) out_i
//
// for each row, over its splits i that count and are not empty:
//
//   partial_out  [splits, rows, d_v]  f32, bf16 or f16
//   partial_lse  [splits, rows]       f32
//   num_splits   [rows]               i32, optional
//   out          [rows, d_v]          bf16 or f16
//   lse          [rows]               f32
//
// The first num_splits[row] splits of a row count, all without num_splits; it
// is clamped to [0, splits]. Those behind are not read. A split is empty if its
// lse is -inf, or +inf where the option `empty_split` is "+inf"; its
// partial_out may hold anything. A row without another split has out = 0 and
// the lse of `empty_lse`. With `lse_base` 2 both partial_lse and lse are to
// that base.
//
// A NaN in the lse of a split that counts makes the row NaN, out and lse; one
// in partial_out of a split that is not empty makes its element of out NaN.
// Every finite lse counts, however low. An lse of +inf that does not mark an
// empty split makes the row NaN.
//
//===----------------------------------------------------------------------===//

#ifndef MLA_LIB_OPERATORS_COMBINE_HOST_H
#define MLA_LIB_OPERATORS_COMBINE_HOST_H

#include "mla/Harness/Fill.h"
#include "mla/Harness/OperatorHost.h"

#include <cmath>

namespace mla::harness {

/// The arguments of combine found by name, with their sizes.
struct CombineView {
  const HostTensor *partialOut = nullptr;
  const HostTensor *partialLse = nullptr;
  /// Null if the kernel has no such argument or the launch leaves it out.
  const HostTensor *numSplits = nullptr;
  const HostTensor *out = nullptr;
  int64_t splits = 0, rows = 0, columns = 0;
  /// Whether +inf marks an empty split too.
  bool infinityIsEmpty = false;

  /// Errors name the argument that is missing or of another shape.
  static Status create(const std::vector<HostArgument> &arguments,
                       const runtime::OperatorOptions &options,
                       CombineView &view);

  /// The splits of a row that count, its first ones.
  int64_t counted(int64_t row) const {
    return clampedLength(numSplits, row, splits);
  }
  /// Places in `partialLse`, and of column 0 in `partialOut`.
  int64_t lseOffset(int64_t split, int64_t row) const {
    return split * partialLse->strides[0] + row * partialLse->strides[1];
  }
  int64_t outOffset(int64_t split, int64_t row) const {
    return split * partialOut->strides[0] + row * partialOut->strides[1];
  }
  double lse(int64_t split, int64_t row) const {
    return partialLse->get(lseOffset(split, row));
  }
  bool isEmpty(double lse) const {
    return std::isinf(lse) && (lse < 0 || infinityIsEmpty);
  }
  /// Whether the split counts and is not empty.
  bool weighs(int64_t split, int64_t row) const {
    return split < counted(row) && !isEmpty(lse(split, row));
  }
};

/// Fills the tensors that files do not give: num_splits and partial_lse come
/// first, since the poison of partial_out depends on them.
Status fillCombine(const InputOptions &options, const CombineView &view,
                   std::vector<HostArgument> &arguments);

/// The extremes, and what places those of the options into the generated
/// arguments. Errors: an argument that is to hold one is missing, or from a
/// file.
std::vector<Extreme> combineExtremes();
Status placeCombineExtremes(const InputOptions &options,
                            const CombineView &view,
                            std::vector<HostArgument> &arguments);

/// The reference. An element of out may differ by one rounding to its type and
/// by what sums in fp32 lose.
Status combineReference(const runtime::KernelDescriptor &kernel,
                        const CombineView &view,
                        const std::vector<HostArgument> &arguments,
                        std::vector<ExpectedOutput> &expected);

} // namespace mla::harness

#endif // MLA_LIB_OPERATORS_COMBINE_HOST_H
