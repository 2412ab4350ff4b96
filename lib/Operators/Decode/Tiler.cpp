//===- Tiler.cpp - the tile program of mla.decode ---------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "DecodeOp.h"
#include "mla/Operators/TileBuilder.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace mla;

LogicalResult DecodeOp::verify() {
  int64_t dqk = getSize(*this, "d_qk"), dv = getSize(*this, "d_v");
  if (dv > dqk)
    return emitOpError() << "expected d_v <= d_qk, got " << dv << " > " << dqk;
  return success();
}

/// Splits start at multiples of so many tokens.
static constexpr int64_t kSplitUnit = 64;

namespace {
/// Builds the tile program of one operator. A grid point is a tile of heads of
/// one query in one split. Grid points that read the same tokens are adjacent.
class Tiler {
public:
  Tiler(DecodeOp op, int64_t tileHeads, const TilingOptions &options)
      : op(op), b(op.getLoc(), op), blockKV(options.getBlockKV()),
        dqk(getSize(op, "d_qk")), heads(getSize(op, "h_q")),
        tileHeads(tileHeads), pageSize(getSize(op, "page_size")),
        attention(b, tileHeads, blockKV, getSize(op, "d_v"), options,
                  op.getScale()) {}

  void run();

private:
  void buildGridPoint(ValueRange ivs);
  /// The number of tokens of the request, clamped as the table allows.
  Value buildLength();
  /// The first token of the split, and the end of those that the query attends
  /// to.
  std::pair<Value, Value> buildRange(Value length);
  /// Processes the KV tile that starts at token `t`.
  SmallVector<Value> buildStep(Value t, ValueRange state);
  /// The rows of k_cache of one tile, -1 for tokens past the end or of an
  /// invalid page.
  Value buildRows(Value t);
  void buildEpilogue(ValueRange state);

  /// A tile of the operand's elements.
  RankedTensorType getTile(Value operand, ArrayRef<int64_t> shape) {
    return RankedTensorType::get(shape,
                                 getElementTypeOrSelf(operand.getType()));
  }
  RankedTensorType getRowsType() {
    return RankedTensorType::get({blockKV}, b.getI32Type());
  }
  Value splatI32(int64_t value) {
    return b.createSplat(
        arith::ConstantOp::create(b, b.getI32IntegerAttr(value)), {blockKV});
  }
  Value splatI32(Value index) {
    return b.createSplat(arith::IndexCastOp::create(b, b.getI32Type(), index),
                         {blockKV});
  }
  Value getDim(Value operand, int64_t d) {
    return memref::DimOp::create(b, operand, b.createIndex(d));
  }

  DecodeOp op;
  TileBuilder b;
  int64_t blockKV, dqk, heads, tileHeads, pageSize;
  AttentionBuilder attention;
  Value zero, sQ, splits, pages, maxPages;
  // Values of the grid point.
  Value request, split, query, head, end, q;
};
} // namespace

void Tiler::run() {
  zero = b.createIndex(0);
  sQ = getDim(op.getQ(), 1);
  splits = getDim(op.getOut(), 0);
  pages = getDim(op.getKCache(), 0);
  maxPages = getDim(op.getBlockTable(), 1);
  attention.buildScale();
  SmallVector<OpFoldResult> bounds{
      getDim(op.getQ(), 0), splits, sQ,
      b.getIndexAttr(llvm::divideCeil(heads, tileHeads))};
  scf::ForallOp::create(b, bounds, /*outputs=*/ValueRange(),
                        /*mapping=*/std::nullopt,
                        [&](OpBuilder &, Location, ValueRange ivs) {
                          OpBuilder::InsertionGuard guard(b);
                          buildGridPoint(ivs);
                        });
  op.erase();
}

void Tiler::buildGridPoint(ValueRange ivs) {
  b.setInsertionPointToStart(ivs[0].getParentBlock());
  request = ivs[0];
  split = ivs[1];
  query = ivs[2];
  head = arith::MulIOp::create(b, ivs[3], b.createIndex(tileHeads));
  auto [begin, last] = buildRange(buildLength());
  end = last;
  q = b.label(
      tile::LoadOp::create(b, getTile(op.getQ(), {tileHeads, dqk}), op.getQ(),
                           ValueRange{request, query, head, zero}, nullptr),
      "q");
  SmallVector<Value> init = attention.buildInit();
  auto loop = scf::ForOp::create(
      b, begin, end, b.createIndex(blockKV), init,
      [&](OpBuilder &nested, Location, Value t, ValueRange state) {
        OpBuilder::InsertionGuard guard(b);
        b.setInsertionPoint(nested.getInsertionBlock(),
                            nested.getInsertionPoint());
        scf::YieldOp::create(b, buildStep(t, state));
      });
  // An extra iteration has no effect: tokens past the end have row -1.
  loop->setAttr(tile::kPaddedAttr, b.getUnitAttr());
  buildEpilogue(loop.getResults());
  scf::InParallelOp::create(b);
}

Value Tiler::buildLength() {
  Value length = arith::IndexCastOp::create(
      b, b.getIndexType(),
      memref::LoadOp::create(b, op.getCacheSeqlens(), ValueRange{request}));
  Value room = arith::MulIOp::create(b, maxPages, b.createIndex(pageSize));
  return arith::MinSIOp::create(b, arith::MaxSIOp::create(b, length, zero),
                                room);
}

std::pair<Value, Value> Tiler::buildRange(Value length) {
  // Not in tiles of the schedule: partial results do not depend on it.
  Value unit = b.createIndex(kSplitUnit);
  Value units = arith::CeilDivUIOp::create(b, length, unit);
  Value each = arith::CeilDivUIOp::create(b, units, splits);
  Value size = arith::MulIOp::create(b, each, unit);
  Value begin = arith::MulIOp::create(b, split, size);
  Value last = arith::AddIOp::create(b, begin, size);
  Value seen = length;
  if (op.getCausal() == "yes") {
    Value older = arith::SubIOp::create(b, sQ, query);
    older = arith::SubIOp::create(b, older, b.createIndex(1));
    seen = arith::SubIOp::create(b, length, older);
  }
  return {begin, arith::MinSIOp::create(b, last, seen)};
}

Value Tiler::buildRows(Value t) {
  RankedTensorType type = getRowsType();
  Value token =
      arith::AddIOp::create(b, tile::IotaOp::create(b, type), splatI32(t));
  Value size = splatI32(pageSize);
  Value slot = arith::DivUIOp::create(b, token, size);
  Value page = b.label(tile::GatherOp::create(b, type, op.getBlockTable(), slot,
                                              ValueRange{request}, /*dim=*/1),
                       "indices");
  Value row = arith::AddIOp::create(b, arith::MulIOp::create(b, page, size),
                                    arith::RemUIOp::create(b, token, size));
  // Unsigned, so that negative pages are invalid.
  Value isPage = arith::CmpIOp::create(b, arith::CmpIPredicate::ult, page,
                                       splatI32(pages));
  Value isToken =
      arith::CmpIOp::create(b, arith::CmpIPredicate::slt, token, splatI32(end));
  return arith::SelectOp::create(b, arith::AndIOp::create(b, isToken, isPage),
                                 row, splatI32(-1));
}

SmallVector<Value> Tiler::buildStep(Value t, ValueRange state) {
  Value rows = buildRows(t);
  Value k = b.label(
      tile::GatherOp::create(b, getTile(op.getKCache(), {blockKV, dqk}),
                             op.getKCache(), rows, ValueRange{zero, zero}),
      "k");
  Value valid = b.label(
      arith::CmpIOp::create(b, arith::CmpIPredicate::sge, rows, splatI32(0)),
      "valid");
  Value v = tile::ViewOp::create(
      b, getTile(op.getKCache(), {blockKV, getSize(op, "d_v")}), k,
      ArrayRef<int64_t>{0, 0});
  Value scores =
      b.label(tile::DotOp::create(b, b.getF32Tile({tileHeads, blockKV}), q, k,
                                  Value(), false, true),
              "qk");
  return attention.buildStep(attention.buildMask(scores, valid), valid, v,
                             state);
}

void Tiler::buildEpilogue(ValueRange state) {
  AttentionBuilder::Statistics statistics = attention.buildStatistics(
      state, {op.getLseBase() == "2", op.getEmptyLse() == "-inf"});
  SmallVector<Value> at{split, request, query, head};
  b.label(tile::StoreOp::create(b, statistics.lse, op.getLse(), at),
          "stats.lse");
  Value result =
      attention.buildOutput(state, statistics.empty, statistics.sum,
                            getElementTypeOrSelf(op.getOut().getType()));
  at.push_back(zero);
  b.label(tile::StoreOp::create(b, result, op.getOut(), at), "out");
}

/// Limits the sizes of cache and table, so that tokens and rows are numbers of
/// 32 bits: larger ones are refused, at launch if they are run-time sizes.
static LogicalResult limitRows(DecodeOp op) {
  // A tile may begin at the last token.
  constexpr int64_t kMaxRows = std::numeric_limits<int32_t>::max() - 256;
  auto func = op->getParentOfType<func::FuncOp>();
  Builder b(op.getContext());
  NamedAttrList limits(func->getAttrOfType<DictionaryAttr>(kSizeLimitsAttr));
  int64_t most = kMaxRows / getSize(op, "page_size");
  for (StringRef name : {"num_pages", "max_pages"}) {
    int64_t size = getSize(op, name);
    if (ShapedType::isDynamic(size))
      limits.set(name, b.getDenseI64ArrayAttr({0, most}));
    else if (size > most)
      return op.emitOpError() << "expected " << name << " of at most " << most
                              << " for this page_size, got " << size;
  }
  func->setAttr(kSizeLimitsAttr, limits.getDictionary(op.getContext()));
  return success();
}

LogicalResult DecodeOp::buildTileProgram(const TilingOptions &options) {
  FailureOr<int64_t> heads =
      getTileHeads(*this, getSize(*this, "h_q"), options);
  if (failed(heads) || failed(checkBlockKV(*this, options)) ||
      failed(checkWeights(*this, getElementTypeOrSelf(getQ().getType()),
                          options)) ||
      failed(limitRows(*this)))
    return failure();
  Tiler(*this, *heads, options).run();
  return success();
}
