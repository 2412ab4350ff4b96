//===- SlotInterpreter.h - what ops do with a role's slots ------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef MLA_LIB_TRANSFORMS_SLOTINTERPRETER_H
#define MLA_LIB_TRANSFORMS_SLOTINTERPRETER_H

#include "RingBarriers.h"
#include "SlotState.h"

namespace mla::slots {

/// A role's part in the rings of the program.
class RoleRings {
public:
  RoleRings(cta::RoleOp role, llvm::ArrayRef<RingBarriers> rings);

  unsigned size() const { return rings.size(); }
  const RingBarriers &operator[](unsigned ring) const { return rings[ring]; }
  int64_t depth(unsigned ring) const { return depths[ring]; }

  llvm::SmallVector<RingBarriers> rings;
  llvm::SmallVector<int64_t> depths;
  /// The ways in which the role publishes slots, ring by ring.
  llvm::SmallVector<llvm::SmallVector<Event>> publications;
  /// Whether the role reads what it has a part in filling.
  llvm::SmallVector<bool> isOwnReader;
  /// Numbers of what loops and conditions have for arguments and results.
  llvm::DenseMap<mlir::Value, unsigned> numbers;
  /// Where the role begins.
  State begin;
};

/// What `buffer` is a view or a descriptor of.
mlir::Value getWhole(mlir::Value buffer);

/// Follows ops of one role from the state before them to that behind.
class SlotInterpreter {
public:
  /// Gives an op's fault, and the ring.
  using Refuse =
      llvm::function_ref<void(mlir::Operation *op, const llvm::Twine &what)>;

  SlotInterpreter(const RoleRings &rings, State &state, Refuse report)
      : rings(rings), state(state), report(report) {}

  /// \p op has no regions.
  void visit(mlir::Operation *op);
  /// Of \p sources, what \p targets become at once.
  void assign(mlir::ValueRange targets, mlir::ValueRange sources);

private:
  // Ops.
  void visitWait(cta::MBarrierWaitOp wait);
  void visitArrival(mlir::Operation *op);
  void checkTraceable(mlir::Operation *op, mlir::Value buffer);
  void read(mlir::Operation *op, mlir::Value buffer);
  void readUnder(mlir::Operation *op, mlir::Value buffer, const Slot &slot);
  void write(mlir::Operation *op, mlir::Value buffer);
  void refuseBulkStore(mlir::Operation *op);
  void visitProduct(cta::MmaAsyncOp mma);
  void commit();
  void waitForGroups(size_t pending);

  // Values.
  std::optional<Count> lookup(mlir::Value value);
  std::optional<Count> evaluate(mlir::Value value);
  std::optional<Count> evaluateIndex(mlir::Value index, int64_t depth);
  std::optional<Count> evaluateCarried(mlir::Value value);
  std::optional<Slot> evaluateSlot(mlir::Value buffer);
  bool isSlotOf(mlir::Value index, Count count, int64_t depth);
  bool isParityOf(mlir::Value parity, Count count, int64_t depth, bool writer);

  // State.
  Count &count(unsigned ring, Event event) {
    return state.counts[kEvents * ring + event];
  }
  cta::RingOp getRingOp(unsigned ring) { return rings[ring].ring; }
  bool isHeld(const Slot &slot, Event from, Event until);
  bool isHeldToFill(const Slot &slot);
  bool isDeadlock(unsigned ring, bool writer);
  bool mayEqual(const Slot &a, const Slot &b);
  bool isInFlight(const Slot &slot);

  void refuse(mlir::Operation *op, const llvm::Twine &what, unsigned ring);

  const RoleRings &rings;
  State &state;
  Refuse report;
};

} // namespace mla::slots

#endif // MLA_LIB_TRANSFORMS_SLOTINTERPRETER_H
