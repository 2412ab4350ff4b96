//===- DenseAttention.cpp - attention over all KV rows ----------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "DenseAttentionOp.h"
#include "mla/Operators/Flops.h"
#include "mla/Operators/TileBuilder.h"

using namespace mlir;
using namespace mla;

//===----------------------------------------------------------------------===//
// The tile program
//===----------------------------------------------------------------------===//

namespace {
constexpr int64_t kRows = 128, kDim = 128;

class Tiler {
public:
  Tiler(DenseAttentionOp op, const TilingOptions &options)
      : op(op), b(op.getLoc(), op), blockKV(options.getBlockKV()),
        attention(b, kRows, blockKV, kDim, options, op.getScale()) {}

  void run();

private:
  void buildGridPoint(ValueRange ivs);
  SmallVector<Value> buildStep(Value t, ValueRange state);
  RankedTensorType getTile(int64_t rows) {
    return RankedTensorType::get({rows, kDim},
                                 getElementTypeOrSelf(op.getQ().getType()));
  }

  DenseAttentionOp op;
  TileBuilder b;
  int64_t blockKV;
  AttentionBuilder attention;
  Value head, row, zero, sKV, q;
};
} // namespace

void Tiler::run() {
  zero = b.createIndex(0);
  Value one = b.createIndex(1);
  Value heads = memref::DimOp::create(b, op.getQ(), zero);
  Value sQ = memref::DimOp::create(b, op.getQ(), one);
  sKV = memref::DimOp::create(b, op.getK(), one);
  Value blocks = arith::CeilDivUIOp::create(b, sQ, b.createIndex(kRows));
  attention.buildScale();
  SmallVector<OpFoldResult> bounds{heads, blocks};
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
  head = ivs[0];
  row = arith::MulIOp::create(b, ivs[1], b.createIndex(kRows));
  q = b.label(tile::LoadOp::create(b, getTile(kRows), op.getQ(),
                                   ValueRange{head, row, zero}, nullptr),
              "q");
  auto loop = scf::ForOp::create(
      b, zero, sKV, b.createIndex(blockKV), attention.buildInit(),
      [&](OpBuilder &nested, Location, Value t, ValueRange state) {
        OpBuilder::InsertionGuard guard(b);
        b.setInsertionPoint(nested.getInsertionBlock(),
                            nested.getInsertionPoint());
        scf::YieldOp::create(b, buildStep(t, state));
      });
  AttentionBuilder::Statistics statistics =
      attention.buildStatistics(loop.getResults(), LseOptions());
  // Writes nothing if the launch omits lse, which then has no heads.
  if (op.getLse())
    b.label(tile::StoreOp::create(b, statistics.lse, op.getLse(),
                                  ValueRange{head, row}),
            "out.lse");
  Value out =
      attention.buildOutput(loop.getResults(), statistics.empty, statistics.sum,
                            getElementTypeOrSelf(op.getQ().getType()));
  b.label(
      tile::StoreOp::create(b, out, op.getOut(), ValueRange{head, row, zero}),
      "out");
  scf::InParallelOp::create(b);
}

SmallVector<Value> Tiler::buildStep(Value t, ValueRange state) {
  SmallVector<Value> at{head, t, zero};
  Value k = b.label(
      tile::LoadOp::create(b, getTile(blockKV), op.getK(), at, nullptr), "k");
  Value v = b.label(
      tile::LoadOp::create(b, getTile(blockKV), op.getV(), at, nullptr), "v");
  // Mask the KV rows of the last tile that are past the end.
  Value left = arith::IndexCastOp::create(b, b.getI32Type(),
                                          arith::SubIOp::create(b, sKV, t));
  auto type = RankedTensorType::get({blockKV}, b.getI32Type());
  Value inside = arith::CmpIOp::create(b, arith::CmpIPredicate::slt,
                                       tile::IotaOp::create(b, type),
                                       b.createSplat(left, {blockKV}));
  Value scores = b.label(tile::DotOp::create(b, b.getF32Tile({kRows, blockKV}),
                                             q, k, Value(), false, true),
                         "qk");
  return attention.buildStep(attention.buildMask(scores, inside), inside, v,
                             state);
}

LogicalResult DenseAttentionOp::buildTileProgram(const TilingOptions &options) {
  Tiler(*this, options).run();
  return success();
}

//===----------------------------------------------------------------------===//
// Schedules and costs
//===----------------------------------------------------------------------===//

static constexpr NamedSchedule kSchedules[] = {
#include "Schedules.inc"
};
static constexpr llvm::StringRef kTileSizes[] = {"block_kv"};

/// At the peak rate: there is only one schedule, so the time does not matter.
static Prediction predict(const Choice &, const Problem &problem,
                          const GpuRates &machine) {
  double pairs = static_cast<double>(problem.getSize("heads")) *
                 static_cast<double>(problem.getSize("s_q")) *
                 static_cast<double>(problem.getSize("s_kv"));
  Prediction result;
  result.flops = countAttentionFlops(pairs, kDim, kDim);
  result.ms = result.flops / machine.tensorFlopsPerSecond() * 1e3;
  return result;
}

const Operator &DenseAttentionOp::getOperator() {
  static const Operator op{kDenseAttentionTable,  kSchedules, kTileSizes,
                           /*findFault=*/nullptr, predict,    /*tuning=*/""};
  return op;
}
