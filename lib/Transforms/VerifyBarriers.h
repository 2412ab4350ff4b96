//===- VerifyBarriers.h - verifies arrivals and bytes -----------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef MLA_LIB_TRANSFORMS_VERIFYBARRIERS_H
#define MLA_LIB_TRANSFORMS_VERIFYBARRIERS_H

#include "RingBarriers.h"

namespace mla {

/// Checks that the roles' arrivals and bytes on the barriers of each ring are
/// those that the barriers declare, and that waits and arrivals of each role
/// match. Appends the rings with their barriers to `found`.
mlir::LogicalResult checkBarriers(mlir::func::FuncOp func,
                                  llvm::ArrayRef<cta::RoleOp> roles,
                                  llvm::SmallVectorImpl<RingBarriers> &found);

} // namespace mla

#endif // MLA_LIB_TRANSFORMS_VERIFYBARRIERS_H
