//===- KeyKernel.cpp - dK and dV, by tiles of keys --------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// A grid point computes dK and dV of one tile of keys of one KV head, in a loop
// over its query heads and the queries that attend to any of the keys. Scores
// are transposed, [keys, queries], so that P and dS are operands A of the MMAs
// that sum over queries.
//
//===----------------------------------------------------------------------===//

#include "GradientBuilder.h"
#include "mla/Operators/Sequences.h"
#include "mla/Transforms/ScheduleText.h"

using namespace mlir;
using namespace mla;

static constexpr llvm::StringLiteral kSchedule = R"(
#mla.schedule<"value-gradients",
  roles = [
    <"low", warps = 4, registers = 224>,
    <"high", warps = 4, registers = 224>,
    <"producer", warps = 4, registers = 56>],
  table = [
    <"k" in ["producer"]>,
    <"q" in ["producer"], stage = 0, order = 1>,
    <"do" in ["producer"], stage = 0, order = 2>,
    <"lse" in ["low", "high"], stage = 0, order = 0>,
    <"s" in ["low", "high"], split = 0, stage = 0, order = 1>,
    <"s.wait" in ["low", "high"], split = 0, stage = 0, order = 3>,
    <"p" in ["low", "high"], split = 0, stage = 0, order = 4>,
    <"dv" in ["low", "high"], split = 0, stage = 0, order = 5>,
    <"dv.wait" in ["low", "high"], split = 0, stage = 0, order = 6>,
    <"out" in ["low", "high"], split = 0>],
  rings = [<"q", depth = 2>, <"do", depth = 2>]>
)";

ScheduleAttr mla::getValueSchedule(MLIRContext &context) {
  return parseSchedule(kSchedule, "prefill_backward's dV", context);
}

namespace {
class KeyKernel {
public:
  KeyKernel(TileBuilder &b, const BackwardOperands &operands,
            const BackwardTiling &tiling, KeyGradients gradients)
      : b(b), operands(operands), tiling(tiling), gradients(gradients),
        step(b, operands, tiling.blockQ, /*queryDim=*/1),
        grid(b, operands.getKeys(), operands.getQueries(),
             getGridOptions(operands, tiling)) {}

  void run() {
    step.buildScale();
    grid.build([&](Value item) { buildGridPoint(item); });
  }

private:
  static SequenceGridOptions getGridOptions(const BackwardOperands &operands,
                                            const BackwardTiling &tiling) {
    SequenceGridOptions options;
    options.rows = kTileRows;
    options.heads = operands.kvHeads;
    options.isCausal = operands.isCausal;
    options.isLastLongest = false;
    options.cachedBytes = tiling.cachedBytes;
    options.loopBytes =
        2 * (operands.dimQK + operands.dimV) * operands.getGroup();
    return options;
  }
  void buildGridPoint(Value item);
  /// Sets the first query that attends to one of the tile's keys, and the
  /// difference of the numbers of a key and the query that attends to it last.
  void findQueries();
  /// A loop over the query heads and tiles of queries; `build` gets the head
  /// and the first query.
  SmallVector<Value>
  buildLoop(ValueRange init,
            function_ref<SmallVector<Value>(Value, Value, ValueRange)> build);
  /// The accumulators after the queries from `t` on of head `head`.
  SmallVector<Value> buildStep(Value head, Value t, ValueRange state);
  Value add(Value x, Value y) { return arith::AddIOp::create(b, x, y); }
  Value subtract(Value x, Value y) { return arith::SubIOp::create(b, x, y); }
  Value index(int64_t value) { return b.createIndex(value); }

  TileBuilder &b;
  const BackwardOperands &operands;
  const BackwardTiling &tiling;
  KeyGradients gradients;
  GradientBuilder step;
  SequenceGrid grid;
  // Values of the grid point.
  SequenceTile at;
  Value zero, first, k, v;
};
} // namespace

/// Query i attends to the keys j <= i + s_kv - s_q.
void KeyKernel::findQueries() {
  first = zero;
  if (operands.isCausal) {
    first = subtract(at.row, subtract(at.tiled.size, at.looped.size));
    first = arith::MinSIOp::create(b, arith::MaxSIOp::create(b, first, zero),
                                   at.looped.size);
  }
  if (operands.isPacked())
    first = arith::SelectOp::create(b, at.isAny, first, at.looped.size);
}

void KeyKernel::buildGridPoint(Value item) {
  zero = index(0);
  at = grid.findTile(item);
  findQueries();
  SmallVector<Value> place{at.batch, add(at.tiled.begin, at.row), at.head,
                           zero};
  // Rows of the next sequence are not stored, so that these need no bound.
  k = loadRows(b, operands.k, kTileRows, place, {}, "k");
  if (gradients.dk)
    v = loadRows(b, operands.v, kTileRows, place, {}, "v");
  SmallVector<Value> init;
  if (gradients.dk)
    init.push_back(b.createSplat(0, {kTileRows, operands.dimQK}));
  if (gradients.dv)
    init.push_back(b.createSplat(0, {kTileRows, operands.dimV}));
  SmallVector<Value> sums =
      buildLoop(init, [&](Value head, Value t, ValueRange state) {
        return buildStep(head, t, state);
      });
  SmallVector<Value> bound;
  if (operands.isPacked())
    bound.push_back(add(at.tiled.begin, at.tiled.size));
  if (gradients.dv)
    step.storeRows(sums.back(), Value(), operands.dv, place, "out", bound);
  if (gradients.dk)
    step.storeRows(sums.front(), operands.scale, operands.dk, place, "out",
                   bound);
}

SmallVector<Value> KeyKernel::buildLoop(
    ValueRange init,
    function_ref<SmallVector<Value>(Value, Value, ValueRange)> build) {
  int64_t group = operands.getGroup();
  Value from = first, to = at.looped.size, by = index(tiling.blockQ), tiles;
  if (group > 1) {
    // One loop over all heads, so that loads run ahead from one to the next.
    tiles = arith::CeilDivUIOp::create(b, subtract(to, first), by);
    from = zero;
    to = arith::MulIOp::create(b, tiles, index(group));
    by = index(1);
  }
  auto loop = scf::ForOp::create(
      b, from, to, by, init,
      [&](OpBuilder &nested, Location, Value number, ValueRange state) {
        OpBuilder::InsertionGuard guard(b);
        b.setInsertionPoint(nested.getInsertionBlock(),
                            nested.getInsertionPoint());
        Value head = at.head, t = number;
        if (group > 1) {
          Value n = b.toI32(number), count = b.toI32(tiles);
          Value member = arith::DivUIOp::create(b, n, count);
          Value block = subtract(n, arith::MulIOp::create(b, member, count));
          head = add(arith::MulIOp::create(b, at.head, index(group)),
                     b.toIndex(member));
          t = add(first, arith::MulIOp::create(b, b.toIndex(block),
                                               index(tiling.blockQ)));
        }
        scf::YieldOp::create(b, build(head, t, state));
      });
  return SmallVector<Value>(loop.getResults());
}

SmallVector<Value> KeyKernel::buildStep(Value head, Value t, ValueRange state) {
  Value row = add(at.looped.begin, t);
  // A weight of 0 times a NaN of the next sequence is NaN.
  SmallVector<Value> bound;
  if (operands.isPacked())
    bound.push_back(add(at.looped.begin, at.looped.size));
  SmallVector<Value> place{at.batch, row, head, zero},
      vector{at.batch, head, row};
  Value q = loadRows(b, operands.q, tiling.blockQ, place, bound, "q");
  Value dout = loadRows(b, operands.dout, tiling.blockQ, place, bound, "do");
  // Queries past the last one have weights of 0.
  Value lse = step.loadVector(operands.lseLog2, tiling.blockQ, vector, kInf,
                              "lse", bound);
  Value scores = step.multiply(k, q, "s");
  if (operands.isCausal) {
    // The number of the tile's keys that the first query attends to.
    Value seen = subtract(
        add(t, add(subtract(at.tiled.size, at.looped.size), index(1))), at.row);
    Value isPartial = arith::CmpIOp::create(b, arith::CmpIPredicate::slt, seen,
                                            index(kTileRows));
    scores = step.mask(scores, isPartial, seen);
  }
  Value p = step.buildWeights(scores, lse);
  SmallVector<Value> next;
  if (gradients.dk) {
    Value delta = step.loadVector(operands.delta, tiling.blockQ, vector, 0,
                                  "delta", bound);
    Value dp = step.multiply(v, dout, "dp");
    Value ds = step.round(step.buildScoreGradients(p, dp, delta), "ds");
    next.push_back(step.accumulate(ds, q, state.front(), "dk"));
  }
  if (gradients.dv)
    next.push_back(
        step.accumulate(step.round(p, "p"), dout, state.back(), "dv"));
  return next;
}

void mla::buildKeyKernel(TileBuilder &b, const BackwardOperands &operands,
                         const BackwardTiling &tiling, KeyGradients gradients) {
  KeyKernel(b, operands, tiling, gradients).run();
}
