//===- CombineKernel.cpp - the kernel that merges pieces ------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// The parts of a request but the first share its rows: each merges some of
// them. A part has a fixed number of CTAs, so that the grid is a wave of CTAs
// whatever the batch is, and CTAs of parts without a cut request end at once.
//
// A CTA works on one item after another, a block of columns of one row or of a
// block of rows. With many pieces it is of one row, and the threads divide the
// pieces; all loads of up to loads * splits + 1 pieces are issued before any
// use. With few pieces, the common case of large batches, most threads would
// have nothing to load: the threads divide the rows instead, and a loop goes
// over the pieces.
//
//===----------------------------------------------------------------------===//

#include "CombineKernel.h"
#include "PlanKernel.h"
#include "mla/Operators/CombineBuilder.h"
#include "mla/Transforms/ScheduleText.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace mla;

/// CTAs per SM, if there is one CTA of attention per SM: as many as have room
/// with the registers of the schedule.
static constexpr int64_t kCtasPerSm = 4;

// Tile sizes: those of CombineTile; `few`, the most pieces for which an item is
// a block of rows; `rows`, the rows of such a block, by default those of two
// loads per thread; `pieces`, how many of its pieces are loaded at once. Half a
// warp reads a row of 128 columns, so that a tile of one row has 8 splits.
static constexpr llvm::StringLiteral kSchedule = R"(
#mla.schedule<"combine"
  tile = {columns = 128, loads = 3, lse = 128, few = 8, pieces = 2},
  roles = [<"reduce", warps = 4, registers = 104>],
  table = [
    <"partial" in ["reduce"]>,
    <"weights" in ["reduce"]>,
    <"lse" in ["reduce"], threads = 32>,
    <"out" in ["reduce"]>]>
)";

ScheduleAttr mla::getDecodeCombineSchedule(MLIRContext &context) {
  return parseSchedule(kSchedule, "decode's combine", context);
}

namespace {
/// Tile sizes of items that are blocks of rows.
struct RowsTile {
  int64_t few, rows, pieces;
};

/// Builds the tile program.
class Merger {
public:
  Merger(TileBuilder &b, const DecodeCombineOperands &operands,
         const DecodeCombineOptions &options, const CombineTile &tile,
         const RowsTile &rowsTile)
      : b(b), operands(operands), options(options), tile(tile),
        rowsTile(rowsTile), combine(b, tile, PartialLse()),
        allRows(getSize(operands.partialOut, 2)),
        chunks(getSize(operands.partialOut, 3) / tile.columns),
        queries(getSize(operands.out, 1)),
        heads(getSize(operands.out, 2) / options.kvHeads) {}

  void run();

private:
  using Partials = CombineBuilder::Partials;
  using Statistics = CombineBuilder::Statistics;

  void buildCta(ValueRange ivs);
  /// A loop over the CTA's items, of which the request has `items` if
  /// `condition` holds and otherwise none.
  void buildItems(Value condition, int64_t items,
                  function_ref<void(Value)> build);
  /// The first row of the item among `itemRows` rows at a time, its query, head
  /// and columns, and the ends of the rows that belong to the item's query.
  void locate(Value item, int64_t itemRows);

  // Items of one row.
  void buildRow();
  /// The lse of the first piece, or of those after it, from `piece` on.
  Value loadLse(bool isFirst, Value piece, int64_t size, StringRef label);
  Partials load(bool isFirst, Value piece);
  /// The partials of one iteration, of pieces after the first.
  SmallVector<Partials> loadPartials(Value piece);

  // Items of several rows.
  void buildRows();
  /// The rows of one piece; past the last piece, of no row.
  Partials loadRows(bool isFirst, Value piece);
  /// The state is the accumulator and the statistics.
  SmallVector<Value> addPieces(ValueRange state, ArrayRef<Partials> pieces);

  void buildEpilogue(Value acc, Statistics stats);
  void storeLse(Statistics stats, Value empty);
  Value loadSink(bool isOneRow);
  scf::ForOp
  buildLoop(Value from, Value to, Value step, ValueRange init,
            function_ref<SmallVector<Value>(Value, ValueRange)> body);

  static int64_t getSize(Value memref, unsigned dim) {
    return cast<MemRefType>(memref.getType()).getDimSize(dim);
  }
  static bool isOneRow(Statistics stats) {
    return cast<RankedTensorType>(stats.sum.getType()).getRank() == 0;
  }
  Value index(int64_t value) { return b.createIndex(value); }
  Value add(Value x, Value y) { return arith::AddIOp::create(b, x, y); }
  Value sub(Value x, Value y) { return arith::SubIOp::create(b, x, y); }
  Value mul(Value x, Value y) { return arith::MulIOp::create(b, x, y); }
  Value max(Value x, Value y) { return arith::MaxSIOp::create(b, x, y); }
  Value select(Value condition, Value x, Value y) {
    return arith::SelectOp::create(b, condition, x, y);
  }
  Value compare(arith::CmpIPredicate predicate, Value x, Value y) {
    return arith::CmpIOp::create(b, predicate, x, y);
  }

  TileBuilder &b;
  const DecodeCombineOperands &operands;
  const DecodeCombineOptions &options;
  const CombineTile tile;
  const RowsTile rowsTile;
  CombineBuilder combine;
  /// Rows of a request; blocks of columns; queries; heads of a KV head.
  int64_t allRows, chunks, queries, heads;
  Value zero, one;
  // Values of the CTA: the request, the part in which it begins, the number of
  // its pieces after the first, and the CTA's number among those of the request
  // and their number.
  Value request, firstPart, others, worker, workers;
  // Values of the item.
  Value row, rowEnd, query, head, headEnd, chunk, column;
};
} // namespace

void Merger::run() {
  zero = index(0);
  one = index(1);
  SmallVector<OpFoldResult> bounds{
      buildPartCount(b, operands.plan, options.tiles),
      b.getIndexAttr(options.tiles * kCtasPerSm)};
  scf::ForallOp::create(b, bounds, /*outputs=*/ValueRange(),
                        /*mapping=*/std::nullopt,
                        [&](OpBuilder &, Location, ValueRange ivs) {
                          OpBuilder::InsertionGuard guard(b);
                          buildCta(ivs);
                        });
}

void Merger::buildCta(ValueRange ivs) {
  b.setInsertionPointToStart(ivs[0].getParentBlock());
  Value part = ivs[0];
  auto load = [&](PlanWord word) -> Value {
    Value value =
        memref::LoadOp::create(b, operands.plan, ValueRange{part, index(word)});
    return arith::IndexCastOp::create(b, b.getIndexType(), value);
  };
  request = load(kPlanFirstRequest);
  Value pieces = load(kPlanMergePieces), mine = load(kPlanMergeIndex);
  firstPart = sub(part, mine);
  // At least 1, as a step of a loop; without pieces it has no iteration.
  others = max(sub(pieces, one), one);
  Value perPart = index(options.tiles * kCtasPerSm);
  worker = add(mul(max(sub(mine, one), zero), perPart), ivs[1]);
  workers = mul(others, perPart);

  auto isAbove = [&](Value v, int64_t limit) {
    return compare(arith::CmpIPredicate::sgt, v, index(limit));
  };
  Value isMany = isAbove(pieces, rowsTile.few);
  buildItems(isMany, allRows * chunks, [&](Value item) {
    locate(item, 1);
    buildRow();
  });
  Value isFew =
      compare(arith::CmpIPredicate::ult, sub(pieces, one), index(rowsTile.few));
  int64_t blocks = llvm::divideCeil(heads, rowsTile.rows);
  buildItems(isFew, allRows / heads * blocks * chunks, [&](Value item) {
    locate(item, rowsTile.rows);
    buildRows();
  });
  scf::InParallelOp::create(b);
}

void Merger::buildItems(Value condition, int64_t items,
                        function_ref<void(Value)> build) {
  Value end = select(condition, index(items), zero);
  auto loop = scf::ForOp::create(b, worker, end, workers);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(loop.getBody());
  build(loop.getInductionVar());
}

void Merger::locate(Value item, int64_t itemRows) {
  auto divide = [&](Value v, int64_t by) -> std::pair<Value, Value> {
    Value size = index(by);
    return {arith::DivUIOp::create(b, v, size),
            arith::RemUIOp::create(b, v, size)};
  };
  Value block, group, kvHead, inGroup;
  std::tie(block, chunk) = divide(item, chunks);
  column = mul(chunk, index(tile.columns));
  // A group of rows has the heads of a query and KV head.
  std::tie(group, inGroup) = divide(block, llvm::divideCeil(heads, itemRows));
  std::tie(kvHead, query) = divide(group, queries);
  inGroup = mul(inGroup, index(itemRows));
  Value groupRow = mul(group, index(heads)),
        groupHead = mul(kvHead, index(heads));
  row = add(groupRow, inGroup);
  rowEnd = add(groupRow, index(heads));
  head = add(groupHead, inGroup);
  headEnd = add(groupHead, index(heads));
}

scf::ForOp
Merger::buildLoop(Value from, Value to, Value step, ValueRange init,
                  function_ref<SmallVector<Value>(Value, ValueRange)> body) {
  return scf::ForOp::create(
      b, from, to, step, init,
      [&](OpBuilder &nested, Location, Value iv, ValueRange state) {
        OpBuilder::InsertionGuard guard(b);
        b.setInsertionPoint(nested.getInsertionBlock(),
                            nested.getInsertionPoint());
        scf::YieldOp::create(b, body(iv, state));
      });
}

//===----------------------------------------------------------------------===//
// Items of one row
//===----------------------------------------------------------------------===//

void Merger::buildRow() {
  // Issue these loads before any use, so that their latencies overlap.
  SmallVector<Partials> first{load(/*isFirst=*/true, zero)};
  first.append(loadPartials(zero));
  Value lseOfFirst = loadLse(/*isFirst=*/true, zero, tile.lse, "lse");
  Value lse = loadLse(/*isFirst=*/false, zero, tile.lse, "lse");

  Statistics stats = combine.addStatistics(combine.getInit(), lseOfFirst);
  stats = combine.addStatistics(stats, lse);
  auto statistics = buildLoop(
      index(tile.lse), others, index(tile.lse), {stats.max, stats.sum},
      [&](Value piece, ValueRange state) -> SmallVector<Value> {
        Statistics next = combine.addStatistics(
            {state[0], state[1]},
            loadLse(/*isFirst=*/false, piece, tile.lse, "lse"));
        return {next.max, next.sum};
      });
  stats = {statistics.getResult(0), statistics.getResult(1)};
  Value acc = combine.accumulate(b.createSplat(0, {tile.splits, tile.columns}),
                                 first, stats.max);
  Value step = index(tile.splits * tile.loads);
  auto loop = buildLoop(
      step, others, step, {acc},
      [&](Value piece, ValueRange state) -> SmallVector<Value> {
        return {combine.accumulate(state[0], loadPartials(piece), stats.max)};
      });
  buildEpilogue(loop.getResult(0), stats);
}

Value Merger::loadLse(bool isFirst, Value piece, int64_t size,
                      StringRef label) {
  // The first piece is at [firstPart, 1], the others from [firstPart + 1, 0]
  // on.
  Value at = isFirst ? firstPart : add(add(firstPart, one), piece);
  Value end = add(firstPart, isFirst ? one : add(others, one));
  return b.label(tile::LoadOp::create(
                     b, b.getF32Tile({size}), operands.partialLse,
                     ValueRange{at, isFirst ? one : zero, row}, ValueRange{end},
                     b.getDenseI64ArrayAttr({0}), b.getF32FloatAttr(-kInf)),
                 label);
}

Merger::Partials Merger::load(bool isFirst, Value piece) {
  auto type = RankedTensorType::get(
      {tile.splits, tile.columns},
      getElementTypeOrSelf(operands.partialOut.getType()));
  Value at = isFirst ? firstPart : add(add(firstPart, one), piece);
  Value end = add(firstPart, isFirst ? one : add(others, one));
  Value out =
      b.label(tile::LoadOp::create(
                  b, type, operands.partialOut,
                  ValueRange{at, isFirst ? one : zero, row, column},
                  ValueRange{end}, b.getDenseI64ArrayAttr({0, 3}), TypedAttr()),
              "partial");
  return {out, loadLse(isFirst, piece, tile.splits, "weights")};
}

SmallVector<Merger::Partials> Merger::loadPartials(Value piece) {
  SmallVector<Partials> partials;
  for (int64_t i = 0; i < tile.loads; ++i)
    partials.push_back(
        load(/*isFirst=*/false, add(piece, index(i * tile.splits))));
  return partials;
}

//===----------------------------------------------------------------------===//
// Items of several rows
//===----------------------------------------------------------------------===//

void Merger::buildRows() {
  auto load = [&](Value piece) {
    SmallVector<Partials> pieces;
    for (int64_t i = 0; i < rowsTile.pieces; ++i)
      pieces.push_back(loadRows(/*isFirst=*/false, add(piece, index(i))));
    return pieces;
  };
  SmallVector<Partials> first{loadRows(/*isFirst=*/true, zero)};
  first.append(load(zero));
  Statistics none = combine.getInit({rowsTile.rows});
  SmallVector<Value> state = addPieces(
      {b.createSplat(0, {rowsTile.rows, tile.columns}), none.max, none.sum},
      first);
  Value step = index(rowsTile.pieces);
  auto loop =
      buildLoop(step, others, step, state, [&](Value piece, ValueRange before) {
        return addPieces(before, load(piece));
      });
  buildEpilogue(loop.getResult(0), {loop.getResult(1), loop.getResult(2)});
}

Merger::Partials Merger::loadRows(bool isFirst, Value piece) {
  Value at = isFirst ? firstPart : add(add(firstPart, one), piece);
  Value side = isFirst ? one : zero;
  Value end = rowEnd;
  if (!isFirst)
    end =
        select(compare(arith::CmpIPredicate::slt, piece, others), rowEnd, zero);
  auto type = RankedTensorType::get(
      {rowsTile.rows, tile.columns},
      getElementTypeOrSelf(operands.partialOut.getType()));
  Value out = b.label(tile::LoadOp::create(b, type, operands.partialOut,
                                           ValueRange{at, side, row, column},
                                           ValueRange{end}, DenseI64ArrayAttr(),
                                           TypedAttr()),
                      "partial");
  Value lse = b.label(tile::LoadOp::create(
                          b, b.getF32Tile({rowsTile.rows}), operands.partialLse,
                          ValueRange{at, side, row}, ValueRange{end},
                          DenseI64ArrayAttr(), b.getF32FloatAttr(-kInf)),
                      "weights");
  return {out, lse};
}

SmallVector<Value> Merger::addPieces(ValueRange state,
                                     ArrayRef<Partials> pieces) {
  Statistics before{state[1], state[2]}, stats = before;
  for (Partials piece : pieces)
    stats = combine.addSplit(stats, piece.lse);
  // The weights so far refer to the maximum so far.
  Value factor = b.createBroadcast(combine.buildWeights(before.max, stats.max),
                                   1, {rowsTile.rows, tile.columns});
  Value acc = arith::MulFOp::create(b, state[0], factor);
  return {combine.accumulate(acc, pieces, stats.max), stats.max, stats.sum};
}

//===----------------------------------------------------------------------===//
// Results
//===----------------------------------------------------------------------===//

void Merger::buildEpilogue(Value acc, Statistics stats) {
  Value empty = combine.isEmpty(stats), sum = stats.sum;
  if (operands.attnSink)
    sum = arith::AddFOp::create(
        b, sum, combine.buildWeights(loadSink(isOneRow(stats)), stats.max));
  Value out = combine.buildOutput(acc, sum, empty,
                                  getElementTypeOrSelf(operands.out.getType()));
  SmallVector<Value> bounds;
  if (!isOneRow(stats))
    bounds.push_back(headEnd);
  b.label(tile::StoreOp::create(b, out, operands.out,
                                ValueRange{request, query, head, column},
                                bounds, DenseI64ArrayAttr()),
          "out");
  storeLse(stats, empty);
}

Value Merger::loadSink(bool isOneRow) {
  constexpr int64_t kThreads = 32;
  // Elements past the end, all of them if the launch omits the sink, are -inf.
  int64_t size = isOneRow ? kThreads : rowsTile.rows;
  Value end = isOneRow ? add(head, one) : headEnd;
  Value sinks = b.label(
      tile::LoadOp::create(b, b.getF32Tile({size}), operands.attnSink,
                           ValueRange{head}, ValueRange{end},
                           DenseI64ArrayAttr(), b.getF32FloatAttr(-kInf)),
      isOneRow ? "lse" : "weights");
  if (!isOneRow)
    return sinks;
  return tile::ReduceOp::create(b, b.getF32Tile({}), tile::ReduceKind::max,
                                sinks, 0);
}

void Merger::storeLse(Statistics stats, Value empty) {
  Value lse = combine.buildLse(stats, empty, 0);
  if (options.lse.isBase2)
    lse = arith::MulFOp::create(b, lse, combine.like(lse, kLog2E));
  lse = select(empty,
               combine.like(lse, options.lse.isEmptyNegative ? -kInf : kInf),
               lse);
  if (isOneRow(stats))
    lse = combine.spread(lse, 1);
  // One CTA of a row stores its lse: the bound is 0 in the others.
  Value isFirst = compare(arith::CmpIPredicate::eq, chunk, zero);
  Value end = select(isFirst, headEnd, zero);
  b.label(tile::StoreOp::create(b, lse, operands.lse,
                                ValueRange{request, query, head},
                                ValueRange{end}, DenseI64ArrayAttr()),
          "out.lse");
}

/// The tile sizes of items that are blocks of rows. Emits an error at `op` for
/// unsupported ones.
static FailureOr<RowsTile> getRowsTile(Operation *op, ScheduleAttr schedule,
                                       int64_t splits) {
  auto get = [&](StringRef name, int64_t otherwise) {
    return schedule.getTileSize(name).value_or(otherwise);
  };
  RowsTile tile{get("few", 8), get("rows", 2 * splits), get("pieces", 2)};
  if (!llvm::isPowerOf2_64(tile.rows) || tile.rows < splits ||
      tile.rows > 8 * splits)
    return op->emitOpError()
           << "expected tile size 'rows' a power of two in [" << splits << ", "
           << 8 * splits << "] for these columns, got " << tile.rows;
  if (tile.pieces < 1 || tile.pieces > 8)
    return op->emitOpError()
           << "expected tile size 'pieces' in [1, 8], got " << tile.pieces;
  return tile;
}

LogicalResult mla::buildDecodeCombineKernel(
    TileBuilder &b, const DecodeCombineOperands &operands,
    const DecodeCombineOptions &options, ScheduleAttr schedule) {
  auto partials = cast<MemRefType>(operands.partialOut.getType());
  Operation *func = b.getInsertionBlock()->getParentOp();
  FailureOr<CombineTile> tile = CombineTile::get(
      func, schedule, partials.getShape().back(), partials.getElementType());
  if (failed(tile))
    return failure();
  FailureOr<RowsTile> rowsTile = getRowsTile(func, schedule, tile->splits);
  if (failed(rowsTile))
    return failure();
  Merger(b, operands, options, *tile, *rowsTile).run();
  return success();
}
