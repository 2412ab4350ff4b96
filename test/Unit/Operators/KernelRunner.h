//===- KernelRunner.h - runs kernels that a builder makes -------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef MLA_UNITTESTS_OPERATORS_KERNELRUNNER_H
#define MLA_UNITTESTS_OPERATORS_KERNELRUNNER_H

#include "mla/Interpreter/Interpreter.h"
#include "mla/Operators/TileBuilder.h"
#include "mlir/IR/BuiltinOps.h"

namespace mla {

/// A kernel as a tile program and, lowered once, as a cta program.
class KernelRunner {
public:
  /// `build` fills an empty function with arguments of `types`.
  KernelRunner(
      llvm::function_ref<llvm::SmallVector<mlir::Type>(mlir::Builder &)> types,
      llvm::function_ref<mlir::LogicalResult(TileBuilder &, mlir::ValueRange)>
          build,
      llvm::function_ref<ScheduleAttr(mlir::MLIRContext &)> getSchedule);

  bool interpret(llvm::ArrayRef<interp::Argument> arguments);
  bool simulate(llvm::ArrayRef<interp::Argument> arguments, uint64_t seed = 0);
  /// The errors so far.
  const std::string &getErrors() const { return errors; }

private:
  mlir::MLIRContext context;
  std::string errors;
  mlir::ScopedDiagnosticHandler handler;
  mlir::OwningOpRef<mlir::ModuleOp> tile, cta;
};

} // namespace mla

#endif // MLA_UNITTESTS_OPERATORS_KERNELRUNNER_H
