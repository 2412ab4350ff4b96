//===- CostModel.h - how long a schedule takes ------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// A CTA of one SM goes through its KV tiles one by one:
//
//   time   = waves * (edges + tiles * tile)
//   tile   = max(tensor + exposed + refill, gather)
//
//   waves    output tiles by SMs, rounded up
//   edges    around the loop: Q, the first gather, the last product, the output
//   tensor   products, of heads as the schedule pads them
//   exposed  softmax and hand-overs while no product runs
//   refill   by how much a tile comes later whose rows are not near in L2, in
//   so
//            far as the schedule waits for it
//   gather   bytes of a tile by the rate at which they come
//
// in cycles of the nominal clock. What a schedule costs besides its products is
// measured, launches back to back: a row of a table beside the operator
// (lib/Operators). The model has no term for the clock, which power lowers in
// long launches of many heads, so it is up to a tenth off. docs/Performance.md
// has the figures, and a test holds the model to them.
//
//===----------------------------------------------------------------------===//

#ifndef MLA_TUNING_COSTMODEL_H
#define MLA_TUNING_COSTMODEL_H

#include "mla/Tuning/Choice.h"
#include "mla/Tuning/GpuRates.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"

namespace mla {

/// A tile of the output against one of KV.
struct TileShape {
  int64_t heads, blockKV, dimQK, dimV;
};

/// Cycles of m64 n<columns> k16 instructions that compute `rows` x `columns`
/// with `depth` to sum over; A counts as read from shared memory.
double countProductCycles(int64_t rows, int64_t columns, int64_t depth);

struct ScheduleCosts {
  llvm::StringLiteral name;
  /// Heads of an output tile at most; fewer are padded to a multiple of
  /// `headGroup`.
  int64_t heads, headGroup;
  /// Cycles of the products of a tile.
  double (*tensor)(const TileShape &tile);
  /// KV tiles an iteration of the loop.
  int64_t tilesPerIteration;
  /// As above, of a tile: what it takes anyway, and what each padded head adds
  /// where heads are few enough to be counted.
  double exposed, exposedPerHead;
  /// The share of a late tile's delay that is waited for.
  double refill;
  /// As above, without what each head adds.
  double prologueEpilogue;
};

/// KV rows of a tile where neither the choice nor the schedule says another
/// number.
inline constexpr int64_t kUsualBlockKV = 64;

/// The terms above, in cycles, and what follows from them.
struct Prediction {
  double tensor = 0, exposed = 0, refill = 0, gather = 0, prologueEpilogue = 0;
  int64_t tiles = 0, waves = 0;
  /// Of the operator, whatever the schedule computes besides.
  double flops = 0;
  double ms = 0;
};

/// Attention of each query over as many rows of KV, all heads over the same.
struct AttentionProblem {
  int64_t queries, heads, dimQK, dimV;
  /// KV rows of a query, out of `rows` altogether.
  int64_t keys, rows;
};

/// The model, for attention whose KV tiles are gathered; `blockKV` rows a
/// tile.
Prediction predictAttention(const ScheduleCosts &costs,
                            const AttentionProblem &problem, int64_t blockKV,
                            const GpuRates &machine);

} // namespace mla

#endif // MLA_TUNING_COSTMODEL_H
