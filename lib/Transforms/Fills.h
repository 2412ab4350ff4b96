//===- Fills.h - ops that fill the slots of a ring --------------*- C++ -*-===//
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

/// The ops by which a role fills its part of an acquired slot, in program
/// order. Copies arrive once, with the number of bytes to expect; gathers
/// arrive once per thread, on completion; stores arrive once per warp.
struct Fills {
  llvm::SmallVector<cta::CopyAsyncOp> copies;
  llvm::SmallVector<mlir::Operation *> gathers, stores;
  llvm::SmallVector<SlotPart> parts;

  int64_t countBytes();
  int64_t countArrivals(int64_t warps) const;
  /// Inserts the arrivals on mbarrier `index` of `full`.
  void publish(mlir::Value full, mlir::Value index);
};

/// The ops that fill the slot of `acquire`. Fails with an error at any other op
/// that uses it.
mlir::FailureOr<Fills> findFills(cta::AcquireOp acquire);

/// The arrivals and bytes of all roles for one slot.
struct Filling {
  int64_t arrivals = 0, bytes = 0;
};

/// Adds up the arrivals and bytes that `producers` contribute to a slot of
/// `ring`. Fails with an error unless each role contributes the same each time,
/// and the parts cover the slot without overlap.
mlir::FailureOr<Filling> findFilling(
    cta::RingOp ring,
    const llvm::MapVector<cta::RoleOp, llvm::SmallVector<cta::AcquireOp>>
        &producers);

} // namespace mla

#endif // MLA_LIB_TRANSFORMS_FILLS_H
