//===- AliasingRings.h - checks rings that alias another --------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef MLA_LIB_TRANSFORMS_RINGSOVER_H
#define MLA_LIB_TRANSFORMS_RINGSOVER_H

#include "mla/Transforms/Passes.h"

namespace mla {

/// Checks that each ring that aliases another lies inside that ring's only
/// slot, and that the rings in one slot do not overlap.
mlir::LogicalResult checkAliasingRings(mlir::func::FuncOp func);

/// Whether reading `operand`, a slot of `below` or a view or descriptor of it,
/// may access bytes of `top`, which aliases `below`.
bool mayReadUnder(mlir::Value operand, cta::RingOp below, cta::RingOp top);

} // namespace mla

#endif // MLA_LIB_TRANSFORMS_RINGSOVER_H
