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
#include "KeyTiles.h"
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
        blockKV(options.getBlockKV()), tileRows(tiling.tileRows),
        keys(op, b, tiling, options), partials(getDecodePartials(op)),
        attention(b, tileRows, blockKV, getSize(op, "d_v"), options,
                  op.getScale(), AttentionBuilder::Empty::known) {}

  void run();

private:
  /// Builds the part of the plan that a CTA works on.
  void buildPart(ValueRange ivs);
  /// Builds the attention of one request in this part.
  void buildPiece();
  /// Sets the piece's tokens and its place in the partials.
  void buildRange();
  /// The number of tokens of the request, clamped to those it has room for.
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
  Value buildQ();
  void buildEpilogue(ValueRange state);
  /// Stores to `dest` if the piece is the whole request, otherwise to
  /// `partialDest`.
  void storeRows(Value whole, Value dest, Value partial, Value partialDest,
                 StringRef label);
  Value loadSink();

  template <typename T> Value splatKeys(T value) {
    return b.splat(value, blockKV);
  }
  template <typename T> Value splatRows(T value) {
    return b.splat(value, tileRows);
  }
  Value loadPlan(PlanWord word) {
    return b.load(op.getPlan(), {part, b.createIndex(word)});
  }
  /// Whether the piece is all of its request.
  Value isWhole() {
    return arith::CmpIOp::create(b, arith::CmpIPredicate::slt, slot,
                                 b.createI32(0));
  }

  DecodeOp op;
  DecodeBuilder b;
  const DecodeTiling &tiling;
  int64_t blockKV, tileRows;
  KeyTiles keys;
  DecodePartials partials;
  AttentionBuilder attention;
  Value zero;
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
  keys.buildSizes();
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
  auto loop = scf::ForOp::create(b, firstRequest, endRequest, b.createI32(1));
  {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(loop.getBody());
    requestNumber = loop.getInductionVar();
    buildPiece();
  }
  scf::InParallelOp::create(b);
}

void Tiler::buildPiece() {
  request = b.toIndex(requestNumber);
  buildRange();
  buildRowNumbers();
  if (isMaskedByRow())
    seen = buildSeen();
  q = buildQ();
  SmallVector<Value> init = attention.buildInit();
  auto loop = scf::ForOp::create(
      b, zero, b.toIndex(count), b.createIndex(blockKV), init,
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
  Value next = arith::AddIOp::create(b, requestNumber, b.createI32(1));
  Value isPartsLast = compare(arith::CmpIPredicate::eq, next, endRequest);
  begin = arith::SelectOp::create(b, isPartsFirst, firstToken, b.createI32(0));
  end = arith::SelectOp::create(b, isPartsLast, endToken,
                                b.createI32(kPlanToEnd));
  // The request's first and last piece. The last one ends at the actual length,
  // which may have changed since the plan.
  Value isFirst = compare(arith::CmpIPredicate::eq, begin, b.createI32(0));
  Value isLast =
      compare(arith::CmpIPredicate::eq, end, b.createI32(kPlanToEnd));
  end = arith::MinSIOp::create(b, end, length);
  count = arith::SubIOp::create(b, end, begin);
  slot = arith::SelectOp::create(b, isFirst, b.createI32(1), b.createI32(0));
  slot = arith::SelectOp::create(b, arith::AndIOp::create(b, isFirst, isLast),
                                 b.createI32(-1), slot);
}

Value Tiler::buildLength() {
  Value length = b.load(op.getCacheSeqlens(), request);
  // At most the largest i32: a launch limits max_pages and page_size.
  Value limit = b.toI32(buildRoom(b, op.getKCache(), op.getBlockTable()));
  return arith::MinSIOp::create(
      b, arith::MaxSIOp::create(b, length, b.createI32(0)), limit);
}

void Tiler::buildRowNumbers() {
  Value mine = arith::AddIOp::create(
      b, tile::IotaOp::create(b, b.getVector(tileRows)), splatRows(row));
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
  RankedTensorType type = b.getVector(blockKV);
  Value token =
      arith::AddIOp::create(b, tile::IotaOp::create(b, type), splatKeys(t));
  Value never = splatKeys(std::numeric_limits<int32_t>::max());
  Value position =
      b.label(arith::SelectOp::create(b, valid, token, never), "valid");
  return {position, seen};
}

Value Tiler::buildQ() {
  return gatherColumns(b, op, tileRows, op.getQ(), op.getQRope(), "q",
                       [&](RankedTensorType type, Value source) {
                         return tile::GatherOp::create(b, type, source, qRows,
                                                       ValueRange{zero});
                       });
}

SmallVector<Value> Tiler::buildStep(Value t, ValueRange state) {
  Value token = arith::AddIOp::create(b, begin, b.toI32(t));
  auto [rows, k] = keys.build({request, kvHead, end}, token);
  ScoreMask mask = buildMask(t, rows);
  Value v = tile::ViewOp::create(
      b, b.getTile(op.getKCache(), {blockKV, getSize(op, "d_v")}), k,
      ArrayRef<int64_t>{0, 0});
  Value scores =
      b.label(tile::DotOp::create(b, b.getF32Tile({tileRows, blockKV}), q, k,
                                  Value(), false, true),
              "qk");
  return attention.buildStep(attention.buildMask(scores, mask), mask, v, state);
}

Value Tiler::buildSeen() {
  // Query i does not see the last s_q - 1 - i tokens of the request.
  Value unseen =
      arith::SubIOp::create(b, splatRows(tiling.queries - 1), queries);
  Value last = arith::SubIOp::create(b, length, begin);
  return arith::SubIOp::create(b, splatRows(last), unseen);
}

void Tiler::buildEpilogue(ValueRange state) {
  request = b.toIndex(requestNumber);
  // The sum of weights is 0 if every score is -inf: the largest finite score
  // has weight 1.
  Value empty = arith::CmpFOp::create(b, arith::CmpFPredicate::OEQ, state[2],
                                      b.createSplat(0, {tileRows}));
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
    Value isUsed = arith::CmpIOp::create(b, predicate, slot, b.createI32(0));
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
                                          splatRows(b.createDim(sink, 0)));
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
  using Limit = std::pair<StringRef, int64_t>;
  SmallVector<Limit> all{{"b", std::min(mostRequests, kMaxPlanSize)},
                         {"ctas", kMaxPlanSize}};
  if (op.getBlockTable())
    all.append({{"num_pages", kMaxRows / pageSize},
                {"max_pages", kMaxRows / pageSize}});
  else
    all.emplace_back("page_size", kMaxRows);
  for (auto [name, most] : all) {
    int64_t size = getSize(op, name);
    int64_t least = name == "ctas";
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
  nameRequests(*this);
  Tiler(*this, *tiling, options).run();
  return success();
}
