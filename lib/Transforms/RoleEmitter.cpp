//===- RoleEmitter.cpp - loops and branches of one role ---------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "RoleEmitter.h"

using namespace mlir;
using namespace mla;

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
  if (auto loop = dyn_cast<scf::ForOp>(op); loop && isAroundTiles(loop))
    return needsRegions(loop) ? emitLoop(loop) : success();
  if (auto branch = dyn_cast<scf::IfOp>(op); branch && isAroundTiles(branch))
    return needsRegions(branch) ? emitIf(branch) : success();
  if (!touchesTiles(op)) {
    // Scalars outside of loops stay in front of the roles, which share them.
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
  for (StringRef name : {tile::kPersistentAttr, tile::kPeelLastAttr})
    if (Attribute attr = loop->getAttr(name))
      copy->setAttr(name, attr);
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
      return branch.emitOpError("expected only tiles as results of a branch "
                                "that computes tiles");
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

SmallVector<Value> RoleEmitter::mapScalars(ValueRange values) {
  return llvm::map_to_vector(
      values, [&](Value v) { return scalars.lookupOrDefault(v); });
}
