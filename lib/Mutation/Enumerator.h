//===- Enumerator.h - what the parts of enumerate() share -------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef MLA_LIB_MUTATION_ENUMERATOR_H
#define MLA_LIB_MUTATION_ENUMERATOR_H

#include "mla/Dialect/CTA/CTA.h"
#include "mla/Mutation/Mutation.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/ADT/StringMap.h"

namespace mla::mutation {

/// The role of an op in the synchronisation of a program.
enum class SyncClass {
  None,
  /// Orders accesses of this thread: fences, and the barrier of the CTA.
  Fence,
  /// Commits a group of MMAs or stores.
  Commit,
  /// Waits for such a group.
  GroupWait,
  /// Waits for other threads, or for copies.
  Wait,
  /// Signals other threads.
  Arrival,
  /// Initialises mbarriers.
  Init
};
SyncClass classify(mlir::Operation *op);

/// Whether the order of `op` relative to other events can matter: it
/// synchronises, accesses memory or contains such ops.
bool isEvent(mlir::Operation *op);

/// The mbarriers that `op` waits for, arrives on or signals; null if none.
mlir::OpOperand *getBarrier(mlir::Operation *op);
/// Which of them, where `getBarrier` is not null.
mlir::OpOperand &getBarrierIndex(mlir::Operation *op);
/// The ring of the slot (or view, or descriptor) `value`, or null.
cta::RingOp getRing(mlir::Value value);

using Rings = llvm::SmallSetVector<mlir::Value, 4>;
/// The rings whose slots the mbarriers `barrier` guard, and the rings that
/// alias these.
Rings getRings(mlir::Value barrier);
/// Whether `op` reads or writes slots of one of `rings`.
bool accesses(mlir::Operation *op, const Rings &rings);
/// Whether `op` waits for, arrives at or signals mbarriers of one of `rings`.
bool signals(mlir::Operation *op, const Rings &rings);

/// Collects the mutations of one kernel and assigns identifiers.
class Enumerator {
public:
  Enumerator(mlir::func::FuncOp kernel);

  /// Adds a mutation of `op`. `variant` distinguishes those of one kind and op.
  Mutation &add(llvm::StringRef kind, mlir::Operation *op,
                const llvm::Twine &variant,
                std::function<void(const Ops &)> edit);
  /// Adds a mutation whose edit needs only the op of the clone.
  Mutation &addLocal(llvm::StringRef kind, mlir::Operation *op,
                     const llvm::Twine &variant,
                     std::function<void(mlir::Operation *)> edit);

  unsigned number(mlir::Operation *op) const { return numbers.lookup(op); }
  const Ops &getOps() const { return ops; }
  std::vector<Mutation> take() { return std::move(mutations); }

private:
  Ops ops;
  llvm::DenseMap<mlir::Operation *, unsigned> numbers;
  /// "mbarrier_wait/softmax.3": the op's name, its role, its index among ops of
  /// that name in the role.
  llvm::DenseMap<mlir::Operation *, std::string> names;
  std::vector<Mutation> mutations;
};

/// Ops that are left out or doubled.
void enumerateDrops(Enumerator &e);
/// Ops in another place.
void enumerateMoves(Enumerator &e);
/// Counts and bytes, slots, phases, barriers, places in shared memory.
void enumerateValues(Enumerator &e);
void enumerateRings(Enumerator &e);

} // namespace mla::mutation

#endif // MLA_LIB_MUTATION_ENUMERATOR_H
