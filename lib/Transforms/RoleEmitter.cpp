//===- RoleEmitter.cpp - the part of a tile program in one role -*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "RoleEmitter.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace mla;

static RankedTensorType getTileType(Value v) {
  return cast<RankedTensorType>(v.getType());
}

template <typename OpTy> OpTy RoleEmitter::mark(OpTy op) {
  Operation *base = op;
  auto loop = base->getParentOfType<scf::ForOp>();
  if (loop && !loop->hasAttr(tile::kPersistentAttr) && row) {
    base->setAttr(cta::kStageAttr, b.getI64IntegerAttr(row.getStage()));
    base->setAttr(cta::kOrderAttr, b.getI64IntegerAttr(row.getOrder()));
  }
  return op;
}

LogicalResult RoleEmitter::emit() {
  RoleAttr attr = schedule.getRoles()[role];
  b.setInsertionPoint(program.getBody()->getTerminator());
  auto op = cta::RoleOp::create(b, attr.getName(), attr.getWarps(),
                                attr.getRegisters());
  Block *to = &op.getBody().emplaceBlock();
  return emitBlock(program.getBody(), to);
}

LogicalResult RoleEmitter::emitBlock(Block *from, Block *to) {
  OpBuilder::InsertionGuard guard(b);
  blocks[from] = to;
  b.setInsertionPointToEnd(to);
  for (Operation &op : from->without_terminator()) {
    if (isa<cta::RoleOp, cta::RingOp>(op))
      break;
    if (failed(emitOp(&op)))
      return failure();
  }
  return success();
}

LogicalResult RoleEmitter::emitOp(Operation *op) {
  b.setLoc(op->getLoc());
  if (auto loop = dyn_cast<scf::ForOp>(op))
    return needsRegions(loop) ? emitLoop(loop) : success();
  if (auto branch = dyn_cast<scf::IfOp>(op); branch && isAroundTiles(branch))
    return needsRegions(branch) ? emitIf(branch) : success();
  if (!touchesTiles(op)) {
    // Scalars of the grid point are shared by all roles and stay in front.
    if (op->getBlock() != program.getBody())
      b.clone(*op, scalars);
    return success();
  }
  const Placement &place = placement.get(op);
  if (!place.contains(role))
    return success();
  row = schedule.lookup(tile::getLabel(op));
  if (isAsyncLoad(op))
    return emitAsyncLoad(op);
  Slice slice = place.getSlice(role);
  if (auto dot = dyn_cast<tile::DotOp>(op))
    return emitDot(dot, slice);
  if (auto store = dyn_cast<tile::StoreOp>(op))
    return emitStore(store, slice);
  Value result = emitClone(op, slice);
  if (!result)
    return failure();
  fragments[op->getResult(0)] = result;
  return success();
}

bool RoleEmitter::needsRegions(Operation *op) {
  return op
      ->walk([&](Operation *inner) {
        return placement.get(inner).contains(role) ? WalkResult::interrupt()
                                                   : WalkResult::advance();
      })
      .wasInterrupted();
}

LogicalResult RoleEmitter::emitIf(scf::IfOp branch) {
  row = schedule.lookup(tile::getLabel(branch));
  if (branch->getParentOfType<scf::ForOp>() && !row)
    return branch.emitOpError()
           << "expected a label with a row in schedule " << schedule.getName();
  SmallVector<unsigned> kept;
  SmallVector<Type> types;
  for (OpResult result : branch.getResults()) {
    auto type = dyn_cast<RankedTensorType>(result.getType());
    if (!type)
      return branch.emitOpError("expected results that are tiles, of a branch "
                                "around tiles");
    const Placement &place = placement.get(result);
    if (!place.contains(role))
      continue;
    kept.push_back(result.getResultNumber());
    types.push_back(RankedTensorType::get(
        place.getSlice(role).apply(type.getShape()), type.getElementType()));
  }
  auto copy = mark(scf::IfOp::create(
      b, types, scalars.lookupOrDefault(branch.getCondition()),
      /*addThenBlock=*/true, /*addElseBlock=*/!types.empty()));
  for (auto [from, to] : {std::pair(branch.thenBlock(), copy.thenBlock()),
                          std::pair(branch.elseBlock(), copy.elseBlock())}) {
    if (!from || !to)
      continue;
    if (!to->empty())
      to->back().erase();
    if (failed(emitBlock(from, to)) ||
        failed(emitYield(cast<scf::YieldOp>(from->getTerminator()), to,
                         branch.getResults(), kept)))
      return failure();
  }
  for (auto [k, i] : llvm::enumerate(kept))
    fragments[branch.getResult(i)] = copy.getResult(k);
  return success();
}

LogicalResult RoleEmitter::emitYield(scf::YieldOp from, Block *to,
                                     ValueRange results,
                                     ArrayRef<unsigned> kept) {
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToEnd(to);
  row = {};
  SmallVector<Value> yields;
  for (unsigned i : kept) {
    Value value = from.getOperand(i);
    Value mapped =
        isa<RankedTensorType>(value.getType())
            ? getFragment(value, placement.get(results[i]).getSlice(role),
                          from->getParentOp())
            : scalars.lookupOrDefault(value);
    if (!mapped)
      return failure();
    yields.push_back(mapped);
  }
  scf::YieldOp::create(b, yields);
  return success();
}

LogicalResult RoleEmitter::emitLoop(scf::ForOp loop) {
  row = {};
  SmallVector<Value> init;
  SmallVector<unsigned> kept;
  for (auto [i, arg] : llvm::enumerate(loop.getRegionIterArgs())) {
    if (!isa<RankedTensorType>(arg.getType())) {
      kept.push_back(i);
      init.push_back(scalars.lookupOrDefault(loop.getInitArgs()[i]));
      continue;
    }
    const Placement &place = placement.get(arg);
    if (!place.contains(role))
      continue;
    Value value =
        getFragment(loop.getInitArgs()[i], place.getSlice(role), loop);
    if (!value)
      return failure();
    kept.push_back(i);
    init.push_back(value);
  }
  auto copy =
      scf::ForOp::create(b, scalars.lookupOrDefault(loop.getLowerBound()),
                         scalars.lookupOrDefault(loop.getUpperBound()),
                         scalars.lookupOrDefault(loop.getStep()), init);
  if (Attribute persistent = loop->getAttr(tile::kPersistentAttr))
    copy->setAttr(tile::kPersistentAttr, persistent);
  scalars.map(loop.getInductionVar(), copy.getInductionVar());
  auto bind = [&](Value from, Value to) {
    if (isa<RankedTensorType>(from.getType()))
      fragments[from] = to;
    else
      scalars.map(from, to);
  };
  for (auto [k, i] : llvm::enumerate(kept))
    bind(loop.getRegionIterArg(i), copy.getRegionIterArg(k));
  Block *body = copy.getBody();
  if (!body->empty())
    body->back().erase();
  if (failed(emitBlock(loop.getBody(), body)))
    return failure();
  if (failed(emitYield(cast<scf::YieldOp>(loop.getBody()->getTerminator()),
                       body, loop.getResults(), kept)))
    return failure();
  for (auto [k, i] : llvm::enumerate(kept))
    bind(loop.getResult(i), copy.getResult(k));
  return success();
}

LogicalResult RoleEmitter::emitAsyncLoad(Operation *op) {
  Value tile = op->getResult(0);
  cta::RingOp ring = channels.get(tile, role);
  if (!ring)
    return failure();
  SmallVector<Operation *> loads{op};
  auto concat = dyn_cast<tile::ConcatOp>(op);
  if (concat)
    loads = llvm::map_to_vector(concat.getParts(),
                                [](Value v) { return v.getDefiningOp(); });
  // What is looked up first stands before the slot is waited for.
  SmallVector<Value> rows;
  for (Operation *load : loads) {
    FailureOr<Value> looked = emitRows(load);
    if (failed(looked))
      return failure();
    rows.push_back(*looked);
  }
  Value slot = mark(cta::AcquireOp::create(b, ring));
  SmallVector<int64_t> offsets(getTileType(tile).getRank(), 0);
  for (auto [load, index] : llvm::zip(loads, rows)) {
    RankedTensorType type = getTileType(load->getResult(0));
    Value dest = getView(slot, offsets, type.getShape());
    if (!dest || failed(emitFill(load, index, dest)))
      return failure();
    if (concat)
      offsets[concat.getDim()] += type.getDimSize(concat.getDim());
  }
  return success();
}

FailureOr<Value> RoleEmitter::emitRows(Operation *op) {
  if (auto gather = dyn_cast<tile::GatherOp>(op)) {
    Value rows = getFragment(gather.getRows(), {}, op);
    if (!rows)
      return failure();
    return rows;
  }
  auto load = cast<tile::LoadOp>(op);
  if (load.getPaddingAttr())
    return load.emitOpError("expected no padding on an asynchronous load, "
                            "which pads with zeros");
  if (!load.getDims() && load.getBounds().empty())
    return Value();
  int64_t rank = load.getIndices().size();
  SmallVector<int64_t> order = tile::orderDims(load.getDims(), rank, 2);
  if (load.getBounds().size() > 1 || order[rank - 2] != 0 ||
      order[rank - 1] != rank - 1)
    return load.emitOpError(
        "expected rows of the memref's first dimension, and "
        "a bound of rows alone, of an asynchronous load "
        "with dims or bounds");
  return emitBoundedRows(load);
}

Value RoleEmitter::emitBoundedRows(tile::LoadOp load) {
  Type i32 = b.getI32Type();
  auto type =
      RankedTensorType::get(getTileType(load.getResult()).getDimSize(0), i32);
  auto splat = [&](Value scalar) -> Value {
    Value number = mark(arith::IndexCastOp::create(b, i32, scalar));
    return mark(tensor::SplatOp::create(b, number, type));
  };
  Value first = mapScalars(load.getIndices())[0];
  Value rows = mark(arith::AddIOp::create(
      b, mark(tile::IotaOp::create(b, type)), splat(first)));
  for (Value bound : mapScalars(load.getBounds())) {
    Value zero = arith::ConstantIndexOp::create(b, 0);
    Value size = memref::DimOp::create(b, load.getSource(), zero);
    Value end = mark(arith::MinSIOp::create(b, bound, size));
    Value inside = mark(
        arith::CmpIOp::create(b, arith::CmpIPredicate::slt, rows, splat(end)));
    Value outside = mark(arith::ConstantOp::create(
        b, DenseElementsAttr::get(type, APInt(32, -1, true))));
    rows = mark(arith::SelectOp::create(b, inside, rows, outside));
  }
  return rows;
}

LogicalResult RoleEmitter::emitFill(Operation *op, Value rows, Value dest) {
  if (auto gather = dyn_cast<tile::GatherOp>(op)) {
    mark(cta::GatherAsyncOp::create(b, gather.getSource(), rows,
                                    mapScalars(gather.getIndices()), dest));
    return success();
  }
  auto load = cast<tile::LoadOp>(op);
  SmallVector<Value> indices = mapScalars(load.getIndices());
  if (rows)
    mark(cta::GatherAsyncOp::create(b, load.getSource(), rows,
                                    ArrayRef(indices).drop_front(), dest));
  else
    mark(cta::CopyAsyncOp::create(b, load.getSource(), indices, dest, Value(),
                                  Value(), Value()));
  return success();
}

Value RoleEmitter::getView(Value slot, ArrayRef<int64_t> offsets,
                           ArrayRef<int64_t> shape) {
  auto type = cast<cta::BufferType>(slot.getType());
  if (shape == type.getShape())
    return slot;
  auto viewType = cta::BufferType::getChecked(
      [&] { return emitError(b.getLoc(), "part of a tile: "); }, b.getContext(),
      shape, type.getElementType(), type.getLayout());
  if (!viewType)
    return {};
  return mark(
      cta::ViewOp::create(b, viewType, slot, b.getDenseI64ArrayAttr(offsets)));
}

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
        "expected operand B in shared memory: a tile that is "
        "loaded or computed, not repeated where it is used");
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
  mark(tile::StoreOp::create(
      b, tile, store.getDest(), offsetIndices(store, whole, slice),
      mapScalars(store.getBounds()), store.getDimsAttr()));
  return success();
}

SmallVector<Value> RoleEmitter::mapScalars(ValueRange values) {
  return llvm::map_to_vector(
      values, [&](Value v) { return scalars.lookupOrDefault(v); });
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
  Value &index = result[order[rank - tile.getRank() + slice.dim]];
  auto constant = mark(arith::ConstantIndexOp::create(b, offset));
  index = mark(arith::AddIOp::create(b, index, constant));
  return result;
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
  if (isa<tile::AnyOp>(op))
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

Value RoleEmitter::getFragment(Value tile, Slice slice, Operation *user) {
  const Placement &place = placement.get(tile);
  Operation *def = tile.getDefiningOp();
  bool local = !place.isAnywhere() && place.contains(role);
  if (local && fragments.count(tile) && place.getSlice(role) == slice)
    return fragments[tile];
  if (def && def->getNumRegions() && place.isAnywhere()) {
    user->emitOpError("expected a tile that some role computes, got one that a "
                      "loop carries unchanged");
    return {};
  }
  if (def && (isReplicable(def) || place.isAnywhere())) {
    for (auto &[value, part, copy] : replicas)
      if (value == tile && part == slice)
        return copy;
    OpBuilder::InsertionGuard guard(b);
    moveTo(def->getBlock());
    Value copy = emitClone(def, slice);
    if (copy)
      replicas.push_back({tile, slice, copy});
    return copy;
  }
  // The row `<label>.load` says when to take a tile out of its ring; without
  // one it is taken where it is used.
  PlaceAttr userRow = row;
  std::string label = def ? (tile::getLabel(def) + ".load").str() : "";
  if (PlaceAttr load = schedule.lookup(label);
      load && load.getLabel().getValue() == label) {
    row = load;
    channels.noteLoad(load);
  }
  Value buffer = getBuffer(tile, slice);
  if (!buffer) {
    user->emitOpError()
        << "role " << schedule.getRoles()[role].getName()
        << " needs a tile that it neither has nor gets through a ring";
    return {};
  }
  auto type = cast<cta::BufferType>(buffer.getType());
  Value fragment = mark(cta::LoadSharedOp::create(
      b, RankedTensorType::get(type.getShape(), type.getElementType()),
      buffer));
  row = userRow;
  return fragment;
}

Value RoleEmitter::getBuffer(Value tile, Slice slice, bool stage) {
  SmallVector<int64_t> offsets(getTileType(tile).getRank(), 0);
  SmallVector<int64_t> shape = slice.apply(getTileType(tile).getShape());
  for (auto [d, size] : llvm::enumerate(getTileType(tile).getShape()))
    offsets[d] = slice.getOffset(d, size);
  bool viewed = false;
  while (auto view = tile.getDefiningOp<tile::ViewOp>()) {
    for (auto [offset, start] : llvm::zip(offsets, view.getOffsets()))
      offset += start;
    tile = view.getSource();
    viewed = true;
  }
  Operation *def = tile.getDefiningOp();
  const Placement &place = placement.get(tile);
  if (place.isAnywhere() || (def && isReplicable(def)))
    return {};
  bool inRegisters = !(def && isAsyncLoad(def)) && place.contains(role) &&
                     (viewed || place.getSlice(role) == slice);
  if (inRegisters && !stage)
    return {};
  // Where all hold the whole, one of them writes it.
  ArrayRef<unsigned> writers = place.roles;
  Value slot =
      awaitChannel(tile, place.split < 0 ? writers.take_front() : writers);
  return slot ? getView(slot, offsets, shape) : Value();
}

Value RoleEmitter::awaitChannel(Value tile, ArrayRef<unsigned> writers) {
  Value &slot = slots[tile];
  if (slot)
    return slot;
  OpBuilder::InsertionGuard guard(b);
  cta::RingOp ring = channels.get(tile, writers);
  if (!ring)
    return {};
  moveTo(tile.getParentBlock());
  slot = mark(cta::AwaitOp::create(b, ring));
  return slot;
}

void RoleEmitter::moveTo(Block *defBlock) {
  Block *block = blocks.lookup(defBlock);
  if (!block) // Defined above the grid point.
    block = blocks.lookup(program.getBody());
  if (b.getInsertionBlock() == block)
    return;
  Operation *ancestor =
      block->findAncestorOpInBlock(*b.getInsertionBlock()->getParentOp());
  b.setInsertionPoint(ancestor);
}

LogicalResult RoleEmitter::fillChannels() {
  for (Channel channel : channels.all()) {
    Operation *def = channel.tile.getDefiningOp();
    if (!llvm::is_contained(channel.writers, role) || (def && isAsyncLoad(def)))
      continue;
    Value fragment = fragments.lookup(channel.tile);
    if (!fragment)
      return emitError(channel.tile.getLoc())
             << "role " << schedule.getRoles()[role].getName()
             << " has no such tile to give to others";
    b.setInsertionPointAfterValue(fragment);
    b.setLoc(channel.tile.getLoc());
    row = def ? schedule.lookup(tile::getLabel(def)) : PlaceAttr();
    Slice slice = placement.get(channel.tile).getSlice(role);
    ArrayRef<int64_t> shape = getTileType(channel.tile).getShape();
    SmallVector<int64_t> offsets;
    for (auto [d, size] : llvm::enumerate(shape))
      offsets.push_back(slice.getOffset(d, size));
    Value slot = mark(cta::AcquireOp::create(b, channel.ring));
    Value part = getView(slot, offsets, slice.apply(shape));
    if (!part)
      return failure();
    mark(cta::StoreSharedOp::create(b, fragment, part));
  }
  return success();
}
