//===- AccessCounters.cpp - carries access counts of roles ------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// A carried count occupies a register for the whole role, and a role may use a
// dozen rings. Most counts advance together: each loop and branch adds the same
// number to them. Such counts form a group, which carries only the count of its
// first member; the others differ from it by a constant at every point.
//
//===----------------------------------------------------------------------===//

#include "AccessCounters.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/PatternMatch.h"
#include "llvm/ADT/MapVector.h"

using namespace mlir;
using namespace mla;

namespace {
/// The increments of a count by each loop and branch. Counts with equal
/// signatures differ by a constant at every point.
using Signature = SmallVector<int64_t>;

/// Computes the signature of one access.
class SignatureBuilder {
public:
  SignatureBuilder(const CountedAccess &access) : access(access) {}

  Signature run(Block &body) {
    visit(body);
    return std::move(signature);
  }

private:
  /// Returns the occurrences in `block` outside of its loops.
  int64_t visit(Block &block);

  const CountedAccess &access;
  Signature signature;
  /// Ops with regions, numbered in program order.
  int64_t regions = 0;
};
} // namespace

int64_t SignatureBuilder::visit(Block &block) {
  int64_t direct = 0;
  for (Operation &op : block) {
    if (access.matches(&op)) {
      ++direct;
      continue;
    }
    if (!op.getNumRegions())
      continue;
    int64_t number = regions++;
    size_t before = signature.size();
    SmallVector<int64_t> added;
    for (Region &region : op.getRegions())
      added.push_back(region.empty() ? 0 : visit(region.front()));
    // An increment in both branches is like one outside.
    if (isa<scf::IfOp>(op)) {
      direct += added[1];
      added = {added[0] - added[1]};
    }
    bool nested = signature.size() != before;
    if (!nested && llvm::all_of(added, [](int64_t n) { return n == 0; }))
      continue;
    signature.push_back(number);
    signature.append(added);
  }
  return direct;
}

namespace {
/// Carries the count of a group's first member through loops and branches.
class GroupThreader {
public:
  GroupThreader(ArrayRef<CountedAccess *> members)
      : members(members), offsets(members.size(), 0) {}

  /// Lowers the accesses in `block`, given the first member's count at its
  /// start. Returns the first member's count at its end.
  Value run(Block *block, Value base);

private:
  CountedAccess *find(Operation *op, size_t &number) const {
    for (auto [i, member] : llvm::enumerate(members))
      if (member->matches(op)) {
        number = i;
        return member;
      }
    return nullptr;
  }
  bool hasAccess(Operation *op) const {
    size_t number;
    return op
        ->walk([&](Operation *nested) {
          return find(nested, number) ? WalkResult::interrupt()
                                      : WalkResult::advance();
        })
        .wasInterrupted();
  }
  Value runLoop(scf::ForOp loop, Value base);
  Value runIf(scf::IfOp op, Value base);

  ArrayRef<CountedAccess *> members;
  /// The difference of each member from the carried value.
  SmallVector<int64_t> offsets;
};
} // namespace

static Value addConstant(OpBuilder &b, Location loc, Value v, int64_t n) {
  if (n == 0)
    return v;
  Value constant = arith::ConstantIntOp::create(b, loc, n, 32);
  return arith::AddIOp::create(b, loc, v, constant);
}

Value GroupThreader::run(Block *block, Value base) {
  int64_t before = offsets[0];
  for (Operation &op : llvm::make_early_inc_range(*block)) {
    size_t number;
    if (CountedAccess *access = find(&op, number)) {
      OpBuilder b(&op);
      Value count = addConstant(b, op.getLoc(), base, offsets[number]++);
      access->lower(&op, count);
    } else if (op.getNumRegions() && hasAccess(&op)) {
      if (auto loop = dyn_cast<scf::ForOp>(op))
        base = runLoop(loop, base);
      else
        base = runIf(cast<scf::IfOp>(op), base);
    }
  }
  OpBuilder end(block, block->mightHaveTerminator()
                           ? Block::iterator(block->getTerminator())
                           : block->end());
  int64_t added = offsets[0] - before;
  for (int64_t &n : offsets)
    n -= added;
  return addConstant(end, block->getParentOp()->getLoc(), base, added);
}

Value GroupThreader::runLoop(scf::ForOp loop, Value base) {
  IRRewriter rewriter(loop.getContext());
  rewriter.setInsertionPoint(loop);
  auto replaced = cast<scf::ForOp>(*loop.replaceWithAdditionalYields(
      rewriter, {base}, /*replaceInitOperandUsesInLoop=*/false,
      [&](OpBuilder &, Location, ArrayRef<BlockArgument> args) {
        return SmallVector<Value>{run(loop.getBody(), args[0])};
      }));
  return replaced.getResults().back();
}

Value GroupThreader::runIf(scf::IfOp op, Value base) {
  OpBuilder b(op);
  SmallVector<Type> types(op.getResultTypes());
  types.push_back(base.getType());
  auto copy = scf::IfOp::create(b, op.getLoc(), types, op.getCondition(),
                                /*withElseRegion=*/true);
  copy.getThenRegion().takeBody(op.getThenRegion());
  if (op.elseBlock())
    copy.getElseRegion().takeBody(op.getElseRegion());
  else {
    OpBuilder end = OpBuilder::atBlockEnd(copy.elseBlock());
    scf::YieldOp::create(end, op.getLoc());
  }
  SmallVector<int64_t> before = offsets;
  for (Block *block : {copy.thenBlock(), copy.elseBlock()}) {
    offsets = before;
    Value after = run(block, base);
    auto yield = cast<scf::YieldOp>(block->getTerminator());
    yield.getResultsMutable().append(after);
  }
  op.replaceAllUsesWith(copy.getResults().drop_back());
  op.erase();
  return copy.getResults().back();
}

void mla::addAccessCounters(Block &body,
                            MutableArrayRef<CountedAccess> accesses) {
  llvm::MapVector<Signature, SmallVector<CountedAccess *>> groups;
  for (CountedAccess &access : accesses)
    groups[SignatureBuilder(access).run(body)].push_back(&access);
  for (auto &[signature, members] : groups) {
    OpBuilder b = OpBuilder::atBlockBegin(&body);
    Value zero =
        arith::ConstantIntOp::create(b, body.getParentOp()->getLoc(), 0, 32);
    GroupThreader(members).run(&body, zero);
  }
}
