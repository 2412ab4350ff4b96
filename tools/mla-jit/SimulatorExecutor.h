//===- SimulatorExecutor.h - run a CTA program on the CPU -------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef MLA_TOOLS_MLAJIT_SIMULATOREXECUTOR_H
#define MLA_TOOLS_MLAJIT_SIMULATOREXECUTOR_H

#include "mla/Harness/Executor.h"
#include "mla/Simulator/Simulator.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"

/// The options of `run --device=sim`.
struct SimulatorFlags {
  mla::sim::Options options;
  bool timingGiven = false;
  /// How many interleavings to try; their results must be the same bits.
  unsigned seeds = 1;
  /// Bytes that the arguments and the simulator may take together.
  std::optional<uint64_t> memoryLimit;
  /// File for a Chrome trace; empty for none.
  std::string trace;
  /// An option that says nothing to other devices; empty if none is given.
  std::string given;

  SimulatorFlags() { options.threads = 0; }

  /// Takes `word` if it is one of them; sets `error` if it is malformed.
  bool parse(llvm::StringRef word, std::string &error);
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

/// Runs the verified cta program in `module`. Errors are diagnostics of the
/// module's context.
mla::harness::Executor
makeSimulatorExecutor(std::shared_ptr<mlir::OwningOpRef<mlir::ModuleOp>> module,
                      const mla::runtime::KernelDescriptor &descriptor,
                      const SimulatorFlags &flags);

#endif // MLA_TOOLS_MLAJIT_SIMULATOREXECUTOR_H
