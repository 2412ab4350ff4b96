//===- TileRewrites.cpp - helpers of tile-level rewrites --------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "TileRewrites.h"

using namespace mlir;
using namespace mla;

static RankedTensorType getTile(Value v) {
  return cast<RankedTensorType>(v.getType());
}

SmallVector<scf::ForOp> mla::getCarryingLoops(Operation *op) {
  SmallVector<scf::ForOp> loops;
  op->walk([&](scf::ForOp loop) {
    if (loop.getNumResults())
      loops.push_back(loop);
  });
  return loops;
}

void mla::copyLabel(Operation *from, Operation *to, const Twine &suffix) {
  StringRef label = tile::getLabel(from);
  if (!label.empty())
    to->setAttr(tile::kLabelAttr,
                StringAttr::get(to->getContext(), label + suffix));
}

LogicalResult mla::spreadToUsers(SetVector<Value> &values, StringRef what,
                                 llvm::function_ref<bool(Value)> belongs) {
  auto insert = [&](Value v) {
    if (belongs(v))
      values.insert(v);
  };
  for (size_t i = 0; i < values.size(); ++i)
    for (OpOperand &use : values[i].getUses()) {
      Operation *user = use.getOwner();
      if (auto loop = dyn_cast<scf::ForOp>(user)) {
        insert(loop.getTiedLoopRegionIterArg(&use));
        insert(loop.getTiedLoopResult(&use));
      } else if (isa<scf::YieldOp>(user)) {
        auto loop = dyn_cast<scf::ForOp>(user->getParentOp());
        if (!loop)
          return user->getParentOp()->emitOpError(
              "expected " + what + " to be computed in scf.for only");
        insert(loop.getRegionIterArg(use.getOperandNumber()));
        insert(loop.getResult(use.getOperandNumber()));
      } else {
        llvm::for_each(user->getResults(), insert);
      }
    }
  return success();
}

Value mla::resizeSplat(ImplicitLocOpBuilder &b, Value splat,
                       RankedTensorType type) {
  if (auto op = splat.getDefiningOp<tensor::SplatOp>())
    return tensor::SplatOp::create(b, op.getInput(), type);
  if (auto constant = splat.getDefiningOp<arith::ConstantOp>())
    if (auto value = dyn_cast<SplatElementsAttr>(constant.getValue()))
      return arith::ConstantOp::create(b, value.resizeSplat(type));
  return {};
}

SmallVector<Value> mla::moveRight(ImplicitLocOpBuilder &b, ValueRange indices,
                                  int64_t columns) {
  SmallVector<Value> moved(indices);
  if (columns) {
    Value offset = arith::ConstantIndexOp::create(b, columns);
    moved.back() = arith::AddIOp::create(b, moved.back(), offset);
  }
  return moved;
}

bool mla::isGatheredMatrix(Operation *op) {
  auto gather = dyn_cast<tile::GatherOp>(op);
  return gather && getTile(gather.getResult()).getRank() == 2;
}

tile::GatherOp mla::gatherColumns(ImplicitLocOpBuilder &b,
                                  tile::GatherOp gather, int64_t first,
                                  int64_t count) {
  RankedTensorType whole = getTile(gather.getResult());
  auto type = RankedTensorType::get({whole.getDimSize(0), count},
                                    whole.getElementType());
  return tile::GatherOp::create(b, type, gather.getSource(), gather.getRows(),
                                moveRight(b, gather.getIndices(), first));
}

tile::DotOp mla::multiplyColumns(ImplicitLocOpBuilder &b, tile::DotOp dot,
                                 Value keys, int64_t first, Value acc) {
  RankedTensorType a = getTile(dot.getA());
  auto type = RankedTensorType::get(
      {a.getDimSize(0), getTile(keys).getDimSize(1)}, a.getElementType());
  Value view =
      tile::ViewOp::create(b, type, dot.getA(), ArrayRef<int64_t>{0, first});
  return tile::DotOp::create(b, dot.getType(), view, keys, acc, false,
                             /*transposeB=*/true);
}
