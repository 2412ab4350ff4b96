//===- Reference.h - what an operator computes, in double -------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef MLA_HARNESS_REFERENCE_H
#define MLA_HARNESS_REFERENCE_H

#include "mla/Harness/HostTensor.h"

#include <functional>

namespace mla::harness {

/// How close an output must be.
struct Tolerance {
  double absolute = 0;
  double relative = 0;
  /// Bound on 1 - 2 sum(ab) / sum(a^2 + b^2); 0: not tested.
  double cosine = 0;
};

/// What one output should hold: row-major, without padding.
struct ExpectedOutput {
  std::string name;
  std::vector<double> values;
  Tolerance tolerance;
  /// Absolute tolerances where they differ within the output: one for each of
  /// as many runs of consecutive elements of the same length. Empty:
  /// `tolerance.absolute` holds everywhere.
  std::vector<double> absolute = {};

  double absoluteAt(size_t element) const {
    return absolute.empty()
               ? tolerance.absolute
               : absolute[element * absolute.size() / values.size()];
  }
};

/// Computes the expected outputs from the arguments' inputs. Outputs that the
/// arguments do not have are left out.
using Reference = std::function<Status(const std::vector<HostArgument> &,
                                       std::vector<ExpectedOutput> &)>;

/// The reference of a kernel's operator, or an empty function. It takes scalar
/// operands from the arguments or, where they are compiled into the kernel,
/// from the descriptor's constants. An option of the operator that it does not
/// know is an error of the call.
Reference findReference(const runtime::KernelDescriptor &descriptor);

/// Scalars that are compiled into a kernel, as its descriptor has them.
using Constants = std::vector<runtime::ConstantDescriptor>;

/// The value of the operand `scale`, which is an argument or a constant.
Status findScale(const std::vector<HostArgument> &arguments,
                 const Constants &constants, double &out);

/// Floating-point operations that the operator's arguments call for, counted
/// as everyone counts them; 0 where there is no formula.
double countFlops(const runtime::KernelDescriptor &descriptor,
                  const std::vector<HostArgument> &arguments);

/// Bytes that the operator has to move for these arguments: each argument once,
/// unless OperatorInfo::bytesNote says otherwise; 0 where there is no formula.
double countBytes(const runtime::KernelDescriptor &descriptor,
                  const std::vector<HostArgument> &arguments);

} // namespace mla::harness

#endif // MLA_HARNESS_REFERENCE_H
