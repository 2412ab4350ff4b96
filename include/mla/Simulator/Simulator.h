//===- Simulator.h - runs CTA programs on the CPU ---------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// Executes a verified `cta` program (the IR after --mla-verify-async) with the
// asynchronous rules of an sm_90 SM enforced: every role advances on its own,
// copies and MMAs take effect at any legal moment, and each access to shared
// memory is checked against happens-before (vector clocks of warps and of the
// copy and MMA queues). docs/Testing.md lists the rules.
//
// Arithmetic: as Interpreter.h; an MMA sums k ascending, each product and each
// sum rounded to fp32. The result does not depend on seed, timing or number of
// threads.
//
//===----------------------------------------------------------------------===//

#ifndef MLA_SIMULATOR_SIMULATOR_H
#define MLA_SIMULATOR_SIMULATOR_H

#include "mla/Interpreter/Interpreter.h"
#include "mla/Simulator/Trace.h"
#include <functional>

namespace mla::sim {

/// When asynchronous ops take effect, and which role runs next.
enum class Timing {
  /// At any legal moment, drawn from Options::seed.
  Random,
  /// At issue; roles run as far as they can.
  Earliest,
  /// Only when every role waits or polls.
  Latest,
  /// At the times of the cost model (CycleModel.h): for traces.
  Modelled
};

struct Options {
  Timing timing = Timing::Random;
  uint64_t seed = 0;
  /// Threads that share the clusters of the grid; 0 means one per core.
  unsigned threads = 1;
  /// Ops that one CTA may execute in all its roles; 0 for no limit.
  uint64_t stepLimit = 100'000'000;
  /// Bytes that the simulator may allocate for the state of the machine, and
  /// how many of them the caller has already used; 0 for no limit.
  uint64_t memoryLimit = uint64_t(4) << 30;
  uint64_t memoryTaken = 0;
  /// Receives the events of the first cluster of the grid; null for none. With
  /// Timing::Modelled, in cycles; otherwise in scheduler steps.
  Trace *trace = nullptr;
  /// The value of tile.sm_count.
  int64_t sms = kDefaultSms;
  /// Runs only the first cluster, where clusters do not depend on each other:
  /// for traces. Outputs may then be unwritten.
  bool firstClusterOnly = false;
  /// Called with the number of CTAs that have run and of all, by the threads
  /// that run them.
  std::function<void(uint64_t done, uint64_t total)> progress = nullptr;
};

/// Runs `function`. On failure a diagnostic stands at the op at fault, with a
/// note at the op that it conflicts with; both name role and iteration. Arrays
/// may then be partly written. Reports IR of another level than a verified
/// `cta` program, a rule that is broken, a deadlock (what each role waits for),
/// an output that is left unwritten, an element of a workspace that is read and
/// that no kernel has written, and limits exceeded.
mlir::LogicalResult simulate(mlir::func::FuncOp function,
                             llvm::ArrayRef<interp::Argument> arguments,
                             const Options &options = {});

} // namespace mla::sim

#endif // MLA_SIMULATOR_SIMULATOR_H
