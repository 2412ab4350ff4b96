//===- Work.h - FLOPs and bytes of a kernel ---------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// Counted from a trace: the executions of each op, times the FLOPs and bytes of
// one execution by the op's types. Rows that pad a tile are included.
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
  /// Bytes that the grid moves, and the least number of distinct ones.
  double gridBytes = 0, distinctBytes = 0;
};

struct Work {
  /// Of the traced cluster.
  double flops = 0, specials = 0, sharedBytes = 0, globalBytes = 0;
  std::vector<ArgumentTraffic> arguments;
  /// Of the grid: every cluster is assumed to do the same as the traced one.
  double clusters = 0;
  double gridFlops() const { return flops * clusters; }
  double gridGlobalBytes() const { return globalBytes * clusters; }
  double gridDistinctBytes() const;
};

/// `sizes` are those of the whole problem; the trace may be of a smaller grid.
Work countWork(const Kernel &kernel, const sim::Trace &trace,
               const Sizes &sizes);

/// The work of one execution of `op`: "64×256×64: 2.1 MFLOP", "73.7 kB"; empty
/// if none is counted.
std::string describeWork(mlir::Operation *op);

/// A lower bound of one CTA's time by one resource of the SM.
struct Bound {
  std::string resource;
  /// Of one CTA, in `unit`.
  double amount;
  std::string unit;
  /// In `unit` per cycle, and which rate that is.
  double perCycle;
  std::string note;

  double cycles() const { return amount / perCycle; }
};

/// The tensor core first.
std::vector<Bound> listBounds(const Kernel &kernel, const Work &work,
                              const GpuRates &machine);

/// CTAs resident on an SM, limited by shared memory and registers.
int64_t countResidentCTAs(const Kernel &kernel, const GpuRates &machine);

/// Modelled seconds of the grid: full waves of CTAs that take `cycles` each.
double modelSeconds(const Kernel &kernel, const Work &work, double cycles,
                    const GpuRates &machine);

} // namespace mla::explain

#endif // MLA_EXPLAIN_WORK_H
