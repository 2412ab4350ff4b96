//===- Tiler.cpp - the tile program of mla.combine --------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// A CTA computes a block of columns of one row. Its threads are laid out along
// the columns, 16 bytes per thread; threads beyond that divide the splits. The
// lse values of the row and the first tiles of partials are loaded before
// anything else, so that only one memory latency is exposed if there are few
// splits.
//
//===----------------------------------------------------------------------===//

#include "CombineOp.h"
#include "mla/Operators/TileBuilder.h"

using namespace mlir;
using namespace mla;

LogicalResult CombineOp::verify() {
  if (getSize(*this, "splits") == 0)
    return emitOpError("partial_out: expected splits >= 1 or '?', got 0");
  return success();
}

namespace {
/// The maximum of a row's lse values, at least the lowest finite number, and
/// the sum of the weights relative to it: tensor<f32>.
struct Statistics {
  Value max, sum;
};

/// Builds the tile program of one operator.
class Tiler {
public:
  Tiler(CombineOp op, int64_t columns, int64_t splits, int64_t loads,
        int64_t lseTile)
      : op(op), b(op.getLoc(), op), columns(columns), tileSplits(splits),
        loads(loads), lseTile(lseTile),
        partialType(getElementTypeOrSelf(op.getPartialOut().getType())) {}

  void run();

private:
  void buildGridPoint(ValueRange ivs);
  /// The number of valid splits of the row.
  Value buildCount();
  Value loadLse(Value split, int64_t size, StringRef label);
  /// Loaded partials and lse values of consecutive splits.
  struct Tile {
    Value partial, lse;
  };
  /// Loads `loads` tiles, starting at `split`.
  SmallVector<Tile> loadTiles(Value split);
  /// Adds the weighted tiles to `acc`.
  Value accumulate(Value acc, ArrayRef<Tile> tiles, Value max);
  /// lse with -inf for empty splits.
  Value maskLse(Value lse);
  /// Whether each split is not empty.
  Value isCounted(Value lse);
  /// exp(v - max), or 2^(v - max) with lse_base = 2.
  Value buildWeights(Value v, Value max);
  Statistics addStatistics(Statistics before, Value lse);
  void buildEpilogue(Value acc, Statistics row);
  void storeLse(Statistics row, Value empty);

  Value scalar(float value) { return b.createSplat(value, {}); }
  /// Broadcasts a tensor<f32> to a vector.
  Value spread(Value v, int64_t size) {
    return b.createBroadcast(v, 0, {size});
  }
  ArrayRef<int64_t> getShape(Value v) {
    return cast<RankedTensorType>(v.getType()).getShape();
  }
  bool isBase2() { return op.getLseBase() == "2"; }
  scf::ForOp
  buildLoop(Value from, int64_t step, ValueRange init,
            function_ref<SmallVector<Value>(Value, ValueRange)> body);

  CombineOp op;
  TileBuilder b;
  /// Columns per CTA; splits per tile; tiles per iteration; lse values per
  /// reduction.
  int64_t columns, tileSplits, loads, lseTile;
  Type partialType;
  // Values of the grid point.
  Value zero, rows, row, chunk, column, count;
};
} // namespace

void Tiler::run() {
  zero = b.createIndex(0);
  rows = memref::DimOp::create(b, op.getOut(), zero);
  SmallVector<OpFoldResult> bounds{
      rows, b.getIndexAttr(getSize(op, "d_v") / columns)};
  scf::ForallOp::create(b, bounds, /*outputs=*/ValueRange(),
                        /*mapping=*/std::nullopt,
                        [&](OpBuilder &, Location, ValueRange ivs) {
                          OpBuilder::InsertionGuard guard(b);
                          buildGridPoint(ivs);
                        });
  op.erase();
}

scf::ForOp
Tiler::buildLoop(Value from, int64_t step, ValueRange init,
                 function_ref<SmallVector<Value>(Value, ValueRange)> body) {
  return scf::ForOp::create(
      b, from, count, b.createIndex(step), init,
      [&](OpBuilder &nested, Location, Value iv, ValueRange state) {
        OpBuilder::InsertionGuard guard(b);
        b.setInsertionPoint(nested.getInsertionBlock(),
                            nested.getInsertionPoint());
        scf::YieldOp::create(b, body(iv, state));
      });
}

void Tiler::buildGridPoint(ValueRange ivs) {
  b.setInsertionPointToStart(ivs[0].getParentBlock());
  row = ivs[0];
  chunk = ivs[1];
  column = arith::MulIOp::create(b, chunk, b.createIndex(columns));
  count = buildCount();
  // Issue these loads before any use, so that their latencies overlap.
  SmallVector<Tile> first = loadTiles(zero);
  Value lse = loadLse(zero, lseTile, "lse");

  Statistics row = addStatistics({scalar(kLowest), scalar(0)}, lse);
  auto statistics =
      buildLoop(b.createIndex(lseTile), lseTile, {row.max, row.sum},
                [&](Value split, ValueRange state) -> SmallVector<Value> {
                  Statistics next = addStatistics(
                      {state[0], state[1]}, loadLse(split, lseTile, "lse"));
                  return {next.max, next.sum};
                });
  row = {statistics.getResult(0), statistics.getResult(1)};

  Value acc =
      accumulate(b.createSplat(0, {tileSplits, columns}), first, row.max);
  int64_t step = tileSplits * loads;
  auto loop =
      buildLoop(b.createIndex(step), step, {acc},
                [&](Value split, ValueRange state) -> SmallVector<Value> {
                  return {accumulate(state[0], loadTiles(split), row.max)};
                });
  buildEpilogue(loop.getResult(0), row);
  scf::InParallelOp::create(b);
}

Value Tiler::buildCount() {
  Value splits = memref::DimOp::create(b, op.getPartialOut(), zero);
  if (!op.getNumSplits())
    return splits;
  Value given =
      b.createCount(op.getNumSplits(), row, op.getNumSplitsOptional());
  Value number = arith::IndexCastOp::create(b, b.getIndexType(), given);
  return arith::MinSIOp::create(b, arith::MaxSIOp::create(b, number, zero),
                                splits);
}

//===----------------------------------------------------------------------===//
// Loads
//===----------------------------------------------------------------------===//

Value Tiler::loadLse(Value split, int64_t size, StringRef label) {
  return b.label(tile::LoadOp::create(
                     b, b.getF32Tile({size}), op.getPartialLse(),
                     ValueRange{split, row}, ValueRange{count},
                     b.getDenseI64ArrayAttr({0}), b.getF32FloatAttr(-kInf)),
                 label);
}

SmallVector<Tiler::Tile> Tiler::loadTiles(Value split) {
  auto type = RankedTensorType::get({tileSplits, columns}, partialType);
  SmallVector<Tile> tiles;
  for (int64_t i = 0; i < loads; ++i) {
    Value at = arith::AddIOp::create(b, split, b.createIndex(i * tileSplits));
    Value partial = b.label(
        tile::LoadOp::create(b, type, op.getPartialOut(),
                             ValueRange{at, row, column}, ValueRange{count},
                             b.getDenseI64ArrayAttr({0, 2}), TypedAttr()),
        "partial");
    tiles.push_back({partial, loadLse(at, tileSplits, "weights")});
  }
  return tiles;
}

//===----------------------------------------------------------------------===//
// Weights
//===----------------------------------------------------------------------===//

Value Tiler::isCounted(Value lse) {
  auto differs = [&](float value) {
    return arith::CmpFOp::create(b, arith::CmpFPredicate::UNE, lse,
                                 b.createSplat(value, getShape(lse)));
  };
  Value counted = differs(-kInf);
  if (op.getEmptySplit() == "+inf")
    counted = arith::AndIOp::create(b, counted, differs(kInf));
  return counted;
}

Value Tiler::maskLse(Value lse) {
  // The weight of -inf is 0 already.
  if (op.getEmptySplit() != "+inf")
    return lse;
  return arith::SelectOp::create(b, isCounted(lse), lse,
                                 b.createSplat(-kInf, getShape(lse)));
}

Value Tiler::buildWeights(Value v, Value max) {
  Value exponent = arith::SubFOp::create(b, v, max);
  if (!isBase2())
    exponent =
        arith::MulFOp::create(b, exponent, b.createSplat(kLog2E, getShape(v)));
  return math::Exp2Op::create(b, exponent);
}

Statistics Tiler::addStatistics(Statistics before, Value lse) {
  Value values = maskLse(lse);
  auto reduce = [&](tile::ReduceKind kind, Value v) {
    return tile::ReduceOp::create(b, b.getF32Tile({}), kind, v, 0);
  };
  Value max = arith::MaximumFOp::create(b, before.max,
                                        reduce(tile::ReduceKind::max, values));
  Value weights = buildWeights(values, spread(max, lseTile));
  Value sum =
      arith::MulFOp::create(b, before.sum, buildWeights(before.max, max));
  return {max, arith::AddFOp::create(b, sum,
                                     reduce(tile::ReduceKind::sum, weights))};
}

Value Tiler::accumulate(Value acc, ArrayRef<Tile> tiles, Value max) {
  SmallVector<int64_t> shape{tileSplits, columns};
  for (Tile tile : tiles) {
    Value weights = buildWeights(maskLse(tile.lse), spread(max, tileSplits));
    // An empty split may hold NaN, and 0 * NaN is NaN.
    Value counted = b.createBroadcast(isCounted(tile.lse), 1, shape);
    Value partial = tile.partial;
    if (!partialType.isF32())
      partial = arith::ExtFOp::create(b, b.getF32Tile(shape), partial);
    partial =
        arith::SelectOp::create(b, counted, partial, b.createSplat(0, shape));
    acc = math::FmaOp::create(b, partial, b.createBroadcast(weights, 1, shape),
                              acc);
  }
  return acc;
}

//===----------------------------------------------------------------------===//
// After the loop
//===----------------------------------------------------------------------===//

void Tiler::buildEpilogue(Value acc, Statistics statistics) {
  // The largest weight is 1, so the sum of a row with a non-empty split is
  // >= 1.
  Value empty = arith::CmpFOp::create(b, arith::CmpFPredicate::OEQ,
                                      statistics.sum, scalar(0));
  Value inverse = arith::DivFOp::create(b, scalar(1), statistics.sum);
  inverse = arith::SelectOp::create(b, empty, scalar(0), inverse);
  Value total = tile::ReduceOp::create(b, b.getF32Tile({columns}),
                                       tile::ReduceKind::sum, acc, 0);
  Value scaled = arith::MulFOp::create(b, total, spread(inverse, columns));
  auto type = RankedTensorType::get(
      {columns}, getElementTypeOrSelf(op.getOut().getType()));
  b.label(tile::StoreOp::create(b, arith::TruncFOp::create(b, type, scaled),
                                op.getOut(), ValueRange{row, column}),
          "out");
  if (op.getLse())
    storeLse(statistics, empty);
}

void Tiler::storeLse(Statistics statistics, Value empty) {
  Value logSum = math::Log2Op::create(b, statistics.sum);
  if (!isBase2())
    logSum = arith::MulFOp::create(b, logSum, scalar(kLn2));
  Value lse = arith::AddFOp::create(b, statistics.max, logSum);
  lse = arith::SelectOp::create(
      b, empty, scalar(op.getEmptyLse() == "-inf" ? -kInf : kInf), lse);
  // Only the first CTA of a row stores its lse: the bound is 0 in the others,
  // and in all CTAs if the launch omits lse.
  Value isFirst =
      arith::CmpIOp::create(b, arith::CmpIPredicate::eq, chunk, zero);
  Value size = op.getLseOptional()
                   ? memref::DimOp::create(b, op.getLse(), zero).getResult()
                   : rows;
  Value end = arith::SelectOp::create(b, isFirst, size, zero);
  b.label(tile::StoreOp::create(b, spread(lse, 1), op.getLse(), ValueRange{row},
                                ValueRange{end}, DenseI64ArrayAttr()),
          "out.lse");
}

LogicalResult CombineOp::buildTileProgram(const TilingOptions &options) {
  ScheduleAttr schedule = options.schedule;
  auto get = [&](StringRef name, int64_t otherwise) {
    return schedule.getTileSize(name).value_or(otherwise);
  };
  int64_t columns = get("columns", 64), loads = get("loads", 4);
  int64_t lseTile = get("lse", 256), width = getSize(*this, "d_v");
  if (columns % 64 || width % columns)
    return emitOpError()
           << "expected tile size 'columns' a multiple of 64 that "
              "divides d_v = "
           << width << ", got " << columns;
  if (loads > 16)
    return emitOpError() << "expected tile size 'loads' up to 16, got "
                         << loads;
  if (!llvm::isPowerOf2_64(lseTile) || lseTile < 32 || lseTile > 1024)
    return emitOpError() << "expected tile size 'lse' a power of two in [32, "
                            "1024], got "
                         << lseTile;
  // The threads beyond one row of columns divide the splits of a tile.
  int64_t threads = 0;
  for (RoleAttr role : schedule.getRoles())
    threads += 32 * role.getWarps();
  auto element = getElementTypeOrSelf(getPartialOut().getType());
  int64_t each = 128 / element.getIntOrFloatBitWidth();
  int64_t splits = std::max<int64_t>(1, threads * each / columns);
  Tiler(*this, columns, splits, loads, lseTile).run();
  return success();
}
