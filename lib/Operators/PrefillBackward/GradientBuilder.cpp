//===- GradientBuilder.cpp - what the kernels of gradients share ----------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "GradientBuilder.h"

using namespace mlir;
using namespace mla;

static ArrayRef<int64_t> getShape(Value tile) {
  return cast<RankedTensorType>(tile.getType()).getShape();
}

void GradientBuilder::buildScale() {
  Value log2E = arith::ConstantOp::create(b, b.getF32FloatAttr(kLog2E));
  scaleLog2 = arith::MulFOp::create(b, operands.scale, log2E);
}

//===----------------------------------------------------------------------===//
// Memory
//===----------------------------------------------------------------------===//

Value GradientBuilder::loadVector(Value workspace, int64_t rows, ValueRange at,
                                  float padding, StringRef label,
                                  ValueRange bound) {
  return b.label(tile::LoadOp::create(b, b.getF32Tile({rows}), workspace, at,
                                      bound, b.getDenseI64ArrayAttr({2}),
                                      b.getF32FloatAttr(padding)),
                 label);
}

void GradientBuilder::storeRows(Value tile, Value factor, Value dest,
                                ValueRange at, StringRef label,
                                ValueRange bound) {
  ArrayRef<int64_t> shape = getShape(tile);
  if (factor)
    tile = b.label(arith::MulFOp::create(b, tile, b.createSplat(factor, shape)),
                   label);
  tile = b.label(
      arith::TruncFOp::create(
          b, RankedTensorType::get(shape, getElementTypeOrSelf(dest.getType())),
          tile),
      label);
  b.label(tile::StoreOp::create(b, tile, dest, at, bound,
                                b.getDenseI64ArrayAttr({1, 3})),
          label);
}

//===----------------------------------------------------------------------===//
// Products
//===----------------------------------------------------------------------===//

Value GradientBuilder::multiply(Value x, Value y, StringRef label) {
  return b.label(
      tile::DotOp::create(b, b.getF32Tile({getShape(x)[0], getShape(y)[0]}), x,
                          y, Value(), false, true),
      label);
}

Value GradientBuilder::accumulate(Value x, Value y, Value acc,
                                  StringRef label) {
  return b.label(tile::DotOp::create(b, acc.getType(), x, y, acc, false, false),
                 label);
}

Value GradientBuilder::createNumbers(int64_t dim) {
  auto type = RankedTensorType::get({shape[dim]}, b.getI32Type());
  return tile::IotaOp::create(b, type);
}

Value GradientBuilder::mask(Value scores, Value isPartial, Value limit) {
  auto branch = b.label(scf::IfOp::create(b, scores.getType(), isPartial,
                                          /*withElse=*/true),
                        "p");
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(branch.thenBlock());
  Value ends =
      arith::AddIOp::create(b, createNumbers(queryDim),
                            b.createSplat(b.toI32(limit), {shape[queryDim]}));
  Value keys = b.createBroadcast(createNumbers(1 - queryDim), queryDim, shape);
  Value isSeen =
      arith::CmpIOp::create(b, arith::CmpIPredicate::slt, keys, spread(ends));
  scf::YieldOp::create(
      b, ValueRange{b.label(arith::SelectOp::create(
                                b, isSeen, scores, b.createSplat(-kInf, shape)),
                            "p")});
  b.setInsertionPointToStart(branch.elseBlock());
  scf::YieldOp::create(b, scores);
  return branch.getResult(0);
}

Value GradientBuilder::buildWeights(Value scores, Value lse) {
  auto contract = arith::FastMathFlags::contract;
  Value scaled =
      b.label(arith::MulFOp::create(b, scores, b.createSplat(scaleLog2, shape),
                                    contract),
              "p");
  Value logits =
      b.label(arith::SubFOp::create(b, scaled, spread(lse), contract), "p");
  return b.label(math::Exp2Op::create(b, logits), "p");
}

Value GradientBuilder::buildScoreGradients(Value p, Value dp, Value delta) {
  Value difference = b.label(arith::SubFOp::create(b, dp, spread(delta)), "ds");
  return b.label(arith::MulFOp::create(b, p, difference), "ds");
}

Value GradientBuilder::round(Value tile, StringRef label) {
  Type element = getElementTypeOrSelf(operands.q.getType());
  return b.label(arith::TruncFOp::create(
                     b, RankedTensorType::get(getShape(tile), element), tile),
                 label);
}
