//===- SlotProtocol.h - who holds which slot of a ring when -----*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef MLA_LIB_TRANSFORMS_SLOTPROTOCOL_H
#define MLA_LIB_TRANSFORMS_SLOTPROTOCOL_H

#include "mla/Transforms/Passes.h"

namespace mla {

/// A ring and its barriers: `full` says that a slot is filled. Its writer waits
/// for `acquired` before it fills the next slot, its readers arrive on
/// `released` when they are done with one: both are the ring's free barrier.
///
/// A ring over another has none. Awaiting round n of the ring below lets the
/// writer fill round n of this one, and releasing round n of the ring below is
/// how a reader releases round n of this one, so `acquired` is the full and
/// `released` the free barrier of the ring below. The same rules then say all
/// that is needed. The writer fills the place when the data below has arrived.
/// It may have released the slot below already: nobody refills that slot before
/// every role has released it, and a reader of this ring does so only after it
/// has awaited what the writer published, and read it. That also keeps the
/// writer from round n + 1, which it begins by awaiting the refilled slot.
/// There has to be such a reader, and what is left to check is who still reads
/// the bytes below: nobody but products of the writer, which are done before it
/// writes.
///
/// A ring that another one returns has no free barrier either: `acquired` and
/// `released` are the full barrier of that ring B. Round n of B is awaited
/// after round n - ahead of this ring has been read, so that the writer begins
/// with 1 - ahead rounds acquired, and the reader with -ahead released.
struct RingBarriers {
  cta::RingOp ring;
  mlir::Value full, acquired, released;
  int64_t firstAcquired = 0, firstReleased = 0;

  bool isOver() { return ring.getOver().has_value(); }
  /// Whether `acquired` and `released` are barriers of another ring.
  bool isBorrowing() {
    return isOver() || ring.getReturnedBy() || ring.getReturnedWith();
  }
  /// The ring whose barriers these are.
  llvm::StringRef getLender() {
    for (std::optional<llvm::StringRef> name :
         {ring.getOver(), ring.getReturnedBy(), ring.getReturnedWith()})
      if (name)
        return *name;
    return ring.getName();
  }
  bool isReadBy(cta::RoleOp role) const;
  bool isWrittenBy(cta::RoleOp role) const;
};

/// Checks that each ring over another lies inside its one slot, and apart from
/// the others there.
mlir::LogicalResult checkRingsOver(mlir::func::FuncOp func);

/// Whether `operand`, a slot of the ring below `top` or a view or descriptor of
/// it, may have bytes where `top` lies.
bool mayReadUnder(mlir::Value operand, cta::RingOp below, cta::RingOp top);

/// Checks that `role` goes round each ring slot by slot: its nth wait is for
/// slot n mod depth in that slot's next phase, its nth arrival hands on slot n
/// mod depth; it reads and writes slots only between the two; it publishes what
/// it has filled, and releases what no product of its own still reads.
mlir::LogicalResult checkSlotProtocol(cta::RoleOp role,
                                      llvm::ArrayRef<RingBarriers> rings);

} // namespace mla

#endif // MLA_LIB_TRANSFORMS_SLOTPROTOCOL_H
