//===- SlotValues.h - evaluates slot indices and parities -------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef MLA_LIB_TRANSFORMS_SLOTVALUES_H
#define MLA_LIB_TRANSFORMS_SLOTVALUES_H

#include "RoleRings.h"

namespace mla::slots {

/// The slot of which `buffer` is a view or a descriptor.
mlir::Value getWhole(mlir::Value buffer);

/// Evaluates values of one role in terms of the counts in a state.
class SlotValues {
public:
  SlotValues(const RoleRings &rings, State &state)
      : rings(rings), state(state) {}

  /// The slot that `buffer` is, or is a view or descriptor of; nothing if that
  /// is not the slot of a ring.
  std::optional<Slot> evaluateSlot(mlir::Value buffer);
  /// Whether `index` is `count` mod `depth`.
  bool isSlotOf(mlir::Value index, Count count, int64_t depth);
  /// Whether `parity` is that of the phase that access number `count` waits
  /// for.
  bool isParityOf(mlir::Value parity, Count count, int64_t depth, bool writer);
  /// Assigns `sources` to `targets`, which are arguments or results of loops
  /// and branches, simultaneously.
  void assign(mlir::ValueRange targets, mlir::ValueRange sources);

private:
  /// The known value of an argument or result of a loop or branch.
  std::optional<Count> lookup(mlir::Value value);
  std::optional<Count> evaluate(mlir::Value value);
  /// The count of which `index` is the remainder modulo `depth`.
  std::optional<Count> evaluateIndex(mlir::Value index, int64_t depth);
  /// The count of a value that a loop or branch forwards. A slot is identified
  /// with one of the last `depth` accesses, so that its count advances as
  /// theirs do.
  std::optional<Count> evaluateCarried(mlir::Value value);

  const RoleRings &rings;
  State &state;
};

} // namespace mla::slots

#endif // MLA_LIB_TRANSFORMS_SLOTVALUES_H
