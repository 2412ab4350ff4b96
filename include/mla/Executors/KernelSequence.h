//===- KernelSequence.h - the kernels of a program on the CPU ---*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef MLA_EXECUTORS_KERNELSEQUENCE_H
#define MLA_EXECUTORS_KERNELSEQUENCE_H

#include "mla/Harness/HostTensor.h"
#include "mla/Interpreter/Interpreter.h"
#include "mlir/IR/BuiltinOps.h"
#include "llvm/ADT/StringMap.h"

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

  /// Fills the workspaces with poison, and marks them and the outputs that
  /// several kernels write as not written.
  void reset();
  /// An error for the first element of such an output that none of the kernels
  /// has written. The simulator checks the other outputs.
  harness::Status checkWritten() const;
  uint64_t workspaceBytes() const;
  const std::vector<Step> &steps() const { return sequence; }

private:
  harness::Status
  makeWorkspaces(const runtime::KernelDescriptor &descriptor,
                 const std::vector<harness::HostArgument> &arguments,
                 int64_t sms);

  /// Gives the outputs that several kernels write a flag per element.
  void trackSharedOutputs(mlir::ModuleOp module,
                          const std::vector<harness::HostArgument> &arguments,
                          llvm::StringMap<interp::Argument> &byName);

  /// Outputs that several kernels write.
  struct SharedOutput {
    const harness::HostArgument *argument;
    std::unique_ptr<llvm::BitVector> written;
  };
  std::vector<SharedOutput> outputs;
  std::vector<harness::HostArgument> workspaces;
  std::vector<llvm::BitVector> written;
  std::vector<Step> sequence;
};
} // namespace mla

#endif // MLA_EXECUTORS_KERNELSEQUENCE_H
