//===- SimulatorExecutor.cpp - run a CTA program on the CPU -----*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "mla/Executors/SimulatorExecutor.h"
#include "mla/Executors/KernelSequence.h"
#include "mla/Harness/Progress.h"
#include <atomic>
#include <chrono>

using namespace mla;
using namespace mla::harness;

namespace {
/// The outputs' bytes.
using Outputs = std::vector<std::vector<std::byte>>;
} // namespace

static Outputs copyOutputs(const std::vector<HostArgument> &arguments) {
  Outputs outputs;
  for (const HostArgument &argument : arguments)
    if (argument.isTensor && argument.access != MLA_READ) {
      const auto &bytes = argument.tensor.storage;
      outputs.emplace_back(bytes.begin(), bytes.end());
    }
  return outputs;
}

static void restoreOutputs(std::vector<HostArgument> &arguments,
                           const Outputs &outputs) {
  size_t next = 0;
  for (HostArgument &argument : arguments)
    if (argument.isTensor && argument.access != MLA_READ)
      llvm::copy(outputs[next++], argument.tensor.storage.begin());
}

static uint64_t countBytes(const std::vector<HostArgument> &arguments) {
  uint64_t bytes = 0;
  for (const HostArgument &argument : arguments)
    bytes += argument.tensor.storage.size();
  return bytes;
}

/// Runs the kernels in order. Traces them into `traces` if that is not null.
static mlir::LogicalResult runKernels(KernelSequence &sequence,
                                      sim::Options options,
                                      std::vector<sim::Trace> *traces) {
  sequence.reset();
  for (const KernelSequence::Step &step : sequence.steps()) {
    if (traces)
      options.trace = &traces->emplace_back();
    if (mlir::failed(sim::simulate(step.kernel, step.arguments, options)))
      return mlir::failure();
  }
  return mlir::success();
}

static Status simulate(mlir::ModuleOp module,
                       const runtime::KernelDescriptor &descriptor,
                       const SimulatorExecutorOptions &how,
                       std::vector<HostArgument> &arguments) {
  KernelSequence sequence;
  MLA_RETURN_IF_ERROR(
      sequence.create(module, descriptor, arguments, how.simulator.sms));
  if (sequence.steps().empty())
    return Status(MLA_INVALID_ARGUMENT,
                  "expected a function of level cta or above, got none");
  Outputs before = copyOutputs(arguments), first;
  WorkProgress progress("simulating");
  mlir::ScopedDiagnosticHandler clearFirst(module.getContext(),
                                           [](mlir::Diagnostic &) {
                                             WorkProgress::clearLine();
                                             return mlir::failure();
                                           });
  for (unsigned seed = 0; seed < how.seeds; ++seed) {
    sim::Options options = how.simulator;
    options.seed += seed;
    if (how.countArguments)
      options.memoryTaken = countBytes(arguments) + sequence.workspaceBytes();
    std::string step = how.seeds > 1 ? ", seed " + std::to_string(seed + 1) +
                                           " of " + std::to_string(how.seeds)
                                     : "";
    progress.update(step);
    // Threads report in any order.
    std::atomic<uint64_t> most{0};
    options.progress = [&](uint64_t done, uint64_t total) {
      uint64_t before = most;
      while (done > before && !most.compare_exchange_weak(before, done))
        ;
      progress.update(step + ", " + std::to_string(std::max(before, done)) +
                      " of " + std::to_string(total) + " CTAs");
    };
    std::vector<sim::Trace> traces;
    bool isTraced = how.takeTraces && seed == 0;
    if (isTraced)
      options.timing = how.traceTiming;
    restoreOutputs(arguments, before);
    if (mlir::failed(
            runKernels(sequence, options, isTraced ? &traces : nullptr)))
      return Status(MLA_INVALID_ARGUMENT, "the simulator stopped (seed " +
                                              std::to_string(seed) + ")");
    if (!options.firstClusterOnly)
      MLA_RETURN_IF_ERROR(sequence.checkWritten());
    if (isTraced)
      MLA_RETURN_IF_ERROR(how.takeTraces(traces));
    if (seed == 0)
      first = copyOutputs(arguments);
    else if (copyOutputs(arguments) != first)
      return Status(MLA_INVALID_ARGUMENT, "seeds 0 and " +
                                              std::to_string(seed) +
                                              " give different results");
  }
  return Status();
}

Executor mla::makeSimulatorExecutor(
    std::shared_ptr<mlir::OwningOpRef<mlir::ModuleOp>> module,
    const runtime::KernelDescriptor &descriptor,
    const SimulatorExecutorOptions &options) {
  return [module, descriptor, options](std::vector<HostArgument> &arguments,
                                       double &ms) {
    auto start = std::chrono::steady_clock::now();
    Status status = simulate(**module, descriptor, options, arguments);
    ms = std::chrono::duration<double, std::milli>(
             std::chrono::steady_clock::now() - start)
             .count();
    return status;
  };
}
