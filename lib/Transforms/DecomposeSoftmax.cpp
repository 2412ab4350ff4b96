//===- DecomposeSoftmax.cpp - online softmax as its parts -------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "mla/Transforms/Passes.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace mla {
#define GEN_PASS_DEF_DECOMPOSESOFTMAX
#include "mla/Transforms/Passes.h.inc"
} // namespace mla

using namespace mlir;
using namespace mla;

static void decompose(tile::OnlineSoftmaxOp op) {
  ImplicitLocOpBuilder b(op.getLoc(), op);
  StringRef base = tile::getLabel(op);
  auto label = [&](Value v, StringRef part) {
    if (!base.empty())
      v.getDefiningOp()->setAttr(tile::kLabelAttr,
                                 b.getStringAttr(base + "." + part));
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
  Value scaleRow = tensor::SplatOp::create(b, op.getScale(), vectorType);
  Value scaled = label(arith::MulFOp::create(b, rowMax, scaleRow), "rowmax");
  Value newMax = label(arith::MaxNumFOp::create(b, op.getMax(), scaled), "max");
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
  void runOnOperation() override { getOperation().walk(decompose); }
};
} // namespace
