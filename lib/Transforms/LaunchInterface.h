//===- LaunchInterface.h - records what a launch needs ----------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef MLA_LIB_TRANSFORMS_LAUNCHINTERFACE_H
#define MLA_LIB_TRANSFORMS_LAUNCHINTERFACE_H

#include "mla/Transforms/Passes.h"

namespace mla {

/// Records on `func` what the launch descriptor needs from `op`, which is about
/// to be replaced: its name and options, the names of arguments and sizes, and
/// constant scalar operands. Fails with an error for a constant that the
/// runtime would reject as an argument.
mlir::LogicalResult noteLaunchInterface(OperatorInterface op,
                                        mlir::func::FuncOp func);

} // namespace mla

#endif // MLA_LIB_TRANSFORMS_LAUNCHINTERFACE_H
