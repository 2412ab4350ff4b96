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

/// What an op does for the program's synchronisation.
enum class SyncClass {
  None,
  /// Orders what this thread did: fences, and the barrier of the CTA.
  Fence,
  /// Closes a group of products or stores.
  Commit,
  /// Waits for such a group.
  GroupWait,
  /// Waits for other threads, or for copies.
  Wait,
  /// Tells other threads.
  Arrival,
  /// Initialises mbarriers.
  Init
};
SyncClass classify(mlir::Operation *op);

/// Whether the order of `op` among its like can matter: it synchronises,
/// accesses memory or holds such ops.
bool isEvent(mlir::Operation *op);

/// The mbarriers that `op` waits for, arrives on or signals; null if none.
mlir::OpOperand *getBarrier(mlir::Operation *op);
/// Which of them, where `getBarrier` is not null.
mlir::OpOperand &getBarrierIndex(mlir::Operation *op);
/// The ring of the slot (or view, or descriptor) `value`, or null.
cta::RingOp getRing(mlir::Value value);

/// Rings that have to do with each other.
using Rings = llvm::SmallSetVector<mlir::Value, 4>;
/// The rings that the mbarriers `barrier` say something of, and those over
/// them.
Rings getRings(mlir::Value barrier);
/// Whether `op` reads or writes slots of one of `rings`.
bool accesses(mlir::Operation *op, const Rings &rings);
/// Whether `op` waits for, arrives at or signals mbarriers of one of `rings`.
bool signals(mlir::Operation *op, const Rings &rings);

/// Collects mutations and gives each its identifier.
class Enumerator {
public:
  Enumerator(mlir::func::FuncOp program);

  /// Adds a damage of `op`; the variant tells those of one kind apart.
  Mutation &add(llvm::StringRef kind, mlir::Operation *op,
                const llvm::Twine &variant,
                std::function<void(const Ops &)> edit);
  /// The same for an edit that needs nothing but the op of the clone.
  Mutation &addLocal(llvm::StringRef kind, mlir::Operation *op,
                     const llvm::Twine &variant,
                     std::function<void(mlir::Operation *)> edit);

  unsigned number(mlir::Operation *op) const { return numbers.lookup(op); }
  const Ops &getOps() const { return ops; }
  std::vector<Mutation> take() { return std::move(mutations); }

private:
  Ops ops;
  llvm::DenseMap<mlir::Operation *, unsigned> numbers;
  /// "mbarrier_wait/softmax.3": the op's name, its role, its number there.
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
