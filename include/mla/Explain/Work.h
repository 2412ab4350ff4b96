//===- Work.h - what a kernel computes and moves ----------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// Counted, not assumed: each op that a trace executed, times what the op does
// by its types. Rows that a tile pads count like all others.
//
//===----------------------------------------------------------------------===//

#ifndef MLA_EXPLAIN_WORK_H
#define MLA_EXPLAIN_WORK_H

#include "mla/Explain/Kernel.h"
#include "mla/Simulator/Trace.h"
#include "mla/Tuning/GpuRates.h"

namespace mla::explain {

/// Traffic with one argument of the function.
struct ArgumentTraffic {
  std::string name;
  bool written = false;
  /// Bytes that one cluster moves.
  double clusterBytes = 0;
  /// Bytes that all of the grid moves, and how many of them at least differ.
  double gridBytes = 0, distinctBytes = 0;
};

struct Work {
  /// Of the traced cluster.
  double flops = 0, specials = 0, sharedBytes = 0, globalBytes = 0;
  std::vector<ArgumentTraffic> arguments;
  /// Of the grid, in which every cluster is taken to do as the traced one.
  double clusters = 0;
  double gridFlops() const { return flops * clusters; }
  double gridGlobalBytes() const { return globalBytes * clusters; }
  double gridDistinctBytes() const;
};

/// `sizes` are those of the whole problem; the trace may be of a smaller grid.
Work countWork(const Kernel &kernel, const sim::Trace &trace,
               const Sizes &sizes);

/// What one execution of `op` is worth: "64×256×64: 2.1 MFLOP", "73.7 kB";
/// empty if it is not counted.
std::string describeWork(mlir::Operation *op);

/// What one resource needs at least.
struct Need {
  std::string resource;
  /// "285 MFLOP", "4,096 FLOP/clock, dense bf16".
  std::string amount, limit;
  /// For one CTA, while all SMs do the same.
  double cycles = 0;
};

/// The tensor core first.
std::vector<Need> listNeeds(const Kernel &kernel, const Work &work,
                            const GpuRates &machine);

/// CTAs that an SM holds at a time, by shared memory and registers.
int64_t countResidentCTAs(const Kernel &kernel, const GpuRates &machine);

/// Seconds of the grid by the model: full waves of CTAs that take `cycles`.
double modelSeconds(const Kernel &kernel, const Work &work, double cycles,
                    const GpuRates &machine);

} // namespace mla::explain

#endif // MLA_EXPLAIN_WORK_H
