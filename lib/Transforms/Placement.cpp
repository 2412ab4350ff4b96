//===- Placement.cpp - assigns tiles to roles -------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "Placement.h"

using namespace mlir;
using namespace mla;

static bool isTile(Type type) { return isa<RankedTensorType>(type); }

SmallVector<int64_t> Slice::apply(ArrayRef<int64_t> shape) const {
  SmallVector<int64_t> result(shape);
  // The ranks of invalid ops may not match.
  if (!isWhole() && dim < static_cast<int64_t>(result.size()))
    result[dim] /= parts;
  return result;
}

Slice Slice::insertDim(int64_t d) const {
  return dim >= d ? Slice{dim + 1, part, parts} : *this;
}

Slice Slice::dropDim(int64_t d) const {
  if (dim == d)
    return {};
  return dim > d ? Slice{dim - 1, part, parts} : *this;
}

Slice Placement::getSlice(unsigned role) const {
  if (split < 0)
    return {};
  auto it = llvm::find(roles, role);
  return {split, it - roles.begin(), static_cast<int64_t>(roles.size())};
}

bool mla::touchesTiles(Operation *op) {
  return llvm::any_of(op->getOperandTypes(), isTile) ||
         llvm::any_of(op->getResultTypes(), isTile);
}

bool mla::isAroundTiles(Operation *op) {
  return op->getNumRegions() && op->walk([](Operation *inner) {
                                    return touchesTiles(inner)
                                               ? WalkResult::interrupt()
                                               : WalkResult::advance();
                                  }).wasInterrupted();
}

static bool loadsMatrix(Operation *op) {
  return isa<tile::LoadOp, tile::GatherOp>(op) &&
         cast<RankedTensorType>(op->getResult(0).getType()).getRank() > 1;
}

bool mla::isReplicable(Operation *op) {
  if (isa<tile::LoadOp, tile::GatherOp>(op))
    return !loadsMatrix(op);
  return isa<arith::ConstantOp, tensor::SplatOp, tile::BroadcastOp,
             tile::ViewOp, tile::IotaOp>(op);
}

bool mla::isPartOfConcat(Operation *op) {
  return op->hasOneUse() && isa<tile::ConcatOp>(*op->user_begin()) &&
         isa<tile::GatherOp, tile::LoadOp>(op);
}

static bool isReadByDot(Value tile) {
  return llvm::any_of(tile.getUsers(), [](Operation *user) {
    return isa<tile::DotOp>(user) ||
           (isa<tile::ViewOp>(user) && isReadByDot(user->getResult(0)));
  });
}

bool mla::isAsyncLoad(Operation *op) {
  return isa<tile::ConcatOp>(op) ||
         (loadsMatrix(op) && (isa<tile::GatherOp>(op) || isPartOfConcat(op) ||
                              isReadByDot(op->getResult(0))));
}

tile::DotOp mla::getAccInFlight(tile::DotOp dot, ScheduleAttr schedule) {
  auto inner =
      dot.getAcc() ? dot.getAcc().getDefiningOp<tile::DotOp>() : tile::DotOp();
  if (!inner || !inner->hasOneUse() || inner->getBlock() != dot->getBlock())
    return nullptr;
  PlaceAttr mine = schedule.lookup(tile::getLabel(dot));
  PlaceAttr its = schedule.lookup(tile::getLabel(inner));
  bool follows = mine && its && mine.getRoles() == its.getRoles() &&
                 mine.getSplit() == its.getSplit() &&
                 mine.getStage() == its.getStage() &&
                 mine.getOrder() >= its.getOrder();
  return follows ? inner : nullptr;
}

bool mla::isAwaited(tile::DotOp dot, ScheduleAttr schedule) {
  auto next = dot->hasOneUse() ? dyn_cast<tile::DotOp>(*dot->user_begin())
                               : tile::DotOp();
  return !next || getAccInFlight(next, schedule) != dot;
}

const Placement &PlacementAnalysis::get(Operation *op) const {
  static const Placement anywhere;
  auto it = ops.find(op);
  return it == ops.end() ? anywhere : it->second;
}

const Placement &PlacementAnalysis::get(Value tile) const {
  static const Placement anywhere;
  auto it = tiles.find(tile);
  return it == tiles.end() ? anywhere : it->second;
}

unsigned PlacementAnalysis::getRoleIndex(StringRef name) const {
  for (auto [i, role] : llvm::enumerate(schedule.getRoles()))
    if (role.getName() == name)
      return i;
  llvm_unreachable("the schedule's verifier checked the roles of its rows");
}

void PlacementAnalysis::set(Operation *op, const Placement &placement) {
  Placement &old = ops[op];
  changed |= !(old == placement);
  old = placement;
}

void PlacementAnalysis::set(Value tile, const Placement &placement) {
  Placement &old = tiles[tile];
  changed |= !(old == placement);
  old = placement;
}

LogicalResult PlacementAnalysis::run() {
  // A loop's arguments are placed by its yield, so several rounds are needed.
  // Each settles at least one carried value; more rounds mean a cycle.
  size_t rounds = 0;
  do {
    if (rounds++ > (tiles.size() + 1) * (schedule.getRoles().size() + 1))
      return program.emitOpError(
          "expected loops to carry each tile in the same "
          "roles, got one that changes roles");
    changed = false;
    WalkResult result = program.getBody()->walk<WalkOrder::PreOrder>(
        [&](Operation *op) { return WalkResult(visit(op)); });
    if (result.wasInterrupted())
      return failure();
  } while (changed);
  return checkSplits();
}

LogicalResult PlacementAnalysis::visit(Operation *op) {
  if (auto loop = dyn_cast<scf::ForOp>(op)) {
    visitLoop(loop);
    return success();
  }
  if (auto branch = dyn_cast<scf::IfOp>(op))
    return visitIf(branch);
  if (isa<scf::YieldOp>(op) || !touchesTiles(op))
    return success();
  if (op->getNumResults() > 1)
    return op->emitOpError(
        "expected at most one result; decompose it (--mla-decompose-softmax)");
  bool store = isa<tile::StoreOp>(op);
  if (store != (op->getNumResults() == 0) ||
      (!store && !isTile(op->getResult(0).getType())))
    return op->emitOpError("expected a tile as its result");
  // Placed with its tile.concat.
  if (isPartOfConcat(op))
    return success();
  if (isa<tile::ConcatOp>(op) &&
      !llvm::all_of(op->getOperands(), [](Value part) {
        Operation *def = part.getDefiningOp();
        return def && isPartOfConcat(def) && isAsyncLoad(def) &&
               def->getBlock() == part.getParentBlock();
      }))
    return op->emitOpError(
        "expected parts that are loaded or gathered and have "
        "no other use");
  StringRef label = tile::getLabel(op);
  if (!label.empty()) {
    if (PlaceAttr row = schedule.lookup(label))
      return visitLabelled(op, row);
    return op->emitOpError() << "schedule " << schedule.getName()
                             << " has no row for label '" << label << "'";
  }
  if (loadsMatrix(op) || isa<tile::StoreOp, tile::DotOp>(op))
    return op->emitOpError()
           << "expected a label with a row in schedule " << schedule.getName();
  if (auto broadcast = dyn_cast<tile::BroadcastOp>(op)) {
    // Duplicated at each use; the placement is for ops that inherit it.
    Placement placement = get(broadcast.getSource());
    if (placement.split >= static_cast<int64_t>(broadcast.getDim()))
      ++placement.split;
    set(op->getResult(0), placement);
    return success();
  }
  return isReplicable(op) ? success() : meetOperands(op);
}

LogicalResult PlacementAnalysis::visitLabelled(Operation *op, PlaceAttr row) {
  Placement placement;
  for (StringAttr role : row.getRoles())
    placement.roles.push_back(getRoleIndex(role));
  placement.split = row.getSplit();
  if (isAsyncLoad(op) && placement.roles.size() != 1)
    return op->emitOpError() << "expected one role for an asynchronous load, "
                                "got "
                             << placement.roles.size();
  set(op, placement);
  for (Value result : op->getResults())
    set(result, placement);
  return success();
}

LogicalResult PlacementAnalysis::meetOperands(Operation *op) {
  std::optional<Placement> met;
  for (Value operand : op->getOperands()) {
    if (!isTile(operand.getType()) || get(operand).isAnywhere())
      continue;
    Placement placement = get(operand);
    if (auto reduce = dyn_cast<tile::ReduceOp>(op)) {
      int64_t dim = reduce.getDim();
      if (placement.split == dim)
        return op->emitOpError() << "cannot reduce dimension " << dim
                                 << ", which is split over roles";
      placement.split -= placement.split > dim;
    }
    if (isa<tile::TransposeOp>(op) && placement.split >= 0)
      placement.split = 1 - placement.split;
    if (!met) {
      met = placement;
      continue;
    }
    if (met->split < 0 && placement.split >= 0)
      std::swap(*met, placement);
    if (met->split >= 0) {
      // The list of roles numbers the parts, so it must not change.
      if (placement.split >= 0 && !(placement == *met))
        return op->emitOpError(
            "operands are split over roles in different ways; give the op a "
            "label and a row");
      continue;
    }
    llvm::erase_if(met->roles,
                   [&](unsigned r) { return !placement.contains(r); });
    if (met->roles.empty())
      return op->emitOpError("no role holds all operands; give the op a label "
                             "and a row");
  }
  if (!met)
    return success();
  set(op, *met);
  for (Value result : op->getResults())
    set(result, *met);
  return success();
}

void PlacementAnalysis::visitLoop(scf::ForOp loop) {
  auto yield = cast<scf::YieldOp>(loop.getBody()->getTerminator());
  for (auto [i, value] : llvm::enumerate(yield.getOperands())) {
    if (!isTile(value.getType()))
      continue;
    Placement placement = get(value);
    set(loop.getRegionIterArg(i), placement);
    set(loop.getResult(i), placement);
  }
}

/// Each role that computes a tile of the branch has its own copy of the branch.
/// A result is placed where both sides are.
LogicalResult PlacementAnalysis::visitIf(scf::IfOp branch) {
  if (!isAroundTiles(branch))
    return success();
  for (OpResult result : branch.getResults()) {
    if (!isTile(result.getType()))
      continue;
    Placement met;
    for (scf::YieldOp yield : {branch.thenYield(), branch.elseYield()}) {
      const Placement &side = get(yield.getOperand(result.getResultNumber()));
      if (side.isAnywhere() || met == side)
        continue;
      if (!met.isAnywhere())
        return branch.emitOpError("expected both sides of a branch to yield a "
                                  "tile of the same roles");
      met = side;
    }
    set(result, met);
  }
  WalkResult inner = branch.walk([&](Operation *op) -> WalkResult {
    if (isAsyncLoad(op) || isa<tile::DotOp, scf::ForOp>(op))
      return op->emitOpError("expected no tile.dot, asynchronous load or loop "
                             "in a branch");
    return WalkResult::advance();
  });
  return failure(inner.wasInterrupted());
}

LogicalResult PlacementAnalysis::checkSplits() {
  for (auto &[op, placement] : ops) {
    if (placement.split < 0)
      continue;
    Value tile = op->getNumResults() ? op->getResult(0) : op->getOperand(0);
    auto type = cast<RankedTensorType>(tile.getType());
    int64_t parts = placement.roles.size();
    if (placement.split >= type.getRank() ||
        type.getDimSize(placement.split) % parts)
      return op->emitOpError()
             << "cannot split dimension " << placement.split << " of " << type
             << " over " << parts << " roles";
  }
  return success();
}
