//===- InterpreterExecutor.cpp - run a program on the CPU -------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "mla/Executors/InterpreterExecutor.h"
#include "mla/Executors/KernelSequence.h"
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
mla::makeInterpreterArguments(std::vector<HostArgument> &arguments) {
  std::vector<interp::Argument> converted;
  converted.reserve(arguments.size());
  for (HostArgument &argument : arguments)
    converted.push_back(convert(argument));
  return converted;
}

static Status interpret(mlir::ModuleOp module,
                        const runtime::KernelDescriptor &descriptor,
                        std::vector<HostArgument> &arguments) {
  interp::Options options;
  options.threads = 0;
  KernelSequence sequence;
  MLA_RETURN_IF_ERROR(
      sequence.create(module, descriptor, arguments, options.sms));
  if (sequence.steps().empty())
    return Status(MLA_INVALID_ARGUMENT,
                  "expected a function of level tile or above, got none");
  for (const KernelSequence::Step &step : sequence.steps())
    if (mlir::failed(interp::interpret(step.kernel, step.arguments, options)))
      return Status(MLA_INVALID_ARGUMENT, "the interpreter stopped");
  return Status();
}

Executor mla::makeInterpreterExecutor(
    std::shared_ptr<mlir::OwningOpRef<mlir::ModuleOp>> module,
    const runtime::KernelDescriptor &descriptor) {
  return
      [module, descriptor](std::vector<HostArgument> &arguments, double &ms) {
        auto start = std::chrono::steady_clock::now();
        Status status = interpret(**module, descriptor, arguments);
        ms = std::chrono::duration<double, std::milli>(
                 std::chrono::steady_clock::now() - start)
                 .count();
        return status;
      };
}
