//===- AsyncAnalysis.h - what is in flight, what is unfenced ----*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// The facts that the passes which insert synchronisation and the one that
// verifies it agree on.
//
//===----------------------------------------------------------------------===//

#ifndef MLA_LIB_TRANSFORMS_ASYNCANALYSIS_H
#define MLA_LIB_TRANSFORMS_ASYNCANALYSIS_H

#include "RoleFlow.h"

namespace mla {

/// How many groups are committed after the group of a product in flight, at
/// least, on the way to a wait.
class GroupAges {
public:
  /// With `insertsCommits` each product of a role without commits counts as
  /// committed at once (before commits are inserted); otherwise only
  /// cta.mma_commit commits.
  GroupAges(mlir::func::FuncOp func, bool insertsCommits);

  /// Groups younger than the one that `wait` waits for; nothing if that was
  /// not committed on some path.
  std::optional<int64_t> getPending(cta::MmaWaitOp wait);

private:
  /// The ages of products that were issued on every path.
  using Ages = llvm::DenseMap<mlir::Value, int64_t>;
  struct Facts {
    using State = Ages;

    Facts(mlir::func::FuncOp func, bool insertsCommits);
    Ages begin(cta::RoleOp) { return Ages(); }
    void visit(mlir::Operation *op, Ages &ages);
    /// The smaller age wins: it asks for the stronger wait.
    void join(Ages &to, const Ages &from);
    void assign(mlir::ValueRange targets, mlir::ValueRange sources, Ages &ages);

    /// Roles whose products count as committed.
    llvm::DenseSet<cta::RoleOp> committed;
  };

  Facts facts;
  RoleFlow<Facts> flow;
};

/// The ring that `slot` (or a view of it) belongs to, or null.
mlir::Value getRing(mlir::Value slot);

/// Calls `report` for each op that makes an unfenced generic write to a slot
/// which products read through descriptors visible to a reader of the async
/// proxy: the arrival that publishes it, or a product of the role itself.
void findUnfencedPublications(
    mlir::func::FuncOp func,
    llvm::function_ref<void(mlir::Operation *)> report);

} // namespace mla

#endif // MLA_LIB_TRANSFORMS_ASYNCANALYSIS_H
