//===- Tiler.cpp - the tile program of mla.prefill --------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// A grid point computes one tile of query rows of one head, in a loop over the
// keys that any of its rows attends to. Only tiles with keys that some row does
// not attend to are masked.
//
//===----------------------------------------------------------------------===//

#include "Tiling.h"
#include "mla/Operators/SequenceGrid.h"
#include "mla/Operators/Sequences.h"

using namespace mlir;
using namespace mla;

static SequenceGridOptions getGridOptions(PrefillOp op,
                                          const PrefillTiling &tiling) {
  SequenceGridOptions options;
  options.rows = tiling.rows;
  options.heads = getSize(op, "h_q");
  options.isCausal = op.getCausal() == "yes";
  options.cachedBytes = tiling.cachedBytes;
  options.loopBytes = 2 * (getSize(op, "d_qk") + getSize(op, "d_v"));
  options.sharedBy = options.heads / getSize(op, "h_kv");
  return options;
}

namespace {
/// Builds the tile program of one operator.
class Tiler {
public:
  Tiler(PrefillOp op, const PrefillTiling &tiling, const TilingOptions &options)
      : op(op), b(op.getLoc(), op), tiling(tiling), dimV(getSize(op, "d_v")),
        isCausal(op.getCausal() == "yes"),
        isPacked(static_cast<bool>(op.getCuSeqlensQ())),
        staysForTiles(options.schedule.asksFor("persist")),
        attention(b, tiling.rows, tiling.blockKV, dimV, options, op.getScale(),
                  AttentionBuilder::Empty::known),
        grid(b, {op.getQ(), op.getCuSeqlensQ()},
             {op.getK(), op.getCuSeqlensK()}, getGridOptions(op, tiling)) {}

  void run();

private:
  void buildGridPoint(Value item);
  /// Sets the keys that the tile's rows attend to.
  void findKeys();
  /// Processes the KV tile that starts at key `t`.
  SmallVector<Value> buildStep(Value t, ValueRange state);
  /// The scores of the tile at key `t`, -inf where a row does not attend to the
  /// key.
  Value maskTile(Value scores, Value t);
  /// The same; `left` is the number of keys from the tile's first one on that
  /// its first row attends to.
  Value maskScores(Value scores, Value left);
  void buildEpilogue(ValueRange state);

  /// Loads a tile of rows of one head, zero beyond the memref or `bound`.
  Value loadRows(Value operand, int64_t rows, Value row, Value head,
                 StringRef label, ValueRange bound = {});
  /// Stores a tile of query rows.
  void storeRows(Value tile, Value dest, StringRef label);

  Value index(int64_t value) { return b.createIndex(value); }
  Value choose(Value condition, Value yes, Value no) {
    return arith::SelectOp::create(b, condition, yes, no);
  }
  Value add(Value x, Value y) { return arith::AddIOp::create(b, x, y); }
  Value subtract(Value x, Value y) { return arith::SubIOp::create(b, x, y); }
  RankedTensorType getNumbers(int64_t size) {
    return RankedTensorType::get({size}, b.getI32Type());
  }
  /// A vector of i32, all `number`, an index.
  Value splat(Value number, int64_t size) {
    return b.createSplat(b.toI32(number), {size});
  }
  /// `first` plus, with the causal mask, the number of the row: for each row of
  /// the tile.
  Value countForRows(Value first) {
    Value counts = splat(first, tiling.rows);
    if (!isCausal)
      return counts;
    return add(tile::IotaOp::create(b, getNumbers(tiling.rows)), counts);
  }

  PrefillOp op;
  TileBuilder b;
  const PrefillTiling &tiling;
  int64_t dimV;
  bool isCausal;
  /// Whether there are cu_seqlens.
  bool isPacked, staysForTiles;
  AttentionBuilder attention;
  SequenceGrid grid;
  Value zero;
  // Values of the grid point: the tile, the number of keys that its first row
  // attends to (may be negative), and the end of those that any row attends to.
  SequenceTile at;
  Value kvHead, seen, end, q;
};
} // namespace

void Tiler::run() {
  zero = index(0);
  attention.buildScale();
  grid.build([&](Value item) { buildGridPoint(item); });
  op.erase();
}

/// All rows of a tile attend to keys from the first one on.
void Tiler::findKeys() {
  seen = end = at.looped.size;
  if (isCausal) {
    Value later = add(at.row, subtract(at.looped.size, at.tiled.size));
    seen = add(later, index(1));
    end = arith::MinSIOp::create(b, add(later, index(tiling.rows)),
                                 at.looped.size);
    end = arith::MaxSIOp::create(b, end, zero);
  }
  if (isPacked)
    end = choose(at.isAny, end, zero);
}

void Tiler::buildGridPoint(Value item) {
  at = grid.findTile(item);
  findKeys();
  int64_t perKVHead = getSize(op, "h_q") / getSize(op, "h_kv");
  kvHead = perKVHead == 1
               ? at.head
               : arith::DivUIOp::create(b, at.head, index(perKVHead));
  q = loadRows(op.getQ(), tiling.rows, add(at.tiled.begin, at.row), at.head,
               "q");
  SmallVector<Value> init = attention.buildInit();
  auto loop = scf::ForOp::create(
      b, zero, end, index(tiling.blockKV), init,
      [&](OpBuilder &nested, Location, Value t, ValueRange state) {
        OpBuilder::InsertionGuard guard(b);
        b.setInsertionPoint(nested.getInsertionBlock(),
                            nested.getInsertionPoint());
        scf::YieldOp::create(b, buildStep(t, state));
      });
  // So that the next Q is loaded during the last softmax and the output.
  if (staysForTiles)
    loop->setAttr(tile::kPeelLastAttr, b.getUnitAttr());
  buildEpilogue(loop.getResults());
}

Value Tiler::loadRows(Value operand, int64_t rows, Value row, Value head,
                      StringRef label, ValueRange bound) {
  return mla::loadRows(b, operand, rows, {at.batch, row, head, zero}, bound,
                       label);
}

SmallVector<Value> Tiler::buildStep(Value t, ValueRange state) {
  Value key = add(at.looped.begin, t);
  Value k = loadRows(op.getK(), tiling.blockKV, key, kvHead, "k");
  // The scores of keys of other sequences are masked, but a NaN in one of their
  // values would reach the output.
  SmallVector<Value> bound;
  if (isPacked)
    bound.push_back(add(at.looped.begin, at.looped.size));
  Value v = loadRows(op.getV(), tiling.blockKV, key, kvHead, "v", bound);
  Value scores = b.label(
      tile::DotOp::create(b, b.getF32Tile({tiling.rows, tiling.blockKV}), q, k,
                          Value(), false, true),
      "qk");
  return attention.buildStep(maskTile(scores, t), ScoreMask(Value()), v, state);
}

Value Tiler::maskTile(Value scores, Value t) {
  Value left = subtract(seen, t);
  Value isPartial = arith::CmpIOp::create(b, arith::CmpIPredicate::slt, left,
                                          index(tiling.blockKV));
  auto branch = b.label(
      scf::IfOp::create(b, scores.getType(), isPartial, /*withElse=*/true),
      "mask");
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(branch.thenBlock());
  scf::YieldOp::create(b, maskScores(scores, left));
  b.setInsertionPointToStart(branch.elseBlock());
  scf::YieldOp::create(b, scores);
  return branch.getResult(0);
}

Value Tiler::maskScores(Value scores, Value left) {
  ArrayRef<int64_t> shape = cast<RankedTensorType>(scores.getType()).getShape();
  Value keys = b.createBroadcast(
      tile::IotaOp::create(b, getNumbers(tiling.blockKV)), 0, shape);
  Value counts = b.createBroadcast(countForRows(left), 1, shape);
  Value isSeen =
      arith::CmpIOp::create(b, arith::CmpIPredicate::slt, keys, counts);
  return b.label(
      arith::SelectOp::create(b, isSeen, scores, b.createSplat(-kInf, shape)),
      "mask");
}

void Tiler::buildEpilogue(ValueRange state) {
  Value none = b.createSplat(b.createI32(0), {tiling.rows});
  Value empty = arith::CmpIOp::create(b, arith::CmpIPredicate::sle,
                                      countForRows(seen), none);
  AttentionBuilder::Statistics statistics = attention.buildStatistics(
      state, {op.getLseBase() == "2", op.getEmptyLse() == "-inf"}, empty);
  storeRows(statistics.lse, op.getLse(), "stats.lse");
  SmallVector<Value> final(state);
  if (isCausal) {
    // A weight of 0 times a NaN that other rows of the tile attend to is NaN.
    const int64_t shape[] = {tiling.rows, dimV};
    final[0] = arith::SelectOp::create(b, b.createBroadcast(empty, 1, shape),
                                       b.createSplat(0, shape), state[0]);
  }
  Value result =
      attention.buildOutput(final, empty, statistics.sum,
                            getElementTypeOrSelf(op.getOut().getType()));
  storeRows(result, op.getOut(), "out");
}

void Tiler::storeRows(Value tile, Value dest, StringRef label) {
  bool isMatrix = cast<RankedTensorType>(tile.getType()).getRank() == 2;
  SmallVector<Value> indices{at.batch, add(at.tiled.begin, at.row), at.head},
      bound;
  if (isPacked)
    bound.push_back(add(at.tiled.begin, at.tiled.size));
  SmallVector<int64_t> dims{1};
  if (isMatrix) {
    indices.push_back(zero);
    dims.push_back(3);
  }
  b.label(tile::StoreOp::create(b, tile, dest, indices, bound,
                                b.getDenseI64ArrayAttr(dims)),
          label);
}

LogicalResult PrefillOp::buildTileProgram(const TilingOptions &options) {
  FailureOr<PrefillTiling> tiling = PrefillTiling::get(*this, options);
  if (failed(tiling) ||
      failed(
          checkWeights(*this, getElementTypeOrSelf(getQ().getType()), options)))
    return failure();
  auto func = (*this)->getParentOfType<func::FuncOp>();
  markCopiedInside(func, {getQ(), getK(), getV()});
  if (getCuSeqlensQ()) {
    markPartlyWritten(func, {getOut(), getLse()});
    limitToOneBatch(*this, func);
  }
  Tiler(*this, *tiling, options).run();
  return success();
}
