//===- Program.h - the kernels of mla.prefill_backward ----------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef MLA_LIB_OPERATORS_PREFILLBACKWARD_PROGRAM_H
#define MLA_LIB_OPERATORS_PREFILLBACKWARD_PROGRAM_H

#include "PrefillBackwardOp.h"
#include "mla/Operators/SequenceGrid.h"

namespace mla {

/// Rows of the MMAs of one warpgroup, and of an output tile: two consumers.
inline constexpr int64_t kConsumerRows = 64, kTileRows = 2 * kConsumerRows;

/// Tile sizes, and which kernels there are.
struct BackwardTiling {
  /// Queries per step of the kernel of dK and dV, keys per step of that of dQ.
  int64_t blockQ, blockKV;
  /// A section of a causal grid has as many heads as have this many bytes of
  /// what their loops read.
  int64_t cachedBytes;
  /// dV has a kernel of its own.
  bool isSeparate;

  /// The default sizes: the largest with which accumulators, scores and dP of a
  /// warpgroup fit in its registers, and the rings in shared memory.
  static int64_t chooseBlockQ(int64_t dimQK, int64_t dimV, bool isSeparate,
                              bool isPacked, bool isGrouped);
  static int64_t chooseBlockKV(int64_t dimQK, int64_t dimV, bool isPacked);
  /// Whether a thread's registers cannot hold both dK and dV.
  static bool isWide(int64_t dimQK, int64_t dimV);
  /// The tile sizes of the schedule. Emits an error for unsupported ones.
  static mlir::FailureOr<BackwardTiling> get(PrefillBackwardOp op,
                                             ScheduleAttr schedule);
};

/// The operands of the op as values of one kernel, and its static sizes.
struct BackwardOperands {
  mlir::Value q, k, v, out, dout, lse, scale;
  mlir::Value dlse, cuSeqlensQ, cuSeqlensK; ///< or null
  mlir::Value dq, dk, dv;
  /// The workspaces [b, h_q, s_q]: the scores' offsets, lse in base 2, +inf for
  /// queries without keys; and rowsum(out * dout) - dlse.
  mlir::Value lseLog2, delta;
  int64_t heads, kvHeads, dimQK, dimV;
  bool isCausal, isBase2;

  bool isPacked() const { return static_cast<bool>(cuSeqlensQ); }
  int64_t getGroup() const { return heads / kvHeads; }
  SequenceTensor getQueries() const { return {q, cuSeqlensQ}; }
  SequenceTensor getKeys() const { return {k, cuSeqlensK}; }
};

/// The gradients that the kernel over tiles of keys computes.
struct KeyGradients {
  bool dk = true, dv = true;
};

/// Each builds the tile program of one kernel at the insertion point. The
/// kernel's function needs the schedule that the function below returns;
/// that of dK has the schedule of the op.
void buildDeltaKernel(TileBuilder &b, const BackwardOperands &operands);
void buildKeyKernel(TileBuilder &b, const BackwardOperands &operands,
                    const BackwardTiling &tiling, KeyGradients gradients);
void buildQueryKernel(TileBuilder &b, const BackwardOperands &operands,
                      const BackwardTiling &tiling);

ScheduleAttr getDeltaSchedule(mlir::MLIRContext &context);
ScheduleAttr getQuerySchedule(mlir::MLIRContext &context);
/// For a kernel of dV alone.
ScheduleAttr getValueSchedule(mlir::MLIRContext &context);

} // namespace mla

#endif // MLA_LIB_OPERATORS_PREFILLBACKWARD_PROGRAM_H
