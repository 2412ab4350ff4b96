//===- KernelSymbol.h - a kernel's name and its module ----------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef MLA_CONVERSION_KERNELSYMBOL_H
#define MLA_CONVERSION_KERNELSYMBOL_H

#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace mla {

/// Checks that the name of `kernel` is valid in PTX, and that its module has
/// only kernels: other functions would not be lowered.
mlir::LogicalResult checkKernelSymbol(mlir::func::FuncOp kernel);

} // namespace mla

#endif // MLA_CONVERSION_KERNELSYMBOL_H
