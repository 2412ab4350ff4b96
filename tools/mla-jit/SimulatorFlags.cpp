//===- SimulatorFlags.cpp - the options of `run --device=sim` -------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "SimulatorFlags.h"
#include "mla/Explain/Explain.h"
#include "mla/Support/Files.h"

using namespace mla;

cli::Read SimulatorFlags::take(const std::string &name, cli::Read read) {
  return [this, name, read](const std::string &value) {
    given = name;
    return read(value);
  };
}

void SimulatorFlags::declare(cli::Command &command) {
  command.group("Simulator (--device sim)");
  command.option(
      "--seeds", "N",
      take("--seeds", cli::readInteger(executor.seeds, 1,
                                       std::numeric_limits<int32_t>::max())),
      "run N interleavings, whose outputs have to be the same bits (default "
      "1)");
  // In the order of sim::Timing.
  std::vector<std::string> timings = {"random", "earliest", "latest",
                                      "modelled"};
  command
      .option("--timing", "NAME",
              take("--timing", cli::readWord(timings,
                                             [this](size_t index) {
                                               timingGiven = true;
                                               executor.simulator.timing =
                                                   sim::Timing(index);
                                             })),
              "when asynchronous work completes: random (default), earliest, "
              "latest, or modelled (a cost model)")
      .offer(timings);
  command.option(
      "--step-limit", "N",
      take("--step-limit", cli::readInteger(executor.simulator.stepLimit, 0)),
      "ops that a CTA may execute (0: no limit)");
  command.option(
      "--memory-limit", "BYTES",
      [this](const std::string &value) {
        int64_t limit = 0;
        std::string fault = cli::readInteger(limit, 0)(value);
        executor.simulator.memoryLimit = limit;
        executor.countArguments = true;
        // For the harness 0 is a limit.
        memoryLimit = limit ? limit : UINT64_MAX;
        return fault;
      },
      "bytes that the arguments and the simulator may take together "
      "(default: the machine's memory for the arguments, 4 GiB for "
      "the simulator; 0: no limit)");
  command
      .option("--trace", "FILE.json", take("--trace", cli::readText(trace)),
              "write a trace of the first cluster, in cycles of a cost model, "
              "for Perfetto")
      .offerFiles();
}

SimulatorExecutorOptions SimulatorFlags::makeExecutorOptions() const {
  SimulatorExecutorOptions made = executor;
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
