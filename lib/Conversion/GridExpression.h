//===- GridExpression.h - a grid's size as an expression --------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef MLA_LIB_CONVERSION_GRIDEXPRESSION_H
#define MLA_LIB_CONVERSION_GRIDEXPRESSION_H

#include "mla/Runtime/Descriptor.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

namespace mla {

/// The number of CTAs of `grid`, as an expression over the sizes of `program`
/// that the launch evaluates. Fails with an error where a bound cannot be
/// expressed.
mlir::FailureOr<runtime::Expression>
makeGridExpression(mlir::scf::ForallOp grid,
                   const runtime::KernelDescriptor &program);

} // namespace mla

#endif // MLA_LIB_CONVERSION_GRIDEXPRESSION_H
