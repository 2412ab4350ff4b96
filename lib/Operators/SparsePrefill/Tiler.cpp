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
  /// One KV tile: `t` its first entry.
  SmallVector<Value> buildStep(Value t, ValueRange state);
  void buildEpilogue(ValueRange state);
  /// Indices of one tile: entries past the limit are -1.
  Value buildRows(Value t);
  /// topk, cut to the token's topk_length.
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
  Value token, head, zero, numRows, limit, q;
};
} // namespace

void Tiler::run() {
  zero = b.createIndex(0);
  Value tokens = memref::DimOp::create(b, op.getQ(), zero);
  Value rows = memref::DimOp::create(b, op.getKv(), zero);
  numRows = arith::IndexCastOp::create(b, b.getI32Type(), rows);
  attention.buildScale();
  SmallVector<OpFoldResult> bounds{
      tokens, b.getIndexAttr(llvm::divideCeil(heads, tileHeads))};
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
  token = ivs[0];
  head = arith::MulIOp::create(b, ivs[1], b.createIndex(tileHeads));
  Value topk = memref::DimOp::create(b, op.getIndices(), b.createIndex(2));
  limit = buildLimit(topk);
  q = b.label(tile::LoadOp::create(b, getTile(op.getQ(), {tileHeads, dqk}),
                                   op.getQ(), ValueRange{token, head, zero},
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
  // Entries past the end have the index -1: they change nothing.
  loop->setAttr(tile::kPaddedAttr, b.getUnitAttr());
  buildEpilogue(loop.getResults());
  scf::InParallelOp::create(b);
}

Value Tiler::buildLimit(Value topk) {
  if (!op.getTopkLength())
    return topk;
  Value length =
      b.createCount(op.getTopkLength(), token, op.getTopkLengthOptional());
  Value clamped = arith::MaxSIOp::create(
      b, arith::IndexCastOp::create(b, b.getIndexType(), length), zero);
  return arith::MinSIOp::create(b, clamped, topk);
}

Value Tiler::buildRows(Value t) {
  Type i32 = b.getI32Type();
  auto type = RankedTensorType::get({blockKV}, i32);
  Value rows = b.label(tile::LoadOp::create(b, type, op.getIndices(),
                                            ValueRange{token, zero, t},
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
  // An index counts iff it names a row: unsigned, so that negative ones fail.
  Value valid =
      b.label(arith::CmpIOp::create(b, arith::CmpIPredicate::ult, rows,
                                    b.createSplat(numRows, {blockKV})),
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
  SmallVector<Value> at{token, head};
  b.label(tile::StoreOp::create(b, statistics.lse, op.getLse(), at),
          "stats.lse");
  b.label(tile::StoreOp::create(b, statistics.maxLogits, op.getMaxLogits(), at),
          "stats.max_logits");
  Value sum = statistics.sum;
  if (op.getAttnSink()) {
    // What lies outside of it, so all of one that is left out, weighs nothing.
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
                                ValueRange{token, head, zero}),
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
