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
#include "mla/Operators/CombineBuilder.h"

using namespace mlir;
using namespace mla;

LogicalResult CombineOp::verify() {
  if (getSize(*this, "splits") == 0)
    return emitOpError("partial_out: expected splits >= 1 or '?', got 0");
  return success();
}

namespace {
/// Builds the tile program of one operator.
class Tiler {
public:
  using Statistics = CombineBuilder::Statistics;

  Tiler(CombineOp op, const CombineTile &tile)
      : op(op), b(op.getLoc(), op), tile(tile),
        combine(b, tile,
                {op.getLseBase() == "2", op.getEmptySplit() == "+inf"}) {}

  void run();

private:
  void buildGridPoint(ValueRange ivs);
  /// The number of valid splits of the row.
  Value buildCount();
  Value loadLse(Value split, int64_t size, StringRef label);
  /// Loads the partials of one iteration, starting at `split`.
  SmallVector<CombineBuilder::Partials> loadPartials(Value split);
  void buildEpilogue(Value acc, Statistics row);
  void storeLse(Statistics row, Value empty);

  scf::ForOp
  buildLoop(Value from, int64_t step, ValueRange init,
            function_ref<SmallVector<Value>(Value, ValueRange)> body);

  CombineOp op;
  TileBuilder b;
  const CombineTile tile;
  CombineBuilder combine;
  // Values of the grid point.
  Value zero, rows, row, chunk, column, count;
};
} // namespace

void Tiler::run() {
  zero = b.createIndex(0);
  rows = memref::DimOp::create(b, op.getOut(), zero);
  SmallVector<OpFoldResult> bounds{
      rows, b.getIndexAttr(getSize(op, "d_v") / tile.columns)};
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
  column = arith::MulIOp::create(b, chunk, b.createIndex(tile.columns));
  count = buildCount();
  // Issue these loads before any use, so that their latencies overlap.
  SmallVector<CombineBuilder::Partials> first = loadPartials(zero);
  Value lse = loadLse(zero, tile.lse, "lse");

  Statistics row = combine.addStatistics(combine.getInit(), lse);
  auto statistics =
      buildLoop(b.createIndex(tile.lse), tile.lse, {row.max, row.sum},
                [&](Value split, ValueRange state) -> SmallVector<Value> {
                  Statistics next = combine.addStatistics(
                      {state[0], state[1]}, loadLse(split, tile.lse, "lse"));
                  return {next.max, next.sum};
                });
  row = {statistics.getResult(0), statistics.getResult(1)};

  Value acc = combine.accumulate(b.createSplat(0, {tile.splits, tile.columns}),
                                 first, row.max);
  int64_t step = tile.splits * tile.loads;
  auto loop = buildLoop(
      b.createIndex(step), step, {acc},
      [&](Value split, ValueRange state) -> SmallVector<Value> {
        return {combine.accumulate(state[0], loadPartials(split), row.max)};
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

SmallVector<CombineBuilder::Partials> Tiler::loadPartials(Value split) {
  auto type =
      RankedTensorType::get({tile.splits, tile.columns},
                            getElementTypeOrSelf(op.getPartialOut().getType()));
  SmallVector<CombineBuilder::Partials> partials;
  for (int64_t i = 0; i < tile.loads; ++i) {
    Value at = arith::AddIOp::create(b, split, b.createIndex(i * tile.splits));
    Value out = b.label(
        tile::LoadOp::create(b, type, op.getPartialOut(),
                             ValueRange{at, row, column}, ValueRange{count},
                             b.getDenseI64ArrayAttr({0, 2}), TypedAttr()),
        "partial");
    partials.push_back({out, loadLse(at, tile.splits, "weights")});
  }
  return partials;
}

//===----------------------------------------------------------------------===//
// After the loop
//===----------------------------------------------------------------------===//

void Tiler::buildEpilogue(Value acc, Statistics statistics) {
  Value empty = combine.isEmpty(statistics);
  Value out = combine.buildOutput(acc, statistics.sum, empty,
                                  getElementTypeOrSelf(op.getOut().getType()));
  b.label(tile::StoreOp::create(b, out, op.getOut(), ValueRange{row, column}),
          "out");
  if (op.getLse())
    storeLse(statistics, empty);
}

void Tiler::storeLse(Statistics statistics, Value empty) {
  Value lse = combine.buildLse(statistics, empty,
                               op.getEmptyLse() == "-inf" ? -kInf : kInf);
  // Only the first CTA of a row stores its lse: the bound is 0 in the others,
  // and in all CTAs if the launch omits lse.
  Value isFirst =
      arith::CmpIOp::create(b, arith::CmpIPredicate::eq, chunk, zero);
  Value size = op.getLseOptional()
                   ? memref::DimOp::create(b, op.getLse(), zero).getResult()
                   : rows;
  Value end = arith::SelectOp::create(b, isFirst, size, zero);
  b.label(tile::StoreOp::create(b, combine.spread(lse, 1), op.getLse(),
                                ValueRange{row}, ValueRange{end},
                                DenseI64ArrayAttr()),
          "out.lse");
}

LogicalResult CombineOp::buildTileProgram(const TilingOptions &options) {
  FailureOr<CombineTile> tile =
      CombineTile::get(*this, options.schedule, getSize(*this, "d_v"),
                       getElementTypeOrSelf(getPartialOut().getType()));
  if (failed(tile))
    return failure();
  Tiler(*this, *tile).run();
  return success();
}
