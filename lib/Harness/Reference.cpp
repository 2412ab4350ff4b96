//===- Reference.cpp - references and counts by operator ------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "mla/Harness/Reference.h"

#include "mla/Harness/OperatorHost.h"

namespace mla::harness {

Reference findReference(const runtime::KernelDescriptor &descriptor) {
  const OperatorHost *host = findOperatorHost(descriptor.operatorName);
  if (!host)
    return {};
  return [host, descriptor](const std::vector<HostArgument> &arguments,
                            std::vector<ExpectedOutput> &expected) -> Status {
    expected.clear();
    MLA_RETURN_IF_ERROR(checkOptions(host->info, descriptor.options));
    return host->reference(descriptor, arguments, expected);
  };
}

Status findScale(const std::vector<HostArgument> &arguments,
                 const Constants &constants, double &out) {
  if (const HostArgument *argument = findArgument(arguments, "scale");
      argument && !argument->isTensor) {
    // The kernel gets it rounded to its type.
    out = argument->scalarType == MLA_F32
              ? static_cast<double>(static_cast<float>(argument->number))
              : argument->number;
    return Status();
  }
  for (const runtime::ConstantDescriptor &constant : constants)
    if (constant.name == "scale") {
      out = constant.value;
      return Status();
    }
  return runtime::invalidArgument(
      "expected 'scale' as a scalar argument or a constant of the kernel, got "
      "neither");
}

double countFlops(const runtime::KernelDescriptor &descriptor,
                  const std::vector<HostArgument> &arguments) {
  const OperatorHost *host = findOperatorHost(descriptor.operatorName);
  return host ? host->flops(descriptor, arguments) : 0;
}

double countBytes(const runtime::KernelDescriptor &descriptor,
                  const std::vector<HostArgument> &arguments) {
  const OperatorHost *host = findOperatorHost(descriptor.operatorName);
  return host ? host->bytes(descriptor, arguments) : 0;
}

} // namespace mla::harness
