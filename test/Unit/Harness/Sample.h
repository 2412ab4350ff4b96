//===- Sample.h - a sparse_prefill kernel for the tests ---------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef MLA_TEST_UNIT_HARNESS_SAMPLE_H
#define MLA_TEST_UNIT_HARNESS_SAMPLE_H

#include "mla/Harness/Inputs.h"
#include "mla/Harness/Reference.h"

#include <gtest/gtest.h>

namespace mla::harness {

inline void addTensor(runtime::KernelDescriptor &descriptor,
                      const std::string &name, mlaDType dtype,
                      const std::vector<std::string> &shape,
                      mlaAccess access = MLA_READ) {
  runtime::ArgumentDescriptor argument;
  argument.name = name;
  argument.dtype = dtype;
  argument.access = access;
  argument.alignment = runtime::itemSize(dtype);
  for (const std::string &size : shape) {
    argument.shape.push_back(descriptor.namedSize(size));
    argument.strides.push_back(std::nullopt);
  }
  argument.strides.back() = 1;
  descriptor.arguments.push_back(argument);
}

/// Every size is a run-time size, so that tests can be tiny.
inline runtime::KernelDescriptor sparsePrefillDescriptor(bool optional = true) {
  runtime::KernelDescriptor d;
  d.operatorName = "sparse_prefill";
  d.kernels.emplace_back().symbol = "sparse_prefill";
  addTensor(d, "q", MLA_BF16, {"s_q", "h_q", "d_qk"});
  addTensor(d, "kv", MLA_BF16, {"s_kv", "h_kv", "d_qk"});
  addTensor(d, "indices", MLA_I32, {"s_q", "h_kv", "topk"});
  if (optional) {
    addTensor(d, "topk_length", MLA_I32, {"s_q"});
    addTensor(d, "attn_sink", MLA_F32, {"h_q"});
  }
  runtime::ArgumentDescriptor scale;
  scale.name = "scale";
  scale.isTensor = false;
  d.arguments.push_back(scale);
  addTensor(d, "out", MLA_BF16, {"s_q", "h_q", "d_v"}, MLA_WRITE);
  addTensor(d, "max_logits", MLA_F32, {"s_q", "h_q"}, MLA_WRITE);
  addTensor(d, "lse", MLA_F32, {"s_q", "h_q"}, MLA_WRITE);
  return d;
}

inline Sizes sparsePrefillSizes() {
  return {{"s_q", 9},  {"s_kv", 40}, {"topk", 21}, {"h_q", 6},
          {"h_kv", 1}, {"d_qk", 24}, {"d_v", 17}};
}

inline std::vector<HostArgument>
makeSparsePrefill(Sizes sizes = sparsePrefillSizes(),
                  const InputOptions &options = {}, bool optional = true) {
  std::vector<HostArgument> arguments;
  Status status = makeArguments(sparsePrefillDescriptor(optional), sizes,
                                options, arguments);
  EXPECT_TRUE(status.ok()) << status.message();
  return arguments;
}

/// The outputs of the operator's reference.
inline Status
sparsePrefillReference(const std::vector<HostArgument> &arguments,
                       std::vector<ExpectedOutput> &expected,
                       const runtime::OperatorOptions &options = {}) {
  runtime::KernelDescriptor descriptor = sparsePrefillDescriptor();
  descriptor.options = options;
  return findReference(descriptor)(arguments, expected);
}

inline HostTensor &tensorOf(std::vector<HostArgument> &arguments,
                            const std::string &name) {
  return findArgument(arguments, name)->tensor;
}

inline void expectFailure(const Status &status, const std::string &part) {
  EXPECT_FALSE(status.ok());
  EXPECT_NE(status.message().find(part), std::string::npos)
      << "expected '" << part << "' in: " << status.message();
}

} // namespace mla::harness

#endif // MLA_TEST_UNIT_HARNESS_SAMPLE_H
