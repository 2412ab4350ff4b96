//===- mla-jit.cpp - compile, run and inspect kernels -----------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "Commands.h"
#include "Interrupt.h"
#include "mla/JIT/Version.h"
#include "mla/Runtime/Files.h"
#include "mla/Support/Files.h"
#include "llvm/Support/InitLLVM.h"
#include <iostream>
#include <new>

using namespace mla;

int main(int argc, char **argv) {
  runtime::guardStandardStreams();
  llvm::InitLLVM init(argc, argv);
  killProgramsOnInterrupt();
  runtime::ignoreFileSizeSignal();
  // LLVM's handler ends the process where memory runs out; without it
  // std::bad_alloc becomes an error message.
  std::set_new_handler(nullptr);
  cli::Tool tool("mla-jit",
                 "Compiles multi-head latent attention for Hopper GPUs.",
                 versionText());
  addEmitCommand(tool);
  addScheduleCommand(tool);
  addCompileCommand(tool);
  addPackageCommand(tool);
  addRunCommands(tool);
  addTuneCommand(tool);
  addExplainCommand(tool);
  addMutateCommand(tool);
  addInfoCommand(tool);
  addCacheCommand(tool);
  return finishOutput(tool.run({argv + 1, argv + argc}, std::cout, std::cerr));
}
