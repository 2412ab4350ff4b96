//===- Host.h - combine in the harness --------------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// combine merges the partial results of split-KV attention:
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
// is clamped to [0, splits]. Other splits are not read. A split is empty if its
// lse is -inf, with `empty_split` = "+inf" also if it is +inf; its partial_out
// may hold anything. A row without a non-empty split has out = 0 and the lse
// that `empty_lse` gives. `lse_base` is the base of partial_lse and lse.
//
// A NaN in the lse of a valid split makes the row's out and lse NaN. A NaN in
// the partial_out of a non-empty split makes that element of out NaN. Every
// finite lse is used, however low. An lse of +inf that does not mark an empty
// split makes the row NaN.
//
//===----------------------------------------------------------------------===//

#ifndef MLA_LIB_OPERATORS_COMBINE_HOST_H
#define MLA_LIB_OPERATORS_COMBINE_HOST_H

#include "mla/Harness/Fill.h"
#include "mla/Harness/OperatorHost.h"

#include <cmath>

namespace mla::harness {

/// The arguments of combine by name, and their sizes.
struct CombineView {
  const HostTensor *partialOut = nullptr;
  const HostTensor *partialLse = nullptr;
  /// Null if the kernel has no such argument or the launch omits it.
  const HostTensor *numSplits = nullptr;
  const HostTensor *out = nullptr;
  int64_t splits = 0, rows = 0, columns = 0;
  /// Whether +inf also marks an empty split.
  bool infinityIsEmpty = false;

  /// Errors name the argument that is missing or has the wrong shape.
  static Status create(const std::vector<HostArgument> &arguments,
                       const runtime::OperatorOptions &options,
                       CombineView &view);

  /// The number of valid splits of a row, which are its first ones.
  int64_t counted(int64_t row) const {
    return clampedLength(numSplits, row, splits);
  }
  /// Offsets in `partialLse`, and of column 0 in `partialOut`.
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
  /// Whether the split is valid and not empty.
  bool weighs(int64_t split, int64_t row) const {
    return split < counted(row) && !isEmpty(lse(split, row));
  }
};

/// Fills the tensors that are not read from files. num_splits and partial_lse
/// are filled first, because the poison of partial_out depends on them.
Status fillCombine(const InputOptions &options, const CombineView &view,
                   std::vector<HostArgument> &arguments);

/// The extreme values that inputs of this operator may contain.
std::vector<Extreme> combineExtremes();
/// Places the extremes that the options request into generated arguments. Fails
/// if the argument for an extreme is missing or read from a file.
Status placeCombineExtremes(const InputOptions &options,
                            const CombineView &view,
                            std::vector<HostArgument> &arguments);

/// The reference, in double precision. The tolerance of out is one rounding to
/// its type plus the error of fp32 sums.
Status combineReference(const runtime::KernelDescriptor &kernel,
                        const CombineView &view,
                        const std::vector<HostArgument> &arguments,
                        std::vector<ExpectedOutput> &expected);

} // namespace mla::harness

#endif // MLA_LIB_OPERATORS_COMBINE_HOST_H
