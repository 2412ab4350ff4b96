//===- AsyncAnalysis.h - MMA groups and unfenced writes ---------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// Shared by the passes that insert synchronisation and the one that verifies
// it.
//
//===----------------------------------------------------------------------===//

#ifndef MLA_LIB_TRANSFORMS_ASYNCANALYSIS_H
#define MLA_LIB_TRANSFORMS_ASYNCANALYSIS_H

#include "RoleFlow.h"

namespace mla {

/// Finds the minimum number of groups committed between an MMA and a wait for
/// it.
class GroupAges {
public:
  /// With `insertsCommits`, for use before commits are inserted, each MMA in a
  /// role without commits counts as a group of its own.
  GroupAges(mlir::func::FuncOp func, bool insertsCommits);

  /// The number of groups committed after the one that `wait` waits for;
  /// nothing if that is not committed on every path.
  std::optional<int64_t> getPending(cta::MmaWaitOp wait);

private:
  /// The number of groups committed after each MMA issued on every path.
  using Ages = llvm::DenseMap<mlir::Value, int64_t>;
  struct Facts {
    using State = Ages;

    Facts(mlir::func::FuncOp func, bool insertsCommits);
    Ages begin(cta::RoleOp) { return Ages(); }
    void visit(mlir::Operation *op, Ages &ages);
    /// Takes the smaller age, which leads to the stricter wait.
    void join(Ages &to, const Ages &from);
    void assign(mlir::ValueRange targets, mlir::ValueRange sources, Ages &ages);

    /// Roles in which each MMA counts as a group.
    llvm::DenseSet<cta::RoleOp> committed;
  };

  Facts facts;
  RoleFlow<Facts> flow;
};

/// The ring of `slot`, which may be a view; null if it is not the slot of one
/// particular ring.
mlir::Value getRing(mlir::Value slot);

/// Calls `report` for each op at which a generic write to a slot that MMAs read
/// through the async proxy must have been fenced, and is not: the arrival that
/// publishes the slot, or an MMA of the writing role.
void findUnfencedPublications(
    mlir::func::FuncOp func,
    llvm::function_ref<void(mlir::Operation *)> report);

} // namespace mla

#endif // MLA_LIB_TRANSFORMS_ASYNCANALYSIS_H
