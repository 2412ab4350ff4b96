//===- AsyncAnalysis.cpp - what is in flight, what is unfenced --*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "AsyncAnalysis.h"

using namespace mlir;
using namespace mla;

//===----------------------------------------------------------------------===//
// GroupAges
//===----------------------------------------------------------------------===//

std::optional<int64_t> GroupAges::getPending(cta::MmaWaitOp wait) const {
  auto it = pending.find(wait);
  if (it == pending.end() || it->second < 0)
    return std::nullopt;
  return it->second;
}

bool GroupAges::lower(Value value, int64_t age) {
  auto [slot, inserted] = ages.try_emplace(value, age);
  if (inserted || slot->second <= age)
    return inserted;
  slot->second = age;
  return true;
}

bool GroupAges::merge(Value into, Value from, const Ages &source) {
  if (!isa<cta::InFlightType>(from.getType()))
    return false;
  auto it = source.find(from);
  return lower(into, it == source.end() ? kUnknown : it->second);
}

void GroupAges::commit() {
  for (auto &[value, age] : ages)
    if (age != kUnknown)
      ++age; // An open one becomes the youngest group, number 0.
}

void GroupAges::visit(Block &block) {
  for (Operation &op : block) {
    if (auto mma = dyn_cast<cta::MmaAsyncOp>(op)) {
      ages[mma.getResult()] = kOpen;
      if (everyMmaCommits)
        commit();
    } else if (isa<cta::MmaCommitOp>(op)) {
      commit();
    } else if (auto wait = dyn_cast<cta::MmaWaitOp>(op)) {
      auto it = ages.find(wait.getSource());
      pending[wait] = it == ages.end() ? kUnknown : it->second;
    } else if (auto loop = dyn_cast<scf::ForOp>(op)) {
      visitLoop(loop);
    } else if (auto branch = dyn_cast<scf::IfOp>(op)) {
      visitIf(branch);
    }
  }
}

void GroupAges::visitLoop(scf::ForOp loop) {
  auto yield = cast<scf::YieldOp>(loop.getBody()->getTerminator());
  Ages before = ages, after;
  for (auto [arg, init] :
       llvm::zip(loop.getRegionIterArgs(), loop.getInitArgs()))
    merge(arg, init, before);
  // Ages of carried values only fall, and are bounded: a fixpoint.
  bool changed = true;
  while (changed) {
    Ages entry = ages;
    visit(*loop.getBody());
    after = ages;
    ages = entry;
    changed = false;
    for (auto [arg, value] :
         llvm::zip(loop.getRegionIterArgs(), yield.getOperands()))
      changed |= merge(arg, value, after);
  }
  // The loop may run zero times: a value from before keeps the smaller age.
  ages = before;
  for (auto [i, result] : llvm::enumerate(loop.getResults())) {
    merge(result, loop.getInitArgs()[i], before);
    merge(result, yield.getOperand(i), after);
  }
}

void GroupAges::visitIf(scf::IfOp op) {
  Ages before = ages;
  SmallVector<Ages> outcomes;
  for (Block *block : {op.thenBlock(), op.elseBlock()}) {
    ages = before;
    if (block)
      visit(*block);
    outcomes.push_back(ages);
  }
  ages = before;
  for (auto &[value, age] : ages)
    age = std::min(outcomes[0].lookup(value), outcomes[1].lookup(value));
  for (auto [i, result] : llvm::enumerate(op.getResults())) {
    merge(result, op.thenYield().getOperand(i), outcomes[0]);
    merge(result, op.elseYield().getOperand(i), outcomes[1]);
  }
}

//===----------------------------------------------------------------------===//
// Generic writes
//===----------------------------------------------------------------------===//

/// The value that a loop argument starts with; null for other arguments.
static Value getInit(BlockArgument arg) {
  auto loop = dyn_cast<scf::ForOp>(arg.getOwner()->getParentOp());
  if (!loop || arg == loop.getInductionVar())
    return {};
  return loop.getTiedLoopInit(arg)->get();
}

Value mla::getRing(Value slot) {
  for (;;) {
    if (auto view = slot.getDefiningOp<cta::ViewOp>())
      slot = view.getSource();
    else if (auto op = slot.getDefiningOp<cta::SlotOp>())
      return op.getRing();
    else if (auto loop = slot.getDefiningOp<scf::ForOp>())
      slot = loop.getTiedLoopInit(cast<OpResult>(slot))->get();
    else if (auto arg = dyn_cast<BlockArgument>(slot))
      slot = getInit(arg);
    else
      return {};
    if (!slot)
      return {};
  }
}

DenseSet<Value> mla::getAsyncReadRings(func::FuncOp func) {
  DenseSet<Value> rings;
  func.walk([&](cta::DescriptorOp op) {
    if (Value ring = getRing(op.getSource()))
      rings.insert(ring);
  });
  return rings;
}

/// Walks `block` forward with the rings written by generic stores that no fence
/// has covered yet: on any path, so branches start alike and their ends are
/// united, and a loop may not run. Its body is walked twice, so that a write at
/// its end meets a reader at its start.
static void walkUnfenced(Block &block, const DenseSet<Value> &asyncRead,
                         DenseSet<Value> &dirty,
                         function_ref<void(Operation *)> report) {
  for (Operation &op : llvm::make_early_inc_range(block)) {
    if (auto store = dyn_cast<cta::StoreSharedOp>(op)) {
      Value ring = getRing(store.getDest());
      if (ring && asyncRead.contains(ring))
        dirty.insert(ring);
    } else if (isa<cta::FenceAsyncOp>(op)) {
      dirty.clear();
    } else if (isa<cta::ArriveOp, cta::MmaAsyncOp>(op)) {
      if (!dirty.empty()) {
        report(&op);
        dirty.clear();
      }
    } else if (auto branch = dyn_cast<scf::IfOp>(op)) {
      DenseSet<Value> otherwise = dirty;
      walkUnfenced(*branch.thenBlock(), asyncRead, dirty, report);
      if (branch.elseBlock())
        walkUnfenced(*branch.elseBlock(), asyncRead, otherwise, report);
      dirty.insert_range(otherwise);
    } else if (auto loop = dyn_cast<scf::ForOp>(op)) {
      DenseSet<Value> skipped = dirty;
      for (int round = 0; round < 2; ++round)
        walkUnfenced(*loop.getBody(), asyncRead, dirty, report);
      dirty.insert_range(skipped);
    }
  }
}

void mla::findUnfencedPublications(cta::RoleOp role,
                                   const DenseSet<Value> &asyncRead,
                                   function_ref<void(Operation *)> report) {
  DenseSet<Value> dirty;
  walkUnfenced(role.getBody().front(), asyncRead, dirty, report);
}
