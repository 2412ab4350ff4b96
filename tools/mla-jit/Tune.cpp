//===- Tune.cpp - the command `tune` ----------------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "Commands.h"
#include "Flags.h"
#include "OperatorFlags.h"
#include "Session.h"
#include "mla/Autotuner/Autotuner.h"
#include "mla/Harness/CommandLine.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FormatVariadic.h"
#include <set>

using namespace mla;

namespace {
struct TuneOptions {
  CompileFlags compile;
  OperatorFlags op;
  std::string operand;
  std::vector<std::string> schedules;
  std::string table;
  bool dryRun = false;
  harness::ToolOptions bench;

  std::string readSchedule(const std::string &schedule);
  std::string readOperator();
  std::string findFault();
};
} // namespace

std::string TuneOptions::readSchedule(const std::string &schedule) {
  schedules.push_back(schedule);
  return checkSchedule(schedule);
}

/// Takes the operator's name, and from the cases those sizes that the IR has to
/// fix.
std::string TuneOptions::readOperator() {
  std::string fault = op.parseOperand(operand);
  if (!fault.empty())
    return fault;
  for (const SizeInfo &size : op.getOperator()->table.sizes) {
    if (!size.isStatic)
      continue;
    std::set<int64_t> values;
    for (harness::Sizes &sizes : bench.cases)
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
      op.addSetting(llvm::formatv("{0}={1}", size.name, *values.begin()).str());
  }
  return op.resolve();
}

std::string TuneOptions::findFault() {
  if (operand.empty())
    return "expected one operator, got 0";
  harness::finishCases(bench);
  bench.inputs.poison = false;
  bench.inputs.invalidShare = 0;
  bool isName =
      operand.find('.') == std::string::npos && !llvm::sys::fs::exists(operand);
  if (isName)
    if (std::string fault = readOperator(); !fault.empty())
      return fault;
  if (!isName && !op.isEmpty())
    return "expected the name of an operator with options that change its IR, "
           "got " +
           operand;
  if (std::string fault = compile.findFault(); !fault.empty())
    return fault;
  if (!table.empty())
    for (const std::string &schedule : schedules)
      if (isScheduleFile(schedule))
        return "option '--table': a table names schedules that ship, got the "
               "file '" +
               schedule + "'";
  if (dryRun && !table.empty())
    return "option '--table': nothing is measured with --dry-run";
  return "";
}

static int tune(const TuneOptions &options) {
  AutotuneOptions how;
  if (options.op.getOperator())
    how.spec = options.op.getSpec();
  how.file = options.operand;
  how.compile = options.compile.options;
  how.schedules = options.schedules;
  how.table = options.table;
  how.dryRun = options.dryRun;
  how.bench = options.bench;
  how.bench.operands = {options.operand};
  Session session;
  llvm::Expected<bool> allRight =
      autotune(how, session.context, llvm::outs(), llvm::errs());
  if (!allRight)
    return finish(allRight.takeError());
  return *allRight ? cli::kExitSuccess : cli::kExitFailure;
}

void mla::addTuneCommand(cli::Tool &tool) {
  auto options = std::make_shared<TuneOptions>();
  cli::Command &command =
      tool.command("tune", "find the fastest schedule", kRunHeading);
  command
      .describe("Compiles an operator with each schedule, checks the kernels, "
                "times them in turns on the GPU, and prints which is the "
                "fastest back to back. FILE.mlir has one operator without a "
                "schedule; OPERATOR takes the sizes and options of `emit`.")
      .example("mla-jit tune sparse_prefill --sizes h_q=64,s_q=4096 --table "
               "tuning.txt")
      .operands("FILE.mlir|OPERATOR",
                [options](const std::string &word) -> std::string {
                  if (!options->operand.empty())
                    return "expected one operator, got 2";
                  options->operand = word;
                  return "";
                },
                {getOperatorNames(), /*files=*/true});
  command.flag("--dry-run", options->dryRun,
               "no GPU: print what the cost model predicts, in cycles, and "
               "which schedule is chosen without --schedule");
  command
      .option("--table", "FILE", cli::readText(options->table),
              "put the fastest into this tuning table")
      .offerFiles();
  command
      .option("--schedule", "NAME,...",
              cli::readList([options](const std::string &schedule) {
                return options->readSchedule(schedule);
              }),
              "the schedules to try (default: all), also files and parameters, "
              "as in swapped,swapped:block_kv=32,mine.mlir")
      .offer(getSchedules())
      .offerFiles();
  harness::declareCases(
      command, options->bench,
      "sizes of a case (default: those typical of the operator); of several "
      "cases, which count alike, with lists, as in s_kv=8192/65536, or "
      "repeated");
  options->compile.declareTarget(command.group("Compilation"));
  harness::declareTiming(command.group("Timing"), options->bench);
  harness::declareValues(command, options->bench.inputs);
  options->op.declareOptions(command, "OPERATOR:");
  command.notes(OperatorFlags::describeSizes());
  command.check([options, &command] {
    std::string fault = options->findFault();
    options->op.noteOldSpellings(command);
    return fault;
  });
  command.action(
      [options](std::ostream &, std::ostream &) { return tune(*options); });
}
