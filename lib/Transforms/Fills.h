//===- Fills.h - what fills the slots of a ring -----------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef MLA_LIB_TRANSFORMS_FILLS_H
#define MLA_LIB_TRANSFORMS_FILLS_H

#include "mla/Transforms/Passes.h"
#include "llvm/ADT/MapVector.h"

namespace mla {

/// A rectangle of a slot.
struct SlotPart {
  llvm::SmallVector<int64_t> offsets, sizes;

  int64_t countElements() const;
  bool overlaps(const SlotPart &other) const;
  bool operator==(const SlotPart &other) const {
    return offsets == other.offsets && sizes == other.sizes;
  }
};

/// The ops by which a role fills its part of a slot that it has acquired, in
/// program order. Copies announce their bytes in one arrival, gathers arrive by
/// thread when they have landed, stores by warp.
struct Fills {
  llvm::SmallVector<cta::CopyAsyncOp> copies;
  llvm::SmallVector<mlir::Operation *> gathers, stores;
  llvm::SmallVector<SlotPart> parts;

  int64_t countBytes();
  int64_t countArrivals(int64_t warps) const;
  /// Adds the arrivals on mbarrier `index` of `full`.
  void publish(mlir::Value full, mlir::Value index);
};

/// What `acquire`'s slot is filled by; fails with an error for anything else
/// that uses it.
mlir::FailureOr<Fills> findFills(cta::AcquireOp acquire);

/// All that comes in for one slot.
struct Filling {
  int64_t arrivals = 0, bytes = 0;
};

/// Adds up what the roles bring for a slot of `ring`. Fails with an error
/// unless each role does the same each time, and all parts make up the slot.
mlir::FailureOr<Filling> findFilling(
    cta::RingOp ring,
    const llvm::MapVector<cta::RoleOp, llvm::SmallVector<cta::AcquireOp>>
        &producers);

} // namespace mla

#endif // MLA_LIB_TRANSFORMS_FILLS_H
