//===- PlanKernel.h - the kernel that makes a plan --------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef MLA_LIB_OPERATORS_DECODE_PLANKERNEL_H
#define MLA_LIB_OPERATORS_DECODE_PLANKERNEL_H

#include "Plan.h"
#include "mla/Operators/TileBuilder.h"

namespace mla {

/// How work is divided among parts.
struct PlanOptions {
  /// CTAs per part: P = max(1, ctas floordiv tiles) parts.
  int64_t tiles = 1;
  /// The gap after each request, in units of 64 tokens.
  int64_t overhead = 2;
  /// Units by which a part may exceed an even share of the positions, so that
  /// requests of equal lengths are cut evenly or not at all; and a divisor of
  /// the even share that gives the same, 0 for none.
  int64_t slack = 2, slackDivisor = 0;
  /// Each request is divided without regard to the others.
  bool isBatchInvariant = false;
};

/// The arguments of the kernel.
struct PlanOperands {
  mlir::Value cacheSeqlens; ///< memref<?xi32>, [b]
  /// An index, computed outside of the grid: the most tokens of a request.
  mlir::Value maxTokens;
  mlir::Value plan; ///< memref<?x8xi32>, [ctas, 8]
};

/// Builds the tile program of the kernel at the insertion point, in an empty
/// function: a CTA for each tile of rows of `plan`. The function needs
/// the schedule below, and b and ctas of at most kMaxPlanSize.
void buildPlanKernel(TileBuilder &b, const PlanOperands &operands,
                     const PlanOptions &options);

/// The number of parts that work is divided into, from the rows of `plan`, with
/// `tiles` CTAs per part: max(1, floordiv(ctas, tiles)).
mlir::Value buildPartCount(TileBuilder &b, mlir::Value plan, int64_t tiles);

/// The schedule of the kernel.
ScheduleAttr getPlanSchedule(mlir::MLIRContext &context);

} // namespace mla

#endif // MLA_LIB_OPERATORS_DECODE_PLANKERNEL_H
