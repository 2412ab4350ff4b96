//===- TuneFlags.cpp - the options of `tune` --------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "TuneFlags.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FormatVariadic.h"
#include <set>

using namespace mla;

static constexpr llvm::StringLiteral kHelp =
    R"(usage: mla-jit tune FILE.mlir|OPERATOR[:NAME=N,...] [options]

Compiles an operator with each schedule, checks the kernels, times them in turns
on the GPU, and prints which is the fastest back to back. FILE.mlir has one
operator without a schedule; OPERATOR takes the options of `emit`, listed below.

  --dry-run              no GPU: what the cost model predicts, in cycles, and
                         which schedule is chosen without --schedule
  --table=FILE           puts the fastest into this tuning table
  --schedule=NAME,...    the schedules to try (default: all):
                         {0};
                         files and parameters as for compile, as in
                         swapped,swapped:keys=32,mine.mlir
  --tuning-table=FILE    instead of the tuning table that ships, for --dry-run
  --gpu=NAME, --target=NAME, --threshold=X, --ptxas=PATH, --ptxas-timeout=N
                         as for compile
  --expect-sizes=NAME=N,...
                         as for compile, for the choice that --dry-run prints
  --sizes NAME=N,...     a case (default: what is typical, s_kv as expected);
                         repeat it for more, which count alike
  --size NAME=N          a size of all cases
  --iterations=N, --warmup=N, --rounds=N, --gap=MS, --seed=N, --scale=X
                         as for bench
)";

std::string TuneFlags::help() {
  return llvm::formatv(kHelp.data(), llvm::join(getSchedules(), ", ")).str() +
         OperatorFlags::help();
}

std::string TuneFlags::parseSchedules(llvm::StringRef value) {
  for (llvm::StringRef name : llvm::split(value, ',')) {
    if (std::string error = checkSchedule(name); !error.empty())
      return error;
    schedules.push_back(name.str());
  }
  return "";
}

bool TuneFlags::parse(llvm::StringRef word, std::string &error) {
  auto [name, value] = word.split('=');
  if (word == "--dry-run")
    return dryRun = true;
  if (name == "--table") {
    table = value.str();
    if (value.empty())
      error = "expected --table=FILE, got '" + word.str() + "'";
  } else if (name == "--schedule")
    error = parseSchedules(value);
  else
    return op.parse(word) || compile.parse(word, error);
  return true;
}

bool isOperatorName(const std::string &operand) {
  return operand.find('.') == std::string::npos &&
         !llvm::sys::fs::exists(operand);
}

/// Takes the operand and those of the sizes that are the operator's own.
static std::string readOperatorName(TuneFlags &flags,
                                    harness::ToolOptions &options) {
  std::string fault = flags.op.parseOperand(options.operands.front());
  if (!fault.empty())
    return fault;
  for (const SizeInfo &size : flags.op.getOperator()->table.sizes) {
    if (!size.isStatic)
      continue;
    std::set<int64_t> values;
    for (harness::Sizes &sizes : options.cases)
      if (auto found = sizes.find(std::string(size.name));
          found != sizes.end()) {
        values.insert(found->second);
        sizes.erase(found);
      }
    if (values.size() > 1)
      return llvm::formatv("size '{0}': expected one value in all cases, got "
                           "{1} and {2}",
                           size.name, *values.begin(), *values.rbegin());
    if (!values.empty())
      flags.op.addSetting(
          llvm::formatv("{0}={1}", size.name, *values.begin()).str());
  }
  return flags.op.resolve();
}

std::string findTuneFault(TuneFlags &flags, harness::ToolOptions &options) {
  if (options.operands.size() != 1)
    return "expected one operator, got " +
           std::to_string(options.operands.size());
  if (isOperatorName(options.operands.front()))
    if (std::string fault = readOperatorName(flags, options); !fault.empty())
      return fault;
  if (!flags.op.getOperator() && !flags.op.isEmpty())
    return "expected the name of an operator with options that change its IR, "
           "got " +
           options.operands.front();
  if (std::string fault = flags.compile.findFault(); !fault.empty())
    return fault;
  if (!flags.table.empty())
    for (const std::string &schedule : flags.schedules)
      if (isScheduleFile(schedule))
        return "option '--table': a table names schedules that ship, got the "
               "file '" +
               schedule + "'";
  if (flags.dryRun && !flags.table.empty())
    return "option '--table': nothing is measured with --dry-run";
  if (!options.peers.empty() || options.modes != harness::ToolOptions().modes ||
      options.progress)
    return "options '--peer', '--modes' and '--progress' are those of 'bench'";
  return "";
}
