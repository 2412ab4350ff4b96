//===- CostModel.h - predicted time of a schedule ---------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// One CTA per SM processes the KV tiles of an output tile in sequence. In
// cycles of the nominal clock:
//
//   time   = waves * (prologueEpilogue + tiles * tile)
//   tile   = max(tensor + exposed + refill, gather)
//
//   waves    output tiles / SMs, rounded up
//   prologueEpilogue
//            of the loop: load of Q, first gather, last MMA, store of the
//            output
//   tensor   MMAs, with heads padded as the schedule pads them
//   exposed  softmax and barriers while no MMA runs
//   refill   additional latency of KV rows that are not in the near half of L2,
//            as far as the schedule exposes it
//   gather   bytes of a KV tile / gather bandwidth
//
// The costs of a schedule besides its MMAs are fitted to measured times of
// back-to-back launches and stored in a table beside the operator
// (lib/Operators). The model ignores that the power limit lowers the clock in
// long launches of many heads, which makes it up to 10 % wrong. A test checks
// the model against the measurements in docs/Performance.md.
//
//===----------------------------------------------------------------------===//

#ifndef MLA_TUNING_COSTMODEL_H
#define MLA_TUNING_COSTMODEL_H

#include "mla/Tuning/Choice.h"
#include "mla/Tuning/GpuRates.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"

namespace mla {

/// The size of one step: heads of the output tile and KV rows of the KV tile.
struct TileShape {
  int64_t heads, blockKV, dimQK, dimV;
};

/// Cycles of the m64 n<columns> k16 MMAs that compute a `rows` x `columns` tile
/// with reduction size `depth`, with A in shared memory.
double countMmaCycles(int64_t rows, int64_t columns, int64_t depth);

struct ScheduleCosts {
  llvm::StringLiteral name;
  /// The maximum number of heads per output tile. Fewer heads are padded to a
  /// multiple of `headGroup`.
  int64_t heads, headGroup;
  /// Cycles of the MMAs of a KV tile.
  double (*tensor)(const TileShape &tile);
  /// KV tiles per iteration of the loop.
  int64_t tilesPerIteration;
  /// Exposed cycles per KV tile: a fixed part, and a part per padded head.
  double exposed, exposedPerHead;
  /// The exposed fraction of the additional latency of far rows.
  double refill;
  /// Cycles of prologue and epilogue, without the part per head.
  double prologueEpilogue;
};

/// The default number of KV rows per tile.
inline constexpr int64_t kUsualBlockKV = 64;

/// The terms above in cycles, and the predicted time.
struct Prediction {
  double tensor = 0, exposed = 0, refill = 0, gather = 0, prologueEpilogue = 0;
  int64_t tiles = 0, waves = 0;
  /// FLOPs of the operator, without padding or recomputation.
  double flops = 0;
  double ms = 0;
};

/// Attention in which each query attends to `topk` of `sKV` KV rows, the same
/// ones for all its heads.
struct AttentionProblem {
  int64_t sQ, heads, dimQK, dimV;
  int64_t topk, sKV;
};

/// Predicts the time of attention with gathered KV tiles of `blockKV` rows.
Prediction predictAttention(const ScheduleCosts &costs,
                            const AttentionProblem &problem, int64_t blockKV,
                            const GpuRates &machine);

} // namespace mla

#endif // MLA_TUNING_COSTMODEL_H
