//===- KernelSequence.h - the kernels of a program on the CPU ---*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef MLA_EXECUTORS_KERNELSEQUENCE_H
#define MLA_EXECUTORS_KERNELSEQUENCE_H

#include "mla/Harness/HostTensor.h"
#include "mla/Interpreter/Interpreter.h"
#include "mlir/IR/BuiltinOps.h"

namespace mla {

/// The kernels of a program in order, each with its arguments: those of the
/// program and workspaces, matched by name. A workspace that one kernel writes
/// is the input of the next.
class KernelSequence {
public:
  struct Step {
    mlir::func::FuncOp kernel;
    std::vector<interp::Argument> arguments;
  };

  KernelSequence() = default;
  KernelSequence(const KernelSequence &) = delete;
  KernelSequence &operator=(const KernelSequence &) = delete;

  /// `descriptor` has to be that of `module`, and `arguments` those of
  /// `descriptor`. Both have to outlive the sequence. Allocates the workspaces
  /// for a device of `sms` SMs.
  harness::Status create(mlir::ModuleOp module,
                         const runtime::KernelDescriptor &descriptor,
                         std::vector<harness::HostArgument> &arguments,
                         int64_t sms);

  /// Fills the workspaces with poison and marks them as not written.
  void resetWorkspaces();
  uint64_t workspaceBytes() const;
  const std::vector<Step> &steps() const { return sequence; }

private:
  harness::Status
  makeWorkspaces(const runtime::KernelDescriptor &descriptor,
                 const std::vector<harness::HostArgument> &arguments,
                 int64_t sms);

  std::vector<harness::HostArgument> workspaces;
  std::vector<llvm::BitVector> written;
  std::vector<Step> sequence;
};
} // namespace mla

#endif // MLA_EXECUTORS_KERNELSEQUENCE_H
