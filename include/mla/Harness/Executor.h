//===- Executor.h - what runs a kernel on host arrays -----------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef MLA_HARNESS_EXECUTOR_H
#define MLA_HARNESS_EXECUTOR_H

#include "mla/Harness/Reference.h"

#include <functional>
#include <memory>
#include <optional>

namespace mla::harness {

/// Runs a kernel once on arguments in host memory, writes its outputs into
/// them, and stores the milliseconds that the kernel itself took.
using Executor =
    std::function<Status(std::vector<HostArgument> &arguments, double &ms)>;

/// A kernel to run or time. The tool's loader makes it from an operand of the
/// command line.
struct Subject {
  /// Its name in reports, e.g. the package's folder.
  std::string label;
  /// The arguments it takes. An executor other than the GPU needs
  /// `operatorName` and `arguments` with `sizeNames` only.
  runtime::KernelDescriptor descriptor;
  /// The machine code; empty if there is none.
  std::string cubin;
  /// Runs it instead of the GPU, e.g. an interpreter of the IR. `run` uses it;
  /// `bench` times the GPU only.
  Executor executor;
  /// Bytes that its arguments may take; default: InputOptions::memoryLimit.
  std::optional<uint64_t> memoryLimit;
  /// Replaces the reference of the operator.
  Reference reference;
};

} // namespace mla::harness

#endif // MLA_HARNESS_EXECUTOR_H
