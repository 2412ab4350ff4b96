//===- Tiler.cpp - the attention kernel of mla.decode -----------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// A CTA computes one tile of rows (queries x heads) of one part of the plan: of
// consecutive requests, the first and the last of which may have further pieces
// in other parts. CTAs of a part read the same tokens and are adjacent.
//
//===----------------------------------------------------------------------===//

#include "DecodeOp.h"
#include "PlanKernel.h"
#include "Program.h"
#include "mla/Operators/TileBuilder.h"

using namespace mlir;
using namespace mla;

namespace {
/// Builds the tile program of one operator.
class Tiler {
public:
  Tiler(DecodeOp op, const DecodeTiling &tiling, const TilingOptions &options)
      : op(op), b(op.getLoc(), op), tiling(tiling),
        blockKV(options.getBlockKV()), dqk(getSize(op, "d_qk")),
        pageSize(getSize(op, "page_size")), tileRows(tiling.tileRows),
        copiesPages(mayCopyPages(options.schedule)),
        partials(getDecodePartials(op)),
        attention(b, tileRows, blockKV, getSize(op, "d_v"), options,
                  op.getScale(), AttentionBuilder::Empty::known) {}

  void run();

private:
  /// TMA needs tiles that do not cross pages. It is faster than a gather where
  /// several CTAs read the same tokens, that is, where MMAs limit the speed
  /// (by 8 % at 128 heads on an H200), and 1 to 3 % slower where memory does.
  bool mayCopyPages(ScheduleAttr schedule) const {
    bool isAligned = pageSize % kPlanUnit == 0 && kPlanUnit % blockKV == 0;
    bool isFaster = tiling.rowTiles > 1 || schedule.getTileSize("copy_pages");
    return isAligned && isFaster && !schedule.getTileSize("gather_pages");
  }
  /// Builds the part of the plan that a CTA works on.
  void buildPart(ValueRange ivs);
  /// Builds the attention of one request in this part.
  void buildPiece();
  /// Sets the piece's tokens and its place in the partials.
  void buildRange();
  /// The number of tokens of the request, clamped as the table allows.
  Value buildLength();
  /// For each row of the tile: its row of q as `gather` counts them, -1 past
  /// the last row; and its query and head.
  void buildRowNumbers();
  /// Processes the KV tile that starts at token `t` of the piece.
  SmallVector<Value> buildStep(Value t, ValueRange state);
  /// Which scores count, of the tokens from `t` on.
  ScoreMask buildMask(Value t, Value rows);
  /// Whether the rows of a tile attend to different tokens.
  bool isMaskedByRow() { return op.getCausal() == "yes" && tiling.queries > 1; }
  /// For each row the number of tokens of the piece that it attends to; may be
  /// negative.
  Value buildSeen();
  /// The rows of k_cache of one tile, -1 for tokens past the end or of an
  /// invalid page.
  Value buildRows(Value t);
  /// The same if a tile is in one page. The second value is the first row if
  /// all are valid, otherwise -1.
  std::pair<Value, Value> buildRowsOfPage(Value t);
  void buildEpilogue(ValueRange state);
  /// Stores to `dest` if the piece is the whole request, otherwise to
  /// `partialDest`.
  void storeRows(Value whole, Value dest, Value partial, Value partialDest,
                 StringRef label);
  Value loadSink();

  /// A tile of the operand's elements.
  RankedTensorType getTile(Value operand, ArrayRef<int64_t> shape) {
    return RankedTensorType::get(shape,
                                 getElementTypeOrSelf(operand.getType()));
  }
  RankedTensorType getVector(int64_t size) {
    return RankedTensorType::get({size}, b.getI32Type());
  }
  Value splat(int64_t value, int64_t size) {
    return b.createSplat(i32(value), {size});
  }
  Value splat(Value number, int64_t size) {
    return b.createSplat(toI32(number), {size});
  }
  template <typename T> Value splatKeys(T value) {
    return splat(value, blockKV);
  }
  template <typename T> Value splatRows(T value) {
    return splat(value, tileRows);
  }
  Value getDim(Value operand, int64_t d) {
    return memref::DimOp::create(b, operand, b.createIndex(d));
  }
  Value load(Value memref, ValueRange at) {
    return memref::LoadOp::create(b, memref, at);
  }
  Value i32(int64_t value) {
    return arith::ConstantOp::create(b, b.getI32IntegerAttr(value));
  }
  Value toI32(Value v) {
    if (v.getType().isInteger(32))
      return v;
    return arith::IndexCastOp::create(b, b.getI32Type(), v);
  }
  Value loadPlan(PlanWord word) {
    return load(op.getPlan(), {part, b.createIndex(word)});
  }
  Value toIndex(Value v) {
    return arith::IndexCastOp::create(b, b.getIndexType(), v);
  }
  /// Whether the piece is all of its request.
  Value isWhole() {
    return arith::CmpIOp::create(b, arith::CmpIPredicate::slt, slot, i32(0));
  }

  DecodeOp op;
  TileBuilder b;
  const DecodeTiling &tiling;
  int64_t blockKV, dqk, pageSize, tileRows;
  /// Whether tiles that are valid as a whole are copied by TMA.
  bool copiesPages;
  DecodePartials partials;
  AttentionBuilder attention;
  Value zero, pages, maxPages;
  // Values of the CTA: its part of the plan, first row and KV head.
  Value part, row, kvHead, endRequest;
  // Values of the piece, of i32 as the loop over pieces. The slot, its second
  // index in the partials, is -1 if the piece is all of its request.
  Value requestNumber, request, length, begin, end, count, slot;
  Value qRows, heads, queries, seen, q;
};
} // namespace

void Tiler::run() {
  zero = b.createIndex(0);
  pages = getDim(op.getKCache(), 0);
  maxPages = getDim(op.getBlockTable(), 1);
  attention.buildScale();
  SmallVector<OpFoldResult> bounds{
      buildPartCount(b, op.getPlan(), tiling.getTiles()),
      b.getIndexAttr(tiling.getTiles())};
  scf::ForallOp::create(b, bounds, /*outputs=*/ValueRange(),
                        /*mapping=*/std::nullopt,
                        [&](OpBuilder &, Location, ValueRange ivs) {
                          OpBuilder::InsertionGuard guard(b);
                          buildPart(ivs);
                        });
  op.erase();
}

void Tiler::buildPart(ValueRange ivs) {
  b.setInsertionPointToStart(ivs[0].getParentBlock());
  part = ivs[0];
  Value rowTile = ivs[1];
  kvHead = zero;
  if (tiling.kvHeads > 1) {
    Value perHead = b.createIndex(tiling.rowTiles);
    kvHead = arith::DivUIOp::create(b, rowTile, perHead);
    rowTile = arith::RemUIOp::create(b, rowTile, perHead);
  }
  row = arith::MulIOp::create(b, rowTile, b.createIndex(tileRows));
  // Counted in i32: an index takes two registers, also in the loop over tokens.
  Value firstRequest = loadPlan(kPlanFirstRequest);
  endRequest = loadPlan(kPlanEndRequest);
  auto loop = scf::ForOp::create(b, firstRequest, endRequest, i32(1));
  {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(loop.getBody());
    requestNumber = loop.getInductionVar();
    buildPiece();
  }
  scf::InParallelOp::create(b);
}

void Tiler::buildPiece() {
  request = toIndex(requestNumber);
  buildRange();
  buildRowNumbers();
  seen = buildSeen();
  q = b.label(tile::GatherOp::create(b, getTile(op.getQ(), {tileRows, dqk}),
                                     op.getQ(), qRows, ValueRange{zero}),
              "q");
  SmallVector<Value> init = attention.buildInit();
  auto loop = scf::ForOp::create(
      b, zero, toIndex(count), b.createIndex(blockKV), init,
      [&](OpBuilder &nested, Location, Value t, ValueRange state) {
        OpBuilder::InsertionGuard guard(b);
        b.setInsertionPoint(nested.getInsertionBlock(),
                            nested.getInsertionPoint());
        scf::YieldOp::create(b, buildStep(t, state));
      });
  // An extra iteration has no effect: tokens past the end have row -1.
  loop->setAttr(tile::kPaddedAttr, b.getUnitAttr());
  buildEpilogue(loop.getResults());
}

/// Loads from the plan for each piece, rather than once, so that the values
/// need no registers in the loop over tokens.
void Tiler::buildRange() {
  Value firstRequest = loadPlan(kPlanFirstRequest);
  Value firstToken = loadPlan(kPlanFirstToken);
  Value endToken = loadPlan(kPlanEndToken);
  length = buildLength();
  auto compare = [&](arith::CmpIPredicate predicate, Value x, Value y) {
    return arith::CmpIOp::create(b, predicate, x, y);
  };
  Value isPartsFirst =
      compare(arith::CmpIPredicate::eq, requestNumber, firstRequest);
  Value next = arith::AddIOp::create(b, requestNumber, i32(1));
  Value isPartsLast = compare(arith::CmpIPredicate::eq, next, endRequest);
  begin = arith::SelectOp::create(b, isPartsFirst, firstToken, i32(0));
  end = arith::SelectOp::create(b, isPartsLast, endToken, i32(kPlanToEnd));
  // The request's first and last piece. The last one ends at the actual length,
  // which may have changed since the plan.
  Value isFirst = compare(arith::CmpIPredicate::eq, begin, i32(0));
  Value isLast = compare(arith::CmpIPredicate::eq, end, i32(kPlanToEnd));
  end = arith::MinSIOp::create(b, end, length);
  count = arith::SubIOp::create(b, end, begin);
  slot = arith::SelectOp::create(b, isFirst, i32(1), i32(0));
  slot = arith::SelectOp::create(b, arith::AndIOp::create(b, isFirst, isLast),
                                 i32(-1), slot);
}

Value Tiler::buildLength() {
  Value length = load(op.getCacheSeqlens(), request);
  // At most the largest i32: a launch limits max_pages.
  Value room =
      toI32(arith::MulIOp::create(b, maxPages, b.createIndex(pageSize)));
  return arith::MinSIOp::create(b, arith::MaxSIOp::create(b, length, i32(0)),
                                room);
}

void Tiler::buildRowNumbers() {
  Value mine = arith::AddIOp::create(
      b, tile::IotaOp::create(b, getVector(tileRows)), splatRows(row));
  Value perQuery = splatRows(tiling.heads);
  queries = arith::DivUIOp::create(b, mine, perQuery);
  heads = arith::RemUIOp::create(b, mine, perQuery);
  if (tiling.kvHeads > 1)
    heads = arith::AddIOp::create(b, heads,
                                  splatRows(arith::MulIOp::create(
                                      b, kvHead, b.createIndex(tiling.heads))));
  // Rows of q are counted over (b, s_q, h_q).
  Value first =
      arith::MulIOp::create(b, request, b.createIndex(getSize(op, "s_q")));
  Value query = arith::AddIOp::create(b, queries, splatRows(first));
  Value number = arith::AddIOp::create(
      b, arith::MulIOp::create(b, query, splatRows(getSize(op, "h_q"))), heads);
  Value inside = arith::CmpIOp::create(b, arith::CmpIPredicate::slt, mine,
                                       splatRows(tiling.getRows()));
  qRows = arith::SelectOp::create(b, inside, number, splatRows(-1));
}

ScoreMask Tiler::buildMask(Value t, Value rows) {
  Value valid =
      arith::CmpIOp::create(b, arith::CmpIPredicate::sge, rows, splatKeys(0));
  if (!isMaskedByRow())
    return {b.label(valid.getDefiningOp(), "valid")->getResult(0)};
  RankedTensorType type = getVector(blockKV);
  Value token =
      arith::AddIOp::create(b, tile::IotaOp::create(b, type), splatKeys(t));
  Value never = splatKeys(std::numeric_limits<int32_t>::max());
  Value position =
      b.label(arith::SelectOp::create(b, valid, token, never), "valid");
  return {position, seen};
}

Value Tiler::buildRows(Value t) {
  RankedTensorType type = getVector(blockKV);
  Value token =
      arith::AddIOp::create(b, tile::IotaOp::create(b, type), splatKeys(t));
  Value size = splatKeys(pageSize);
  Value slot = arith::DivUIOp::create(b, token, size);
  Value page = b.label(tile::GatherOp::create(b, type, op.getBlockTable(), slot,
                                              ValueRange{request}, /*dim=*/1),
                       "indices");
  Value row = arith::AddIOp::create(b, arith::MulIOp::create(b, page, size),
                                    arith::RemUIOp::create(b, token, size));
  // Unsigned, so that negative pages are invalid.
  Value isPage = arith::CmpIOp::create(b, arith::CmpIPredicate::ult, page,
                                       splatKeys(pages));
  Value isToken = arith::CmpIOp::create(b, arith::CmpIPredicate::slt, token,
                                        splatKeys(end));
  return arith::SelectOp::create(b, arith::AndIOp::create(b, isToken, isPage),
                                 row, splatKeys(-1));
}

std::pair<Value, Value> Tiler::buildRowsOfPage(Value t) {
  // The extra iteration may be past the table's end.
  Value slot =
      arith::MinSIOp::create(b, arith::DivUIOp::create(b, t, i32(pageSize)),
                             arith::SubIOp::create(b, toI32(maxPages), i32(1)));
  Value page = load(op.getBlockTable(), {request, toIndex(slot)});
  Value first =
      arith::AddIOp::create(b, arith::MulIOp::create(b, page, i32(pageSize)),
                            arith::RemUIOp::create(b, t, i32(pageSize)));
  Value isPage =
      arith::CmpIOp::create(b, arith::CmpIPredicate::ult, page, toI32(pages));
  Value left = arith::SelectOp::create(
      b, isPage, arith::SubIOp::create(b, end, t), i32(0));
  Value number = tile::IotaOp::create(b, getVector(blockKV));
  Value row = arith::AddIOp::create(b, number, splatKeys(first));
  Value isToken = arith::CmpIOp::create(b, arith::CmpIPredicate::slt, number,
                                        splatKeys(left));
  Value rows = b.label(arith::SelectOp::create(b, isToken, row, splatKeys(-1)),
                       "indices");
  Value isWhole =
      arith::CmpIOp::create(b, arith::CmpIPredicate::sge, left, i32(blockKV));
  return {rows, arith::SelectOp::create(b, isWhole, first, i32(-1))};
}

SmallVector<Value> Tiler::buildStep(Value t, ValueRange state) {
  Value token = arith::AddIOp::create(b, begin, toI32(t));
  Value rows, block;
  if (copiesPages)
    std::tie(rows, block) = buildRowsOfPage(token);
  else
    rows = buildRows(token);
  Value k = b.label(
      tile::GatherOp::create(b, getTile(op.getKCache(), {blockKV, dqk}),
                             op.getKCache(), rows, ValueRange{kvHead, zero},
                             /*dim=*/0, block),
      "k");
  ScoreMask mask = buildMask(t, rows);
  Value v = tile::ViewOp::create(
      b, getTile(op.getKCache(), {blockKV, getSize(op, "d_v")}), k,
      ArrayRef<int64_t>{0, 0});
  Value scores =
      b.label(tile::DotOp::create(b, b.getF32Tile({tileRows, blockKV}), q, k,
                                  Value(), false, true),
              "qk");
  return attention.buildStep(attention.buildMask(scores, mask), mask, v, state);
}

Value Tiler::buildSeen() {
  if (!isMaskedByRow())
    return splatRows(count);
  // Query i does not see the last s_q - 1 - i tokens of the request.
  Value unseen =
      arith::SubIOp::create(b, splatRows(tiling.queries - 1), queries);
  Value last = arith::SubIOp::create(b, length, begin);
  return arith::SubIOp::create(b, splatRows(last), unseen);
}

void Tiler::buildEpilogue(ValueRange state) {
  request = toIndex(requestNumber);
  Value empty =
      arith::CmpIOp::create(b, arith::CmpIPredicate::sle, seen, splatRows(0));
  AttentionBuilder::Statistics whole =
      attention.buildStatistics(state, getDecodeLse(op), empty);
  AttentionBuilder::Statistics partial =
      attention.buildStatistics(state, {false, true}, empty);
  storeRows(whole.lse, op.getLse(), partial.lse, partials.lse, "stats.lse");
  Value sum = whole.sum;
  if (op.getAttnSink())
    sum = attention.addSink(whole, loadSink());
  Type element = getElementTypeOrSelf(op.getOut().getType());
  Type partialElement = getElementTypeOrSelf(partials.out.getType());
  Value result = attention.buildOutput(state, whole.empty, sum, element);
  Value part =
      element == partialElement
          ? result
          : attention.buildOutput(state, whole.empty, sum, partialElement);
  storeRows(result, op.getOut(), part, partials.out, "out");
}

void Tiler::storeRows(Value whole, Value dest, Value partial, Value partialDest,
                      StringRef label) {
  bool isMatrix = cast<RankedTensorType>(whole.getType()).getRank() == 2;
  auto store = [&](Value tile, Value memref, SmallVector<Value> at,
                   std::optional<tile::Merge> merge, Value end) {
    if (isMatrix)
      at.push_back(zero);
    auto stored =
        b.label(tile::StoreOp::create(b, tile, memref, at, merge), label);
    stored.getBoundsMutable().assign(end);
  };
  auto choose = [&](arith::CmpIPredicate predicate, Value end) -> Value {
    Value isUsed = arith::CmpIOp::create(b, predicate, slot, i32(0));
    return arith::SelectOp::create(b, isUsed, end, zero);
  };
  // One of the two stores ends at row 0.
  Value rows = b.createIndex(tiling.getRows());
  Value firstHead =
      arith::MulIOp::create(b, kvHead, b.createIndex(tiling.heads));
  store(whole, dest, {request, row, firstHead}, tile::Merge{1, 2, tiling.heads},
        choose(arith::CmpIPredicate::slt, rows));
  // Rows of the partials are grouped by KV head.
  Value base = arith::MulIOp::create(b, kvHead, rows);
  Value number = arith::IndexCastOp::create(b, b.getIndexType(), slot);
  store(
      partial, partialDest, {part, number, arith::AddIOp::create(b, base, row)},
      std::nullopt,
      choose(arith::CmpIPredicate::sge, arith::AddIOp::create(b, base, rows)));
}

Value Tiler::loadSink() {
  Value sink = op.getAttnSink();
  Value values = tile::GatherOp::create(b, b.getF32Tile({tileRows}), sink,
                                        heads, ValueRange());
  Value none = b.createSplat(-kInf, {tileRows});
  if (op.getAttnSinkOptional()) {
    Value isThere = arith::CmpIOp::create(b, arith::CmpIPredicate::slt, heads,
                                          splatRows(getDim(sink, 0)));
    values = arith::SelectOp::create(b, isThere, values, none);
  }
  // The merge of partial results adds the sink itself.
  return arith::SelectOp::create(b, b.createSplat(isWhole(), {tileRows}),
                                 values, none);
}

/// Limits the sizes of cache, table and q, so that tokens and rows are numbers
/// of 32 bits: larger ones are refused, at launch if they are run-time sizes.
static LogicalResult limitRows(DecodeOp op) {
  // A tile may begin at the last token.
  constexpr int64_t kMaxRows = std::numeric_limits<int32_t>::max() - 256;
  auto func = op->getParentOfType<func::FuncOp>();
  Builder b(op.getContext());
  NamedAttrList limits(func->getAttrOfType<DictionaryAttr>(kSizeLimitsAttr));
  int64_t pageSize = getSize(op, "page_size");
  int64_t mostRequests = kMaxRows / (getSize(op, "s_q") * getSize(op, "h_q"));
  for (auto [name, most] : {std::pair("num_pages", kMaxRows / pageSize),
                            {"max_pages", kMaxRows / pageSize},
                            {"b", std::min(mostRequests, kMaxPlanSize)},
                            {"ctas", kMaxPlanSize}}) {
    int64_t size = getSize(op, name);
    int64_t least = name == StringRef("ctas");
    if (ShapedType::isDynamic(size))
      limits.set(name, b.getDenseI64ArrayAttr({least, most}));
    else if (size > most)
      return op.emitOpError() << "expected " << name << " of at most " << most
                              << " with the other sizes, got " << size;
  }
  func->setAttr(kSizeLimitsAttr, limits.getDictionary(op.getContext()));
  return success();
}

LogicalResult DecodeOp::buildTileProgram(const TilingOptions &options) {
  FailureOr<DecodeTiling> tiling = DecodeTiling::get(*this, options);
  if (failed(tiling) || failed(checkBlockKV(*this, options)) ||
      failed(checkWeights(*this, getElementTypeOrSelf(getQ().getType()),
                          options)) ||
      failed(limitRows(*this)))
    return failure();
  if (!getDecodePartials(*this).out)
    return emitOpError("expected workspaces for partial results; run "
                       "--mla-expand-operators first");
  Tiler(*this, *tiling, options).run();
  return success();
}
