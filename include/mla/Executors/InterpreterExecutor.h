//===- InterpreterExecutor.h - run a program on the CPU ---------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef MLA_EXECUTORS_INTERPRETEREXECUTOR_H
#define MLA_EXECUTORS_INTERPRETEREXECUTOR_H

#include "mla/Harness/Executor.h"
#include "mla/Interpreter/Interpreter.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"

namespace mla {

/// Describes `arguments` to the interpreter and the simulator, which read and
/// write the arrays in place.
std::vector<interp::Argument>
makeInterpreterArguments(std::vector<harness::HostArgument> &arguments);

/// Runs the kernels of the tile program `module` (after --mla-tile) one after
/// another, each on all cores. Errors are diagnostics of the module's context.
harness::Executor makeInterpreterExecutor(
    std::shared_ptr<mlir::OwningOpRef<mlir::ModuleOp>> module,
    const runtime::KernelDescriptor &descriptor);

} // namespace mla

#endif // MLA_EXECUTORS_INTERPRETEREXECUTOR_H
