//===- Mutate.cpp - the command `mutate` ------------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "mla/Mutation/Mutate.h"
#include "Commands.h"
#include "Flags.h"
#include "mla/Harness/CommandLine.h"
#include "mla/Harness/Progress.h"
#include "mla/Support/Files.h"
#include "mla/Support/NearNames.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/Path.h"

using namespace mla;

namespace {

struct MutateFlags {
  mutation::MutateOptions options;
  bool list = false, quiet = false;
  std::string json, output = "-";
};

//===----------------------------------------------------------------------===//
// The command
//===----------------------------------------------------------------------===//

/// Writes the results; returns the exit code.
llvm::Expected<int> report(const MutateFlags &flags,
                           llvm::ArrayRef<mutation::KernelScore> scores) {
  if (!flags.json.empty())
    if (llvm::Error error = writeOutput(flags.json, [&](llvm::raw_ostream &os) {
          os << mutation::toJSON(scores) << "\n";
        }))
      return error;
  if (llvm::Error error = writeOutput(flags.output, [&](llvm::raw_ostream &os) {
        mutation::printTable(os, scores);
      }))
    return error;
  for (const mutation::KernelScore &score : scores)
    for (const mutation::Result &result : score.results)
      if (result.survives())
        return 1;
  return 0;
}

llvm::Expected<int> mutate(const MutateFlags &flags) {
  if (flags.list) {
    if (llvm::Error error =
            mutation::listMutations(flags.options, llvm::outs()))
      return error;
    return 0;
  }
  auto scores = mutation::mutatePrograms(flags.options);
  if (!scores)
    return scores.takeError();
  return report(flags, *scores);
}

int listKinds() {
  for (auto &[kind, what] : mutation::getKinds())
    llvm::outs() << llvm::formatv("{0,-16}{1}\n", kind, what);
  return cli::kExitSuccess;
}

int run(MutateFlags &flags) {
  if (llvm::is_contained(flags.options.score.kinds, "list"))
    return listKinds();
  if (!flags.quiet)
    flags.options.progress = &llvm::errs();
  llvm::Expected<int> code = mutate(flags);
  return code ? *code : finish(code.takeError());
}

//===----------------------------------------------------------------------===//
// The command line
//===----------------------------------------------------------------------===//

/// Makes the reader of an option that belongs to the file in front of it.
cli::Read ofFile(MutateFlags &flags,
                 std::function<std::string(mutation::MutateProgram &,
                                           const std::string &value)>
                     read) {
  return [&flags, read](const std::string &value) -> std::string {
    if (flags.options.programs.empty())
      return "expected a file in front of it";
    return read(flags.options.programs.back(), value);
  };
}

void declareFileOptions(cli::Command &command, MutateFlags &flags) {
  using Program = mutation::MutateProgram;
  command.group("Options of the file in front of them");
  auto readSizes = [](Program &program, const std::string &value) {
    return harness::readCases(value, program.cases);
  };
  command
      .option("--sizes", "NAME=N,...", ofFile(flags, readSizes),
              "run-time sizes to simulate; repeat it for more cases")
      .repeatable();
  auto readSchedule = [](Program &program, const std::string &value) {
    program.schedule = value;
    return value == "auto" ? "" : checkSchedule(value);
  };
  command
      .option("--schedule", "NAME", ofFile(flags, readSchedule),
              "schedule of an operator that carries none")
      .repeatable()
      .offer(getSchedules())
      .offerFiles();
  auto readScale = [](Program &program, const std::string &value) {
    return cli::readNumber([&](double scale) { program.inputs.scale = scale; },
                           harness::isScale,
                           "a number above 0 that fp32 holds")(value);
  };
  command
      .option("--scale", "X", ofFile(flags, readScale),
              "value of the argument 'scale'")
      .repeatable();
  auto readName = [](Program &program, const std::string &value) {
    program.name = value;
    return "";
  };
  command
      .option("--name", "TEXT", ofFile(flags, readName),
              "its column in the table (default: the file's stem)")
      .repeatable();
}

void declareSelection(cli::Command &command, MutateFlags &flags) {
  mutation::ScoreOptions &score = flags.options.score;
  std::vector<std::string> kinds = {"list"};
  for (auto &[kind, what] : mutation::getKinds())
    kinds.push_back(kind.str());
  command.group("Mutations");
  command
      .option("--kind", "KIND,...",
              cli::readList([&score, kinds](const std::string &kind) {
                score.kinds.push_back(kind);
                return llvm::is_contained(kinds, kind)
                           ? ""
                           : "unknown kind '" + kind + "'" +
                                 suggest(kind, kinds) +
                                 " (see mla-jit mutate --kind=list)";
              }),
              "only these kinds; --kind=list prints them")
      .offer(kinds);
  command.option("--filter", "TEXT", cli::readText(score.filter),
                 "only mutations whose identifier contains TEXT");
  command.option("--sample", "N", cli::readInteger(score.sample, 0),
                 "N mutations of each file, drawn by --seed (0: all)");
  command.option("--seed", "N", cli::readInteger(score.seed, 0), "(default 0)");
  command.flag("--list", flags.list, "print the identifiers and stop");
}

void declareTrials(cli::Command &command, MutateFlags &flags) {
  constexpr int64_t kMost = std::numeric_limits<int32_t>::max();
  command.group("Trials");
  command.option("--seeds", "N",
                 cli::readInteger(flags.options.seeds, 0, kMost),
                 "random timings besides the earliest and the latest (default "
                 "2)");
  command.flag(
      "--static", [&flags] { flags.options.simulate = false; },
      "do not simulate");
  command.flag("--quick", flags.options.score.quick,
               "do not simulate what --mla-verify-async refuses");
  command.option("--threads", "N",
                 cli::readInteger(flags.options.score.threads, 0, kMost),
                 "(default: one a core)");
}

void declareResults(cli::Command &command, MutateFlags &flags) {
  command.group("Results");
  command
      .option("--json", "FILE", cli::readText(flags.json), "write the results")
      .offerFiles();
  command
      .option("-o", "FILE", cli::readText(flags.output),
              "write the table (default: standard output)")
      .offerFiles();
  command.flag("--quiet", flags.quiet, "no line for each mutation on stderr");
}
} // namespace

void mla::addMutateCommand(cli::Tool &tool) {
  auto flags = std::make_shared<MutateFlags>();
  cli::Command &command = tool.command(
      "mutate", "count which damage is found, and by what", kInspectHeading);
  command
      .describe(
          "Damages each program in every way that is one step wrong, and "
          "counts what finds it: --mla-verify-async, or the simulator, "
          "by a broken rule or by other values. What neither finds has "
          "to be equivalent by a rule; the exit code is 1 if it is not. A "
          "cell of the table reads \"mutations: found by the verifier / "
          "by the simulator / equivalent\".")
      .example(
          "mla-jit mutate op.mlir --sizes s_q=2,s_kv=200,topk=200 --sample "
          "100")
      .operands(
          "(FILE.mlir [options of the file])...",
          [flags](const std::string &word) {
            flags->options.programs.push_back(
                {word, llvm::sys::path::stem(word).str(), "auto", {}, {}});
            return "";
          });
  declareFileOptions(command, *flags);
  declareSelection(command, *flags);
  declareTrials(command, *flags);
  declareResults(command, *flags);
  command.check([flags]() -> std::string {
    bool onlyLists = llvm::is_contained(flags->options.score.kinds, "list");
    return flags->options.programs.empty() && !onlyLists ? "expected a file"
                                                         : "";
  });
  command.action(
      [flags](std::ostream &, std::ostream &) { return run(*flags); });
}
