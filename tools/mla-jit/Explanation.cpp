//===- Explanation.cpp - traces of a program's kernels ----------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "Explanation.h"
#include "mla/Conversion/LaunchDescriptor.h"
#include "mla/Dialect/Tile/Tile.h"
#include "mla/Executors/KernelSequence.h"
#include "mla/Harness/Inputs.h"
#include "mla/Pipelines/Parse.h"
#include "mla/Simulator/Simulator.h"
#include "llvm/Support/Path.h"

using namespace mla;

static llvm::Error makeError(const llvm::Twine &message) {
  return llvm::createStringError(message);
}

static llvm::Error asError(const harness::Status &status) {
  return status.ok() ? llvm::Error::success() : makeError(status.message());
}

llvm::Error Explanation::lower(mlir::MLIRContext &context) {
  module = parseProgramFile(input, context);
  if (!module)
    return makeError("cannot parse '" + input + "'");
  llvm::append_range(kernels, module->getOps<mlir::func::FuncOp>());
  if (kernels.empty())
    return makeError("'" + input +
                     "': expected a program of at least one "
                     "kernel, got none");
  bool isLowered = llvm::all_of(kernels, [](mlir::func::FuncOp kernel) {
    return kernel->hasAttr(cta::kVerifiedAttr);
  });
  if (!isLowered && mlir::failed(lowerToCTA(*module, options)))
    return makeError("the passes failed");
  // Passes may have replaced functions.
  kernels.clear();
  llvm::append_range(kernels, module->getOps<mlir::func::FuncOp>());
  return llvm::Error::success();
}

bool Explanation::isPersistent() {
  return llvm::any_of(kernels, [](mlir::func::FuncOp kernel) {
    return llvm::any_of(kernel.getOps<mlir::scf::ForallOp>(),
                        [](mlir::scf::ForallOp grid) {
                          return grid->hasAttr(tile::kPersistentAttr);
                        });
  });
}

llvm::Expected<runtime::KernelDescriptor> Explanation::describe() {
  mlir::FailureOr<runtime::KernelDescriptor> descriptor =
      describeLaunch(*module);
  if (mlir::failed(descriptor))
    return makeError("nothing to explain");
  return std::move(*descriptor);
}

/// Enough work to fill a GPU; for persistent CTAs a few output tiles each,
/// since the trace has all tiles of a CTA.
static int64_t getDefaultSize(const std::string &name, bool persistent) {
  return name == "s_q"    ? (persistent ? 264 : 4096)
         : name == "s_kv" ? 8192
         : name == "topk" ? 2048
                          : 1024;
}

/// The trace is of the first cluster, so the traced run has as small a grid as
/// its sizes allow.
llvm::Error
Explanation::chooseSizes(const runtime::KernelDescriptor &descriptor,
                         const explain::Sizes &given, bool persistent) {
  sizes = given;
  for (const std::string &name : descriptor.sizeNames)
    sizes.emplace(name, getDefaultSize(name, persistent));
  if (llvm::Error error = asError(harness::checkSizes(descriptor, sizes)))
    return error;
  std::vector<explain::Kernel> facts;
  for (mlir::func::FuncOp kernel : kernels) {
    mlir::FailureOr<explain::Kernel> fact = explain::readKernel(kernel);
    if (mlir::failed(fact))
      return makeError("nothing to explain");
    facts.push_back(std::move(*fact));
  }
  traceSizes = sizes;
  for (const auto &[name, needed] : explain::findGridSizes(facts, sizes))
    traceSizes[name] = std::min(traceSizes[name], needed);
  return llvm::Error::success();
}

/// A traced kernel writes its first cluster's part of a workspace alone; the
/// next kernel finds zeros in the rest.
static void fillWorkspaces(const KernelSequence::Step &step) {
  for (const interp::Argument &argument : step.arguments)
    if (argument.written) {
      size_t bytes =
          argument.written->size() * interp::getByteWidth(argument.elementType);
      std::memset(argument.data, 0, bytes);
      argument.written->set();
    }
}

llvm::Error Explanation::simulate(const runtime::KernelDescriptor &descriptor) {
  // All entries valid: a CTA does as much work as it can.
  harness::InputOptions inputs;
  inputs.poison = false;
  inputs.invalidShare = 0;
  std::vector<harness::HostArgument> arguments;
  if (llvm::Error error = asError(
          harness::makeArguments(descriptor, traceSizes, inputs, arguments)))
    return error;
  sim::Options simulator;
  simulator.timing = sim::Timing::Modelled;
  simulator.firstClusterOnly = true;
  KernelSequence sequence;
  if (llvm::Error error = asError(
          sequence.create(*module, descriptor, arguments, simulator.sms)))
    return error;
  traces.resize(sequence.steps().size());
  for (auto [step, trace] : llvm::zip(sequence.steps(), traces)) {
    fillWorkspaces(step);
    simulator.trace = &trace;
    if (mlir::failed(sim::simulate(step.kernel, step.arguments, simulator)))
      return makeError("the simulator stopped");
  }
  return llvm::Error::success();
}

llvm::Expected<explain::Program> Explanation::run(const explain::Sizes &given,
                                                  bool persistent) {
  llvm::Expected<runtime::KernelDescriptor> descriptor = describe();
  if (!descriptor)
    return descriptor.takeError();
  if (llvm::Error error = chooseSizes(*descriptor, given, persistent))
    return std::move(error);
  if (llvm::Error error = simulate(*descriptor))
    return std::move(error);
  explain::Program program;
  program.source = llvm::sys::path::stem(input).str();
  for (auto [kernel, trace] : llvm::zip(kernels, traces)) {
    mlir::FailureOr<explain::Report> report =
        explain::makeReport(kernel, trace, sizes);
    if (mlir::failed(report))
      return makeError("nothing to explain");
    report->traceSizes = traceSizes;
    program.kernels.push_back(std::move(*report));
  }
  return program;
}
