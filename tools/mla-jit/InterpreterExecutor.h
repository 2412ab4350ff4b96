//===- InterpreterExecutor.h - run a program on the CPU ---------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef MLA_TOOLS_MLAJIT_INTERPRETEREXECUTOR_H
#define MLA_TOOLS_MLAJIT_INTERPRETEREXECUTOR_H

#include "mla/Harness/Executor.h"
#include "mla/Interpreter/Interpreter.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"

/// The arguments as the interpreter takes them; arrays stay where they are.
std::vector<mla::interp::Argument>
makeInterpreterArguments(std::vector<mla::harness::HostArgument> &arguments);

/// Runs the tile program in `module` (after --mla-tile) on all cores. Errors
/// are diagnostics of the module's context.
mla::harness::Executor makeInterpreterExecutor(
    std::shared_ptr<mlir::OwningOpRef<mlir::ModuleOp>> module,
    const mla::runtime::KernelDescriptor &descriptor);

#endif // MLA_TOOLS_MLAJIT_INTERPRETEREXECUTOR_H
