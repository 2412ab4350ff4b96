//===- SimulatorFlags.h - the options of `run --device=sim` -----*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef MLA_TOOLS_MLAJIT_SIMULATORFLAGS_H
#define MLA_TOOLS_MLAJIT_SIMULATORFLAGS_H

#include "mla/Executors/SimulatorExecutor.h"

/// The options of `run --device=sim`.
struct SimulatorFlags {
  mla::SimulatorExecutorOptions executor;
  bool timingGiven = false;
  /// Bytes that the arguments and the simulator may take together.
  std::optional<uint64_t> memoryLimit;
  /// File for a Chrome trace; empty for none.
  std::string trace;
  /// An option given that other devices do not have; empty if none is.
  std::string given;

  SimulatorFlags() { executor.simulator.threads = 0; }

  /// Takes `word` if it is one of them; sets `error` if it is malformed.
  bool parse(llvm::StringRef word, std::string &error);

  /// How to run on the simulator; writes the trace to its file.
  mla::SimulatorExecutorOptions makeExecutorOptions() const;

  static constexpr llvm::StringLiteral kHelp =
      R"(  --seeds=N              simulator: repeat under N interleavings, which have to
                         agree to the bit (default 1)
  --timing=NAME          simulator: random (default), earliest, latest or modelled
  --step-limit=N         simulator: ops a CTA may execute (0: no limit)
  --memory-limit=N       bytes that the arguments and the simulator may take
                         together (default: the machine's memory for the
                         arguments, 4 GiB for the simulator; 0: no limit)
  --trace=FILE.json      simulator: write a trace of the first cluster, in cycles
                         of a cost model, that Perfetto opens
)";
};

#endif // MLA_TOOLS_MLAJIT_SIMULATORFLAGS_H
