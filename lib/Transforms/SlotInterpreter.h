//===- SlotInterpreter.h - effects of ops on ring slots ---------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef MLA_LIB_TRANSFORMS_SLOTINTERPRETER_H
#define MLA_LIB_TRANSFORMS_SLOTINTERPRETER_H

#include "SlotValues.h"

namespace mla::slots {

/// Updates the state of one role by its ops, and reports invalid accesses.
class SlotInterpreter {
public:
  /// Called with the error message for `op`.
  using Refuse =
      llvm::function_ref<void(mlir::Operation *op, const llvm::Twine &what)>;

  SlotInterpreter(const RoleRings &rings, State &state, Refuse report)
      : rings(rings), state(state), values(rings, state), report(report) {}

  /// Updates the state by `op`, which has no regions.
  void visit(mlir::Operation *op);

private:
  // Ops.
  void visitWait(cta::MBarrierWaitOp wait);
  void visitArrival(mlir::Operation *op);
  void checkTraceable(mlir::Operation *op, mlir::Value buffer);
  void read(mlir::Operation *op, mlir::Value buffer);
  void readUnder(mlir::Operation *op, mlir::Value buffer, const Slot &slot);
  void write(mlir::Operation *op, mlir::Value buffer);
  void refuseBulkStore(mlir::Operation *op);
  void visitMma(cta::MmaAsyncOp mma);
  void commit();
  void waitForGroups(size_t pending);

  // State.
  Count &count(unsigned ring, Event event) { return state.count(ring, event); }
  cta::RingOp getRingOp(unsigned ring) { return rings[ring].ring; }
  bool isHeld(const Slot &slot, Event from, Event until);
  bool isHeldToFill(const Slot &slot);
  bool isDeadlock(unsigned ring, bool writer);
  bool mayEqual(const Slot &a, const Slot &b);
  bool isInFlight(const Slot &slot);

  void refuse(mlir::Operation *op, const llvm::Twine &what, unsigned ring);

  const RoleRings &rings;
  State &state;
  SlotValues values;
  Refuse report;
};

} // namespace mla::slots

#endif // MLA_LIB_TRANSFORMS_SLOTINTERPRETER_H
