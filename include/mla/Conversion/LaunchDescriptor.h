//===- LaunchDescriptor.h - how a program is launched -----------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef MLA_CONVERSION_LAUNCHDESCRIPTOR_H
#define MLA_CONVERSION_LAUNCHDESCRIPTOR_H

#include "mla/Runtime/Descriptor.h"
#include "mlir/IR/BuiltinOps.h"

namespace mla {

/// The error for a module that has nothing to launch.
inline constexpr llvm::StringLiteral kNoKernelMessage =
    "expected a function with an mla operator or a tile program (one "
    "scf.forall), got none";

/// Builds the launch descriptor of the verified CTA programs in `module`, one
/// kernel for each function with a grid, in order. Leaves the module unchanged.
/// Errors are diagnostics: no kernel, kernels that disagree on an argument, a
/// grid that is not an expression of sizes, a program beyond the limits of the
/// package format.
mlir::FailureOr<runtime::KernelDescriptor>
describeLaunch(mlir::ModuleOp module);

} // namespace mla

#endif // MLA_CONVERSION_LAUNCHDESCRIPTOR_H
