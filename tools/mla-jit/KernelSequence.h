//===- KernelSequence.h - the kernels of a program on the CPU ---*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef MLA_TOOLS_MLAJIT_KERNELSEQUENCE_H
#define MLA_TOOLS_MLAJIT_KERNELSEQUENCE_H

#include "mla/Harness/HostTensor.h"
#include "mla/Interpreter/Interpreter.h"
#include "mlir/IR/BuiltinOps.h"

/// The functions of a module in order, and what each runs on: arguments of the
/// program and workspaces, found by their names.
class KernelSequence {
public:
  struct Step {
    mlir::func::FuncOp kernel;
    std::vector<mla::interp::Argument> arguments;
  };

  KernelSequence() = default;
  KernelSequence(const KernelSequence &) = delete;
  KernelSequence &operator=(const KernelSequence &) = delete;

  /// `arguments` are those of `descriptor`, which has to be that of `module`,
  /// and must outlive the sequence. Makes the workspaces for a device of `sms`
  /// SMs.
  mla::harness::Status
  create(mlir::ModuleOp module,
         const mla::runtime::KernelDescriptor &descriptor,
         std::vector<mla::harness::HostArgument> &arguments, int64_t sms);

  /// Forgets what is in the workspaces: they hold poison, as at the beginning.
  void resetWorkspaces();
  uint64_t workspaceBytes() const;
  const std::vector<Step> &steps() const { return sequence; }

private:
  mla::harness::Status
  makeWorkspaces(const mla::runtime::KernelDescriptor &descriptor,
                 const std::vector<mla::harness::HostArgument> &arguments,
                 int64_t sms);

  std::vector<mla::harness::HostArgument> workspaces;
  std::vector<llvm::BitVector> written;
  std::vector<Step> sequence;
};

#endif // MLA_TOOLS_MLAJIT_KERNELSEQUENCE_H
