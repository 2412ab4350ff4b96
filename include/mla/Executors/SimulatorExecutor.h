//===- SimulatorExecutor.h - run a CTA program on the CPU -------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef MLA_EXECUTORS_SIMULATOREXECUTOR_H
#define MLA_EXECUTORS_SIMULATOREXECUTOR_H

#include "mla/Harness/Executor.h"
#include "mla/Simulator/Simulator.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"

namespace mla {

struct SimulatorExecutorOptions {
  /// Of each kernel. The executor sets `seed`, `memoryTaken`, `progress` and
  /// `trace`.
  sim::Options simulator;
  /// Number of interleavings to run; their outputs have to be the same bits.
  unsigned seeds = 1;
  /// Whether the arguments and workspaces count towards
  /// `simulator.memoryLimit`.
  bool countArguments = false;
  /// If set, kernels of the first interleaving are traced under `traceTiming`.
  /// It receives one trace for each kernel, in the order of the program.
  std::function<harness::Status(llvm::ArrayRef<sim::Trace>)> takeTraces;
  sim::Timing traceTiming = sim::Timing::Modelled;
};

/// Runs the kernels of the verified cta program `module` one after another.
/// Errors are diagnostics of the module's context.
harness::Executor
makeSimulatorExecutor(std::shared_ptr<mlir::OwningOpRef<mlir::ModuleOp>> module,
                      const runtime::KernelDescriptor &descriptor,
                      const SimulatorExecutorOptions &options);

} // namespace mla

#endif // MLA_EXECUTORS_SIMULATOREXECUTOR_H
