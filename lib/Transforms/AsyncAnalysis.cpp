//===- AsyncAnalysis.cpp - MMA groups and unfenced writes -------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "AsyncAnalysis.h"

using namespace mlir;
using namespace mla;

//===----------------------------------------------------------------------===//
// GroupAges
//===----------------------------------------------------------------------===//

/// The age of an MMA that is not committed yet.
static constexpr int64_t kOpen = -1;

GroupAges::GroupAges(func::FuncOp func, bool insertsCommits)
    : facts(func, insertsCommits), flow(func, facts) {}

std::optional<int64_t> GroupAges::getPending(cta::MmaWaitOp wait) {
  const Ages *ages = flow.getBefore(wait);
  if (!ages)
    return 0; // Unreachable.
  auto it = ages->find(wait.getSource());
  if (it == ages->end() || it->second == kOpen)
    return std::nullopt;
  return it->second;
}

GroupAges::Facts::Facts(func::FuncOp func, bool insertsCommits) {
  func.walk([&](cta::RoleOp role) {
    bool commits =
        role.walk([](cta::MmaCommitOp) { return WalkResult::interrupt(); })
            .wasInterrupted();
    if (insertsCommits && !commits)
      committed.insert(role);
  });
}

void GroupAges::Facts::visit(Operation *op, Ages &ages) {
  if (auto mma = dyn_cast<cta::MmaAsyncOp>(op))
    ages[mma.getResult()] = kOpen;
  bool commits = isa<cta::MmaAsyncOp>(op)
                     ? committed.contains(op->getParentOfType<cta::RoleOp>())
                     : isa<cta::MmaCommitOp>(op);
  if (commits)
    for (auto &[value, age] : ages)
      ++age; // From kOpen to 0, the youngest group.
}

void GroupAges::Facts::join(Ages &to, const Ages &from) {
  for (auto &[value, age] : llvm::make_early_inc_range(to)) {
    auto it = from.find(value);
    if (it == from.end())
      to.erase(value);
    else
      age = std::min(age, it->second);
  }
}

void GroupAges::Facts::assign(ValueRange targets, ValueRange sources,
                              Ages &ages) {
  Ages before = ages;
  for (auto [target, source] : llvm::zip(targets, sources)) {
    ages.erase(target);
    if (auto it = before.find(source); it != before.end())
      ages[target] = it->second;
  }
}

//===----------------------------------------------------------------------===//
// Generic writes
//===----------------------------------------------------------------------===//

/// The initial value of a loop argument; null for other block arguments.
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

namespace mla {
/// The rings with generic stores that are not fenced yet on some path.
struct UnfencedWrites {
  using State = DenseSet<Value>;

  State begin(cta::RoleOp) { return State(); }
  static bool publishes(Operation *op) {
    return isa<cta::ArriveOp, cta::MmaAsyncOp>(op);
  }
  void visit(Operation *op, State &dirty) {
    if (auto store = dyn_cast<cta::StoreSharedOp>(op)) {
      Value ring = getRing(store.getDest());
      if (ring && asyncRead.contains(ring))
        dirty.insert(ring);
    } else if (publishes(op) || isa<cta::FenceAsyncOp>(op)) {
      dirty.clear();
    }
  }
  void join(State &to, const State &from) { to.insert_range(from); }
  void assign(ValueRange, ValueRange, State &) {}

  DenseSet<Value> asyncRead;
};
} // namespace mla

void mla::findUnfencedPublications(func::FuncOp func,
                                   function_ref<void(Operation *)> report) {
  UnfencedWrites facts;
  func.walk([&](cta::DescriptorOp op) {
    if (Value ring = getRing(op.getSource()))
      facts.asyncRead.insert(ring);
  });
  RoleFlow<UnfencedWrites> flow(func, facts);
  func.walk([&](Operation *op) {
    const DenseSet<Value> *dirty = flow.getBefore(op);
    if (UnfencedWrites::publishes(op) && dirty && !dirty->empty())
      report(op);
  });
}
