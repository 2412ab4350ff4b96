//===- Reference.h - what an operator computes, in double -------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef MLA_HARNESS_REFERENCE_H
#define MLA_HARNESS_REFERENCE_H

#include "mla/Harness/HostTensor.h"

#include <functional>

namespace mla::harness {

/// The errors that an output may have.
struct Tolerance {
  double absolute = 0;
  double relative = 0;
  /// Bound on 1 - 2 sum(ab) / sum(a^2 + b^2); 0: not tested.
  double cosine = 0;
};

/// The expected values of one output: row-major, without padding.
struct ExpectedOutput {
  std::string name;
  std::vector<double> values;
  Tolerance tolerance;
  /// Absolute tolerances that differ within the output: the output is divided
  /// into that many runs of consecutive elements of equal length, one tolerance
  /// for each. Empty: `tolerance.absolute` holds everywhere.
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

/// The reference of a kernel's operator, or an empty function. Scalar operands
/// come from the arguments or, where they are compiled into the kernel, from
/// the descriptor's constants. Its call fails for an unknown option of the
/// operator.
Reference findReference(const runtime::KernelDescriptor &descriptor);

/// Scalars that are compiled into a kernel, as its descriptor has them.
using Constants = std::vector<runtime::ConstantDescriptor>;

/// The value of the operand `scale`, which is an argument or a constant.
Status findScale(const std::vector<HostArgument> &arguments,
                 const Constants &constants, double &out);

/// The operator's floating-point operations for these arguments, as papers
/// count them (2 for each multiply-add of the dot products); 0 where there is
/// no formula.
double countFlops(const runtime::KernelDescriptor &descriptor,
                  const std::vector<HostArgument> &arguments);

/// Bytes that the operator has to move for these arguments: each argument once,
/// unless OperatorInfo::bytesNote says otherwise; 0 where there is no formula.
double countBytes(const runtime::KernelDescriptor &descriptor,
                  const std::vector<HostArgument> &arguments);

} // namespace mla::harness

#endif // MLA_HARNESS_REFERENCE_H
