//===- RoleRings.h - the rings that a role uses -----------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef MLA_LIB_TRANSFORMS_ROLERINGS_H
#define MLA_LIB_TRANSFORMS_ROLERINGS_H

#include "RingBarriers.h"
#include "SlotState.h"

namespace mla::slots {

/// The event that counts arrivals of `kind` on a full barrier.
Event getPublication(ArrivalKind kind);

/// The rings of the program, as one role uses them.
class RoleRings {
public:
  RoleRings(cta::RoleOp role, llvm::ArrayRef<RingBarriers> rings);

  unsigned size() const { return rings.size(); }
  const RingBarriers &operator[](unsigned ring) const { return rings[ring]; }
  int64_t depth(unsigned ring) const { return depths[ring]; }

  llvm::SmallVector<RingBarriers> rings;
  llvm::SmallVector<int64_t> depths;
  /// The events by which the role publishes slots of each ring.
  llvm::SmallVector<llvm::SmallVector<Event>> publications;
  /// Whether the role reads slots of the ring that it also fills.
  llvm::SmallVector<bool> isOwnReader;
  /// A number for each argument and result of a loop or branch.
  llvm::DenseMap<mlir::Value, unsigned> numbers;
  /// The state at the start of the role.
  State begin;
};

} // namespace mla::slots

#endif // MLA_LIB_TRANSFORMS_ROLERINGS_H
