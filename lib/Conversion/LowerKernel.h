//===- LowerKernel.h - one kernel to NVVM -----------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef MLA_LIB_CONVERSION_LOWERKERNEL_H
#define MLA_LIB_CONVERSION_LOWERKERNEL_H

#include "KernelInterface.h"

namespace mla {

/// Checks that the kernel's fragments, ops, threads and registers can be
/// lowered. Leaves it unchanged; fails with an error at the op.
mlir::LogicalResult checkLowering(KernelInterface &kernel);

/// Replaces the function of a kernel that checkLowering() accepted by an
/// llvm.func. Fails with an error at an op that no pattern lowers.
mlir::LogicalResult lowerKernel(KernelInterface &kernel);

} // namespace mla

#endif // MLA_LIB_CONVERSION_LOWERKERNEL_H
