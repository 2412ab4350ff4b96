//===- Operators.h - all operators of the library ---------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef MLA_OPERATORS_OPERATORS_H
#define MLA_OPERATORS_OPERATORS_H

#include "mla/Tuning/Operator.h"
#include "mlir/IR/DialectRegistry.h"

namespace mla {

/// Registers the ops of all operators of lib/Operators with the mla dialect.
void registerOperators(mlir::DialectRegistry &registry);

/// All operators of lib/Operators, sorted by name.
OperatorList getOperators();

} // namespace mla

#endif // MLA_OPERATORS_OPERATORS_H
