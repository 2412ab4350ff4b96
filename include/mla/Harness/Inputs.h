//===- Inputs.h - arguments with seeded random values -----------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef MLA_HARNESS_INPUTS_H
#define MLA_HARNESS_INPUTS_H

#include "mla/Harness/HostTensor.h"

#include <cstdint>
#include <limits>
#include <optional>
#include <set>

namespace mla::harness {

struct InputOptions {
  uint64_t seed = 0;
  /// Puts NaN where kernels must not read: in rows that no valid entry names,
  /// and in padding. Also makes all entries of some rows invalid, and uses the
  /// extreme values of lengths and sinks.
  bool poison = true;
  /// Share of entries that do not count, in [0, 1]: invalid indices, empty
  /// splits.
  double invalidShare = 0.1;
  /// Standard deviation of the random values; that of values which are compared
  /// with scores (sinks, lse) is always 1.
  float magnitude = 0.1f;
  /// Names of edge values to place: some of OperatorInfo::extremes.
  std::set<std::string> extremes;
  /// Value of the argument `scale`, by isScale; default d_qk^-0.5.
  std::optional<double> scale;
  /// Elements of padding after each row, by argument name.
  std::map<std::string, int64_t> padding;
  /// Dimensions from the slowest to the fastest in memory, by argument name;
  /// default: as in the shape. Padding follows each row of the fastest.
  std::map<std::string, std::vector<int>> orders;
  /// .npy files that replace generated values, by argument name.
  std::map<std::string, std::string> files;
  /// Optional arguments that the launch leaves out.
  std::set<std::string> leftOut;
  /// Bytes that the arguments may take together; default: the memory of the
  /// machine, or what the process may have of it.
  std::optional<uint64_t> memoryLimit;
};

/// Whether a number can be the argument `scale`: above 0, and neither 0 nor
/// infinite in fp32.
inline bool isScale(double number) {
  using Float = std::numeric_limits<float>;
  return number >= static_cast<double>(Float::denorm_min()) &&
         number <= static_cast<double>(Float::max());
}

/// Checks that the kernel has these run-time sizes and each lies within its
/// limits, by default [0, kMaxSize].
Status checkSizes(const runtime::KernelDescriptor &descriptor,
                  const Sizes &sizes);

/// Makes the arguments of a kernel: shapes from the descriptor and `sizes`,
/// values for its operator (normals / 10 by default, poison, outputs pre-filled
/// with NaN). They depend on the seed alone, not on the machine or the number
/// of threads. A run-time size that `sizes` lacks is taken from an input file,
/// and `sizes` is completed. Errors: sizes missing, unknown or out of range;
/// more memory than the limit, before any is taken; a file that does not fit; a
/// padding or an order that strides which the kernel fixes do not allow;
/// arguments that the operator needs missing, or left out; a scale for a kernel
/// that does not take one.
Status makeArguments(const runtime::KernelDescriptor &descriptor, Sizes &sizes,
                     const InputOptions &options,
                     std::vector<HostArgument> &out);

/// Random 64 bits from a seed and a counter (splitmix64).
uint64_t randomBits(uint64_t seed, uint64_t counter);

} // namespace mla::harness

#endif // MLA_HARNESS_INPUTS_H
