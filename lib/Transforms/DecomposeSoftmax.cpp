//===- DecomposeSoftmax.cpp - online softmax as its parts -------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "TileRewrites.h"

namespace mla {
#define GEN_PASS_DEF_DECOMPOSESOFTMAX
#include "mla/Transforms/Passes.h.inc"
} // namespace mla

using namespace mlir;
using namespace mla;

using Labeller = llvm::function_ref<Value(Value, StringRef)>;

/// The maximum that weights refer to from now on: that of all scores so far, or
/// one that is exceeded by at most the threshold.
static Value emitMax(ImplicitLocOpBuilder &b, tile::OnlineSoftmaxOp op,
                     Value rowMax, Labeller label) {
  if (!op.getThreshold())
    return label(arith::MaxNumFOp::create(b, op.getMax(), rowMax), "max");
  auto type = cast<RankedTensorType>(rowMax.getType());
  Value threshold = arith::ConstantOp::create(
      b, DenseElementsAttr::get(type, *op.getThreshold()));
  Value bound = label(arith::AddFOp::create(b, op.getMax(), threshold), "max");
  Value moves =
      label(arith::CmpFOp::create(b, arith::CmpFPredicate::OGT, rowMax, bound),
            "max");
  return label(arith::SelectOp::create(b, moves, rowMax, op.getMax()), "max");
}

/// Row maxima of the same scores that are taken behind the softmax are
/// `rowMax`.
static void takeOver(tile::OnlineSoftmaxOp op, Value rowMax) {
  for (Operation *user : llvm::make_early_inc_range(op.getScores().getUsers()))
    if (auto reduce = dyn_cast<tile::ReduceOp>(user);
        reduce && reduce.getResult() != rowMax &&
        reduce.getKind() == tile::ReduceKind::max && reduce.getDim() == 1 &&
        op->getBlock() == user->getBlock() && op->isBeforeInBlock(user)) {
      reduce.replaceAllUsesWith(rowMax);
      reduce.erase();
    }
}

static void decompose(tile::OnlineSoftmaxOp op) {
  ImplicitLocOpBuilder b(op.getLoc(), op);
  auto label = [&](Value v, StringRef part) {
    copyLabel(op, v.getDefiningOp(), "." + part);
    return v;
  };
  auto tileType = cast<RankedTensorType>(op.getScores().getType());
  auto vectorType = cast<RankedTensorType>(op.getMax().getType());
  // The multiply and the subtraction of the exponent contract into one fma.
  auto contract = arith::FastMathFlags::contract;

  Value rowMax =
      label(tile::ReduceOp::create(b, vectorType, tile::ReduceKind::max,
                                   op.getScores(), 1),
            "rowmax");
  takeOver(op, rowMax);
  Value scaleRow = tensor::SplatOp::create(b, op.getScale(), vectorType);
  Value scaled = label(arith::MulFOp::create(b, rowMax, scaleRow), "rowmax");
  Value newMax = emitMax(b, op, scaled, label);
  Value rescale = label(
      math::Exp2Op::create(
          b, label(arith::SubFOp::create(b, op.getMax(), newMax), "rescale")),
      "rescale");
  Value scaleTile = tensor::SplatOp::create(b, op.getScale(), tileType);
  Value x = label(arith::MulFOp::create(b, op.getScores(), scaleTile, contract),
                  "weights");
  x = label(
      arith::SubFOp::create(
          b, x, tile::BroadcastOp::create(b, tileType, newMax, 1), contract),
      "weights");
  Value weights = label(math::Exp2Op::create(b, x), "weights");
  Value rowSum = label(
      tile::ReduceOp::create(b, vectorType, tile::ReduceKind::sum, weights, 1),
      "rowsum");
  Value newSum =
      label(arith::AddFOp::create(
                b,
                label(arith::MulFOp::create(b, op.getSum(), rescale, contract),
                      "sum"),
                rowSum, contract),
            "sum");
  op.replaceAllUsesWith(ValueRange{weights, newMax, newSum, rescale});
  op.erase();
}

namespace {
struct DecomposeSoftmaxPass
    : mla::impl::DecomposeSoftmaxBase<DecomposeSoftmaxPass> {
  void runOnOperation() override {
    func::FuncOp func = getOperation();
    ScheduleAttr lazy = getScheduleWith(func, "lazy-rescale");
    SmallVector<tile::OnlineSoftmaxOp> ops;
    func.walk([&](tile::OnlineSoftmaxOp op) { ops.push_back(op); });
    if (lazy && ops.empty()) {
      emitRewriteError(func, lazy, "lazy-rescale")
          << "expected a tile.online_softmax, got none";
      return signalPassFailure();
    }
    for (tile::OnlineSoftmaxOp op : ops) {
      if (lazy && !op.getThreshold()) {
        op.emitOpError() << "expected a threshold (lazy), as schedule "
                         << lazy.getName() << " asks for lazy-rescale";
        return signalPassFailure();
      }
      decompose(op);
    }
    if (lazy)
      setRewritten(func, "lazy-rescale");
  }
};
} // namespace
