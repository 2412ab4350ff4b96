//===- Mutate.cpp - the command `mutate` ------------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "Mutate.h"
#include "Command.h"
#include "Flags.h"
#include "InterpreterExecutor.h"
#include "mla/Conversion/Passes.h"
#include "mla/Harness/Check.h"
#include "mla/Harness/Inputs.h"
#include "mla/JIT/Compiler.h"
#include "mla/Mutation/Score.h"
#include "mla/Pipelines/Parse.h"
#include "mla/Pipelines/Pipelines.h"
#include "mla/Simulator/Simulator.h"
#include "mla/Support/Files.h"
#include "mla/Support/Names.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/Path.h"

using namespace mla;

namespace {

constexpr llvm::StringLiteral kHelp =
    R"(usage: mla-jit mutate [options] (FILE.mlir [options of the file])...

Damages each program in every way that is one step wrong, and counts what finds
it: --mla-verify-async, and the simulator, by a broken rule or by other values.
What neither finds has to be equivalent by a rule; exit code 1 if it is not. A cell
of the table reads "mutations: found by the verifier / by the simulator /
equivalent".

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

/// One program and how to try it.
struct Program {
  std::string file, name, schedule;
  std::vector<harness::Sizes> cases;
  harness::InputOptions inputs;
};

struct Flags {
  mutation::ScoreOptions score;
  std::vector<Program> programs;
  unsigned seeds = 2;
  bool list = false, simulate = true, quiet = false;
  std::string json, output = "-";
};

//===----------------------------------------------------------------------===//
// The command line
//===----------------------------------------------------------------------===//

/// Takes an option of the file before it; false if it is malformed.
bool parseFileOption(llvm::StringRef name, llvm::StringRef value,
                     Program &program) {
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
void parseOption(const Option &option, Flags &flags, std::string &error) {
  llvm::StringRef name = option.name, value = option.value;
  bool good = true;
  if (name == "--sizes" || name == "--schedule" || name == "--scale" ||
      name == "--name") {
    if (flags.programs.empty()) {
      error = "option '" + name.str() + "' stands behind a file";
      return;
    }
    if (name == "--schedule" && value != "auto")
      error = checkSchedule(value);
    good = parseFileOption(name, value, flags.programs.back());
  } else if (name == "--seeds")
    good = !value.getAsInteger(10, flags.seeds);
  else if (name == "--sample")
    good = !value.getAsInteger(10, flags.score.sample);
  else if (name == "--seed")
    good = !value.getAsInteger(10, flags.score.seed);
  else if (name == "--threads")
    good = !value.getAsInteger(10, flags.score.threads);
  else if (name == "--kind")
    for (llvm::StringRef kind : llvm::split(value, ','))
      flags.score.kinds.push_back(kind.str());
  else if (name == "--filter")
    flags.score.filter = value.str();
  else if (name == "--json")
    flags.json = value.str();
  else if (name == "-o")
    flags.output = value.str();
  else if (name == "--list")
    flags.list = true;
  else if (name == "--static")
    flags.simulate = false;
  else if (name == "--quick")
    flags.score.quick = true;
  else if (name == "--quiet")
    flags.quiet = true;
  if (!good)
    error = "malformed option '" + option.word.str() + "'";
}

/// Whether the kinds are known, and there is a file.
std::string findFault(const Flags &flags) {
  std::vector<std::string> known;
  for (auto &[kind, what] : mutation::getKinds())
    known.push_back(kind.str());
  for (const std::string &kind : flags.score.kinds)
    if (!llvm::is_contained(known, kind))
      return "unknown kind '" + kind + "'" + harness::suggest(kind, known) +
             " (see mla-jit mutate --kind=list)";
  return flags.programs.empty() ? "expected a file" : "";
}

//===----------------------------------------------------------------------===//
// Programs
//===----------------------------------------------------------------------===//

llvm::Error makeError(const llvm::Twine &message) {
  return llvm::createStringError(message);
}
llvm::Error toError(const harness::Status &status) {
  return status.ok() ? llvm::Error::success() : makeError(status.message());
}

/// A verified program as text, and what its kernel takes.
struct Compiled {
  std::string text;
  runtime::KernelDescriptor descriptor;
};

/// Takes mla, tile and cta IR.
llvm::Expected<Compiled> compileProgram(const Program &program) {
  mlir::MLIRContext context;
  mlir::DialectRegistry registry;
  registerDialects(registry);
  context.appendDialectRegistry(registry);
  auto module = parseProgramFile(program.file, context);
  if (!module)
    return makeError("cannot parse '" + program.file + "'");
  CompileOptions options;
  options.schedule = program.schedule;
  if (!mutation::findProgram(*module) && failed(lowerToCTA(*module, options)))
    return makeError(program.file + ": the passes failed");
  Compiled compiled;
  llvm::raw_string_ostream(compiled.text) << *module;
  mlir::PassManager convert(&context);
  convert.addPass(createConvertMLAToNVVM());
  if (failed(convert.run(*module)))
    return makeError(program.file + ": the conversion failed");
  auto launch = (*module)->getAttrOfType<mlir::StringAttr>(kLaunchAttr);
  if (!launch)
    return makeError(program.file + ": expected a kernel");
  if (llvm::Error error =
          toError(runtime::parseDescriptor(launch.str(), compiled.descriptor)))
    return error;
  if (compiled.descriptor.kernels.size() > 1 ||
      !compiled.descriptor.workspaces.empty())
    return makeError(
        program.file +
        ": expected a program of one kernel without workspaces, "
        "got " +
        llvm::Twine(compiled.descriptor.kernels.size()) + " kernels and " +
        llvm::Twine(compiled.descriptor.workspaces.size()) + " workspaces");
  return compiled;
}

//===----------------------------------------------------------------------===//
// Trials
//===----------------------------------------------------------------------===//

/// Far above what a program needs at the sizes of a trial: a loop that never
/// ends stops here.
constexpr uint64_t kStepLimit = 1'000'000;

/// Inputs, and the outputs that the undamaged program has on them.
struct Case {
  std::vector<harness::HostArgument> inputs, outputs;
};

/// Runs programs on the cases, in every timing, and compares.
class Trials {
public:
  explicit Trials(unsigned seeds) {
    options = {{sim::Timing::Earliest}, {sim::Timing::Latest}};
    for (unsigned seed = 0; seed < seeds; ++seed)
      options.push_back({sim::Timing::Random, seed});
    for (sim::Options &each : options)
      each.stepLimit = kStepLimit;
  }

  /// Runs the undamaged program and checks it against its reference.
  llvm::Error prepare(const Program &program, const Compiled &compiled,
                      const mlir::DialectRegistry &registry);

  /// What is wrong with `function`; "" if nothing is.
  std::string run(mlir::func::FuncOp function) const;

private:
  llvm::Error prepareCase(const Compiled &compiled, harness::Sizes sizes,
                          const harness::InputOptions &inputs,
                          mlir::func::FuncOp function);

  std::vector<sim::Options> options;
  std::vector<Case> cases;
};

llvm::Error Trials::prepareCase(const Compiled &compiled, harness::Sizes sizes,
                                const harness::InputOptions &inputs,
                                mlir::func::FuncOp function) {
  Case &added = cases.emplace_back();
  if (llvm::Error error = toError(harness::makeArguments(
          compiled.descriptor, sizes, inputs, added.inputs)))
    return error;
  added.outputs = added.inputs;
  if (failed(sim::simulate(function, makeInterpreterArguments(added.outputs),
                           options.front())))
    return makeError("the undamaged program fails");
  harness::Reference reference = harness::findReference(compiled.descriptor);
  if (!reference)
    return makeError("operator '" + compiled.descriptor.operatorText() +
                     "' has no reference");
  std::vector<harness::ExpectedOutput> expected;
  if (llvm::Error error = toError(reference(added.inputs, expected)))
    return error;
  for (const harness::ExpectedOutput &output : expected) {
    harness::CheckResult check = harness::checkOutput(
        harness::findArgument(added.outputs, output.name)->tensor, output);
    if (!check.pass)
      return makeError("the undamaged program is wrong: " + output.name + ": " +
                       check.message);
  }
  return llvm::Error::success();
}

llvm::Error Trials::prepare(const Program &program, const Compiled &compiled,
                            const mlir::DialectRegistry &registry) {
  mlir::MLIRContext context(registry);
  auto module =
      mlir::parseSourceString<mlir::ModuleOp>(compiled.text, &context);
  if (program.cases.empty())
    return makeError(program.file + ": expected --sizes");
  for (const harness::Sizes &sizes : program.cases)
    if (llvm::Error error = prepareCase(compiled, sizes, program.inputs,
                                        mutation::findProgram(*module)))
      return makeError(program.file + ": " + llvm::toString(std::move(error)));
  // The other timings have to give the same.
  std::string wrong = run(mutation::findProgram(*module));
  if (!wrong.empty())
    return makeError(program.file + ": the undamaged program: " + wrong);
  return llvm::Error::success();
}

std::string Trials::run(mlir::func::FuncOp function) const {
  static constexpr const char *kTimings[] = {"random", "earliest", "latest"};
  for (const Case &one : cases)
    for (const sim::Options &how : options) {
      std::vector<harness::HostArgument> arguments = one.inputs;
      std::string timing = kTimings[static_cast<int>(how.timing)];
      if (failed(sim::simulate(function, makeInterpreterArguments(arguments),
                               how)))
        return "simulator, " + timing;
      for (auto [got, want] : llvm::zip(arguments, one.outputs))
        if (got.tensor.storage != want.tensor.storage)
          return "values of '" + got.name + "', " + timing;
    }
  return "";
}

//===----------------------------------------------------------------------===//
// The command
//===----------------------------------------------------------------------===//

int fail(const llvm::Twine &message) {
  llvm::errs() << "error: " << message << "\n";
  return 1;
}

void listMutations(const Compiled &compiled,
                   const mlir::DialectRegistry &registry) {
  mlir::MLIRContext context(registry);
  auto module =
      mlir::parseSourceString<mlir::ModuleOp>(compiled.text, &context);
  for (const mutation::Mutation &mutation :
       mutation::enumerate(mutation::findProgram(*module)))
    llvm::outs() << mutation.id << "\n";
}

/// Tries the mutations of one program.
llvm::Expected<mutation::KernelScore>
scoreProgram(const Program &program, const Flags &flags,
             const mlir::DialectRegistry &registry) {
  llvm::Expected<Compiled> compiled = compileProgram(program);
  if (!compiled)
    return compiled.takeError();
  mutation::KernelScore score{program.name, {}};
  if (flags.list)
    return listMutations(*compiled, registry), score;
  mutation::ScoreOptions options = flags.score;
  Trials trials(flags.seeds);
  if (flags.simulate) {
    if (llvm::Error error = trials.prepare(program, *compiled, registry))
      return error;
    options.simulate = [&](mlir::func::FuncOp function) {
      return trials.run(function);
    };
  }
  if (!flags.quiet)
    options.progress = [&](const mutation::Result &result, size_t done,
                           size_t total) {
      llvm::errs() << llvm::formatv("{0} {1}/{2} {3} {4:f2}s\n", program.name,
                                    done, total, result.id, result.seconds);
    };
  auto results = mutation::score(compiled->text, registry, options);
  if (!results)
    return results.takeError();
  score.results = std::move(*results);
  return score;
}

int mutate(const Flags &flags) {
  mlir::DialectRegistry registry;
  registerDialects(registry);
  std::vector<mutation::KernelScore> scores;
  for (const Program &program : flags.programs) {
    auto score = scoreProgram(program, flags, registry);
    if (!score)
      return fail(llvm::toString(score.takeError()));
    scores.push_back(std::move(*score));
  }
  if (flags.list)
    return 0;
  if (!flags.json.empty())
    if (llvm::Error error = writeOutput(flags.json, [&](llvm::raw_ostream &os) {
          os << mutation::toJSON(scores) << "\n";
        }))
      return fail(llvm::toString(std::move(error)));
  if (llvm::Error error = writeOutput(flags.output, [&](llvm::raw_ostream &os) {
        mutation::printTable(os, scores);
      }))
    return fail(llvm::toString(std::move(error)));
  for (const mutation::KernelScore &score : scores)
    for (const mutation::Result &result : score.results)
      if (result.survives())
        return 1;
  return 0;
}
} // namespace

int mutateCommand(const std::vector<std::string> &words) {
  Flags flags;
  auto option = [&](const Option &option, std::string &error) {
    parseOption(option, flags, error);
  };
  auto operand = [&](const std::string &word) {
    flags.programs.push_back(
        {word, llvm::sys::path::stem(word).str(), "auto", {}, {}});
    return "";
  };
  if (std::optional<int> code =
          readCommand({"mutate", kHelp.str(), option, operand}, words))
    return *code;
  if (llvm::is_contained(flags.score.kinds, "list")) {
    for (auto &[kind, what] : mutation::getKinds())
      llvm::outs() << llvm::formatv("{0,-16}{1}\n", kind, what);
    return 0;
  }
  if (std::string fault = findFault(flags); !fault.empty())
    return failUsage("mutate", fault);
  return mutate(flags);
}
