//===- RowMax.cpp - row maxima of masked scores -----------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "mla/Transforms/RowMax.h"
#include "mla/Dialect/Tile/Tile.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace mla;

static Value createSplat(ImplicitLocOpBuilder &b, Type type, float value) {
  return arith::ConstantOp::create(
      b, DenseElementsAttr::get(cast<ShapedType>(type), value));
}

Value mla::createLeast(ImplicitLocOpBuilder &b, Type type) {
  return createSplat(b, type, std::numeric_limits<float>::lowest());
}

Value ScoreMask::createFlags(ImplicitLocOpBuilder &b, Value scores,
                             function_ref<Value(Value)> label) const {
  auto tile = cast<RankedTensorType>(scores.getType());
  auto spread = [&](Value v, int64_t dim) -> Value {
    Type element = getElementTypeOrSelf(v.getType());
    return tile::BroadcastOp::create(b, tile.clone(element), v, dim);
  };
  Value columns = spread(valid, 0);
  if (!below)
    return columns;
  Value rows = spread(below, 1);
  return label(
      arith::CmpIOp::create(b, arith::CmpIPredicate::slt, columns, rows));
}

Value mla::createRowMax(ImplicitLocOpBuilder &b, Value scores, Value rowMax,
                        const ScoreMask &mask, bool swapped,
                        function_ref<Value(Value)> label) {
  auto tile = cast<RankedTensorType>(scores.getType());
  auto row = cast<RankedTensorType>(rowMax.getType());
  if (swapped) {
    Value bounded =
        label(arith::MaximumFOp::create(b, scores, createLeast(b, tile)));
    Value flags = mask.createFlags(b, scores, label);
    bounded = label(arith::SelectOp::create(b, flags, bounded, scores));
    return label(tile::ReduceOp::create(b, row, tile::ReduceKind::max, bounded,
                                        /*dim=*/1));
  }
  Value any;
  if (mask.below) {
    Value least =
        label(tile::MinOp::create(b, row.clone(b.getI32Type()), mask.valid));
    any = label(
        arith::CmpIOp::create(b, arith::CmpIPredicate::slt, least, mask.below));
  } else {
    any = label(tile::AnyOp::create(b, row.clone(b.getI1Type()), mask.valid));
  }
  Value least = label(arith::SelectOp::create(
      b, any, createLeast(b, row),
      createSplat(b, row, -std::numeric_limits<float>::infinity())));
  return label(arith::MaximumFOp::create(b, rowMax, least));
}
