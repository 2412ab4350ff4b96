//===- RoleFlow.h - dataflow through the roles of a program -----*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// Adapts MLIR's dense forward dataflow analysis to facts about a role: an
// initial state, the effect of an op, the join of two paths, and the assignment
// of loop and branch operands to arguments and results.
//
//===----------------------------------------------------------------------===//

#ifndef MLA_LIB_TRANSFORMS_ROLEFLOW_H
#define MLA_LIB_TRANSFORMS_ROLEFLOW_H

#include "mla/Transforms/Passes.h"
#include "mlir/Analysis/DataFlow/DenseAnalysis.h"
#include "mlir/Analysis/DataFlow/Utils.h"

namespace mla {

/// Runs the analysis of `Facts`, which has these members:
///
///   struct Facts {
///     /// A value type with ==.
///     struct State;
///     /// The state at the start of `role`.
///     State begin(cta::RoleOp role);
///     /// Updates the state by `op`.
///     void visit(Operation *op, State &state);
///     /// Joins `from`, the state of another path, into `to`.
///     void join(State &to, const State &from);
///     /// Updates the state by an edge that assigns `sources` to `targets`.
///     void assign(ValueRange targets, ValueRange sources, State &state);
///   };
template <typename Facts> class RoleFlow {
public:
  using State = typename Facts::State;

  RoleFlow(mlir::func::FuncOp func, Facts &facts) {
    mlir::dataflow::loadBaselineAnalyses(solver);
    solver.load<Analysis>(facts);
    // None of the analyses can fail.
    (void)solver.initializeAndRun(func);
  }

  /// The state before `op`; null if it is unreachable.
  const State *getBefore(mlir::Operation *op) {
    const auto *lattice =
        solver.lookupState<Lattice>(solver.getProgramPointBefore(op));
    return lattice && lattice->state ? &*lattice->state : nullptr;
  }

private:
  struct Lattice : mlir::dataflow::AbstractDenseLattice {
    using AbstractDenseLattice::AbstractDenseLattice;
    void print(llvm::raw_ostream &os) const override {
      os << (state ? "reached" : "not reached");
    }
    mlir::ChangeResult set(State next) {
      if (state && *state == next)
        return mlir::ChangeResult::NoChange;
      state = std::move(next);
      return mlir::ChangeResult::Change;
    }

    std::optional<State> state;
  };

  class Analysis
      : public mlir::dataflow::DenseForwardDataFlowAnalysis<Lattice> {
  public:
    Analysis(mlir::DataFlowSolver &solver, Facts &facts)
        : mlir::dataflow::DenseForwardDataFlowAnalysis<Lattice>(solver),
          facts(facts) {}

    llvm::LogicalResult visitOperation(mlir::Operation *op,
                                       const Lattice &before,
                                       Lattice *after) override {
      const Lattice *from = &before;
      // What one lane does is done in its place.
      if (auto elect = llvm::dyn_cast<cta::ElectOp>(op))
        from = this->template getOrCreateFor<Lattice>(
            this->getProgramPointAfter(op),
            this->getProgramPointAfter(
                elect.getBody().front().getTerminator()));
      if (!from->state)
        return llvm::success();
      State state = *from->state;
      facts.visit(op, state);
      this->propagateIfChanged(after, after->set(std::move(state)));
      return llvm::success();
    }

    void visitRegionBranchControlFlowTransfer(
        mlir::RegionBranchOpInterface branch, std::optional<unsigned> from,
        std::optional<unsigned> to, const Lattice &before,
        Lattice *after) override {
      if (!before.state)
        return;
      auto loop = llvm::dyn_cast<mlir::scf::ForOp>(branch.getOperation());
      mlir::ValueRange sources, targets;
      if (from)
        sources =
            branch->getRegion(*from).front().getTerminator()->getOperands();
      else if (loop)
        sources = loop.getInitArgs();
      if (!to)
        targets = branch->getResults();
      else if (loop)
        targets = loop.getRegionIterArgs();
      State state = *before.state;
      if (sources.size() == targets.size())
        facts.assign(targets, sources, state);
      joinInto(after, state);
    }

    void setToEntryState(Lattice *lattice) override {
      auto *point = llvm::cast<mlir::ProgramPoint *>(lattice->getAnchor());
      mlir::Operation *parent =
          point->getBlock() ? point->getBlock()->getParentOp() : nullptr;
      if (llvm::isa_and_nonnull<cta::ElectOp>(parent)) {
        const auto *before = this->template getOrCreateFor<Lattice>(
            point, this->getProgramPointBefore(parent));
        if (before->state)
          this->propagateIfChanged(lattice, lattice->set(*before->state));
        return;
      }
      auto role = llvm::dyn_cast_or_null<cta::RoleOp>(parent);
      this->propagateIfChanged(
          lattice, lattice->set(role ? facts.begin(role) : State()));
    }

  private:
    void joinInto(Lattice *lattice, const State &state) {
      State joined = state;
      if (lattice->state) {
        joined = *lattice->state;
        facts.join(joined, state);
      }
      this->propagateIfChanged(lattice, lattice->set(std::move(joined)));
    }

    Facts &facts;
  };

  mlir::DataFlowSolver solver;
};

} // namespace mla

#endif // MLA_LIB_TRANSFORMS_ROLEFLOW_H
