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
#include "mla/Operators/TileBuilder.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace mla;

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
                  AttentionBuilder::Empty::known) {}

  void run();

private:
  /// Sets the numbers of heads and tiles and how they are ordered.
  void buildOrder();
  void buildGridPoint(Value item);
  void buildSearchSteps();
  /// Sets the tile's place from its number in the grid.
  void findTile(Value item);
  /// Sets the sequence of packed ones that has tile `slot`, and the tile's
  /// rows.
  void findSequence(Value slot);
  /// Element `number` of cu_seqlens, clamped to the number of rows.
  Value loadBound(Value bounds, Value number, Value rows);
  /// Sets the rows of tile `block` of `count`, and the keys that they attend
  /// to.
  void findRows(Value block, Value count);
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

  Value getDim(Value operand, int64_t d) {
    return memref::DimOp::create(b, operand, index(d));
  }
  Value index(int64_t value) { return b.createIndex(value); }
  Value createI32(int64_t value) {
    return arith::ConstantOp::create(
        b, b.getI32IntegerAttr(static_cast<int32_t>(value)));
  }
  Value choose(Value condition, Value yes, Value no) {
    return arith::SelectOp::create(b, condition, yes, no);
  }
  Value add(Value x, Value y) { return arith::AddIOp::create(b, x, y); }
  Value subtract(Value x, Value y) { return arith::SubIOp::create(b, x, y); }
  Value toI32(Value v) {
    return arith::IndexCastOp::create(b, b.getI32Type(), v);
  }
  Value toIndex(Value v) {
    return arith::IndexCastOp::create(b, b.getIndexType(), v);
  }
  RankedTensorType getNumbers(int64_t size) {
    return RankedTensorType::get({size}, b.getI32Type());
  }
  /// A vector of i32, all `number`, an index.
  Value splat(Value number, int64_t size) {
    return b.createSplat(arith::IndexCastOp::create(b, b.getI32Type(), number),
                         {size});
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
  Value zero;
  // Heads of all sequences, tiles of query rows of a head, heads of a section
  // (buildOrder), and tiles of all heads.
  Value heads, blocks, section, items;
  /// Steps of the search for a sequence.
  Value searchSteps;
  /// The rows of a sequence in q, and in k and v.
  struct {
    Value qBegin, queries, kBegin, keys;
  } sequence;
  // Values of the grid point: the first query of the tile in its sequence, the
  // number of keys that it attends to (may be negative), and the end of those
  // that any query of the tile attends to.
  Value batch, head, kvHead, row, seen, end, q;
};
} // namespace

void Tiler::run() {
  zero = index(0);
  attention.buildScale();
  buildOrder();
  items = arith::MulIOp::create(b, heads, blocks);
  auto grid = scf::ForallOp::create(
      b, SmallVector<OpFoldResult>{items}, /*outputs=*/ValueRange(),
      /*mapping=*/std::nullopt, [&](OpBuilder &, Location, ValueRange ivs) {
        OpBuilder::InsertionGuard guard(b);
        b.setInsertionPointToStart(ivs[0].getParentBlock());
        buildGridPoint(ivs[0]);
      });
  if (isCausal)
    grid->setAttr(tile::kLongestFirstAttr, b.getUnitAttr());
  op.erase();
}

/// CTAs that run at the same time work on the heads of one section, so that
/// they share keys and values in the L2 cache. Causal tiles have different
/// numbers of keys: the longest of a section come first, so that short ones
/// fill the gaps at its end. Otherwise a section is one head. Every CTA
/// computes this before its first load, so it is one division of 32 bits.
void Tiler::buildOrder() {
  Value batches = getDim(op.getQ(), 0), sQ = getDim(op.getQ(), 1);
  heads = arith::MulIOp::create(b, batches, index(getSize(op, "h_q")));
  blocks = arith::CeilDivUIOp::create(b, sQ, index(tiling.rows));
  if (isPacked) {
    // Sequence r has the tiles from floordiv(cu_seqlens_q[r], rows) + r on, at
    // least as many as it needs.
    heads = index(getSize(op, "h_q"));
    blocks = add(arith::DivUIOp::create(b, sQ, index(tiling.rows)),
                 getDim(op.getCuSeqlensQ(), 0));
    buildSearchSteps();
  }
  section = createI32(1);
  if (!isCausal)
    return;
  // As many keys of one KV head are cached.
  int64_t bytes = 2 * (getSize(op, "d_qk") + getSize(op, "d_v"));
  int64_t group = getSize(op, "h_q") / getSize(op, "h_kv");
  Value keys =
      arith::MaxUIOp::create(b, toI32(getDim(op.getK(), 1)), createI32(1));
  Value fit =
      arith::DivUIOp::create(b, createI32(tiling.cachedBytes / bytes), keys);
  fit = arith::MaxUIOp::create(b, fit, createI32(1));
  section = arith::MinUIOp::create(
      b, arith::MulIOp::create(b, fit, createI32(group)), toI32(heads));
}

/// ceil(log2(number of sequences)).
void Tiler::buildSearchSteps() {
  Value rest = arith::MaxSIOp::create(
      b, subtract(getDim(op.getCuSeqlensQ(), 0), index(2)), zero);
  searchSteps = zero;
  for (int64_t bits : {16, 8, 4, 2, 1}) {
    Value high = arith::DivUIOp::create(b, rest, index(int64_t(1) << bits));
    Value isLong =
        arith::CmpIOp::create(b, arith::CmpIPredicate::ne, high, zero);
    searchSteps = add(searchSteps, choose(isLong, index(bits), zero));
    rest = choose(isLong, high, rest);
  }
  searchSteps = add(searchSteps, rest);
}

void Tiler::findTile(Value item) {
  // Numbers of items have 31 bits, and a division of 32 bits is much shorter.
  Value number = toI32(item);
  // Counted from the last tile. The longest tiles of a head are its last ones.
  // The section that may have fewer heads than the others comes first: at the
  // end of the grid its few tiles would leave CTAs without work.
  if (isCausal)
    number = subtract(toI32(items), add(number, createI32(1)));
  auto divide = [&](Value &rest, Value by) {
    Value quotient = arith::DivUIOp::create(b, rest, by);
    rest = subtract(rest, arith::MulIOp::create(b, quotient, by));
    return quotient;
  };
  Value width = section;
  Value perSection = arith::MulIOp::create(b, width, toI32(blocks));
  Value first = arith::MulIOp::create(b, divide(number, perSection), width);
  // The last section may have fewer heads.
  width = arith::MinUIOp::create(b, width, subtract(toI32(heads), first));
  Value block = toIndex(divide(number, width));
  Value headOfBatch = add(first, number);
  if (isPacked) {
    batch = zero;
    head = toIndex(headOfBatch);
    findSequence(block);
  } else {
    Value perBatch = createI32(getSize(op, "h_q"));
    batch = toIndex(divide(headOfBatch, perBatch));
    head = toIndex(headOfBatch);
    sequence = {zero, getDim(op.getQ(), 1), zero, getDim(op.getK(), 1)};
    findRows(block, blocks);
  }
  int64_t perKVHead = getSize(op, "h_q") / getSize(op, "h_kv");
  kvHead =
      perKVHead == 1 ? head : arith::DivUIOp::create(b, head, index(perKVHead));
}

void Tiler::findSequence(Value slot) {
  Value bounds = getDim(op.getCuSeqlensQ(), 0);
  auto getFirstSlot = [&](Value number) {
    Value begin = loadBound(op.getCuSeqlensQ(), number, getDim(op.getQ(), 1));
    return add(arith::DivUIOp::create(b, begin, index(tiling.rows)), number);
  };
  // The last sequence whose first slot is not above `slot`, by bisection.
  auto search = scf::ForOp::create(
      b, zero, searchSteps, index(1),
      ValueRange{zero, subtract(bounds, index(1))},
      [&](OpBuilder &nested, Location, Value, ValueRange range) {
        OpBuilder::InsertionGuard guard(b);
        b.setInsertionPoint(nested.getInsertionBlock(),
                            nested.getInsertionPoint());
        Value middle =
            arith::DivUIOp::create(b, add(range[0], range[1]), index(2));
        Value isBelow = arith::CmpIOp::create(b, arith::CmpIPredicate::sle,
                                              getFirstSlot(middle), slot);
        scf::YieldOp::create(b, ValueRange{choose(isBelow, middle, range[0]),
                                           choose(isBelow, range[1], middle)});
      });
  Value number = search.getResult(0);
  // Without sequences there is no next bound.
  Value next = arith::MinSIOp::create(b, add(number, index(1)),
                                      subtract(bounds, index(1)));
  auto getRange = [&](Value bounds, Value rows, Value &begin, Value &size) {
    begin = loadBound(bounds, number, rows);
    Value end = loadBound(bounds, next, rows);
    size = arith::MaxSIOp::create(b, subtract(end, begin), zero);
  };
  getRange(op.getCuSeqlensQ(), getDim(op.getQ(), 1), sequence.qBegin,
           sequence.queries);
  getRange(op.getCuSeqlensK(), getDim(op.getK(), 1), sequence.kBegin,
           sequence.keys);
  findRows(subtract(slot, getFirstSlot(number)),
           arith::CeilDivUIOp::create(b, sequence.queries, index(tiling.rows)));
}

Value Tiler::loadBound(Value bounds, Value number, Value rows) {
  Value bound = toIndex(memref::LoadOp::create(b, bounds, number));
  return arith::MinSIOp::create(b, arith::MaxSIOp::create(b, bound, zero),
                                rows);
}

void Tiler::findRows(Value block, Value count) {
  Value isAny;
  if (isPacked)
    isAny = arith::CmpIOp::create(b, arith::CmpIPredicate::slt, block, count);
  row = arith::MulIOp::create(b, block, index(tiling.rows));
  if (isPacked)
    row = choose(isAny, row, sequence.queries);
  seen = end = sequence.keys;
  if (isCausal) {
    Value later = add(row, subtract(sequence.keys, sequence.queries));
    seen = add(later, index(1));
    end = arith::MinSIOp::create(b, add(later, index(tiling.rows)),
                                 sequence.keys);
    end = arith::MaxSIOp::create(b, end, zero);
  }
  if (isPacked)
    end = choose(isAny, end, zero);
}

void Tiler::buildGridPoint(Value item) {
  findTile(item);
  q = loadRows(op.getQ(), tiling.rows, add(sequence.qBegin, row), head, "q");
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
  scf::InParallelOp::create(b);
}

Value Tiler::loadRows(Value operand, int64_t rows, Value row, Value head,
                      StringRef label, ValueRange bound) {
  auto type = cast<MemRefType>(operand.getType());
  // Shared memory holds blocks of 64 columns. Columns beyond the memref are 0.
  int64_t columns = type.getDimSize(3);
  auto padded = static_cast<int64_t>(llvm::alignTo(columns, 64));
  Value tile = b.label(
      tile::LoadOp::create(
          b, RankedTensorType::get({rows, padded}, type.getElementType()),
          operand, ValueRange{batch, row, head, zero}, bound,
          b.getDenseI64ArrayAttr({1, 3}), /*padding=*/TypedAttr()),
      label);
  if (columns == padded)
    return tile;
  return tile::ViewOp::create(
      b, RankedTensorType::get({rows, columns}, type.getElementType()), tile,
      ArrayRef<int64_t>{0, 0});
}

SmallVector<Value> Tiler::buildStep(Value t, ValueRange state) {
  Value at = add(sequence.kBegin, t);
  Value k = loadRows(op.getK(), tiling.blockKV, at, kvHead, "k");
  // The scores of keys of other sequences are masked, but a NaN in one of their
  // values would reach the output.
  SmallVector<Value> bound;
  if (isPacked)
    bound.push_back(add(sequence.kBegin, sequence.keys));
  Value v = loadRows(op.getV(), tiling.blockKV, at, kvHead, "v", bound);
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
  Value none = b.createSplat(createI32(0), {tiling.rows});
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
  SmallVector<Value> at{batch, add(sequence.qBegin, row), head}, bound;
  if (isPacked)
    bound.push_back(add(sequence.qBegin, sequence.queries));
  SmallVector<int64_t> dims{1};
  if (isMatrix) {
    at.push_back(zero);
    dims.push_back(3);
  }
  b.label(tile::StoreOp::create(b, tile, dest, at, bound,
                                b.getDenseI64ArrayAttr(dims)),
          label);
}

/// Packed tensors have one batch, and may have rows that are no sequence's.
static void preparePacked(PrefillOp op) {
  auto func = op->getParentOfType<func::FuncOp>();
  Builder b(op.getContext());
  for (Value output : {op.getOut(), op.getLse()})
    if (auto argument = dyn_cast<BlockArgument>(output))
      func.setArgAttr(argument.getArgNumber(), kArgPartlyWrittenAttr,
                      b.getUnitAttr());
  NamedAttrList limits(func->getAttrOfType<DictionaryAttr>(kSizeLimitsAttr));
  if (ShapedType::isDynamic(getSize(op, "b")))
    limits.set("b", b.getDenseI64ArrayAttr({1, 1}));
  func->setAttr(kSizeLimitsAttr, limits.getDictionary(op.getContext()));
}

/// No tile is copied that begins behind the last row, so that the tensors may
/// have none.
static void allowEmpty(PrefillOp op) {
  auto func = op->getParentOfType<func::FuncOp>();
  for (Value input : {op.getQ(), op.getK(), op.getV()})
    if (auto argument = dyn_cast<BlockArgument>(input))
      func.setArgAttr(argument.getArgNumber(), kArgCopiedInsideAttr,
                      UnitAttr::get(op.getContext()));
}

LogicalResult PrefillOp::buildTileProgram(const TilingOptions &options) {
  FailureOr<PrefillTiling> tiling = PrefillTiling::get(*this, options);
  if (failed(tiling) ||
      failed(
          checkWeights(*this, getElementTypeOrSelf(getQ().getType()), options)))
    return failure();
  allowEmpty(*this);
  if (getCuSeqlensQ())
    preparePacked(*this);
  Tiler(*this, *tiling, options).run();
  return success();
}
