//===- Mutate.cpp - the command `mutate` ------------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "Mutate.h"
#include "Command.h"
#include "Flags.h"
#include "mla/Mutation/Mutate.h"
#include "mla/Support/Files.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/Path.h"

using namespace mla;

namespace {

constexpr llvm::StringLiteral kHelp =
    R"(usage: mla-jit mutate [options] (FILE.mlir [options of the file])...

Damages each program in every way that is one step wrong, and counts what finds
it: --mla-verify-async, and the simulator, by a broken rule or by other values.
What neither finds has to be harmless by a rule; exit code 1 if it is not. A cell
of the table reads "mutations: found by the verifier / by the simulator /
harmless".

  --seeds=N         random timings beside the earliest and the latest (default 2)
  --sample=N        try N mutations of each file, drawn by --seed
  --seed=N          (default 0)
  --kind=A,B        only these kinds; --kind=list prints them
  --filter=TEXT     only mutations whose identifier contains TEXT
  --list            print the identifiers and stop
  --static          do not simulate
  --quick           do not simulate what --mla-verify-async refuses
  --threads=N       (default: one a core)
  --json=FILE       write the results
  -o FILE           write the table (default: standard output)
  --quiet           no progress

of a file
  --sizes=NAME=N,...
                    run-time sizes to simulate; repeat it for more cases
  --schedule=NAME   schedule of an operator that carries none
  --scale=X         the argument 'scale'
  --name=TEXT       its column (default: the file's stem)
)";

struct MutateFlags {
  mutation::MutateOptions options;
  bool list = false, quiet = false;
  std::string json, output = "-";
};

//===----------------------------------------------------------------------===//
// The command line
//===----------------------------------------------------------------------===//

/// Takes an option of the file before it; false if it is malformed.
bool parseFileOption(llvm::StringRef name, llvm::StringRef value,
                     mutation::MutateProgram &program) {
  if (name == "--sizes")
    return harness::readSizes(value.str(), program.cases.emplace_back())
        .empty();
  if (name == "--scale")
    return !value.getAsDouble(program.inputs.scale.emplace()) &&
           harness::isScale(*program.inputs.scale);
  (name == "--schedule" ? program.schedule : program.name) = value.str();
  return !value.empty();
}

/// Takes one option; sets `error` if it is malformed.
void parseOption(const Option &option, MutateFlags &flags, std::string &error) {
  llvm::StringRef name = option.name, value = option.value;
  bool good = true;
  if (name == "--sizes" || name == "--schedule" || name == "--scale" ||
      name == "--name") {
    if (flags.options.programs.empty()) {
      error = "option '" + name.str() + "' stands behind a file";
      return;
    }
    if (name == "--schedule" && value != "auto")
      error = checkSchedule(value);
    good = parseFileOption(name, value, flags.options.programs.back());
  } else if (name == "--seeds")
    good = !value.getAsInteger(10, flags.options.seeds);
  else if (name == "--sample")
    good = !value.getAsInteger(10, flags.options.score.sample);
  else if (name == "--seed")
    good = !value.getAsInteger(10, flags.options.score.seed);
  else if (name == "--threads")
    good = !value.getAsInteger(10, flags.options.score.threads);
  else if (name == "--kind")
    for (llvm::StringRef kind : llvm::split(value, ','))
      flags.options.score.kinds.push_back(kind.str());
  else if (name == "--filter")
    flags.options.score.filter = value.str();
  else if (name == "--json")
    flags.json = value.str();
  else if (name == "-o")
    flags.output = value.str();
  else if (name == "--list")
    flags.list = true;
  else if (name == "--static")
    flags.options.simulate = false;
  else if (name == "--quick")
    flags.options.score.quick = true;
  else if (name == "--quiet")
    flags.quiet = true;
  if (!good)
    error = "malformed option '" + option.word.str() + "'";
}

/// Whether the kinds are known, and there is a file.
std::string findFault(const MutateFlags &flags) {
  std::vector<std::string> known;
  for (auto &[kind, what] : mutation::getKinds())
    known.push_back(kind.str());
  for (const std::string &kind : flags.options.score.kinds)
    if (!llvm::is_contained(known, kind))
      return "unknown kind '" + kind + "'" + harness::suggest(kind, known) +
             " (see mla-jit mutate --kind=list)";
  return flags.options.programs.empty() ? "expected a file" : "";
}

int fail(const llvm::Twine &message) {
  llvm::errs() << "error: " << message << "\n";
  return 1;
}

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
} // namespace

int mutateCommand(const std::vector<std::string> &words) {
  MutateFlags flags;
  auto option = [&](const Option &option, std::string &error) {
    parseOption(option, flags, error);
  };
  auto operand = [&](const std::string &word) {
    flags.options.programs.push_back(
        {word, llvm::sys::path::stem(word).str(), "auto", {}, {}});
    return "";
  };
  if (std::optional<int> code =
          readCommand({"mutate", kHelp.str(), option, operand}, words))
    return *code;
  if (llvm::is_contained(flags.options.score.kinds, "list")) {
    for (auto &[kind, what] : mutation::getKinds())
      llvm::outs() << llvm::formatv("{0,-16}{1}\n", kind, what);
    return 0;
  }
  if (std::string fault = findFault(flags); !fault.empty())
    return failUsage("mutate", fault);
  if (!flags.quiet)
    flags.options.progress = &llvm::errs();
  llvm::Expected<int> code = mutate(flags);
  return code ? *code : fail(llvm::toString(code.takeError()));
}
