//===- SimulatorExecutor.cpp - run a CTA program on the CPU -----*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "mla/Executors/SimulatorExecutor.h"
#include "mla/Executors/KernelSequence.h"
#include "mla/Harness/Progress.h"
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>

using namespace mla;
using namespace mla::harness;

namespace {
/// The outputs' bytes.
using Outputs = std::vector<std::vector<std::byte>>;

/// Reports progress at a terminal once a run takes over two seconds.
class RunProgress {
public:
  explicit RunProgress(std::ostream *err) {
    if (!err)
      return;
    line.emplace(*err, /*always=*/false);
    if (line->isShown())
      thread = std::thread([this] { report(); });
  }
  ~RunProgress() {
    {
      std::lock_guard<std::mutex> lock(mutex);
      stopped = true;
    }
    changed.notify_all();
    if (thread.joinable())
      thread.join();
  }

  /// Sets the text behind "simulating": ", seed 2 of 8".
  void enter(const std::string &what) {
    std::lock_guard<std::mutex> lock(mutex);
    step = what;
    done = total = 0;
  }
  void update(uint64_t doneNow, uint64_t totalNow) {
    std::lock_guard<std::mutex> lock(mutex);
    done = std::max(done, doneNow);
    total = totalNow;
  }
  /// Removes the line, before something else is printed.
  void clear() {
    std::lock_guard<std::mutex> lock(mutex);
    if (line)
      line->clear();
  }

private:
  static constexpr std::chrono::milliseconds kPatience{2000}, kInterval{200};

  void report() {
    auto start = std::chrono::steady_clock::now();
    auto isStopped = [this] { return stopped; };
    std::unique_lock<std::mutex> lock(mutex);
    changed.wait_for(lock, kPatience, isStopped);
    while (!stopped) {
      std::string text = "simulating" + step;
      if (total)
        text += ", " + std::to_string(done) + " of " + std::to_string(total) +
                " CTAs";
      auto spent = std::chrono::steady_clock::now() - start;
      auto seconds = std::chrono::duration_cast<std::chrono::seconds>(spent);
      line->show(text + ", " + std::to_string(seconds.count()) + " s");
      changed.wait_for(lock, kInterval, isStopped);
    }
    line->clear();
  }

  std::optional<harness::Progress> line;
  std::thread thread;
  std::mutex mutex;
  std::condition_variable changed;
  bool stopped = false;
  std::string step;
  uint64_t done = 0, total = 0;
};
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
  sequence.resetWorkspaces();
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
  RunProgress progress(how.progress);
  mlir::ScopedDiagnosticHandler clearFirst(module.getContext(),
                                           [&](mlir::Diagnostic &) {
                                             progress.clear();
                                             return mlir::failure();
                                           });
  for (unsigned seed = 0; seed < how.seeds; ++seed) {
    sim::Options options = how.simulator;
    options.seed += seed;
    if (how.countArguments)
      options.memoryTaken = countBytes(arguments) + sequence.workspaceBytes();
    if (how.seeds > 1)
      progress.enter(", seed " + std::to_string(seed + 1) + " of " +
                     std::to_string(how.seeds));
    options.progress = [&](uint64_t done, uint64_t total) {
      progress.update(done, total);
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
