//===- Flags.cpp - options that several commands share ----------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "Flags.h"
#include "mla/Dialect/Tile/Tile.h"
#include "mla/Operators/Operators.h"
#include "mla/Pipelines/Pipelines.h"
#include "mla/Support/Names.h"
#include "mla/Tuning/Choice.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FormatVariadic.h"

using namespace mla;

//===----------------------------------------------------------------------===//
// Words that have to be one of several
//===----------------------------------------------------------------------===//

/// The one target there is.

/// "unknown WHAT 'NAME', expected one of A, B", the nearest first, or an empty
/// text if NAME is known.
static std::string checkName(llvm::StringRef what, llvm::StringRef name,
                             const std::vector<std::string> &known) {
  if (llvm::is_contained(known, name))
    return "";
  llvm::SmallVector<llvm::StringRef> names(known.begin(), known.end());
  return llvm::formatv("unknown {0} '{1}', expected {2}", what, name,
                       listNames(name, names));
}

std::vector<std::string> getSchedules() {
  std::vector<std::string> names;
  for (const Operator *op : getOperators())
    for (const NamedSchedule &schedule : op->schedules)
      if (!llvm::is_contained(names, schedule.name))
        names.push_back(schedule.name.str());
  return names;
}

std::string checkSchedule(llvm::StringRef text) {
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
// How to compile
//===----------------------------------------------------------------------===//

static constexpr llvm::StringLiteral kCompileHelp =
    R"({0}
                         {1},
                         a file with a #mla.schedule attribute (its name has
                         a '.' or a '/'), or auto (default): by the tuning table
                         or, for a shape that it lacks, the cost model. Numbers
                         can be changed, as in NAME:block_kv=32:producer.registers=72
                         or auto:depth=3 (slots of the schedule's rings)
  --expect-sizes=NAME=N,...
                         sizes to choose a schedule for, if the IR leaves them to
                         run time (default: what is typical of the operator)
  --tuning-table=FILE    instead of the tuning table that ships
  --gpu=NAME             name of the GPU for the tuning table:
                         {2}
                         (default: that of the GPU that is run on)
  --threshold=X          how far, in powers of two, weights may grow before a lazy
                         softmax rescales, 0 to 64 (default 8; 0: whenever the
                         maximum grows)
  --target=NAME          the architecture: {2} (default sm_90a)
  --ptxas=PATH           the ptxas to use (default: $MLA_PTXAS, $CUDA_HOME/bin,
                         PATH)
  --ptxas-timeout=N      seconds (default 120)
  --dump-ir=DIR      write the IR after each pass, LLVM IR, PTX and report
  --dump=PASS,...        with --dump-ir: the IR after these passes only; also
                         kernel.ll, kernel.ptx and ptxas.log
)";

std::string CompileFlags::help() const {
  return llvm::formatv(kCompileHelp.data(),
                       severalSchedules
                           ? "  --schedule=NAME,...    schedule of an operator "
                             "that carries none, "
                             "or several\n                         to compare:"
                           : "  --schedule=NAME        schedule of an operator "
                             "that carries none:",
                       llvm::join(getSchedules(), ", "),
                       llvm::join(getGpuNames(), ", "), listTargets());
}

std::string CompileFlags::parseSchedules(llvm::StringRef value) {
  schedules.clear();
  for (llvm::StringRef name : llvm::split(value, ',')) {
    // With "auto" the parameters are those of a schedule still to be chosen.
    if (name.split(':').first != CompileOptions().schedule)
      if (std::string error = checkSchedule(name); !error.empty())
        return error;
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

std::string CompileFlags::parseDumps(llvm::StringRef value) {
  std::vector<std::string> known = listKernelPasses();
  llvm::append_range(known, getDumpedFiles());
  for (llvm::StringRef name : llvm::split(value, ',')) {
    if (std::string error = checkName("pass", name, known); !error.empty())
      return error;
    options.dumpOnly.push_back(name.str());
  }
  return "";
}

bool CompileFlags::parse(llvm::StringRef word, std::string &error) {
  std::pair<llvm::StringRef, llvm::StringRef> parts = word.split('=');
  llvm::StringRef name = parts.first, value = parts.second;
  auto number = [&](auto &out) {
    if (value.getAsInteger(10, out))
      error = llvm::formatv("expected {0}=N, got '{1}'", name, word);
    return true;
  };
  auto text = [&](auto &out) {
    if (value.empty())
      error = llvm::formatv("expected {0}=TEXT, got '{1}'", name, word);
    out = value.str();
    return true;
  };
  if (name == "--schedule")
    return error = parseSchedules(value), true;
  if (name == "--tuning-table")
    return text(options.tuningTable);
  if (name == "--gpu")
    return text(options.gpu);
  if (name == "--target") {
    if (!findTarget({value.data(), value.size()}))
      error = describeUnknownTarget({value.data(), value.size()});
    return text(options.target);
  }
  if (name == "--threshold") {
    if (value.getAsDouble(options.threshold))
      error = llvm::formatv("expected {0}=X, got '{1}'", name, word);
    else if (!(options.threshold >= 0 &&
               options.threshold <= tile::kMaxThreshold))
      error = llvm::formatv("option '{0}': expected a threshold in [0, {1}], "
                            "got {2}",
                            name, tile::kMaxThreshold, value);
    return true;
  }
  if (name == "--expect-sizes") {
    llvm::Expected<ExpectedSizes> sizes = parseExpectedSizes(value);
    if (!sizes)
      error = "option '--expect-sizes': " + llvm::toString(sizes.takeError());
    return text(options.expectSizes);
  }
  if (name == "--ptxas")
    return text(options.ptxas);
  if (name == "--ptxas-timeout")
    return number(options.ptxasTimeoutSeconds);
  if (name == "--dump-ir")
    return text(options.dumpFolder);
  if (name == "--dump")
    return error = parseDumps(value), true;
  return false;
}

std::string CompileFlags::findFault() const {
  if (!options.dumpOnly.empty() && options.dumpFolder.empty())
    return "option '--dump': expected --dump-ir=DIR with it";
  if (!options.dumpFolder.empty() && schedules.size() > 1)
    return "option '--dump-ir': expected one schedule with it, got " +
           llvm::join(schedules, ",");
  if (options.gpu.empty())
    return "";
  return mla::findFault(Gpu{options.target, options.gpu});
}
