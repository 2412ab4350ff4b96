//===- VerifyLaunchWait.h - workspaces and the kernels before ---*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef MLA_LIB_TRANSFORMS_VERIFYLAUNCHWAIT_H
#define MLA_LIB_TRANSFORMS_VERIFYLAUNCHWAIT_H

#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace mla {

/// Checks that in a kernel with `cta.launch_wait`, which may run beside the
/// kernels before it, every access to a workspace is dominated by the wait.
mlir::LogicalResult checkLaunchWait(mlir::func::FuncOp func);

} // namespace mla

#endif // MLA_LIB_TRANSFORMS_VERIFYLAUNCHWAIT_H
