//===- SlotProtocol.h - who holds which slot of a ring when -----*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef MLA_LIB_TRANSFORMS_SLOTPROTOCOL_H
#define MLA_LIB_TRANSFORMS_SLOTPROTOCOL_H

#include "RingBarriers.h"

namespace mla {

/// Checks that each ring over another lies inside its one slot, and apart from
/// the others there.
mlir::LogicalResult checkAliasingRings(mlir::func::FuncOp func);

/// Whether `operand`, a slot of the ring below `top` or a view or descriptor of
/// it, may have bytes where `top` lies.
bool mayReadUnder(mlir::Value operand, cta::RingOp below, cta::RingOp top);

/// Checks that each role goes round each ring slot by slot: its nth wait is for
/// slot n mod depth in that slot's next phase, its nth arrival hands on slot n
/// mod depth; it reads and writes slots only between the two; it publishes what
/// it has filled, and releases what no product of its own still reads.
mlir::LogicalResult checkSlotProtocol(mlir::func::FuncOp func,
                                      llvm::ArrayRef<RingBarriers> rings);

} // namespace mla

#endif // MLA_LIB_TRANSFORMS_SLOTPROTOCOL_H
