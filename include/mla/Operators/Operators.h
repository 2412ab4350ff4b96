//===- Operators.h - the operators that ship --------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef MLA_OPERATORS_OPERATORS_H
#define MLA_OPERATORS_OPERATORS_H

#include "mla/Tuning/Operator.h"
#include "mlir/IR/DialectRegistry.h"

namespace mla {

/// Adds the ops of all operators of lib/Operators to the mla dialect.
void registerOperators(mlir::DialectRegistry &registry);

/// All operators of lib/Operators, by name.
OperatorList getOperators();

} // namespace mla

#endif // MLA_OPERATORS_OPERATORS_H
