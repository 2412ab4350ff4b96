//===- QueryKernel.cpp - dQ, by tiles of queries ----------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// A grid point computes dQ of one tile of queries of one head, in a loop over
// the keys that any of them attends to. Scores are [queries, keys].
//
//===----------------------------------------------------------------------===//

#include "GradientBuilder.h"
#include "mla/Operators/Sequences.h"
#include "mla/Transforms/ScheduleText.h"

using namespace mlir;
using namespace mla;

// The MMA of the next scores is issued before the MMA of dQ, so that one of
// them runs during the exponentials.
static constexpr llvm::StringLiteral kSchedule = R"(
#mla.schedule<"query-gradients",
  roles = [
    <"low", warps = 4, registers = 224>,
    <"high", warps = 4, registers = 224>,
    <"producer", warps = 4, registers = 56>],
  table = [
    <"q" in ["producer"]>,
    <"do" in ["producer"]>,
    <"k" in ["producer"], stage = 0, order = 1>,
    <"v" in ["producer"], stage = 0, order = 2>,
    <"lse" in ["low", "high"], split = 0>,
    <"delta" in ["low", "high"], split = 0>,
    <"s" in ["low", "high"], split = 0, stage = 0, order = 1>,
    <"dp" in ["low", "high"], split = 0, stage = 0, order = 1>,
    <"s.wait" in ["low", "high"], split = 0, stage = 0, order = 3>,
    <"p" in ["low", "high"], split = 0, stage = 0, order = 4>,
    <"dp.wait" in ["low", "high"], split = 0, stage = 0, order = 5>,
    <"ds" in ["low", "high"], split = 0, stage = 0, order = 6>,
    <"dq" in ["low", "high"], split = 0, stage = 1, order = 2>,
    <"dq.wait" in ["low", "high"], split = 0, stage = 1, order = 4>,
    <"out" in ["low", "high"], split = 0>],
  rings = [<"k", depth = 3>, <"v", depth = 2>]>
)";

ScheduleAttr mla::getQuerySchedule(MLIRContext &context) {
  return parseSchedule(kSchedule, "prefill_backward's dQ", context);
}

namespace {
class QueryKernel {
public:
  QueryKernel(TileBuilder &b, const BackwardOperands &operands,
              const BackwardTiling &tiling)
      : b(b), operands(operands), tiling(tiling),
        step(b, operands, tiling.blockKV, /*queryDim=*/0),
        grid(b, operands.getQueries(), operands.getKeys(),
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
    options.heads = operands.heads;
    options.isCausal = operands.isCausal;
    options.cachedBytes = tiling.cachedBytes;
    options.loopBytes = 2 * (operands.dimQK + operands.dimV);
    options.sharedBy = operands.getGroup();
    return options;
  }
  void buildGridPoint(Value item);
  /// Sets the keys that the tile's rows attend to.
  void findKeys();
  /// dQ after the keys from `t` on.
  Value buildStep(Value t, Value dq);
  Value add(Value x, Value y) { return arith::AddIOp::create(b, x, y); }

  TileBuilder &b;
  const BackwardOperands &operands;
  const BackwardTiling &tiling;
  GradientBuilder step;
  SequenceGrid grid;
  // Values of the grid point: the tile; the number of keys that its first row
  // attends to (may be negative), and the end of those that any row attends to.
  SequenceTile at;
  Value kvHead, seen, end, q, dout, lse, delta;
};
} // namespace

void QueryKernel::findKeys() {
  seen = end = at.looped.size;
  if (operands.isCausal) {
    Value later =
        add(at.row, arith::SubIOp::create(b, at.looped.size, at.tiled.size));
    seen = add(later, b.createIndex(1));
    end = arith::MinSIOp::create(b, add(later, b.createIndex(kTileRows)),
                                 at.looped.size);
    end = arith::MaxSIOp::create(b, end, b.createIndex(0));
  }
  if (operands.isPacked())
    end = arith::SelectOp::create(b, at.isAny, end, b.createIndex(0));
}

void QueryKernel::buildGridPoint(Value item) {
  at = grid.findTile(item);
  findKeys();
  int64_t group = operands.getGroup();
  kvHead = group == 1
               ? at.head
               : arith::DivUIOp::create(b, at.head, b.createIndex(group));
  Value zero = b.createIndex(0), row = add(at.tiled.begin, at.row);
  SmallVector<Value> bound;
  if (operands.isPacked())
    bound.push_back(add(at.tiled.begin, at.tiled.size));
  SmallVector<Value> rows{at.batch, row, at.head, zero},
      vector{at.batch, at.head, row};
  // Rows of the next sequence are not stored, so that these need no bound.
  q = loadRows(b, operands.q, kTileRows, rows, {}, "q");
  dout = loadRows(b, operands.dout, kTileRows, rows, {}, "do");
  lse = step.loadVector(operands.lseLog2, kTileRows, vector, kInf, "lse", {});
  delta = step.loadVector(operands.delta, kTileRows, vector, 0, "delta", {});
  Value init = b.createSplat(0, {kTileRows, operands.dimQK});
  auto loop = scf::ForOp::create(
      b, zero, end, b.createIndex(tiling.blockKV), ValueRange{init},
      [&](OpBuilder &nested, Location, Value t, ValueRange state) {
        OpBuilder::InsertionGuard guard(b);
        b.setInsertionPoint(nested.getInsertionBlock(),
                            nested.getInsertionPoint());
        scf::YieldOp::create(b, ValueRange{buildStep(t, state[0])});
      });
  Value dq = loop.getResult(0);
  if (operands.isCausal) {
    // A weight of 0 times a NaN that other rows of the tile attend to is NaN.
    Value isEmpty = arith::CmpFOp::create(b, arith::CmpFPredicate::OEQ, lse,
                                          b.createSplat(kInf, {kTileRows}));
    const int64_t shape[] = {kTileRows, operands.dimQK};
    dq =
        b.label(arith::SelectOp::create(b, b.createBroadcast(isEmpty, 1, shape),
                                        b.createSplat(0, shape), dq),
                "out");
  }
  step.storeRows(dq, operands.scale, operands.dq, rows, "out", bound);
}

Value QueryKernel::buildStep(Value t, Value dq) {
  Value key = add(at.looped.begin, t), zero = b.createIndex(0);
  // A weight of 0 times a NaN of the next sequence is NaN.
  SmallVector<Value> bound;
  if (operands.isPacked())
    bound.push_back(add(at.looped.begin, at.looped.size));
  SmallVector<Value> place{at.batch, key, kvHead, zero};
  Value k = loadRows(b, operands.k, tiling.blockKV, place, bound, "k");
  Value v = loadRows(b, operands.v, tiling.blockKV, place, bound, "v");
  Value scores = step.multiply(q, k, "s");
  Value dp = step.multiply(dout, v, "dp");
  Value left = arith::SubIOp::create(b, seen, t);
  Value isPartial = arith::CmpIOp::create(b, arith::CmpIPredicate::slt, left,
                                          b.createIndex(tiling.blockKV));
  scores = step.mask(scores, isPartial, left);
  Value p = step.buildWeights(scores, lse);
  Value ds = step.round(step.buildScoreGradients(p, dp, delta), "ds");
  return step.accumulate(ds, k, dq, "dq");
}

void mla::buildQueryKernel(TileBuilder &b, const BackwardOperands &operands,
                           const BackwardTiling &tiling) {
  QueryKernel(b, operands, tiling).run();
}
