//===- IRTools.cpp - everything that takes IR -----------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "IRTools.h"
#include "Commands.h"
#include "PassList.h"
#include "mla/Executors/InterpreterExecutor.h"
#include "mla/Executors/SimulatorExecutor.h"
#include "mla/Harness/Inputs.h"
#include "mla/JIT/Compiler.h"
#include "mlir/Pass/PassManager.h"
#include <iostream>

using namespace mla;
using namespace mla::fuzz;
using llvm::StringRef;

/// The project's passes, by CMake from their .td files.
static constexpr StringRef kPasses[] = {
#include "passes.inc"
};

/// Says in the child's output what runs, for the report of a fault.
static void announce(StringRef tool) { llvm::errs() << "[" << tool << "]\n"; }

static void runPassesAlone(mlir::ModuleOp module) {
  for (StringRef name : kPasses) {
    announce(name);
    mlir::OwningOpRef<mlir::ModuleOp> copy = module.clone();
    mlir::PassManager pm(module.getContext(),
                         mlir::ModuleOp::getOperationName(),
                         mlir::OpPassManager::Nesting::Implicit);
    if (failed(addPasses(name, pm)))
      llvm::report_fatal_error("no such pass");
    (void)pm.run(*copy);
  }
}

/// Values for the arguments of `descriptor`.
static harness::Status
makeSmallArguments(const runtime::KernelDescriptor &descriptor,
                   std::vector<harness::HostArgument> &arguments) {
  harness::Sizes sizes;
  for (const std::string &name : descriptor.sizeNames)
    sizes[name] = name == "s_q" ? 1 : name == "topk" ? 70 : 33;
  return harness::makeArguments(descriptor, sizes, {}, arguments);
}

/// Runs a lowered copy of `module`, as `run --device=` does.
template <typename Lower, typename Make>
static void run(mlir::ModuleOp module, const CompiledKernel &kernel,
                Lower lower, Make makeExecutor) {
  auto copy =
      std::make_shared<mlir::OwningOpRef<mlir::ModuleOp>>(module.clone());
  runtime::KernelDescriptor descriptor;
  std::vector<harness::HostArgument> arguments;
  double ms = 0;
  if (failed(lower(**copy, CompileOptions())) ||
      !runtime::parseDescriptor(kernel.descriptor, descriptor).ok() ||
      !makeSmallArguments(descriptor, arguments).ok())
    return;
  harness::Status status = makeExecutor(copy, descriptor)(arguments, ms);
  llvm::errs() << status.message() << "\n";
}

/// Runs a command line of mla-jit.
static void runCommand(void (*addCommand)(cli::Tool &),
                       const std::vector<std::string> &words) {
  announce(words.front());
  cli::Tool tool("mla-jit", "", "");
  addCommand(tool);
  (void)tool.run(words, std::cout, std::cerr);
}

bool mla::fuzz::giveToTools(mlir::ModuleOp module, StringRef file) {
  runPassesAlone(module);
  announce("compile");
  CompileOptions options;
  options.ptxOnly = true;
  llvm::Expected<CompiledKernel> kernel = compileKernel(module, options);
  if (!kernel) {
    llvm::errs() << llvm::toString(kernel.takeError()) << "\n";
    kernel = CompiledKernel();
  }
  announce("simulator");
  SimulatorExecutorOptions simulator;
  simulator.simulator.threads = 0;
  simulator.simulator.stepLimit = 300'000;
  run(module, *kernel, lowerToCTA, [&](auto copy, const auto &descriptor) {
    return makeSimulatorExecutor(copy, descriptor, simulator);
  });
  announce("interpreter");
  run(module, *kernel, lowerToTile, [&](auto copy, const auto &descriptor) {
    return makeInterpreterExecutor(copy, descriptor);
  });
  const std::string sizes = "--sizes=s_q=1,s_kv=33,topk=70";
  runCommand(addExplainCommand,
             {"explain", file.str(), "-o", "/dev/null", sizes});
  runCommand(addMutateCommand,
             {"mutate", "--quiet", "--threads=1", "--seeds=1", "--sample=2",
              "-o", "/dev/null", file.str(), sizes});
  return !kernel->descriptor.empty();
}
