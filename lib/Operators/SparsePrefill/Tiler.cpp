//===- Tiler.cpp - the tile program of mla.sparse_prefill -------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "SparsePrefillOp.h"
#include "mla/Operators/TileBuilder.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace mla;

LogicalResult SparsePrefillOp::verify() {
  int64_t dqk = getSize(*this, "d_qk"), dv = getSize(*this, "d_v");
  if (dv > dqk)
    return emitOpError() << "expected d_v <= d_qk, got " << dv << " > " << dqk;
  if (getSize(*this, "topk") == 0)
    return emitOpError("indices: expected topk >= 1 or '?', got 0");
  return success();
}

namespace {
/// Builds the tile program of one operator.
class Tiler {
public:
  Tiler(SparsePrefillOp op, int64_t tileHeads, const TilingOptions &options)
      : op(op), b(op.getLoc(), op), blockKV(options.getBlockKV()),
        dqk(getSize(op, "d_qk")), heads(getSize(op, "h_q")),
        tileHeads(tileHeads),
        attention(b, tileHeads, blockKV, getSize(op, "d_v"), options,
                  op.getScale()) {}

  void run();

private:
  void buildGridPoint(ValueRange ivs);
  /// Processes the KV tile that starts at entry `t`.
  SmallVector<Value> buildStep(Value t, ValueRange state);
  void buildEpilogue(ValueRange state);
  /// The indices of one tile, -1 for entries past the limit.
  Value buildRows(Value t);
  /// The query's topk_length, clamped to [0, topk]; topk without topk_length.
  Value buildLimit(Value topk);
  /// A tile of the operand's elements.
  RankedTensorType getTile(Value operand, ArrayRef<int64_t> shape) {
    return RankedTensorType::get(shape,
                                 getElementTypeOrSelf(operand.getType()));
  }

  SparsePrefillOp op;
  TileBuilder b;
  int64_t blockKV, dqk, heads, tileHeads;
  AttentionBuilder attention;
  // Values of the grid point.
  Value query, head, zero, sKV, limit, q;
};
} // namespace

void Tiler::run() {
  zero = b.createIndex(0);
  Value sQ = memref::DimOp::create(b, op.getQ(), zero);
  sKV = arith::IndexCastOp::create(b, b.getI32Type(),
                                   memref::DimOp::create(b, op.getKv(), zero));
  attention.buildScale();
  SmallVector<OpFoldResult> bounds{
      sQ, b.getIndexAttr(llvm::divideCeil(heads, tileHeads))};
  scf::ForallOp::create(b, bounds, /*outputs=*/ValueRange(),
                        /*mapping=*/std::nullopt,
                        [&](OpBuilder &, Location, ValueRange ivs) {
                          OpBuilder::InsertionGuard guard(b);
                          buildGridPoint(ivs);
                        });
  op.erase();
}

void Tiler::buildGridPoint(ValueRange ivs) {
  Block *body = ivs[0].getParentBlock();
  b.setInsertionPointToStart(body);
  query = ivs[0];
  head = arith::MulIOp::create(b, ivs[1], b.createIndex(tileHeads));
  Value topk = memref::DimOp::create(b, op.getIndices(), b.createIndex(2));
  limit = buildLimit(topk);
  q = b.label(tile::LoadOp::create(b, getTile(op.getQ(), {tileHeads, dqk}),
                                   op.getQ(), ValueRange{query, head, zero},
                                   nullptr),
              "q");
  SmallVector<Value> init = attention.buildInit();
  auto loop = scf::ForOp::create(
      b, zero, limit, b.createIndex(blockKV), init,
      [&](OpBuilder &nested, Location loc, Value t, ValueRange state) {
        OpBuilder::InsertionGuard guard(b);
        b.setInsertionPoint(nested.getInsertionBlock(),
                            nested.getInsertionPoint());
        scf::YieldOp::create(b, buildStep(t, state));
      });
  // An extra iteration has no effect: entries past the end have index -1.
  loop->setAttr(tile::kPaddedAttr, b.getUnitAttr());
  buildEpilogue(loop.getResults());
  scf::InParallelOp::create(b);
}

Value Tiler::buildLimit(Value topk) {
  if (!op.getTopkLength())
    return topk;
  Value length =
      b.createCount(op.getTopkLength(), query, op.getTopkLengthOptional());
  Value clamped = arith::MaxSIOp::create(
      b, arith::IndexCastOp::create(b, b.getIndexType(), length), zero);
  return arith::MinSIOp::create(b, clamped, topk);
}

Value Tiler::buildRows(Value t) {
  Type i32 = b.getI32Type();
  auto type = RankedTensorType::get({blockKV}, i32);
  Value rows = b.label(tile::LoadOp::create(b, type, op.getIndices(),
                                            ValueRange{query, zero, t},
                                            b.getI32IntegerAttr(-1)),
                       "indices");
  if (!op.getTopkLength())
    return rows;
  Value left =
      arith::IndexCastOp::create(b, i32, arith::SubIOp::create(b, limit, t));
  Value inside = arith::CmpIOp::create(b, arith::CmpIPredicate::slt,
                                       tile::IotaOp::create(b, type),
                                       b.createSplat(left, {blockKV}));
  Value none = arith::ConstantOp::create(b, b.getI32IntegerAttr(-1));
  return arith::SelectOp::create(b, inside, rows,
                                 b.createSplat(none, {blockKV}));
}

SmallVector<Value> Tiler::buildStep(Value t, ValueRange state) {
  Value rows = buildRows(t);
  Value k =
      b.label(tile::GatherOp::create(b, getTile(op.getKv(), {blockKV, dqk}),
                                     op.getKv(), rows, ValueRange{zero, zero}),
              "k");
  // Unsigned, so that negative indices are invalid.
  Value valid =
      b.label(arith::CmpIOp::create(b, arith::CmpIPredicate::ult, rows,
                                    b.createSplat(sKV, {blockKV})),
              "valid");
  Value v = tile::ViewOp::create(
      b, getTile(op.getKv(), {blockKV, getSize(op, "d_v")}), k,
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
  SmallVector<Value> at{query, head};
  b.label(tile::StoreOp::create(b, statistics.lse, op.getLse(), at),
          "stats.lse");
  b.label(tile::StoreOp::create(b, statistics.maxLogits, op.getMaxLogits(), at),
          "stats.max_logits");
  Value sum = statistics.sum;
  if (op.getAttnSink()) {
    // Elements outside the memref, all of them if the launch omits it, get
    // -inf, whose weight is 0.
    FloatAttr none =
        op.getAttnSinkOptional() ? b.getF32FloatAttr(-kInf) : FloatAttr();
    Value sink = tile::LoadOp::create(b, b.getF32Tile({tileHeads}),
                                      op.getAttnSink(), ValueRange{head}, none);
    sum = attention.addSink(statistics, sink);
  }
  Value result =
      attention.buildOutput(state, statistics.empty, sum,
                            getElementTypeOrSelf(op.getOut().getType()));
  b.label(tile::StoreOp::create(b, result, op.getOut(),
                                ValueRange{query, head, zero}),
          "out");
}

LogicalResult SparsePrefillOp::buildTileProgram(const TilingOptions &options) {
  FailureOr<int64_t> heads =
      getTileHeads(*this, getSize(*this, "h_q"), options);
  if (failed(heads) || failed(checkBlockKV(*this, options)) ||
      failed(
          checkWeights(*this, getElementTypeOrSelf(getQ().getType()), options)))
    return failure();
  Tiler(*this, *heads, options).run();
  return success();
}
