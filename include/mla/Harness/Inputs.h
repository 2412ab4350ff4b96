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
  /// NaN wherever nothing may be read: rows that no valid entry names, and
  /// padding. Also makes all entries of some rows invalid, and lengths and
  /// sinks take their extreme values.
  bool poison = true;
  /// Share of entries that do not count, in [0, 1]: invalid indices, empty
  /// splits.
  double invalidShare = 0.1;
  /// Standard deviation of the random values, but for those that are compared
  /// with scores (sinks, lse), whose is 1.
  float magnitude = 0.1f;
  /// Values at the edges to place, by name: some of OperatorInfo::extremes.
  std::set<std::string> extremes;
  /// Value of the argument `scale`, by isScale; default d_qk^-0.5.
  std::optional<double> scale;
  /// Elements of padding after each row, by argument name.
  std::map<std::string, int64_t> padding;
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
/// values for its operator as semantics says (normals / 10 unless told, poison,
/// outputs pre-filled with NaN); the same for the same seed, on every machine
/// and for any number of threads. A run-time size that `sizes` lacks is taken
/// from an input file, and `sizes` is completed. Errors: sizes missing, unknown
/// or out of range; more memory than the limit, before any is taken; a file
/// that does not fit; a padded argument whose strides are fixed; arguments that
/// the operator needs missing, or left out; a scale for a kernel that does not
/// take one.
Status makeArguments(const runtime::KernelDescriptor &descriptor, Sizes &sizes,
                     const InputOptions &options,
                     std::vector<HostArgument> &out);

/// Random 64 bits from a seed and a counter (splitmix64).
uint64_t randomBits(uint64_t seed, uint64_t counter);

} // namespace mla::harness

#endif // MLA_HARNESS_INPUTS_H
