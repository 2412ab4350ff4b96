//===- Barriers.h - mbarriers and named barriers ----------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef MLA_LIB_SIMULATOR_BARRIERS_H
#define MLA_LIB_SIMULATOR_BARRIERS_H

#include "Role.h"
#include "mla/Dialect/CTA/CTA.h"

namespace mla::sim {

struct MBarrier {
  cta::MBarrierOp declaration;
  int64_t index = 0;
  /// Stands for the copies that it counts.
  Agent agent = 0;
  /// Who initialised it, and when that was fenced for copies; time 0 while
  /// nobody has.
  Epoch initialised, fenced;
  /// Completed phases.
  Time phase = 0;
  int64_t missing = 0;
  int64_t bytes = 0;
  /// Copies in flight that this phase counts, and the last one of all phases.
  int64_t copies = 0;
  Time lastCopyPhase = 0;
  EventId lastCopy = kNoEvent;
  /// Knowledge that arrivals bring: those of this phase, and those of all
  /// completed phases. Arrivals are read-modify-writes, so a later phase brings
  /// what an earlier one brought.
  Knowledge arriving, completed;
  /// Who arrived in this phase, and in the one before. An arrival has to come
  /// after the latter, or it might have been counted in the phase before.
  Clock arrivals, lastArrivals;
};

/// One phase of a named barrier, after which its threads share their knowledge.
struct Meeting {
  Knowledge knowledge;
  bool over = false;
};

struct NamedBarrier {
  int64_t threads = 0;
  int64_t arrived = 0;
  std::shared_ptr<Meeting> meeting = std::make_shared<Meeting>();
  /// Who arrived in this phase, and in the one before, as in MBarrier.
  Clock arrivals, lastArrivals;
  /// Roles that have arrived at this meeting.
  llvm::SmallVector<const Role *, 4> roles;
};

//===----------------------------------------------------------------------===//
// For handlers
//===----------------------------------------------------------------------===//

/// For example: mbarrier "k.full"[1].
std::string describe(const MBarrier &barrier);

/// Whether all of `warps` know that copies may signal the barrier.
bool isFenced(const MBarrier &barrier, llvm::ArrayRef<Warp> warps);

/// The mbarrier that the operands `barrier` and `index` name; an error unless
/// it is ready for use.
mlir::FailureOr<MBarrier *> getBarrier(Role &role,
                                       const interp::Instruction &in,
                                       interp::Slot barrier,
                                       interp::Slot index);

/// Whether an op of `knowledge` comes after the barrier's last phase, so that
/// it counts in the present one.
mlir::LogicalResult checkPhase(Role &role, mlir::Operation *op,
                               const MBarrier &barrier,
                               const Knowledge &knowledge);

/// `count` arrivals that bring `knowledge`, and `bytes` that are to come.
mlir::LogicalResult arriveOn(Role &role, mlir::Operation *op, MBarrier &barrier,
                             int64_t count, const Knowledge &knowledge,
                             int64_t bytes = 0);

/// Begins a copy that `barrier` counts.
Epoch beginCopy(MBarrier &barrier, EventId event);
/// Ends it, with `bytes`, after what its `issuer` knew.
mlir::LogicalResult endCopy(Role &role, mlir::Operation *op, MBarrier &barrier,
                            int64_t bytes, const Knowledge &issuer);

} // namespace mla::sim

#endif // MLA_LIB_SIMULATOR_BARRIERS_H
