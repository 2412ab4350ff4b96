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

Value mla::createRowMax(ImplicitLocOpBuilder &b, Value scores, Value rowMax,
                        Value valid, bool swapped,
                        function_ref<Value(Value)> label) {
  auto tile = cast<RankedTensorType>(scores.getType());
  auto row = cast<RankedTensorType>(rowMax.getType());
  if (swapped) {
    Value bounded =
        label(arith::MaximumFOp::create(b, scores, createLeast(b, tile)));
    Value flags = tile::BroadcastOp::create(b, tile.clone(b.getI1Type()), valid,
                                            /*dim=*/0);
    bounded = label(arith::SelectOp::create(b, flags, bounded, scores));
    return label(tile::ReduceOp::create(b, row, tile::ReduceKind::max, bounded,
                                        /*dim=*/1));
  }
  Value any = label(tile::AnyOp::create(b, row.clone(b.getI1Type()), valid));
  Value least = label(arith::SelectOp::create(
      b, any, createLeast(b, row),
      createSplat(b, row, -std::numeric_limits<float>::infinity())));
  return label(arith::MaximumFOp::create(b, rowMax, least));
}
