//===- mla-example-opt.cpp - mla-opt with the example operators -----------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
//   mla-example-opt FILE.mlir PASS...   like mla-opt
//   mla-example-opt emit OPERATOR [NAME=VALUE...]
//                                       prints an operator's IR, like mla-jit
//                                       emit
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

static int fail(const llvm::Twine &message) {
  llvm::errs() << "error: " << message << "\n";
  return 1;
}

static int emit(llvm::StringRef name, llvm::ArrayRef<char *> settings,
                mlir::DialectRegistry &registry) {
  const Operator *operators[] = {
#define MLA_OPERATOR(name) &get##name(),
#include "ExampleOperators.inc"
#undef MLA_OPERATOR
  };
  const Operator *op = findOperator(operators, name);
  if (!op)
    return fail("expected " + listOperators(operators, name) + ", got '" +
                name + "'");
  OperatorSpec spec(*op);
  for (llvm::StringRef setting : settings) {
    auto [key, value] = setting.split('=');
    int64_t size = 0;
    std::string fault = value.getAsInteger(10, size)
                            ? spec.setOption(key, value)
                            : spec.setSize(key, size);
    if (!fault.empty())
      return fail(fault);
  }
  mlir::MLIRContext context(registry);
  auto module = buildOperator(context, spec);
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
  if (argc > 2 && llvm::StringRef(argv[1]) == "emit")
    return emit(argv[2], llvm::ArrayRef(argv + 3, argc - 3), registry);
  registerMLATransformsPasses();
  registerPipelines();
  return mlir::asMainReturnCode(mlir::MlirOptMain(
      argc, argv, "mla-opt with the example operators\n", registry));
}
