//===- Moves.cpp - synchronisation in another place -------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// An op moves past its neighbour, past the nearest related op, as far as its
// operands and users allow, and out of the enclosing loop or condition. Pure
// ops that compute its operands (slots, parities) move with it.
//
//===----------------------------------------------------------------------===//

#include "Enumerator.h"

using namespace mlir;
using namespace mla;
using namespace mla::mutation;

namespace {
using Available = llvm::function_ref<bool(Value)>;

/// Collects, in order, the pure ops that `op` depends on and that have to move
/// with it to a place where only `available` values exist. Returns false if one
/// of them cannot move.
bool collectOperands(Operation *op, Available available,
                     llvm::SetVector<Operation *> &moved) {
  for (Value operand : op->getOperands()) {
    if (available(operand))
      continue;
    Operation *def = operand.getDefiningOp();
    if (!def || !isPure(def) || !collectOperands(def, available, moved))
      return false;
    moved.insert(def);
  }
  return true;
}

bool isBefore(Value value, Operation *anchor) {
  Operation *def = value.getDefiningOp();
  return !def || def->getBlock() != anchor->getBlock() ||
         def->isBeforeInBlock(anchor);
}

bool isOutside(Value value, Operation *parent) {
  return !parent->isProperAncestor(value.getParentBlock()->getParentOp()) &&
         value.getParentBlock()->getParentOp() != parent;
}

bool canMoveBefore(Operation *op, Operation *anchor) {
  llvm::SetVector<Operation *> moved;
  return collectOperands(
      op, [&](Value v) { return isBefore(v, anchor); }, moved);
}

bool canMoveAfter(Operation *op, Operation *anchor) {
  return llvm::all_of(op->getUsers(), [&](Operation *user) {
    Operation *ancestor = op->getBlock()->findAncestorOpInBlock(*user);
    return ancestor && anchor->isBeforeInBlock(ancestor);
  });
}

void moveBefore(Operation *op, Operation *anchor) {
  llvm::SetVector<Operation *> moved;
  collectOperands(op, [&](Value v) { return isBefore(v, anchor); }, moved);
  for (Operation *operand : moved)
    operand->moveBefore(anchor);
  op->moveBefore(anchor);
}

/// Moves out of `parent`. Ops that compute the operands go before `parent`.
bool canMoveOut(Operation *op, Operation *parent, bool after) {
  llvm::SetVector<Operation *> moved;
  return collectOperands(
             op, [&](Value v) { return isOutside(v, parent); }, moved) &&
         (!after || op->use_empty());
}

void moveOut(Operation *op, Operation *parent, bool after) {
  llvm::SetVector<Operation *> moved;
  collectOperands(op, [&](Value v) { return isOutside(v, parent); }, moved);
  for (Operation *operand : moved)
    operand->moveBefore(parent);
  if (after)
    op->moveAfter(parent);
  else
    op->moveBefore(parent);
}

/// Whether the order of `op` and `other` can matter, judged by their kinds.
bool isRelated(Operation *op, Operation *other) {
  if (OpOperand *barrier = getBarrier(op)) {
    Rings rings = getRings(barrier->get());
    OpOperand *second = getBarrier(other);
    return accesses(other, rings) || signals(other, rings) ||
           (second && second->get() == barrier->get());
  }
  if (isa<cta::FenceAsyncOp>(op))
    return isa<cta::StoreSharedOp, cta::MmaAsyncOp, cta::StoreAsyncOp,
               cta::BulkStoreOp>(other) ||
           classify(other) == SyncClass::Arrival;
  if (isa<cta::MmaFenceOp, cta::MmaCommitOp, cta::MmaWaitOp>(op))
    return isa<cta::MmaAsyncOp, cta::MmaCommitOp, cta::MmaWaitOp>(other) ||
           classify(other) == SyncClass::Arrival;
  return classify(other) != SyncClass::None || isa<cta::RoleOp>(other);
}

/// The moves within one block.
class BlockMoves {
public:
  BlockMoves(Enumerator &e, Block &block) : e(e) {
    for (Operation &op : block)
      if (isEvent(&op))
        events.push_back(&op);
  }

  void run() {
    for (size_t i = 0; i < events.size(); ++i) {
      if (classify(events[i]) == SyncClass::None)
        continue;
      if (i + 1 < events.size() && classify(events[i + 1]) != SyncClass::None)
        addSwap(i);
      addMoves(i, /*earlier=*/true);
      addMoves(i, /*earlier=*/false);
    }
  }

private:
  void addSwap(size_t i);
  void addMoves(size_t i, bool earlier);
  void addMove(size_t from, size_t to, StringRef variant);
  bool canMove(size_t from, size_t to) const {
    return to < from ? canMoveBefore(events[from], events[to])
                     : canMoveAfter(events[from], events[to]);
  }

  Enumerator &e;
  std::vector<Operation *> events;
};
} // namespace

/// Moves event `from` to the far side of event `to`.
void BlockMoves::addMove(size_t from, size_t to, StringRef variant) {
  bool earlier = to < from;
  unsigned target = e.number(events[from]), anchor = e.number(events[to]);
  Mutation &added = e.add(earlier ? "earlier" : "later", events[from], variant,
                          [=](const Ops &ops) {
                            if (earlier)
                              moveBefore(ops[target], ops[anchor]);
                            else
                              ops[target]->moveAfter(ops[anchor]);
                          });
  added.moves = true;
  added.towardsBegin = earlier;
  for (size_t i = std::min(from, to); i <= std::max(from, to); ++i)
    if (i != from)
      added.crossed.push_back(e.number(events[i]));
}

/// Swaps event `i` with the next: whichever of the two can move.
void BlockMoves::addSwap(size_t i) {
  unsigned first = e.number(events[i]), second = e.number(events[i + 1]);
  bool up = canMoveBefore(events[i + 1], events[i]);
  if (!up && !canMoveAfter(events[i], events[i + 1]))
    return;
  Mutation &added = e.add("swap", events[i], "", [=](const Ops &ops) {
    if (up)
      moveBefore(ops[second], ops[first]);
    else
      ops[first]->moveAfter(ops[second]);
  });
  added.moves = true;
  added.towardsBegin = false;
  added.crossed = {second};
}

void BlockMoves::addMoves(size_t i, bool earlier) {
  // The farthest place it can go to, and the first related op on the way.
  std::optional<size_t> farthest, related;
  auto step = [&](size_t at) { return earlier ? at - 1 : at + 1; };
  size_t next = step(i);
  for (size_t to = next; to < events.size() && canMove(i, to); to = step(to)) {
    farthest = to;
    if (!related && isRelated(events[i], events[to]))
      related = to;
  }
  if (!farthest)
    return;
  if (classify(events[next]) == SyncClass::None)
    addMove(i, next, "one");
  if (related && *related != next)
    addMove(i, *related, "past-related");
  if (*farthest != next && farthest != related)
    addMove(i, *farthest, "far");
}

static void addMovesOut(Enumerator &e, Operation *op) {
  Operation *parent = op->getParentOp();
  if (!isa<scf::ForOp, scf::IfOp, cta::ElectOp>(parent))
    return;
  unsigned target = e.number(op), outer = e.number(parent);
  for (bool after : {false, true})
    if (canMoveOut(op, parent, after))
      e.add(after ? "out-after" : "out-before", op, "",
            [=](const Ops &ops) { moveOut(ops[target], ops[outer], after); });
}

void mutation::enumerateMoves(Enumerator &e) {
  for (Operation *op : e.getOps()) {
    if (classify(op) != SyncClass::None)
      addMovesOut(e, op);
    for (Region &region : op->getRegions())
      for (Block &block : region)
        BlockMoves(e, block).run();
  }
}
