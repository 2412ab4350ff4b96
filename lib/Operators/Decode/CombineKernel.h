//===- CombineKernel.h - the kernel that merges pieces ----------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef MLA_LIB_OPERATORS_DECODE_COMBINEKERNEL_H
#define MLA_LIB_OPERATORS_DECODE_COMBINEKERNEL_H

#include "Plan.h"
#include "mla/Operators/TileBuilder.h"

namespace mla {

struct DecodeCombineOptions {
  /// CTAs per part: P = max(1, ctas floordiv tiles) parts.
  int64_t tiles = 1;
  /// KV heads. Rows of partials are (KV head, query, head of the KV head).
  int64_t kvHeads = 1;
  /// The convention of the stored lse. Partial lse are natural logarithms, -inf
  /// if empty.
  LseOptions lse;
};

/// The arguments of the kernel.
struct DecodeCombineOperands {
  mlir::Value plan; ///< memref<?x8xi32>, [ctas, 8]
  /// [P, 2, s_q * h_q, d_v] of bf16, f16 or f32: [p, 0] is the piece in part p
  /// of a request that begins in an earlier part, [p, 1] that of one that
  /// begins in part p. The pieces of a request that begins in part f are [f,
  /// 1], [f + 1, 0], [f + 2, 0], ...: all but the first at one stride.
  mlir::Value partialOut;
  mlir::Value partialLse; ///< [P, 2, s_q * h_q] of f32
  mlir::Value out;        ///< [b, s_q, h_q, d_v]
  mlir::Value lse;        ///< [b, s_q, h_q] of f32, any strides
  mlir::Value attnSink;   ///< [h_q] of f32, or null
};

/// Builds the tile program of the kernel at the insertion point, in an empty
/// function. `schedule` is that of the function. Emits an error if a tile size
/// of the schedule is not supported.
mlir::LogicalResult
buildDecodeCombineKernel(TileBuilder &b, const DecodeCombineOperands &operands,
                         const DecodeCombineOptions &options,
                         ScheduleAttr schedule);

/// The schedule of the kernel.
ScheduleAttr getDecodeCombineSchedule(mlir::MLIRContext &context);

} // namespace mla

#endif // MLA_LIB_OPERATORS_DECODE_COMBINEKERNEL_H
