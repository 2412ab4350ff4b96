//===- SlotProtocol.cpp - verifies accesses to ring slots -------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// A dataflow analysis. A count of accesses is a symbol plus a constant, so that
// two counts with the same symbol can be compared. Where paths join, at the
// head of a loop or after a branch, counts and carried values whose difference
// is the same on both paths get a common new symbol. The analysis begins with
// the assumption that a loop changes no count; each iteration of the fixpoint
// gives different symbols to counts that advance differently.
//
//===----------------------------------------------------------------------===//

#include "SlotProtocol.h"
#include "RoleFlow.h"
#include "SlotInterpreter.h"

using namespace mlir;
using namespace mla;

namespace mla {
/// The slots that each role holds.
struct SlotFacts {
  /// `rings` is null outside of roles.
  struct State {
    const slots::RoleRings *rings = nullptr;
    slots::State known;

    bool operator==(const State &other) const { return known == other.known; }
  };

  State begin(cta::RoleOp role) {
    const slots::RoleRings &rings = *roles.find(role)->second;
    return {&rings, rings.begin};
  }
  void visit(Operation *op, State &state) {
    visit(op, state, [](Operation *, const Twine &) {});
  }
  void visit(Operation *op, State &state,
             slots::SlotInterpreter::Refuse refuse) {
    if (state.rings)
      slots::SlotInterpreter(*state.rings, state.known, refuse).visit(op);
  }
  void join(State &to, const State &from) {
    if (to.rings)
      to.known = slots::join(to.known, from.known, to.rings->depths);
  }
  void assign(ValueRange targets, ValueRange sources, State &state) {
    if (state.rings)
      slots::SlotValues(*state.rings, state.known).assign(targets, sources);
  }

  llvm::DenseMap<Operation *, std::unique_ptr<slots::RoleRings>> roles;
};
} // namespace mla

LogicalResult mla::checkSlotProtocol(func::FuncOp func,
                                     ArrayRef<RingBarriers> rings) {
  SlotFacts facts;
  func.walk([&](cta::RoleOp role) {
    facts.roles[role] = std::make_unique<slots::RoleRings>(role, rings);
  });
  RoleFlow<SlotFacts> flow(func, facts);
  WalkResult result = func.walk([&](Operation *op) {
    const SlotFacts::State *before = flow.getBefore(op);
    if (!before || op->getNumRegions())
      return WalkResult::advance();
    bool refused = false;
    SlotFacts::State state = *before;
    facts.visit(op, state, [&](Operation *op, const Twine &what) {
      if (!std::exchange(refused, true))
        op->emitOpError() << what.str();
    });
    return refused ? WalkResult::interrupt() : WalkResult::advance();
  });
  return failure(result.wasInterrupted());
}
