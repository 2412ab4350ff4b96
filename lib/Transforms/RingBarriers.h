//===- RingBarriers.h - rings and the mbarriers they use --------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef MLA_LIB_TRANSFORMS_RINGBARRIERS_H
#define MLA_LIB_TRANSFORMS_RINGBARRIERS_H

#include "mla/Transforms/Passes.h"

namespace mla {

/// How a role arrives at an mbarrier: once per warp; once per thread, when its
/// copies have completed; once, with the number of bytes to expect. A role that
/// fills a slot in several ways arrives once in each of them.
enum class ArrivalKind { Warps, Copies, Bytes };
inline constexpr ArrivalKind kArrivalKinds[] = {
    ArrivalKind::Warps, ArrivalKind::Copies, ArrivalKind::Bytes};

/// Nothing for an op that does not arrive.
std::optional<ArrivalKind> getArrivalKind(mlir::Operation *op);

/// The number of arrivals by a role of `warps` warps.
int64_t countArrivals(ArrivalKind kind, int64_t warps);

/// Whether `role` arrives at `barrier` in that way.
bool hasArrival(cta::RoleOp role, mlir::Value barrier, ArrivalKind kind);

/// A ring and its barriers. `full` signals that a slot is filled. Writers wait
/// for `acquired` before they fill a slot, and readers arrive on `released`
/// when they have read it; both are normally the ring's empty barrier.
///
/// A ring that aliases another ring (the ring below) has no empty barrier. Its
/// writer fills round n after it has awaited round n of the ring below, and its
/// reader releases round n by releasing round n of the ring below. So
/// `acquired` is the full and `released` the empty barrier of the ring below,
/// and the general rules apply:
///
/// - The writer fills the slot after the data below has arrived. It may already
///   have released the slot below, which is not refilled before all roles have
///   released it. A reader of this ring does so only after it has read what the
///   writer published.
/// - The writer cannot fill round n + 1 early, because it first awaits the
///   refilled slot below.
///
/// Two more checks are needed: that there is such a reader, and that only MMAs
/// of the writer, which complete before it writes, still read the bytes below.
///
/// If the full barrier of a ring B implies that this ring is empty, `acquired`
/// and `released` are that barrier. Round n of B is awaited after round n -
/// ahead of this ring has been read, so the writer begins with 1 - distance
/// rounds acquired, and the reader with -distance rounds released.
struct RingBarriers {
  cta::RingOp ring;
  mlir::Value full, acquired, released;
  /// The ring that `acquired` and `released` belong to, if it is not `ring`.
  cta::RingOp lender = {};
  int64_t firstAcquired = 0, firstReleased = 0;

  bool isBorrowing() const { return lender != nullptr; }
  bool isReadBy(cta::RoleOp role) const;
  bool isWrittenBy(cta::RoleOp role) const;
};

/// Finds a ring's barriers, or fails with an error.
mlir::FailureOr<RingBarriers> findRingBarriers(cta::RingOp ring);

} // namespace mla

#endif // MLA_LIB_TRANSFORMS_RINGBARRIERS_H
