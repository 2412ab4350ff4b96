//===- SimulatorExecutor.cpp - run a CTA program on the CPU -----*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "SimulatorExecutor.h"
#include "InterpreterExecutor.h"
#include "mla/Explain/Explain.h"
#include "mla/Support/Files.h"
#include <chrono>

using namespace mla;
using namespace mla::harness;

bool SimulatorFlags::parse(llvm::StringRef word, std::string &error) {
  auto [name, value] = word.split('=');
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

static Status simulate(mlir::ModuleOp module, const SimulatorFlags &flags,
                       std::vector<HostArgument> &arguments) {
  auto functions = module.getOps<mlir::func::FuncOp>();
  if (functions.empty())
    return Status(MLA_INVALID_ARGUMENT,
                  "expected a function of level cta or above, got none");
  mlir::func::FuncOp function = *functions.begin();
  Outputs before = copyOutputs(arguments), first;
  uint64_t argumentBytes = 0;
  if (flags.memoryLimit)
    for (const HostArgument &argument : arguments)
      argumentBytes += argument.tensor.storage.size();
  for (unsigned seed = 0; seed < flags.seeds; ++seed) {
    sim::Options options = flags.options;
    options.seed += seed;
    options.memoryTaken = argumentBytes;
    sim::Trace trace;
    if (!flags.trace.empty() && seed == 0) {
      options.trace = &trace;
      if (!flags.timingGiven)
        options.timing = sim::Timing::Modelled;
    }
    restoreOutputs(arguments, before);
    if (mlir::failed(sim::simulate(
            function, makeInterpreterArguments(arguments), options)))
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
                      const SimulatorFlags &flags) {
  return [module, flags](std::vector<HostArgument> &arguments, double &ms) {
    auto start = std::chrono::steady_clock::now();
    Status status = simulate(**module, flags, arguments);
    ms = std::chrono::duration<double, std::milli>(
             std::chrono::steady_clock::now() - start)
             .count();
    return status;
  };
}
