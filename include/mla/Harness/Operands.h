//===- Operands.h - an operator's arguments found by name -------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef MLA_HARNESS_OPERANDS_H
#define MLA_HARNESS_OPERANDS_H

#include "mla/Harness/Inputs.h"
#include "mla/Harness/Reference.h"

namespace mla::harness {

/// The tensors among an operator's arguments. Errors begin with the operator's
/// name.
class Operands {
public:
  Operands(std::string operatorName, const std::vector<HostArgument> &arguments)
      : operatorName(std::move(operatorName)), arguments(arguments) {}

  /// Null if the kernel has no such tensor or the launch leaves it out.
  const HostTensor *find(const std::string &name) const;

  /// A required tensor with a rank in [lowRank, highRank].
  Status need(const std::string &name, int lowRank, int highRank,
              const HostTensor *&out) const;

  /// The error "expected WHAT" unless `holds`.
  Status expect(bool holds, const std::string &what) const;

private:
  std::string operatorName;
  const std::vector<HostArgument> &arguments;
};

/// The tensor of a name that is to be filled: null if there is none, if the
/// launch leaves it out, or if it is read from a file.
HostTensor *findGenerated(std::vector<HostArgument> &arguments,
                          const InputOptions &options, const std::string &name);

/// Stores what findGenerated() finds; an error that says why if that is null.
Status needGenerated(std::vector<HostArgument> &arguments,
                     const InputOptions &options, const std::string &name,
                     HostTensor *&out);

/// Appends an output unless the kernel lacks it or the launch leaves it out.
void addExpected(const std::vector<HostArgument> &arguments,
                 ExpectedOutput output, std::vector<ExpectedOutput> &expected);

/// Bytes of an argument's elements; 0 if it is no tensor.
int64_t bytesOf(const HostArgument &argument);

} // namespace mla::harness

#endif // MLA_HARNESS_OPERANDS_H
