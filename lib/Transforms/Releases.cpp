//===- Releases.cpp - inserts releases of slots -----------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "Releases.h"

using namespace mlir;
using namespace mla;

namespace {
/// The ops that complete the reads of one awaited slot: loads from it, and
/// waits for MMAs that read it.
struct Completions {
  /// In the iteration of the await. The slot is released after the last one.
  SmallVector<Operation *> local;
  /// In a later iteration or after the loop: waits for MMAs in flight over the
  /// back edge.
  llvm::SetVector<Operation *> carried;
};

/// Follows an awaited slot, and the MMAs in flight that read it, through loops
/// and branches to the ops that complete the accesses.
class CompletionFinder {
public:
  /// `block` is the block of the await.
  CompletionFinder(Block *block) : block(block) {}

  Completions run(Value slot) {
    follow(slot, /*carried=*/false);
    return std::move(found);
  }

private:
  void follow(Value v, bool carried);
  /// Follows the values that forward `use`; false if it is a read instead.
  bool followForwarded(OpOperand &use, bool carried);
  void complete(Operation *op, bool carried);

  Block *block;
  Completions found;
  llvm::SmallDenseSet<std::pair<Value, unsigned>> seen;
};
} // namespace

void CompletionFinder::complete(Operation *op, bool carried) {
  if (block->findAncestorOpInBlock(*op) && !carried)
    found.local.push_back(op);
  else
    found.carried.insert(op);
}

bool CompletionFinder::followForwarded(OpOperand &use, bool carried) {
  Operation *user = use.getOwner();
  if (auto loop = dyn_cast<scf::ForOp>(user)) {
    follow(loop.getTiedLoopRegionIterArg(&use), true);
    follow(loop.getTiedLoopResult(&use), true);
  } else if (isa<scf::YieldOp>(user)) {
    auto loop = dyn_cast<scf::ForOp>(user->getParentOp());
    if (!loop && !isa<scf::IfOp>(user->getParentOp()))
      return false;
    unsigned i = use.getOperandNumber();
    if (loop)
      follow(loop.getRegionIterArg(i), true);
    follow(user->getParentOp()->getResult(i), carried || loop);
  } else if (auto view = dyn_cast<cta::ViewOp>(user)) {
    follow(view.getResult(), carried);
  } else if (auto mma = dyn_cast<cta::MmaAsyncOp>(user)) {
    follow(mma.getResult(), carried);
  } else {
    return false;
  }
  return true;
}

void CompletionFinder::follow(Value v, bool carried) {
  if (!seen.insert({v, carried}).second)
    return;
  for (OpOperand &use : v.getUses())
    if (!followForwarded(use, carried))
      complete(use.getOwner(), carried);
}

/// Appends to `points` one release point on each path through `block`: after
/// the last of `readers`; if that is in an scf.if with an else branch, at such
/// a point in each branch; at `start` if there are no readers.
static void findReleasePoints(Block *block, Block::iterator start,
                              ArrayRef<Operation *> readers,
                              SmallVectorImpl<OpBuilder::InsertPoint> &points) {
  Operation *last = nullptr;
  for (Operation *reader : readers) {
    Operation *op = block->findAncestorOpInBlock(*reader);
    if (op && (!last || last->isBeforeInBlock(op)))
      last = op;
  }
  auto condition = dyn_cast_or_null<scf::IfOp>(last);
  if (!condition || !condition.elseBlock()) {
    points.push_back({block, last ? std::next(last->getIterator()) : start});
    return;
  }
  for (Block *branch : {condition.thenBlock(), condition.elseBlock()})
    findReleasePoints(branch, branch->begin(), readers, points);
}

void mla::insertReleases(cta::RingOp ring, ArrayRef<cta::AwaitOp> awaits) {
  // An op that completes a read in a later iteration follows every local reader
  // and serves all awaits (prologue and loop reach the same op), so the slot is
  // released there only, and the set keeps one release per op.
  llvm::SetVector<Operation *> carried;
  SmallVector<OpBuilder::InsertPoint> points;
  for (cta::AwaitOp await : awaits) {
    Block *block = await->getBlock();
    Completions found = CompletionFinder(block).run(await.getSlot());
    carried.insert(found.carried.begin(), found.carried.end());
    if (found.carried.empty())
      findReleasePoints(block, std::next(await->getIterator()), found.local,
                        points);
  }
  for (Operation *op : carried)
    points.push_back({op->getBlock(), std::next(op->getIterator())});
  OpBuilder b(ring.getContext());
  for (OpBuilder::InsertPoint point : points) {
    b.restoreInsertionPoint(point);
    cta::ReleaseOp::create(b, ring.getLoc(), ring);
  }
}
