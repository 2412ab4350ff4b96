//===- VerifyBarriers.h - counts of arrivals and bytes ----------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef MLA_LIB_TRANSFORMS_VERIFYBARRIERS_H
#define MLA_LIB_TRANSFORMS_VERIFYBARRIERS_H

#include "RingBarriers.h"

namespace mla {

/// Checks that what the roles do at the barriers of each ring adds up to what
/// these declare, arrivals and bytes, and that a role hands on what it waits
/// for. Stores the rings with their barriers in `found`.
mlir::LogicalResult checkBarriers(mlir::func::FuncOp func,
                                  llvm::ArrayRef<cta::RoleOp> roles,
                                  llvm::SmallVectorImpl<RingBarriers> &found);

} // namespace mla

#endif // MLA_LIB_TRANSFORMS_VERIFYBARRIERS_H
