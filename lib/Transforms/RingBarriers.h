//===- RingBarriers.h - rings and the mbarriers they use --------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef MLA_LIB_TRANSFORMS_RINGBARRIERS_H
#define MLA_LIB_TRANSFORMS_RINGBARRIERS_H

#include "mla/Transforms/Passes.h"

namespace mla {

/// How a role arrives at mbarriers: each of its warps; each of its threads,
/// when its copies have landed; one thread, with bytes to come. What fills a
/// slot in parts of several kinds arrives once in each way.
enum class ArrivalKind { Warps, Copies, Bytes };
inline constexpr ArrivalKind kArrivalKinds[] = {
    ArrivalKind::Warps, ArrivalKind::Copies, ArrivalKind::Bytes};

/// Nothing for an op that does not arrive.
std::optional<ArrivalKind> getArrivalKind(mlir::Operation *op);

/// How often a role of `warps` warps arrives in that way.
int64_t countArrivals(ArrivalKind kind, int64_t warps);

/// Whether `role` arrives at `barrier` in that way.
bool hasArrival(cta::RoleOp role, mlir::Value barrier, ArrivalKind kind);

/// A ring and its barriers: `full` says that a slot is filled. Its writers wait
/// for `acquired` before they fill the next slot, its readers arrive on
/// `released` when they are done with one: both are the ring's empty barrier.
///
/// A ring over another has none. Awaiting round n of the ring below lets the
/// writer fill round n of this one, and releasing round n of the ring below is
/// how a reader releases round n of this one, so `acquired` is the full and
/// `released` the empty barrier of the ring below. The same rules then say all
/// that is needed. The writer fills the place when the data below has arrived.
/// It may have released the slot below already: nobody refills that slot before
/// every role has released it, and a reader of this ring does so only after it
/// has awaited what the writer published, and read it. That also keeps the
/// writer from round n + 1, which it begins by awaiting the refilled slot.
/// There has to be such a reader, and what is left to check is who still reads
/// the bytes below: nobody but products of the writer, which are done before it
/// writes.
///
/// A ring that another one returns has no empty barrier either: `acquired` and
/// `released` are the full barrier of that ring B. Round n of B is awaited
/// after round n - distance of this ring has been read, so that the writer
/// begins with 1 - distance rounds acquired, and the reader with -distance
/// released.
struct RingBarriers {
  cta::RingOp ring;
  mlir::Value full, acquired, released;
  /// The other ring whose barriers these are, if `acquired` and `released` are.
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
