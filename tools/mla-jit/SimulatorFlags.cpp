//===- SimulatorFlags.cpp - the options of `run --device=sim` -------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "SimulatorFlags.h"
#include "mla/Explain/Explain.h"
#include "mla/Support/Files.h"
#include <iostream>

using namespace mla;

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
    number(executor.seeds);
    if (error.empty() && !executor.seeds)
      error = "expected --seeds=N with N >= 1, got '" + word.str() + "'";
    return true;
  }
  if (name == "--step-limit")
    return number(executor.simulator.stepLimit);
  if (name == "--memory-limit") {
    number(executor.simulator.memoryLimit);
    // For the harness 0 is a limit.
    uint64_t limit = executor.simulator.memoryLimit;
    memoryLimit = limit ? limit : UINT64_MAX;
    executor.countArguments = true;
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
    executor.simulator.timing = sim::Timing::Random;
  else if (value == "earliest")
    executor.simulator.timing = sim::Timing::Earliest;
  else if (value == "latest")
    executor.simulator.timing = sim::Timing::Latest;
  else if (value == "modelled")
    executor.simulator.timing = sim::Timing::Modelled;
  else
    error = "expected --timing=random, earliest, latest or modelled, got '" +
            word.str() + "'";
  return true;
}

SimulatorExecutorOptions SimulatorFlags::makeExecutorOptions() const {
  SimulatorExecutorOptions made = executor;
  made.progress = &std::cerr;
  if (timingGiven)
    made.traceTiming = executor.simulator.timing;
  if (trace.empty())
    return made;
  made.takeTraces = [path = trace](llvm::ArrayRef<sim::Trace> traces) {
    llvm::Error error = writeOutput(path, [&](llvm::raw_ostream &os) {
      explain::writeChromeTrace(traces, os);
    });
    return error ? harness::Status(MLA_NOT_FOUND,
                                   llvm::toString(std::move(error)))
                 : harness::Status();
  };
  return made;
}
