//===- KernelSequence.cpp - the kernels of a program on the CPU -*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "mla/Executors/KernelSequence.h"
#include "mla/Conversion/Passes.h"
#include "mla/Executors/InterpreterExecutor.h"
#include "mla/Runtime/Launch.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

using namespace mla;
using namespace mla::harness;

/// Gives workspaces the sizes and strides that a launch gives them.
Status
KernelSequence::makeWorkspaces(const runtime::KernelDescriptor &descriptor,
                               const std::vector<HostArgument> &arguments,
                               int64_t sms) {
  runtime::LaunchBinding binding;
  binding.sms = sms;
  for (auto [argument, known] : llvm::zip(arguments, descriptor.arguments))
    for (size_t dim = 0; dim < known.shape.size(); ++dim)
      if (int symbol = known.shape[dim].symbol; symbol >= 0)
        binding.sizes[symbol] = argument.tensor.shape[dim];
  MLA_RETURN_IF_ERROR(runtime::layOutWorkspaces(descriptor, binding));
  for (size_t i = 0; i < descriptor.workspaces.size(); ++i) {
    const mlaTensor &tensor = binding.workspaces[i];
    HostArgument &workspace = workspaces.emplace_back();
    workspace.name = descriptor.workspaces[i].name;
    workspace.access = MLA_READ_WRITE;
    workspace.tensor = HostTensor(descriptor.workspaces[i].dtype,
                                  {tensor.shape, tensor.shape + tensor.rank});
    written.emplace_back(workspace.tensor.elements());
  }
  return Status();
}

Status KernelSequence::create(mlir::ModuleOp module,
                              const runtime::KernelDescriptor &descriptor,
                              std::vector<HostArgument> &arguments,
                              int64_t sms) {
  if (arguments.size() != descriptor.arguments.size())
    return runtime::invalidArgument(
        "expected " + std::to_string(descriptor.arguments.size()) +
        " arguments, got " + std::to_string(arguments.size()));
  MLA_RETURN_IF_ERROR(makeWorkspaces(descriptor, arguments, sms));
  llvm::StringMap<interp::Argument> byName;
  for (auto [known, argument] :
       llvm::zip(descriptor.arguments, makeInterpreterArguments(arguments)))
    byName[known.name] = argument;
  for (auto [i, argument] :
       llvm::enumerate(makeInterpreterArguments(workspaces))) {
    argument.written = &written[i];
    byName[workspaces[i].name] = argument;
  }
  trackSharedOutputs(module, arguments, byName);
  reset();
  for (auto kernel : module.getOps<mlir::func::FuncOp>()) {
    Step &step = sequence.emplace_back();
    step.kernel = kernel;
    for (unsigned i = 0; i < kernel.getNumArguments(); ++i) {
      auto found = byName.find(getArgumentName(kernel, i));
      if (found == byName.end())
        return runtime::invalidArgument("kernel '" + kernel.getSymName().str() +
                                        "': expected a value for argument '" +
                                        getArgumentName(kernel, i) +
                                        "', got none");
      step.arguments.push_back(found->second);
    }
  }
  return Status();
}

static bool isStoredTo(mlir::Value memref) {
  return llvm::any_of(memref.getUsers(), [&](mlir::Operation *user) {
    return mlir::hasEffect<mlir::MemoryEffects::Write>(user, memref);
  });
}

void KernelSequence::trackSharedOutputs(
    mlir::ModuleOp module, const std::vector<HostArgument> &arguments,
    llvm::StringMap<interp::Argument> &byName) {
  llvm::StringMap<unsigned> writers;
  for (auto kernel : module.getOps<mlir::func::FuncOp>())
    for (mlir::BlockArgument arg : kernel.getArguments())
      writers[getArgumentName(kernel, arg.getArgNumber())] += isStoredTo(arg);
  for (const HostArgument &argument : arguments) {
    if (writers.lookup(argument.name) < 2)
      continue;
    SharedOutput &output = outputs.emplace_back();
    output.argument = &argument;
    output.written =
        std::make_unique<llvm::BitVector>(argument.tensor.storageElements());
    byName[argument.name].written = output.written.get();
  }
}

void KernelSequence::reset() {
  for (HostArgument &workspace : workspaces)
    workspace.tensor.fillWithPoison();
  for (llvm::BitVector &bits : written)
    bits.reset();
  for (SharedOutput &output : outputs)
    output.written->reset();
}

Status KernelSequence::checkWritten() const {
  for (const SharedOutput &output : outputs) {
    const HostTensor &tensor = output.argument->tensor;
    for (int64_t i = 0; i < tensor.elements(); ++i)
      if (!output.written->test(tensor.offsetOf(i)))
        return runtime::invalidArgument("output '" + output.argument->name +
                                        "': no kernel writes element " +
                                        std::to_string(i) +
                                        ", counted in row-major order");
  }
  return Status();
}

uint64_t KernelSequence::workspaceBytes() const {
  uint64_t bytes = 0;
  for (const HostArgument &workspace : workspaces)
    bytes += workspace.tensor.storage.size();
  return bytes;
}
