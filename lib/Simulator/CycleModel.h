//===- CycleModel.h - cycles on sm_90 ---------------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// What Timing::Modelled charges. A picture of where time goes, not a clock: the
// warps of one role share nothing with those of another but the tensor cores
// and the copy path, instructions do not compete for issue slots, and memory
// answers at one latency and rate.
//
//===----------------------------------------------------------------------===//

#ifndef MLA_LIB_SIMULATOR_CYCLEMODEL_H
#define MLA_LIB_SIMULATOR_CYCLEMODEL_H

#include "mlir/IR/Operation.h"

namespace mla::sim {

struct CycleModel {
  /// Multiply-adds of bf16 that an SM's tensor cores finish in a cycle: dense
  /// peak, 989 TFLOP/s over 132 SMs at 1.83 GHz.
  double multiplyAdds = 2048;
  /// From issue to the first result of a product.
  double productLatency = 32;
  /// fp32 operations, and results of the special function unit (exp2, log2,
  /// division), that an SM finishes in a cycle.
  double floatOps = 128;
  double specialOps = 16;
  /// Bytes between shared memory and registers, or a product, in a cycle.
  double sharedBytes = 128;
  /// A copy: from issue to the first byte (L2), and bytes that arrive in a
  /// cycle.
  double copyLatency = 650;
  double copyBytes = 32;
  /// Bytes that ordinary loads and stores of global memory move in a cycle, and
  /// what a load waits for.
  double globalBytes = 32;
  double globalLatency = 600;
  /// An arrival, a fence, a wait that finds its barrier complete.
  double sync = 20;
  /// Anything else.
  double scalar = 2;

  /// Cycles that the role spends on `op` itself.
  double getIssue(mlir::Operation *op) const;
  /// Cycles for which an asynchronous `op` keeps its engine busy, and what
  /// passes after that until it lands.
  double getDuration(mlir::Operation *op) const;
  double getLatency(mlir::Operation *op) const;
};

} // namespace mla::sim

#endif // MLA_LIB_SIMULATOR_CYCLEMODEL_H
