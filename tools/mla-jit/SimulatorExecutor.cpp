//===- SimulatorExecutor.cpp - run a CTA program on the CPU -----*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "SimulatorExecutor.h"
#include "InterpreterExecutor.h"
#include "KernelSequence.h"
#include "mla/Explain/Explain.h"
#include "mla/Harness/Progress.h"
#include "mla/Support/Files.h"
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>

using namespace mla;
using namespace mla::harness;

bool SimulatorFlags::parse(llvm::StringRef word, std::string &error) {
  auto [name, value] = word.split('=');
  if (llvm::is_contained({"--seeds", "--timing", "--step-limit", "--trace"},
                         name))
    given = name.str();
  auto number = [&, name = name, value = value](auto &out) {
    if (value.getAsInteger(10, out))
      error = ("expected " + name + "=N, got '" + word + "'").str();
    return true;
  };
  if (name == "--seeds") {
    number(seeds);
    if (error.empty() && !seeds)
      error = "expected --seeds=N with N >= 1, got '" + word.str() + "'";
    return true;
  }
  if (name == "--step-limit")
    return number(options.stepLimit);
  if (name == "--memory-limit") {
    number(options.memoryLimit);
    // Of the arguments, 0 would be a limit.
    memoryLimit = options.memoryLimit ? options.memoryLimit : UINT64_MAX;
    return true;
  }
  if (name == "--trace") {
    trace = value.str();
    if (trace.empty())
      error = "expected --trace=FILE.json, got '" + word.str() + "'";
    return true;
  }
  if (name != "--timing")
    return false;
  timingGiven = true;
  if (value == "random")
    options.timing = sim::Timing::Random;
  else if (value == "earliest")
    options.timing = sim::Timing::Earliest;
  else if (value == "latest")
    options.timing = sim::Timing::Latest;
  else if (value == "modelled")
    options.timing = sim::Timing::Modelled;
  else
    error = "expected --timing=random, earliest, latest or modelled, got '" +
            word.str() + "'";
  return true;
}

namespace {
/// The outputs' bytes.
using Outputs = std::vector<std::vector<std::byte>>;

/// Says how far a run is to somebody who waits for it: at a terminal, from two
/// seconds on.
class RunProgress {
public:
  RunProgress() : line(std::cerr, /*always=*/false) {
    if (line.isShown())
      thread = std::thread([this] { tell(); });
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

  /// What is run now: "seed 2 of 8".
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
  /// Leaves the terminal to what is printed next.
  void clear() {
    std::lock_guard<std::mutex> lock(mutex);
    line.clear();
  }

private:
  static constexpr std::chrono::milliseconds kPatience{2000}, kInterval{200};

  void tell() {
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
      line.show(text + ", " + std::to_string(seconds.count()) + " s");
      changed.wait_for(lock, kInterval, isStopped);
    }
    line.clear();
  }

  harness::Progress line;
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

static Status writeTrace(const std::string &path, const sim::Trace &trace) {
  if (llvm::Error error = writeOutput(path, [&](llvm::raw_ostream &os) {
        explain::writeChromeTrace(trace, os);
      }))
    return Status(MLA_NOT_FOUND, llvm::toString(std::move(error)));
  return Status();
}

static Status simulate(mlir::ModuleOp module,
                       const runtime::KernelDescriptor &descriptor,
                       const SimulatorFlags &flags,
                       std::vector<HostArgument> &arguments) {
  KernelSequence sequence;
  MLA_RETURN_IF_ERROR(
      sequence.create(module, descriptor, arguments, flags.options.sms));
  size_t kernels = sequence.steps().size();
  if (kernels == 0)
    return Status(MLA_INVALID_ARGUMENT,
                  "expected a function of level cta or above, got none");
  if (!flags.trace.empty() && kernels > 1)
    return Status(MLA_INVALID_ARGUMENT,
                  "option '--trace': expected a program of one kernel, got " +
                      std::to_string(kernels));
  Outputs before = copyOutputs(arguments), first;
  uint64_t argumentBytes = 0;
  if (flags.memoryLimit)
    for (const HostArgument &argument : arguments)
      argumentBytes += argument.tensor.storage.size();
  if (flags.memoryLimit)
    argumentBytes += sequence.workspaceBytes();
  RunProgress progress;
  mlir::ScopedDiagnosticHandler clearFirst(module.getContext(),
                                           [&](mlir::Diagnostic &) {
                                             progress.clear();
                                             return mlir::failure();
                                           });
  for (unsigned seed = 0; seed < flags.seeds; ++seed) {
    sim::Options options = flags.options;
    options.seed += seed;
    options.memoryTaken = argumentBytes;
    if (flags.seeds > 1)
      progress.enter(", seed " + std::to_string(seed + 1) + " of " +
                     std::to_string(flags.seeds));
    options.progress = [&](uint64_t done, uint64_t total) {
      progress.update(done, total);
    };
    sim::Trace trace;
    if (!flags.trace.empty() && seed == 0) {
      options.trace = &trace;
      if (!flags.timingGiven)
        options.timing = sim::Timing::Modelled;
    }
    restoreOutputs(arguments, before);
    sequence.resetWorkspaces();
    for (const KernelSequence::Step &step : sequence.steps())
      if (mlir::failed(sim::simulate(step.kernel, step.arguments, options)))
        return Status(MLA_INVALID_ARGUMENT, "the simulator stopped (seed " +
                                                std::to_string(seed) + ")");
    if (options.trace)
      if (Status status = writeTrace(flags.trace, trace); !status.ok())
        return status;
    if (seed == 0)
      first = copyOutputs(arguments);
    else if (copyOutputs(arguments) != first)
      return Status(MLA_INVALID_ARGUMENT, "seeds 0 and " +
                                              std::to_string(seed) +
                                              " give different results");
  }
  return Status();
}

Executor
makeSimulatorExecutor(std::shared_ptr<mlir::OwningOpRef<mlir::ModuleOp>> module,
                      const runtime::KernelDescriptor &descriptor,
                      const SimulatorFlags &flags) {
  return [module, descriptor, flags](std::vector<HostArgument> &arguments,
                                     double &ms) {
    auto start = std::chrono::steady_clock::now();
    Status status = simulate(**module, descriptor, flags, arguments);
    ms = std::chrono::duration<double, std::milli>(
             std::chrono::steady_clock::now() - start)
             .count();
    return status;
  };
}
