//===- mla-example-opt.cpp - mla-opt with the example operators -----------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
//   mla-example-opt FILE.mlir PASS...   as mla-opt
//   mla-example-opt emit OPERATOR       an operator's IR, as mla-jit emit
//
//===----------------------------------------------------------------------===//

#include "mla/JIT/Operators.h"
#include "mla/Pipelines/Pipelines.h"
#include "mla/Transforms/Passes.h"
#include "mlir/Tools/mlir-opt/MlirOptMain.h"

using namespace mla;

namespace mla {
#define MLA_OPERATOR(name)                                                     \
  void register##name(mlir::DialectRegistry &registry);                        \
  const Operator &get##name();
#include "ExampleOperators.inc"
#undef MLA_OPERATOR
} // namespace mla

static int emit(llvm::StringRef name, mlir::DialectRegistry &registry) {
  const Operator *operators[] = {
#define MLA_OPERATOR(name) &get##name(),
#include "ExampleOperators.inc"
#undef MLA_OPERATOR
  };
  const Operator *op = findOperator(operators, name);
  if (!op) {
    llvm::errs() << "error: expected " << listOperators(operators, name)
                 << ", got '" << name << "'\n";
    return 1;
  }
  mlir::MLIRContext context(registry);
  auto module = buildOperator(context, OperatorSpec(*op));
  if (!module)
    return 1;
  llvm::outs() << *module << "\n";
  return 0;
}

int main(int argc, char **argv) {
  mlir::DialectRegistry registry;
  registerDialects(registry);
#define MLA_OPERATOR(name) register##name(registry);
#include "ExampleOperators.inc"
#undef MLA_OPERATOR
  if (argc == 3 && llvm::StringRef(argv[1]) == "emit")
    return emit(argv[2], registry);
  registerMLATransformsPasses();
  registerPipelines();
  return mlir::asMainReturnCode(mlir::MlirOptMain(
      argc, argv, "mla-opt with the example operators\n", registry));
}
