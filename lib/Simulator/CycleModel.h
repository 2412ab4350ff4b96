//===- CycleModel.h - cycles on sm_90 ---------------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// The costs of Timing::Modelled. They show where time goes and do not predict
// it: roles share only the tensor cores and the copy path, instructions do not
// compete for issue slots, and memory has one latency and one rate.
//
//===----------------------------------------------------------------------===//

#ifndef MLA_LIB_SIMULATOR_CYCLEMODEL_H
#define MLA_LIB_SIMULATOR_CYCLEMODEL_H

#include "mlir/IR/Operation.h"

namespace mla::sim {

struct CycleModel {
  /// Multiply-adds of bf16 per SM and cycle: the dense peak, 989 TFLOP/s over
  /// 132 SMs at 1.83 GHz.
  double multiplyAdds = 2048;
  /// Cycles from the issue of an MMA to its first result.
  double mmaLatency = 32;
  /// fp32 operations, and results of the special function unit (exp2, log2,
  /// division), per SM and cycle.
  double floatOps = 128;
  double specialOps = 16;
  /// Bytes per cycle between shared memory and registers or MMAs.
  double sharedBytes = 128;
  /// A copy: cycles from issue to the first byte (L2), and bytes per cycle
  /// after that.
  double copyLatency = 650;
  double copyBytes = 32;
  /// Ordinary loads and stores of global memory: bytes per cycle, and the
  /// latency of a load.
  double globalBytes = 32;
  double globalLatency = 600;
  /// An arrival, a fence, a wait that finds its barrier complete.
  double sync = 20;
  /// Anything else.
  double scalar = 2;

  /// Cycles that the role spends to issue `op`.
  double getIssue(mlir::Operation *op) const;
  /// Cycles for which an asynchronous `op` keeps its engine busy, and cycles
  /// from then until it lands.
  double getDuration(mlir::Operation *op) const;
  double getLatency(mlir::Operation *op) const;
};

} // namespace mla::sim

#endif // MLA_LIB_SIMULATOR_CYCLEMODEL_H
