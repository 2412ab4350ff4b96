//===- Operators.cpp - all operators of the library -----------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "mla/Operators/Operators.h"
#include "llvm/ADT/STLExtras.h"

using namespace mla;

// The functions of each operator (Op.cpp.in). CMake generates the list.
namespace mla {
#define MLA_OPERATOR(name)                                                     \
  void register##name(mlir::DialectRegistry &registry);                        \
  const Operator &get##name();
#include "Operators.inc"
#undef MLA_OPERATOR
} // namespace mla

void mla::registerOperators(mlir::DialectRegistry &registry) {
#define MLA_OPERATOR(name) register##name(registry);
#include "Operators.inc"
#undef MLA_OPERATOR
}

OperatorList mla::getOperators() {
  static const auto all = [] {
    std::vector<const Operator *> found{
#define MLA_OPERATOR(name) &get##name(),
#include "Operators.inc"
#undef MLA_OPERATOR
    };
    llvm::sort(found, [](const Operator *a, const Operator *b) {
      return a->getName() < b->getName();
    });
    return found;
  }();
  return all;
}
