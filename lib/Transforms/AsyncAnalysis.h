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

#include "mla/Transforms/Passes.h"

namespace mla {

/// How many groups are committed after the group of a product in flight, at
/// least, on the way to a wait.
class GroupAges {
public:
  /// With `everyMmaCommits` each product counts as committed at once (before
  /// commits are inserted); otherwise only cta.mma_commit commits.
  GroupAges(cta::RoleOp role, bool everyMmaCommits)
      : everyMmaCommits(everyMmaCommits) {
    visit(role.getBody().front());
  }

  /// Groups younger than the one that `wait` waits for; nothing if that was
  /// not committed on some path.
  std::optional<int64_t> getPending(cta::MmaWaitOp wait) const;

private:
  using Ages = llvm::DenseMap<mlir::Value, int64_t>;
  /// The age of a value that no commit has closed yet.
  static constexpr int64_t kOpen = -1;
  /// Age of a product that was not issued on some path.
  static constexpr int64_t kUnknown = std::numeric_limits<int64_t>::min();

  void visit(mlir::Block &block);
  void visitLoop(mlir::scf::ForOp loop);
  void visitIf(mlir::scf::IfOp op);
  void commit();
  /// The smaller age wins: it asks for the stronger wait.
  bool lower(mlir::Value value, int64_t age);
  /// Gives \p into the age that \p from has in \p known.
  bool merge(mlir::Value into, mlir::Value from, const Ages &known);

  bool everyMmaCommits;
  Ages ages;
  llvm::DenseMap<mlir::Operation *, int64_t> pending;
};

/// The ring that `slot` (or a view of it) belongs to, or null.
mlir::Value getRing(mlir::Value slot);

/// Calls `report` for each op of `role` that makes an unfenced generic write to
/// a slot of a ring in `asyncRead` visible to a reader of the async proxy: the
/// arrival that publishes it, or a product of the role itself.
void findUnfencedPublications(
    cta::RoleOp role, const llvm::DenseSet<mlir::Value> &asyncRead,
    llvm::function_ref<void(mlir::Operation *)> report);

/// Rings whose slots products read through descriptors.
llvm::DenseSet<mlir::Value> getAsyncReadRings(mlir::func::FuncOp func);

} // namespace mla

#endif // MLA_LIB_TRANSFORMS_ASYNCANALYSIS_H
