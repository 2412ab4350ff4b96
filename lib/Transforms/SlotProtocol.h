//===- SlotProtocol.h - verifies accesses to ring slots ---------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef MLA_LIB_TRANSFORMS_SLOTPROTOCOL_H
#define MLA_LIB_TRANSFORMS_SLOTPROTOCOL_H

#include "RingBarriers.h"

namespace mla {

/// Checks that each role uses the slots of each ring in order. Its nth wait is
/// for the next phase of slot n mod depth, its nth arrival is for slot n mod
/// depth, and it reads and writes a slot only between the two. It publishes
/// only slots that it has filled, and releases only slots that none of its MMAs
/// still reads.
mlir::LogicalResult checkSlotProtocol(mlir::func::FuncOp func,
                                      llvm::ArrayRef<RingBarriers> rings);

} // namespace mla

#endif // MLA_LIB_TRANSFORMS_SLOTPROTOCOL_H
