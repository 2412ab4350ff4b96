//===- Tune.cpp - the command `tune` ----------------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "Tune.h"
#include "TuneFlags.h"
#include "mla/Autotuner/Autotuner.h"

using namespace mla;

static AutotuneOptions makeAutotuneOptions(const TuneFlags &flags,
                                           const harness::ToolOptions &bench) {
  AutotuneOptions options;
  if (flags.op.getOperator())
    options.spec = flags.op.getSpec();
  options.file = bench.operands.front();
  options.compile = flags.compile.options;
  options.schedules = flags.schedules;
  options.table = flags.table;
  options.dryRun = flags.dryRun;
  options.bench = bench;
  return options;
}

int tuneCommand(const std::vector<std::string> &words,
                mlir::MLIRContext &context) {
  TuneFlags flags;
  harness::ToolConfig config;
  config.commandName = "tune";
  config.operandName = "FILE.mlir|OPERATOR";
  config.optionHelp = TuneFlags::help();
  config.option = [&](const std::string &word, std::string &error) {
    return flags.parse(word, error);
  };
  // Sizes, inputs and how to time are said as for `bench`.
  std::vector<std::string> all{"bench"};
  all.insert(all.end(), words.begin(), words.end());
  harness::ToolOptions options;
  std::string fault = harness::parseToolOptions(config, all, options);
  if (options.help)
    return llvm::outs() << config.optionHelp << "\n"
                        << harness::kExitCodeHelp,
           harness::kExitSuccess;
  if (fault.empty())
    fault = findTuneFault(flags, options);
  if (!fault.empty()) {
    llvm::errs() << "error: " << fault << " (see mla-jit tune --help)\n";
    return harness::kExitUsage;
  }
  llvm::Expected<bool> allRight = autotune(makeAutotuneOptions(flags, options),
                                           context, llvm::outs(), llvm::errs());
  if (!allRight) {
    llvm::errs() << "error: " << llvm::toString(allRight.takeError()) << "\n";
    return harness::kExitFailure;
  }
  return *allRight ? harness::kExitSuccess : harness::kExitFailure;
}
