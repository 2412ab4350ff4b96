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
  if (auto concat = dyn_cast<tile::ConcatOp>(op))
    return llvm::all_of(concat.getParts(), [](Value part) {
      return part.getDefiningOp<tile::GatherOp>() && part.hasOneUse() &&
             getTile(part).getRank() == 2;
    });
  auto gather = dyn_cast<tile::GatherOp>(op);
  if (!gather || getTile(gather.getResult()).getRank() != 2)
    return false;
  return !gather->hasOneUse() || !isa<tile::ConcatOp>(*gather->user_begin());
}

void mla::eraseGathered(Operation *op) {
  SmallVector<Value> parts;
  if (auto concat = dyn_cast<tile::ConcatOp>(op))
    parts = concat.getParts();
  op->erase();
  for (Value part : parts)
    part.getDefiningOp()->erase();
}

/// The columns of a concatenation: those of its parts.
static Operation *concatColumns(ImplicitLocOpBuilder &b, tile::ConcatOp concat,
                                RankedTensorType type, int64_t first) {
  int64_t end = first + type.getDimSize(1), begin = 0;
  bool byColumns = concat.getDim() == 1;
  SmallVector<Value> parts;
  for (Value part : concat.getParts()) {
    int64_t columns = getTile(part).getDimSize(1);
    int64_t low = std::max(first - begin, int64_t(0));
    int64_t high = std::min(end - begin, columns);
    if (low < high)
      parts.push_back(gatherColumns(b, part.getDefiningOp(), low, high - low)
                          ->getResult(0));
    if (byColumns)
      begin += columns;
  }
  if (parts.size() == 1)
    return parts[0].getDefiningOp();
  return tile::ConcatOp::create(b, type, parts, concat.getDim());
}

Operation *mla::gatherColumns(ImplicitLocOpBuilder &b, Operation *gathered,
                              int64_t first, int64_t count) {
  RankedTensorType whole = getTile(gathered->getResult(0));
  auto type = RankedTensorType::get({whole.getDimSize(0), count},
                                    whole.getElementType());
  if (auto concat = dyn_cast<tile::ConcatOp>(gathered))
    return concatColumns(b, concat, type, first);
  auto gather = cast<tile::GatherOp>(gathered);
  return tile::GatherOp::create(b, type, gather.getSource(), gather.getRows(),
                                moveRight(b, gather.getIndices(), first),
                                gather.getDim(), gather.getBlock());
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
