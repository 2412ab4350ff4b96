//===- Reference.cpp - references and counts by operator ------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "mla/Harness/Reference.h"

#include "SparsePrefill.h"

namespace mla::harness {

/// Whether `name` is plain attention, and whether with a soft cap.
static bool isDenseAttention(const std::string &name, bool &softCap) {
  softCap = name == "dense_attention_soft_cap";
  return softCap || name == "dense_attention";
}

Reference findReference(const runtime::KernelDescriptor &descriptor) {
  using Arguments = std::vector<HostArgument>;
  using Outputs = std::vector<ExpectedOutput>;
  Constants constants = descriptor.constants;
  runtime::OperatorOptions options = descriptor.options;
  if (descriptor.operatorName == "sparse_prefill")
    return [=](const Arguments &arguments, Outputs &expected) {
      return sparsePrefillReference(arguments, expected, constants, options);
    };
  bool softCap = false;
  // It has no options: with some it is another operator.
  if (isDenseAttention(descriptor.operatorName, softCap) && options.empty())
    return [=](const Arguments &arguments, Outputs &expected) {
      return denseAttentionReference(arguments, softCap, expected, constants);
    };
  return {};
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

/// The shape of a tensor of rank 3, or nothing.
static std::vector<int64_t> shapeOf(const std::vector<HostArgument> &arguments,
                                    const char *name) {
  const HostArgument *argument = findArgument(arguments, name);
  return argument && argument->isTensor && argument->tensor.rank() == 3
             ? argument->tensor.shape
             : std::vector<int64_t>();
}

/// The product of each query with each key, and of each weight with each value.
static double denseAttentionFlops(const std::vector<HostArgument> &arguments) {
  std::vector<int64_t> q = shapeOf(arguments, "q"), k = shapeOf(arguments, "k"),
                       v = shapeOf(arguments, "v");
  if (q.empty() || k.empty() || v.empty())
    return 0;
  return 2.0 * static_cast<double>(q[0]) * static_cast<double>(q[1]) *
         static_cast<double>(k[1]) * static_cast<double>(q[2] + v[2]);
}

double countFlops(const std::string &operatorName,
                  const std::vector<HostArgument> &arguments) {
  bool softCap = false;
  if (isDenseAttention(operatorName, softCap))
    return denseAttentionFlops(arguments);
  SparsePrefillView view;
  if (operatorName != "sparse_prefill" ||
      !SparsePrefillView::create(arguments, view).ok())
    return 0;
  return 2.0 * static_cast<double>(view.queries) *
         static_cast<double>(view.heads) * static_cast<double>(view.topk) *
         static_cast<double>(view.qkSize + view.vSize);
}

/// Bytes of all tensors but the one called `except`.
static int64_t bytesOf(const std::vector<HostArgument> &arguments,
                       const char *except) {
  int64_t bytes = 0;
  for (const HostArgument &argument : arguments)
    if (argument.isTensor && argument.name != except)
      bytes +=
          argument.tensor.elements() * runtime::itemSize(argument.tensor.dtype);
  return bytes;
}

double countBytes(const std::string &operatorName,
                  const std::vector<HostArgument> &arguments) {
  bool softCap = false;
  if (isDenseAttention(operatorName, softCap))
    return static_cast<double>(bytesOf(arguments, ""));
  SparsePrefillView view;
  if (operatorName != "sparse_prefill" ||
      !SparsePrefillView::create(arguments, view).ok())
    return 0;
  int64_t rows =
      view.countValid() * view.qkSize * runtime::itemSize(view.kv->dtype);
  return static_cast<double>(rows + bytesOf(arguments, "kv"));
}

} // namespace mla::harness
