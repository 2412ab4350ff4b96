//===- DecomposeSoftmax.cpp - decomposes tile.online_softmax ----*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "ProgramState.h"
#include "TileRewrites.h"
#include "mla/Transforms/RowMax.h"

namespace mla {
#define GEN_PASS_DEF_DECOMPOSESOFTMAX
#include "mla/Transforms/Passes.h.inc"
} // namespace mla

using namespace mlir;
using namespace mla;

using Labeller = llvm::function_ref<Value(Value, StringRef)>;

/// The threshold in units of scores, computed outside of the loop.
static Value emitThreshold(tile::OnlineSoftmaxOp op) {
  ImplicitLocOpBuilder b(op.getLoc(), op);
  Value scale = op.getScale();
  b.setInsertionPoint(scale.getParentBlock()->findAncestorOpInBlock(*op));
  Value threshold = arith::ConstantOp::create(
      b, b.getFloatAttr(scale.getType(), *op.getThreshold()));
  return arith::DivFOp::create(b, threshold, scale);
}

namespace {
/// The running maximum including this tile, and the finite maximum that weights
/// refer to.
struct Maxima {
  Value max, reference;
};
} // namespace

/// The exact running maximum. Both results are a single op away from `rowMax`,
/// which may arrive late from another role.
static Maxima emitMax(ImplicitLocOpBuilder &b, tile::OnlineSoftmaxOp op,
                      Value rowMax, Labeller label) {
  Value max = op.getMax();
  auto greater = [&](Value x, Value y) -> Value {
    return label(arith::MaximumFOp::create(b, x, y), "max");
  };
  Value finite = greater(max, createLeast(b, max.getType()));
  return {greater(max, rowMax), greater(finite, rowMax)};
}

/// A running maximum that moves only if it would be exceeded by more than the
/// threshold. The comparison is unordered, so that NaN propagates.
static Maxima emitLazyMax(ImplicitLocOpBuilder &b, tile::OnlineSoftmaxOp op,
                          Value rowMax, Labeller label) {
  Value max = op.getMax();
  Value slack = tensor::SplatOp::create(b, emitThreshold(op), rowMax.getType());
  Value bound = label(arith::AddFOp::create(b, max, slack), "max");
  Value moves =
      label(arith::CmpFOp::create(b, arith::CmpFPredicate::UGT, rowMax, bound),
            "max");
  Value moved = label(arith::MaximumFOp::create(b, max, rowMax), "max");
  Value next = label(arith::SelectOp::create(b, moves, moved, max), "max");
  return {next, next};
}

/// Replaces later row maxima of the same scores by `rowMax`.
static void reuseRowMax(tile::OnlineSoftmaxOp op, Value rowMax) {
  for (Operation *user : llvm::make_early_inc_range(op.getScores().getUsers()))
    if (auto reduce = dyn_cast<tile::ReduceOp>(user);
        reduce && reduce.getResult() != rowMax &&
        reduce.getKind() == tile::ReduceKind::max && reduce.getDim() == 1 &&
        op->getBlock() == user->getBlock() && op->isBeforeInBlock(user)) {
      reduce.replaceAllUsesWith(rowMax);
      reduce.erase();
    }
}

static void decompose(tile::OnlineSoftmaxOp op, bool swapped) {
  ImplicitLocOpBuilder b(op.getLoc(), op);
  auto label = [&](Value v, StringRef part) {
    copyLabel(op, v.getDefiningOp(), "." + part);
    return v;
  };
  auto tileType = cast<RankedTensorType>(op.getScores().getType());
  auto vectorType = cast<RankedTensorType>(op.getMax().getType());
  // 2^(scale * (x - y))
  auto power = [&](Value x, Value y, StringRef part,
                   arith::FastMathFlags flags) {
    Value difference = label(arith::SubFOp::create(b, x, y, flags), part);
    Value scale = tensor::SplatOp::create(b, op.getScale(), x.getType());
    Value scaled =
        label(arith::MulFOp::create(b, difference, scale, flags), part);
    return label(math::Exp2Op::create(b, scaled), part);
  };
  auto contract = arith::FastMathFlags::contract;
  auto distribute = contract | arith::FastMathFlags::reassoc;

  Value ofScores =
      label(tile::ReduceOp::create(b, vectorType, tile::ReduceKind::max,
                                   op.getScores(), 1),
            "rowmax");
  reuseRowMax(op, ofScores);
  Value rowMax = ofScores;
  if (op.getValid())
    rowMax = createRowMax(b, op.getScores(), ofScores,
                          {op.getValid(), op.getBelow()}, swapped,
                          [&](Value v) { return label(v, "rowmax"); });
  auto [newMax, reference] = op.getThreshold()
                                 ? emitLazyMax(b, op, rowMax, label)
                                 : emitMax(b, op, rowMax, label);
  Value rescale =
      power(op.getMax(), reference, "rescale", arith::FastMathFlags::none);
  // Reassociation allows x * scale - y * scale, an FMA.
  Value weights = power(op.getScores(),
                        tile::BroadcastOp::create(b, tileType, reference, 1),
                        "weights", distribute);
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
  void runOnProgram() override {
    func::FuncOp func = getOperation();
    ScheduleAttr lazy = getScheduleWith(func, "lazy-rescale");
    SmallVector<tile::OnlineSoftmaxOp> ops;
    func.walk([&](tile::OnlineSoftmaxOp op) { ops.push_back(op); });
    if (lazy && ops.empty()) {
      emitRewriteError(func, lazy, "lazy-rescale")
          << "expected a tile.online_softmax, got none";
      return signalPassFailure();
    }
    bool swapped = getScheduleWith(func, "swap-ab") != nullptr;
    for (tile::OnlineSoftmaxOp op : ops) {
      if (lazy && !op.getThreshold()) {
        op.emitOpError() << "expected a threshold (lazy), because schedule "
                         << lazy.getName() << " requests lazy-rescale";
        return signalPassFailure();
      }
      decompose(op, swapped);
    }
    if (lazy)
      setRewritten(func, "lazy-rescale");
  }
};
} // namespace
