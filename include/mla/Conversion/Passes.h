//===- Passes.h - conversion out of the dialects ----------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef MLA_CONVERSION_PASSES_H
#define MLA_CONVERSION_PASSES_H

#include "mla/Transforms/Passes.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlow.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

namespace mla {
#define GEN_PASS_DECL
#include "mla/Conversion/Passes.h.inc"
#define GEN_PASS_REGISTRATION
#include "mla/Conversion/Passes.h.inc"

/// What the descriptor calls an argument: its `mla.name`, or "arg0", ...
std::string getArgumentName(mlir::func::FuncOp func, unsigned number);

/// Discardable attribute of a module that holds kernels: their launch
/// descriptor, as the JSON text the runtime reads (docs/Package.md).
inline constexpr llvm::StringLiteral kLaunchAttr = "mla.launch";
} // namespace mla

#endif // MLA_CONVERSION_PASSES_H
