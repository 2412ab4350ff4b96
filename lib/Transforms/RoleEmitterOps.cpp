//===- RoleEmitterOps.cpp - synchronous ops of one role ---------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "RoleEmitter.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace mla;

LogicalResult RoleEmitter::emitDot(tile::DotOp dot, Slice slice) {
  // The result's rows come from A, its columns from B.
  Slice aSlice, bSlice;
  if (slice.dim == 0)
    aSlice = {dot.getTransposeA() ? 1 : 0, slice.part, slice.parts};
  if (slice.dim == 1)
    bSlice = {dot.getTransposeB() ? 0 : 1, slice.part, slice.parts};
  Value a = getBuffer(dot.getA(), aSlice, /*stage=*/dot.getTransposeA());
  if (!a)
    a = getFragment(dot.getA(), aSlice, dot);
  Value bOperand = getBuffer(dot.getB(), bSlice, /*stage=*/true);
  if (!a)
    return failure();
  if (!bOperand)
    return dot.emitOpError(
        "expected operand B in shared memory, got a tile that is duplicated in "
        "each role that uses it");
  Value acc;
  if (auto inner = getAccInFlight(dot, schedule)) {
    acc = inFlight.lookup(inner.getResult());
  } else if (dot.getAcc() && !matchPattern(dot.getAcc(), m_AnyZeroFloat())) {
    acc = getFragment(dot.getAcc(), slice, dot);
    if (!acc)
      return failure();
  }
  RankedTensorType whole = getTileType(dot.getResult());
  auto type = cta::InFlightType::get(
      dot.getContext(), RankedTensorType::get(slice.apply(whole.getShape()),
                                              whole.getElementType()));
  auto mma = mark(cta::MmaAsyncOp::create(
      b, type, a, bOperand, acc, dot.getTransposeA(), dot.getTransposeB()));
  inFlight[dot.getResult()] = mma.getResult();
  if (!isAwaited(dot, schedule))
    return success();
  if (PlaceAttr waitRow =
          schedule.lookup((tile::getLabel(dot) + ".wait").str()))
    row = waitRow;
  fragments[dot.getResult()] = mark(cta::MmaWaitOp::create(b, mma.getResult()));
  return success();
}

LogicalResult RoleEmitter::emitStore(tile::StoreOp store, Slice slice) {
  Value tile = getFragment(store.getTile(), slice, store);
  if (!tile)
    return failure();
  RankedTensorType whole = getTileType(store.getTile());
  mark(tile::StoreOp::create(b, tile, store.getDest(),
                             offsetIndices(store, whole, slice),
                             mapScalars(store.getBounds()), store.getDimsAttr(),
                             store.getMergeAttr(), store.getMergeByAttr()));
  return success();
}

Value RoleEmitter::emitLoad(tile::LoadOp load, Slice slice) {
  RankedTensorType whole = getTileType(load.getResult());
  auto sliced = RankedTensorType::get(slice.apply(whole.getShape()),
                                      whole.getElementType());
  auto copy = mark(tile::LoadOp::create(
      b, sliced, load.getSource(), offsetIndices(load, whole, slice),
      mapScalars(load.getBounds()), load.getDimsAttr(), load.getPaddingAttr()));
  StringRef label = tile::getLabel(load);
  if (PlaceAttr own = label.empty() ? PlaceAttr() : schedule.lookup(label)) {
    if (own.getThreads())
      copy->setAttr(cta::kThreadsAttr, b.getI64IntegerAttr(own.getThreads()));
    if (own.getVector())
      copy->setAttr(cta::kVectorAttr, b.getI64IntegerAttr(own.getVector()));
  }
  return copy;
}

Value RoleEmitter::emitClone(Operation *op, Slice slice) {
  RankedTensorType whole = getTileType(op->getResult(0));
  auto sliced = RankedTensorType::get(slice.apply(whole.getShape()),
                                      whole.getElementType());
  if (auto constant = dyn_cast<arith::ConstantOp>(op)) {
    auto value = dyn_cast<DenseElementsAttr>(constant.getValue());
    if (!value || (!slice.isWhole() && !value.isSplat())) {
      op->emitOpError("expected a splat constant to take a part of");
      return {};
    }
    return mark(arith::ConstantOp::create(
        b, slice.isWhole() ? value : value.resizeSplat(sliced)));
  }
  if (isa<tile::IotaOp>(op)) {
    Value iota = mark(tile::IotaOp::create(b, sliced));
    int64_t offset = slice.getOffset(0, whole.getDimSize(0));
    if (slice.isWhole() || offset == 0)
      return iota;
    auto start = mark(arith::ConstantOp::create(
        b, DenseElementsAttr::get(sliced, APInt(32, offset))));
    return mark(arith::AddIOp::create(b, iota, start));
  }
  if (auto load = dyn_cast<tile::LoadOp>(op))
    return emitLoad(load, slice);
  Slice operandSlice = slice;
  if (auto broadcast = dyn_cast<tile::BroadcastOp>(op))
    operandSlice = slice.dropDim(broadcast.getDim());
  if (auto reduce = dyn_cast<tile::ReduceOp>(op))
    operandSlice = slice.insertDim(reduce.getDim());
  if (isa<tile::AnyOp, tile::MinOp>(op))
    operandSlice = {};
  if (isa<tile::TransposeOp>(op) && !slice.isWhole())
    operandSlice.dim = 1 - slice.dim;
  SmallVector<Value> operands;
  for (Value operand : op->getOperands()) {
    Value mapped = isa<RankedTensorType>(operand.getType())
                       ? getFragment(operand, operandSlice, op)
                       : scalars.lookupOrDefault(operand);
    if (!mapped)
      return {};
    operands.push_back(mapped);
  }
  OperationState state(op->getLoc(), op->getName(), operands, sliced,
                       op->getAttrs());
  state.propertiesAttr = op->getPropertiesAsAttribute();
  Operation *copy = mark(b.create(state));
  return copy->getResult(0);
}

template <typename OpTy>
SmallVector<Value> RoleEmitter::offsetIndices(OpTy op, RankedTensorType tile,
                                              Slice slice) {
  SmallVector<Value> result = mapScalars(op.getIndices());
  if (slice.isWhole())
    return result;
  int64_t offset = slice.getOffset(slice.dim, tile.getDimSize(slice.dim));
  if (offset == 0)
    return result;
  int64_t rank = result.size();
  SmallVector<int64_t> order =
      tile::orderDims(op.getDims(), rank, tile.getRank());
  int64_t dim = order[rank - tile.getRank() + slice.dim];
  if constexpr (std::is_same_v<OpTy, tile::StoreOp>)
    if (std::optional<tile::Merge> merge = op.getMerged();
        merge && slice.dim == 0)
      dim = merge->outer; // Its index counts the tile's rows.
  Value &index = result[dim];
  auto constant = mark(arith::ConstantIndexOp::create(b, offset));
  index = mark(arith::AddIOp::create(b, index, constant));
  return result;
}
