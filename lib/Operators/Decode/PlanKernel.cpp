//===- PlanKernel.cpp - the kernel that makes a plan ------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// A CTA computes a tile of parts. It has all requests at hand: a first loop
// over tiles of requests finds their sum and maximum, which determine the
// width of a part; a second one finds where each request starts, and counts for
// each part the requests that start before its begin and before its end. Prefix
// sums and counts are reductions of masked matrices, [requests, requests] and
// [parts, requests].
//
//===----------------------------------------------------------------------===//

#include "PlanKernel.h"
#include "mla/Transforms/ScheduleText.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;
using namespace mla;
using arith::CmpIPredicate;

/// Parts per CTA, and requests per iteration. A lane holds 4 requests of a row
/// of 128, so that a reduction along requests stays in a warp.
static constexpr int64_t kTileParts = 32, kTileRequests = 128;
/// The same where each request is divided by itself: a thread per part.
static constexpr int64_t kTileInvariant = 128;

static constexpr llvm::StringLiteral kSchedule = R"(
#mla.schedule<"plan",
  roles = [<"plan", warps = 4, registers = 240>],
  table = [
    <"lengths" in ["plan"], threads = 32>,
    <"plan" in ["plan"]>]>
)";

ScheduleAttr mla::getPlanSchedule(MLIRContext &context) {
  return parseSchedule(kSchedule, "plan", context);
}

namespace {
/// Builds integer arithmetic on scalars and tiles.
class IntBuilder {
public:
  explicit IntBuilder(TileBuilder &b) : b(b) {}

  Value constant(int64_t value) {
    return arith::ConstantOp::create(b, b.getI32IntegerAttr(value));
  }
  Value splat(Value scalar, ArrayRef<int64_t> shape) {
    return b.createSplat(scalar, shape);
  }
  Value splat(int64_t value, ArrayRef<int64_t> shape) {
    auto type = RankedTensorType::get(shape, b.getI32Type());
    return arith::ConstantOp::create(
        b, DenseElementsAttr::get(type, b.getI32IntegerAttr(value).getValue()));
  }
  /// A constant of the type of `v`.
  Value like(Value v, int64_t value) {
    auto tile = dyn_cast<RankedTensorType>(v.getType());
    return tile ? splat(value, tile.getShape()) : constant(value);
  }
  Value toI32(Value index) {
    return arith::IndexCastOp::create(b, b.getI32Type(), index);
  }
  Value iota(int64_t size) {
    return tile::IotaOp::create(b,
                                RankedTensorType::get({size}, b.getI32Type()));
  }

  Value add(Value x, Value y) { return arith::AddIOp::create(b, x, y); }
  Value sub(Value x, Value y) { return arith::SubIOp::create(b, x, y); }
  Value mul(Value x, Value y) { return arith::MulIOp::create(b, x, y); }
  /// Of numbers >= 0, by one above 0.
  Value div(Value x, Value y) { return arith::DivUIOp::create(b, x, y); }
  Value rem(Value x, Value y) { return arith::RemUIOp::create(b, x, y); }
  /// Of numbers >= 0, by one above 0, whose sum fits an i32.
  Value ceilDiv(Value x, Value y) { return div(add(x, sub(y, like(y, 1))), y); }
  Value min(Value x, Value y) { return arith::MinSIOp::create(b, x, y); }
  Value max(Value x, Value y) { return arith::MaxSIOp::create(b, x, y); }
  Value both(Value x, Value y) { return arith::AndIOp::create(b, x, y); }
  Value select(Value condition, Value x, Value y) {
    return arith::SelectOp::create(b, condition, x, y);
  }
  /// x where the condition holds, otherwise 0.
  Value keep(Value condition, Value x) {
    return select(condition, x, like(x, 0));
  }
  Value isLess(Value x, Value y) { return compare(CmpIPredicate::slt, x, y); }
  Value isAtMost(Value x, Value y) { return compare(CmpIPredicate::sle, x, y); }
  Value isEqual(Value x, Value y) { return compare(CmpIPredicate::eq, x, y); }
  Value compare(CmpIPredicate predicate, Value x, Value y) {
    return arith::CmpIOp::create(b, predicate, x, y);
  }
  /// 1 where the condition holds, otherwise 0.
  Value toNumber(Value condition) {
    auto type = cast<RankedTensorType>(condition.getType());
    return keep(condition, splat(1, type.getShape()));
  }
  Value reduce(tile::ReduceKind kind, Value tile, int64_t dim) {
    auto type = cast<RankedTensorType>(tile.getType());
    SmallVector<int64_t> shape(type.getShape());
    shape.erase(shape.begin() + dim);
    return tile::ReduceOp::create(
        b, RankedTensorType::get(shape, b.getI32Type()), kind, tile, dim);
  }
  Value sum(Value tile, int64_t dim) {
    return reduce(tile::ReduceKind::sum, tile, dim);
  }
  Value maximum(Value tile, int64_t dim) {
    return reduce(tile::ReduceKind::max, tile, dim);
  }
  /// A tensor<i32> as a vector.
  Value spread(Value v, int64_t size) {
    return b.createBroadcast(v, 0, {size});
  }

  TileBuilder &b;
};

/// Builds the tile program.
class Planner : IntBuilder {
public:
  Planner(TileBuilder &b, const PlanOperands &operands,
          const PlanOptions &options)
      : IntBuilder(b), operands(operands), options(options) {}

  void run();

private:
  /// The positions per part and the gap after a request: tensor<i32>.
  struct Division {
    Value width, gap;
  };
  void buildPart();
  void buildInvariantPart();
  /// Units of requests, 0 for those past b, from the loaded lengths.
  Value buildUnits(Value lengths, Value requests);
  /// Units of the tile of requests that starts at `first`.
  Value loadUnits(Value first);
  Division buildDivision();
  SmallVector<Value> addRequests(Value first, ValueRange state,
                                 const Division &division, Value begin,
                                 Value end);
  void storeRows(ArrayRef<std::pair<PlanWord, Value>> words, Value isUsed);
  scf::ForOp
  buildLoop(Value from, Value step, ValueRange init,
            function_ref<SmallVector<Value>(Value, ValueRange)> body);

  const PlanOperands &operands;
  const PlanOptions &options;
  // Scalars of the grid point: numbers of requests and parts as i32, the first
  // row of the plan, and limits of a length in tokens and units.
  Value zero, requests, requestCount, parts, firstRow, maxTokens, maxUnits;
};
} // namespace

void Planner::run() {
  zero = b.createIndex(0);
  Value ctas = memref::DimOp::create(b, operands.plan, zero);
  int64_t rows = options.isBatchInvariant ? kTileInvariant : kTileParts;
  SmallVector<OpFoldResult> bounds{
      arith::CeilDivUIOp::create(b, ctas, b.createIndex(rows)).getResult()};
  scf::ForallOp::create(
      b, bounds, /*outputs=*/ValueRange(), /*mapping=*/std::nullopt,
      [&](OpBuilder &, Location, ValueRange ivs) {
        OpBuilder::InsertionGuard guard(b);
        b.setInsertionPointToStart(ivs[0].getParentBlock());
        requests = memref::DimOp::create(b, operands.cacheSeqlens, zero);
        requestCount = toI32(requests);
        parts = max(div(toI32(ctas), constant(options.tiles)), constant(1));
        firstRow = arith::MulIOp::create(b, ivs[0], b.createIndex(rows));
        // Rounding up to units does not overflow.
        maxTokens = toI32(arith::MinSIOp::create(
            b, operands.maxTokens,
            b.createIndex(std::numeric_limits<int32_t>::max() - kPlanUnit)));
        maxUnits = div(constant(kMaxPlanUnits), max(requestCount, constant(1)));
        if (options.isBatchInvariant)
          buildInvariantPart();
        else
          buildPart();
        scf::InParallelOp::create(b);
      });
}

scf::ForOp
Planner::buildLoop(Value from, Value step, ValueRange init,
                   function_ref<SmallVector<Value>(Value, ValueRange)> body) {
  return scf::ForOp::create(
      b, from, requests, step, init,
      [&](OpBuilder &nested, Location, Value iv, ValueRange state) {
        OpBuilder::InsertionGuard guard(b);
        b.setInsertionPoint(nested.getInsertionBlock(),
                            nested.getInsertionPoint());
        scf::YieldOp::create(b, body(iv, state));
      });
}

//===----------------------------------------------------------------------===//
// Requests
//===----------------------------------------------------------------------===//

Value Planner::buildUnits(Value lengths, Value numbers) {
  auto shape = cast<RankedTensorType>(lengths.getType()).getShape();
  Value tokens = min(max(lengths, splat(0, shape)), splat(maxTokens, shape));
  Value units = ceilDiv(tokens, splat(kPlanUnit, shape));
  units = max(min(units, splat(maxUnits, shape)), splat(1, shape));
  return keep(isLess(numbers, splat(requestCount, shape)), units);
}

Value Planner::loadUnits(Value first) {
  auto type = RankedTensorType::get({kTileRequests}, b.getI32Type());
  Value lengths = b.label(tile::LoadOp::create(b, type, operands.cacheSeqlens,
                                               ValueRange{first}, TypedAttr()),
                          "lengths");
  return buildUnits(
      lengths, add(iota(kTileRequests), splat(toI32(first), {kTileRequests})));
}

Planner::Division Planner::buildDivision() {
  Value none = splat(0, {});
  auto totals = buildLoop(
      zero, b.createIndex(kTileRequests), {none, none},
      [&](Value first, ValueRange state) -> SmallVector<Value> {
        Value units = loadUnits(first);
        return {add(state[0], sum(units, 0)), max(state[1], maximum(units, 0))};
      });
  Value units = totals.getResult(0), longest = totals.getResult(1);
  Value one = splat(1, {});
  Value overhead = splat(options.overhead, {});
  Value partCount = splat(parts, {});
  Value b1 = max(splat(requestCount, {}), one);
  Value even =
      ceilDiv(add(units, mul(splat(requestCount, {}), overhead)), partCount);
  Value slack = splat(options.slack, {});
  if (options.slackDivisor)
    slack = max(slack, div(even, splat(options.slackDivisor, {})));
  // A part has whole requests of the longest kind.
  Value item = max(add(longest, overhead), one);
  Value wholes = mul(ceilDiv(even, item), item);
  wholes = select(isAtMost(sub(wholes, even), slack), wholes, even);
  // The longest request is an integer number of parts.
  Value pieces = max(div(longest, max(even, one)), one);
  Value width = ceilDiv(longest, pieces);
  Value gap = sub(mul(width, pieces), longest);
  Value room = sub(mul(partCount, width), units);
  // Not as a product of gap and b, which may overflow.
  Value fits =
      both(isAtMost(sub(width, even), slack),
           both(isAtMost(splat(0, {}), room), isAtMost(gap, div(room, b1))));
  width = select(fits, width, even);
  gap = select(fits, gap, overhead);
  Value hasWholes = isAtMost(item, even);
  return {max(select(hasWholes, wholes, width), one),
          select(hasWholes, overhead, gap)};
}

//===----------------------------------------------------------------------===//
// Parts
//===----------------------------------------------------------------------===//

/// The state: where the tile's first request starts; then for each part, of the
/// requests that start before its begin, their number and where the last one
/// starts and ends; and the same of those that start before its end.
SmallVector<Value> Planner::addRequests(Value first, ValueRange state,
                                        const Division &division, Value begin,
                                        Value end) {
  constexpr int64_t n = kTileRequests;
  // Loaded once for the columns of matrices and once for rows.
  Value units = loadUnits(first), unitsOfRow = loadUnits(first);
  Value number = iota(n);
  SmallVector<int64_t> square{n, n}, matrix{kTileParts, n};
  Value isEarlier = isLess(b.createBroadcast(iota(n), 1, square),
                           b.createBroadcast(number, 0, square));
  Value before =
      sum(keep(isEarlier, b.createBroadcast(unitsOfRow, 1, square)), 0);
  Value gap = spread(division.gap, n);
  Value start = add(add(spread(state[0], n), before), mul(gap, iota(n)));
  Value isRequest = isLess(splat(0, {n}), units);
  Value next =
      add(state[0], add(sum(units, 0), mul(division.gap, splat(n, {}))));
  // Requests past b start after all parts.
  Value last = add(start, units);
  start =
      select(isRequest, start, splat(std::numeric_limits<int32_t>::max(), {n}));
  Value starts = b.createBroadcast(start, 0, matrix);
  Value ends = b.createBroadcast(last, 0, matrix);
  auto isBefore = [&](Value position) {
    return isLess(starts, b.createBroadcast(position, 1, matrix));
  };
  Value atBegin = isBefore(begin), atEnd = isBefore(end);
  return {next,
          add(state[1], sum(toNumber(atBegin), 1)),
          max(state[2], maximum(keep(atBegin, starts), 1)),
          max(state[3], maximum(keep(atBegin, ends), 1)),
          add(state[4], sum(toNumber(atEnd), 1)),
          max(state[5], maximum(keep(atEnd, starts), 1)),
          max(state[6], maximum(keep(atEnd, ends), 1))};
}

void Planner::buildPart() {
  Division division = buildDivision();
  SmallVector<int64_t> shape{kTileParts};
  Value number = add(iota(kTileParts), splat(toI32(firstRow), shape));
  Value width = spread(division.width, kTileParts);
  Value begin = mul(number, width), end = add(begin, width);
  SmallVector<Value> init(7, splat(0, shape));
  init[0] = splat(0, {});
  auto loop =
      buildLoop(zero, b.createIndex(kTileRequests), init,
                [&](Value first, ValueRange state) {
                  return addRequests(first, state, division, begin, end);
                });
  Value count = loop.getResult(1), start = loop.getResult(2),
        last = loop.getResult(3), endCount = loop.getResult(4),
        endStart = loop.getResult(5), endLast = loop.getResult(6);
  // Whether the last request that starts before the part has units in it: it is
  // the part's first request then.
  Value isCut = isLess(begin, last);
  Value one = splat(1, shape);
  Value firstPart = div(start, width);
  Value lastPart = div(max(sub(last, one), splat(0, shape)), width);
  Value pieces = keep(isCut, add(sub(lastPart, firstPart), one));
  Value index = keep(isCut, sub(number, firstPart));
  Value toEnd = splat(kPlanToEnd, shape);
  auto toTokens = [&](Value units) {
    return mul(units, splat(kPlanUnit, shape));
  };
  // Without requests all rows are 0.
  Value used = select(isLess(constant(0), requestCount), parts, constant(0));
  storeRows({{kPlanFirstRequest, sub(count, toNumber(isCut))},
             {kPlanEndRequest, endCount},
             {kPlanFirstToken, keep(isCut, toTokens(sub(begin, start)))},
             {kPlanEndToken, select(isLess(end, endLast),
                                    toTokens(sub(end, endStart)), toEnd)},
             {kPlanMergePieces, pieces},
             {kPlanMergeIndex, index}},
            isLess(number, splat(used, shape)));
}

void Planner::buildInvariantPart() {
  SmallVector<int64_t> shape{kTileInvariant};
  auto scalar = [&](Value v) { return splat(v, shape); };
  Value one = constant(1), some = max(requestCount, one);
  // Parts per request, or requests per part if there are more requests.
  Value share = max(div(parts, some), one), group = ceilDiv(some, parts);
  Value number = add(iota(kTileInvariant), scalar(toI32(firstRow)));
  Value first = mul(div(number, scalar(share)), scalar(group));
  Value piece = rem(number, scalar(share));
  Value lengths =
      b.label(tile::GatherOp::create(b, first.getType(), operands.cacheSeqlens,
                                     first, ValueRange()),
              "lengths");
  Value units = buildUnits(lengths, first);
  Value width = ceilDiv(units, scalar(share));
  Value begin = mul(piece, width), end = add(begin, width);
  Value hasUnits = isLess(begin, units);
  Value last = min(add(first, scalar(group)), scalar(requestCount));
  Value isCut = both(hasUnits, isLess(splat(0, shape), piece));
  Value pieces = keep(isCut, ceilDiv(units, max(width, splat(1, shape))));
  Value index = keep(isCut, piece);
  auto toTokens = [&](Value units) {
    return mul(units, splat(kPlanUnit, shape));
  };
  Value isUsed =
      both(isLess(first, scalar(requestCount)), isLess(number, scalar(parts)));
  storeRows({{kPlanFirstRequest, first},
             {kPlanEndRequest, select(hasUnits, last, first)},
             {kPlanFirstToken, keep(isCut, toTokens(begin))},
             {kPlanEndToken, select(isLess(end, units), toTokens(end),
                                    splat(kPlanToEnd, shape))},
             {kPlanMergePieces, pieces},
             {kPlanMergeIndex, index}},
            isUsed);
}

void Planner::storeRows(ArrayRef<std::pair<PlanWord, Value>> words,
                        Value isUsed) {
  std::array<Value, kPlanWords> row;
  row.fill(like(words[0].second, 0));
  for (auto [word, value] : words)
    row[word] = keep(isUsed, value);
  for (auto [word, value] : llvm::enumerate(row))
    b.label(tile::StoreOp::create(
                b, value, operands.plan,
                ValueRange{firstRow, b.createIndex(static_cast<int64_t>(word))},
                ValueRange(), b.getDenseI64ArrayAttr({0})),
            "plan");
}

Value mla::buildPartCount(TileBuilder &b, Value plan, int64_t tiles) {
  Value ctas = memref::DimOp::create(b, plan, b.createIndex(0));
  Value parts = arith::DivUIOp::create(b, ctas, b.createIndex(tiles));
  return arith::MaxUIOp::create(b, parts, b.createIndex(1));
}

void mla::buildPlanKernel(TileBuilder &b, const PlanOperands &operands,
                          const PlanOptions &options) {
  Planner(b, operands, options).run();
}
