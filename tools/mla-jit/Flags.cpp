//===- Flags.cpp - options that say how to compile --------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "Flags.h"
#include "mla/Dialect/Tile/Tile.h"
#include "mla/Operators/Operators.h"
#include "mla/Pipelines/Pipelines.h"
#include "mla/Support/NearNames.h"
#include "mla/Tuning/Choice.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FormatVariadic.h"

using namespace mla;

//===----------------------------------------------------------------------===//
// Names
//===----------------------------------------------------------------------===//

/// "unknown WHAT 'NAME', expected one of A, B", the nearest first, or an empty
/// text if NAME is known.
static std::string checkName(llvm::StringRef what, llvm::StringRef name,
                             const std::vector<std::string> &known) {
  if (llvm::is_contained(known, name))
    return "";
  return llvm::formatv("unknown {0} '{1}', expected {2}", what, name,
                       listNames(std::string_view(name), known));
}

std::vector<std::string> mla::getSchedules() {
  std::vector<std::string> names;
  for (const Operator *op : getOperators())
    for (const NamedSchedule &schedule : op->schedules)
      if (!llvm::is_contained(names, schedule.name))
        names.push_back(schedule.name.str());
  return names;
}

std::string mla::checkSchedule(llvm::StringRef text) {
  llvm::Expected<Choice> choice = parseChoice(text);
  if (!choice)
    return llvm::toString(choice.takeError());
  if (!isScheduleFile(choice->schedule))
    return checkName("schedule", choice->schedule, getSchedules());
  if (!llvm::sys::fs::exists(choice->schedule))
    return "schedule '" + choice->schedule + "': no such file";
  return "";
}

//===----------------------------------------------------------------------===//
// Declarations
//===----------------------------------------------------------------------===//

cli::Read CompileFlags::take(const std::string &name, cli::Read read) {
  return [this, name, read](const std::string &value) {
    if (given.empty())
      given = name;
    return read(value);
  };
}

void CompileFlags::declare(cli::Command &command) {
  declareSchedule(command);
  declareTarget(command);
  declareDumps(command);
}

void CompileFlags::declareSchedule(cli::Command &command) {
  std::vector<std::string> names = getSchedules();
  names.push_back("auto");
  std::string help =
      severalSchedules
          ? "schedule of an operator that carries none, or several to compare: "
          : "schedule of an operator that carries none: ";
  command
      .option("--schedule", severalSchedules ? "NAME,..." : "NAME",
              take("--schedule",
                   [this](const std::string &value) {
                     return readSchedules(value);
                   }),
              help + llvm::join(getSchedules(), ", ") +
                  ", a file with a #mla.schedule attribute (its name has a '.' "
                  "or a '/'), or auto (default): by the tuning table or, for a "
                  "shape that it lacks, the cost model. Parameters follow, as "
                  "in NAME:block_kv=32:producer.registers=72 or auto:depth=3 "
                  "(slots of the schedule's rings)")
      .offer(names)
      .offerFiles();
}

void CompileFlags::declareTarget(cli::Command &command) {
  command.option("--expect-sizes", "NAME=N,...",
                 take("--expect-sizes",
                      [this](const std::string &value) -> std::string {
                        auto sizes = parseExpectedSizes(value);
                        if (!sizes)
                          return llvm::toString(sizes.takeError());
                        options.expectSizes = value;
                        return "";
                      }),
                 "sizes to choose a schedule for, if the IR leaves them to run "
                 "time (default: those typical of the operator)");
  command
      .option("--tuning-table", "FILE",
              take("--tuning-table", cli::readText(options.tuningTable)),
              "instead of the tuning table that ships")
      .offerFiles();
  auto gpus = getGpuNames();
  command
      .option("--gpu", "NAME", take("--gpu", cli::readText(options.gpu)),
              "name of the GPU in the tuning table: " + llvm::join(gpus, ", ") +
                  " (default: that of the GPU that is run on)")
      .offer({gpus.begin(), gpus.end()});
  auto readTarget = [this](const std::string &value) -> std::string {
    options.target = value;
    return findTarget(value) ? "" : describeUnknownTarget(value);
  };
  command.option("--target", "NAME", take("--target", readTarget),
                 "the architecture: " + listTargets() + " (default sm_90a)");
  command.option(
      "--threshold", "X",
      take("--threshold",
           cli::readNumber(
               [this](double x) { options.threshold = x; },
               [](double x) { return x >= 0 && x <= tile::kMaxThreshold; },
               llvm::formatv("a threshold in [0, {0}]", tile::kMaxThreshold)
                   .str())),
      "how far, in powers of two, weights may grow before a lazy softmax "
      "rescales, 0 to 64 (default 8; 0: whenever the maximum grows)");
  command
      .option("--ptxas", "PATH",
              take("--ptxas",
                   [this](const std::string &value) {
                     options.ptxas = value;
                     return "";
                   }),
              "the ptxas to use (default: $MLA_PTXAS, $CUDA_HOME/bin, PATH)")
      .offerFiles();
  command.option("--ptxas-timeout", "SECONDS",
                 take("--ptxas-timeout",
                      cli::readInteger(options.ptxasTimeoutSeconds, 0,
                                       std::numeric_limits<int32_t>::max())),
                 "limit for a run of ptxas (default 120)");
}

void CompileFlags::declareDumps(cli::Command &command) {
  command
      .option("--dump-ir", "DIR",
              take("--dump-ir", cli::readText(options.dumpFolder)),
              "write the IR after each pass, LLVM IR, PTX and report")
      .offerFiles();
  std::vector<std::string> names = listKernelPasses();
  llvm::append_range(names, getDumpedFiles());
  command
      .option("--dump", "PASS,...",
              take("--dump", cli::readList([this](const std::string &name) {
                     return readDump(name);
                   })),
              "with --dump-ir: only the IR after these passes; also "
              "kernel.ll, kernel.ptx and ptxas.log")
      .repeatable()
      .offer(names);
}

//===----------------------------------------------------------------------===//
// Values
//===----------------------------------------------------------------------===//

std::string CompileFlags::readSchedules(llvm::StringRef value) {
  schedules.clear();
  for (llvm::StringRef name : llvm::split(value, ',')) {
    // With "auto" the parameters are those of a schedule still to be chosen.
    if (name.split(':').first != CompileOptions().schedule)
      if (std::string fault = checkSchedule(name); !fault.empty())
        return fault;
    if (llvm::is_contained(schedules, name))
      return llvm::formatv("expected schedule '{0}' once, got '{1}'", name,
                           value);
    schedules.push_back(name.str());
  }
  if (schedules.size() > 1 && !severalSchedules)
    return llvm::formatv("expected one schedule, got '{0}'", value);
  options.schedule = schedules.front();
  return "";
}

std::string CompileFlags::readDump(const std::string &name) {
  std::vector<std::string> known = listKernelPasses();
  llvm::append_range(known, getDumpedFiles());
  options.dumpOnly.push_back(name);
  return checkName("pass", name, known);
}

std::string CompileFlags::findFault() const {
  if (!options.dumpOnly.empty() && options.dumpFolder.empty())
    return "option '--dump': expected --dump-ir DIR with it";
  if (!options.dumpFolder.empty() && schedules.size() > 1)
    return "option '--dump-ir': expected one schedule with it, got " +
           llvm::join(schedules, ",");
  if (options.gpu.empty())
    return "";
  std::string fault = mla::findFault(Gpu{options.target, options.gpu});
  return fault.empty() ? "" : "option '--gpu': " + fault;
}
