//===- Operands.cpp - an operator's arguments found by name ---------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "mla/Harness/Operands.h"

using namespace mla::runtime;

namespace mla::harness {

const HostTensor *Operands::find(const std::string &name) const {
  const HostArgument *argument = findArgument(arguments, name);
  return argument && argument->isTensor && !argument->leftOut
             ? &argument->tensor
             : nullptr;
}

Status Operands::need(const std::string &name, int lowRank, int highRank,
                      const HostTensor *&out) const {
  out = find(name);
  if (!out)
    return invalidArgument(operatorName + ": expected a tensor argument '" +
                           name + "', got none");
  if (out->rank() < lowRank || out->rank() > highRank)
    return invalidArgument(operatorName + ": '" + name + "': expected rank " +
                           std::to_string(highRank) + ", got " +
                           std::to_string(out->rank()));
  return Status();
}

Status Operands::expect(bool holds, const std::string &what) const {
  return holds ? Status()
               : invalidArgument(operatorName + ": expected " + what);
}

HostTensor *findGenerated(std::vector<HostArgument> &arguments,
                          const InputOptions &options,
                          const std::string &name) {
  HostTensor *tensor = nullptr;
  return needGenerated(arguments, options, name, tensor).ok() ? tensor
                                                              : nullptr;
}

Status needGenerated(std::vector<HostArgument> &arguments,
                     const InputOptions &options, const std::string &name,
                     HostTensor *&out) {
  HostArgument *argument = findArgument(arguments, name);
  if (!argument || !argument->isTensor)
    return invalidArgument("the kernel has no argument '" + name + "'");
  if (argument->leftOut)
    return invalidArgument("the argument '" + name + "' is left out");
  if (options.files.count(name))
    return invalidArgument("the argument '" + name + "' is from a file");
  out = &argument->tensor;
  return Status();
}

void addExpected(const std::vector<HostArgument> &arguments,
                 ExpectedOutput output, std::vector<ExpectedOutput> &expected) {
  const HostArgument *argument = findArgument(arguments, output.name);
  if (argument && argument->isTensor && !argument->leftOut)
    expected.push_back(std::move(output));
}

int64_t bytesOf(const HostArgument &argument) {
  return argument.isTensor
             ? argument.tensor.elements() * itemSize(argument.tensor.dtype)
             : 0;
}

} // namespace mla::harness
