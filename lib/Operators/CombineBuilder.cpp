//===- CombineBuilder.cpp - merges partial results of attention -----------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "mla/Operators/CombineBuilder.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace mla;

static ArrayRef<int64_t> getShape(Value v) {
  return cast<RankedTensorType>(v.getType()).getShape();
}

FailureOr<CombineTile> CombineTile::get(Operation *op, ScheduleAttr schedule,
                                        int64_t width, Type element) {
  auto get = [&](StringRef name, int64_t otherwise) {
    return schedule.getTileSize(name).value_or(otherwise);
  };
  CombineTile tile;
  tile.columns = get("columns", 64);
  tile.loads = get("loads", 4);
  tile.lse = get("lse", 256);
  if (tile.columns % 64 || width % tile.columns)
    return op->emitOpError()
           << "expected tile size 'columns' a multiple of 64 that "
              "divides d_v = "
           << width << ", got " << tile.columns;
  if (tile.loads > 16)
    return op->emitOpError()
           << "expected tile size 'loads' up to 16, got " << tile.loads;
  if (!llvm::isPowerOf2_64(tile.lse) || tile.lse < 32 || tile.lse > 1024)
    return op->emitOpError() << "expected tile size 'lse' a power of two in "
                                "[32, 1024], got "
                             << tile.lse;
  // The threads beyond one row of columns divide the splits of a tile.
  int64_t threads = 0;
  for (RoleAttr role : schedule.getRoles())
    threads += 32 * role.getWarps();
  int64_t each = 128 / element.getIntOrFloatBitWidth();
  tile.splits = std::max<int64_t>(1, threads * each / tile.columns);
  return tile;
}

Value CombineBuilder::like(Value v, float value) {
  return b.createSplat(value, getShape(v));
}

Value CombineBuilder::isCounted(Value lse) {
  auto differs = [&](float value) {
    return arith::CmpFOp::create(b, arith::CmpFPredicate::UNE, lse,
                                 like(lse, value));
  };
  Value counted = differs(-kInf);
  if (convention.isPositiveEmpty)
    counted = arith::AndIOp::create(b, counted, differs(kInf));
  return counted;
}

Value CombineBuilder::maskLse(Value lse) {
  // The weight of -inf is 0 already.
  if (!convention.isPositiveEmpty)
    return lse;
  return arith::SelectOp::create(b, isCounted(lse), lse, like(lse, -kInf));
}

Value CombineBuilder::buildWeights(Value v, Value max) {
  Value exponent = arith::SubFOp::create(b, v, max);
  if (!convention.isBase2)
    exponent = arith::MulFOp::create(b, exponent, like(v, kLog2E));
  return math::Exp2Op::create(b, exponent);
}

CombineBuilder::Statistics CombineBuilder::addStatistics(Statistics before,
                                                         Value lse) {
  Value values = maskLse(lse);
  auto reduce = [&](tile::ReduceKind kind, Value v) {
    return tile::ReduceOp::create(b, b.getF32Tile({}), kind, v, 0);
  };
  Value max = arith::MaximumFOp::create(b, before.max,
                                        reduce(tile::ReduceKind::max, values));
  Value weights = buildWeights(values, spread(max, tile.lse));
  Value sum =
      arith::MulFOp::create(b, before.sum, buildWeights(before.max, max));
  return {max, arith::AddFOp::create(b, sum,
                                     reduce(tile::ReduceKind::sum, weights))};
}

CombineBuilder::Statistics CombineBuilder::addSplit(Statistics before,
                                                    Value lse) {
  Value values = maskLse(lse);
  Value max = arith::MaximumFOp::create(b, before.max, values);
  Value sum =
      arith::MulFOp::create(b, before.sum, buildWeights(before.max, max));
  return {max, arith::AddFOp::create(b, sum, buildWeights(values, max))};
}

Value CombineBuilder::accumulate(Value acc, ArrayRef<Partials> partials,
                                 Value max) {
  SmallVector<int64_t> shape(getShape(acc));
  for (Partials loaded : partials) {
    Value each = getShape(max).empty() ? spread(max, shape[0]) : max;
    Value weights = buildWeights(maskLse(loaded.lse), each);
    // An empty split may hold NaN, and 0 * NaN is NaN.
    Value counted = b.createBroadcast(isCounted(loaded.lse), 1, shape);
    Value out = loaded.out;
    if (!getElementTypeOrSelf(out.getType()).isF32())
      out = arith::ExtFOp::create(b, b.getF32Tile(shape), out);
    out = arith::SelectOp::create(b, counted, out, b.createSplat(0, shape));
    acc =
        math::FmaOp::create(b, out, b.createBroadcast(weights, 1, shape), acc);
  }
  return acc;
}

Value CombineBuilder::isEmpty(Statistics row) {
  // The largest weight is 1, so the sum of a row with a non-empty split is
  // >= 1.
  return arith::CmpFOp::create(b, arith::CmpFPredicate::OEQ, row.sum,
                               like(row.sum, 0));
}

Value CombineBuilder::buildOutput(Value acc, Value sum, Value empty,
                                  Type element) {
  Value inverse = arith::DivFOp::create(b, like(sum, 1), sum);
  inverse = arith::SelectOp::create(b, empty, like(sum, 0), inverse);
  SmallVector<int64_t> shape(getShape(acc));
  Value total = acc, factor;
  if (getShape(sum).empty()) {
    shape = {shape[1]};
    total = tile::ReduceOp::create(b, b.getF32Tile(shape),
                                   tile::ReduceKind::sum, acc, 0);
    factor = spread(inverse, shape[0]);
  } else {
    factor = b.createBroadcast(inverse, 1, shape);
  }
  Value scaled = arith::MulFOp::create(b, total, factor);
  return arith::TruncFOp::create(b, RankedTensorType::get(shape, element),
                                 scaled);
}

Value CombineBuilder::buildLse(Statistics row, Value empty, float ifEmpty) {
  Value logSum = math::Log2Op::create(b, row.sum);
  if (!convention.isBase2)
    logSum = arith::MulFOp::create(b, logSum, like(logSum, kLn2));
  Value lse = arith::AddFOp::create(b, row.max, logSum);
  return arith::SelectOp::create(b, empty, like(lse, ifEmpty), lse);
}
