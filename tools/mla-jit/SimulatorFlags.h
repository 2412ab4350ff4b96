//===- SimulatorFlags.h - the options of `run --device=sim` -----*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef MLA_TOOLS_MLAJIT_SIMULATORFLAGS_H
#define MLA_TOOLS_MLAJIT_SIMULATORFLAGS_H

#include "mla/CommandLine/CommandLine.h"
#include "mla/Executors/SimulatorExecutor.h"

namespace mla {

struct SimulatorFlags {
  SimulatorExecutorOptions executor;
  bool timingGiven = false;
  /// Bytes that the arguments and the simulator may take together.
  std::optional<uint64_t> memoryLimit;
  /// File for a Chrome trace; empty for none.
  std::string trace;
  /// An option given that other devices do not have; empty if none is.
  std::string given;

  SimulatorFlags() { executor.simulator.threads = 0; }
  SimulatorFlags(const SimulatorFlags &) = delete;

  /// Declares the options, which store here.
  void declare(cli::Command &command);

  /// How to run on the simulator; writes the trace to its file.
  SimulatorExecutorOptions makeExecutorOptions() const;

private:
  cli::Read take(const std::string &name, cli::Read read);
};

} // namespace mla

#endif // MLA_TOOLS_MLAJIT_SIMULATORFLAGS_H
