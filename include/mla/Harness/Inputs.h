//===- Inputs.h - arguments with seeded random values -----------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef MLA_HARNESS_INPUTS_H
#define MLA_HARNESS_INPUTS_H

#include "mla/Harness/HostTensor.h"

#include <cstdint>
#include <optional>
#include <set>

namespace mla::harness {

struct InputOptions {
  uint64_t seed = 0;
  /// NaN wherever nothing may be read: kv rows that no valid index names, and
  /// padding. Also makes some queries' indices all invalid, and topk_length
  /// and attn_sink take their extreme values.
  bool poison = true;
  /// Share of invalid indices, in [0, 1].
  double invalidShare = 0.1;
  /// Value of the argument `scale`; default d_qk^-0.5.
  std::optional<double> scale;
  /// Elements of padding after each row, by argument name.
  std::map<std::string, int64_t> padding;
  /// .npy files that replace generated values, by argument name.
  std::map<std::string, std::string> files;
  /// Optional arguments that the launch leaves out.
  std::set<std::string> leftOut;
};

/// Makes the arguments of a kernel: shapes from the descriptor and `sizes`,
/// values for its operator as semantics says (normals / 10, poison, outputs
/// pre-filled with NaN); the same for the same seed, on every machine and for
/// any number of threads. A run-time size that `sizes` lacks is taken from an
/// input file, and `sizes` is completed.
/// Errors: sizes missing, unknown or negative; a file that does not fit; a
/// padded argument whose strides are fixed; arguments that the operator needs
/// missing, or left out.
Status makeArguments(const runtime::KernelDescriptor &descriptor, Sizes &sizes,
                     const InputOptions &options,
                     std::vector<HostArgument> &out);

/// Random 64 bits from a seed and a counter (splitmix64).
uint64_t randomBits(uint64_t seed, uint64_t counter);

} // namespace mla::harness

#endif // MLA_HARNESS_INPUTS_H
