//===- LaunchInterface.h - what a launch has to know ------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef MLA_LIB_TRANSFORMS_LAUNCHINTERFACE_H
#define MLA_LIB_TRANSFORMS_LAUNCHINTERFACE_H

#include "mla/Transforms/Passes.h"

namespace mla {

/// Records on `func`, before `op` is replaced, what the launch descriptor says
/// of the operator: its name, its options, the names of arguments and sizes,
/// and scalar operands that are constants. Fails with an error for a constant
/// that a launch would refuse as an argument.
mlir::LogicalResult noteLaunchInterface(OperatorInterface op,
                                        mlir::func::FuncOp func);

} // namespace mla

#endif // MLA_LIB_TRANSFORMS_LAUNCHINTERFACE_H
