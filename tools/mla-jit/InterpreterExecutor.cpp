//===- InterpreterExecutor.cpp - run a program on the CPU -------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "InterpreterExecutor.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include <chrono>

using namespace mla;
using namespace mla::harness;

static interp::ElementType getElementType(mlaDType dtype) {
  switch (dtype) {
  case MLA_BF16:
    return interp::ElementType::BF16;
  case MLA_F16:
    return interp::ElementType::F16;
  case MLA_E4M3:
    return interp::ElementType::F8E4M3FN;
  case MLA_F32:
    return interp::ElementType::F32;
  case MLA_I8:
    return interp::ElementType::I8;
  case MLA_I32:
    return interp::ElementType::I32;
  default:
    return interp::ElementType::I64;
  }
}

static interp::Argument convert(HostArgument &argument) {
  if (argument.isTensor)
    return interp::Argument::array(
        getElementType(argument.tensor.dtype), argument.tensor.storage.data(),
        argument.tensor.shape, argument.tensor.strides);
  interp::ElementType type = getElementType(argument.scalarType);
  if (runtime::isFloat(argument.scalarType))
    return interp::Argument::floating(type,
                                      static_cast<float>(argument.number));
  return interp::Argument::integer(type, argument.integer);
}

std::vector<interp::Argument>
makeInterpreterArguments(std::vector<HostArgument> &arguments) {
  std::vector<interp::Argument> converted;
  converted.reserve(arguments.size());
  for (HostArgument &argument : arguments)
    converted.push_back(convert(argument));
  return converted;
}

Executor makeInterpreterExecutor(
    std::shared_ptr<mlir::OwningOpRef<mlir::ModuleOp>> module) {
  return [module](std::vector<HostArgument> &arguments, double &ms) {
    auto start = std::chrono::steady_clock::now();
    auto functions = (*module)->getOps<mlir::func::FuncOp>();
    if (functions.empty())
      return Status(MLA_INVALID_ARGUMENT,
                    "expected a function of level tile or above, got none");
    interp::Options options;
    options.threads = 0;
    if (mlir::failed(interp::interpret(
            *functions.begin(), makeInterpreterArguments(arguments), options)))
      return Status(MLA_INVALID_ARGUMENT, "the interpreter stopped");
    ms = std::chrono::duration<double, std::milli>(
             std::chrono::steady_clock::now() - start)
             .count();
    return Status();
  };
}
