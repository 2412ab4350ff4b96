//===- mla-jit.cpp - emit, compile, run and time kernels --------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "Command.h"
#include "Explain.h"
#include "Flags.h"
#include "Info.h"
#include "Interrupt.h"
#include "Mutate.h"
#include "OperatorFlags.h"
#include "PackageCommand.h"
#include "RunCommand.h"
#include "Session.h"
#include "Tune.h"
#include "mla/JIT/Version.h"
#include "mla/Runtime/Files.h"
#include "mla/Support/Files.h"
#include "mla/Target/Sass.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/InitLLVM.h"
#include <chrono>
#include <new>

using namespace mla;

namespace {

constexpr llvm::StringLiteral kUsage =
    R"(mla-jit: compiles multi-head latent attention for Hopper GPUs

usage: mla-jit emit OPERATOR [options]        write an operator's IR
       mla-jit schedule OPERATOR NAME         write a schedule's text
       mla-jit compile FILE.mlir -o DIR       IR to a kernel package
       mla-jit package KERNEL... -o DIR       several kernels to one folder
       mla-jit run FILE.mlir|DIR [options]    run, and check with --check
       mla-jit bench FILE.mlir|DIR [options]  time on the GPU
       mla-jit tune FILE.mlir|OPERATOR [options]
                                              which schedule is the fastest
       mla-jit explain FILE.mlir -o FILE.html [options]
                                              a page with pictures of the kernel
       mla-jit mutate FILE.mlir [options]     which damage is found, and by what
       mla-jit info [--json]                  versions, ptxas, driver, cache
       mla-jit cache list|clear               kernels that run and bench keep

mla-jit COMMAND --help (or mla-jit help COMMAND) lists the options of a command,
mla-jit --version prints the version.
)";

int fail(const llvm::Twine &message) {
  llvm::errs() << "error: " << message << "\n";
  return 1;
}

//===----------------------------------------------------------------------===//
// emit
//===----------------------------------------------------------------------===//

constexpr llvm::StringLiteral kEmitHelp =
    R"(usage: mla-jit emit OPERATOR[:NAME=N,...] [options]

Writes a function with the operator. A size of '?' is known at run time. Sizes and
options may stand behind the operator's name, as in OPERATOR:h_q=64.

  -o FILE                output file (default: standard output)
)";

int emit(const std::vector<std::string> &words) {
  OperatorFlags flags;
  std::string output = "-", op;
  auto option = [&](const Option &option, std::string &error) {
    if (option.name == "-o")
      output = option.value.str();
    else
      flags.parse(option.word);
  };
  auto operand = [&](const std::string &word) -> std::string {
    if (!op.empty())
      return "expected one operator, got '" + op + "' and '" + word + "'";
    op = word;
    return flags.parseOperand(word);
  };
  if (std::optional<int> code = readCommand(
          {"emit", (kEmitHelp + OperatorFlags::help()).str(), option, operand},
          words))
    return *code;
  std::string fault = op.empty() ? "expected mla-jit emit OPERATOR, one of " +
                                       getOperatorNames()
                                 : flags.resolve();
  if (!fault.empty())
    return failUsage("emit", fault);
  Session session;
  auto module = buildOperator(session.context, flags.getSpec());
  if (!module)
    return 1;
  if (llvm::Error error = writeOutput(
          output, [&](llvm::raw_ostream &os) { os << *module << "\n"; }))
    return fail(llvm::toString(std::move(error)));
  return 0;
}

//===----------------------------------------------------------------------===//
// schedule
//===----------------------------------------------------------------------===//

constexpr llvm::StringLiteral kScheduleHelp =
    R"(usage: mla-jit schedule OPERATOR NAME [-o FILE]

Writes the text of a schedule that ships with an operator. --schedule=FILE takes
a changed copy. Schedules:
{0}
  -o FILE                output file (default: standard output)
)";

/// "  combine: a, b", a line for each operator.
std::string listAllSchedules() {
  std::string text;
  for (const Operator *op : getOperators()) {
    auto names = llvm::map_range(op->schedules,
                                 [](const NamedSchedule &s) { return s.name; });
    text +=
        llvm::formatv("  {0}: {1}\n", op->getName(), llvm::join(names, ", "));
  }
  return text;
}

int schedule(const std::vector<std::string> &words) {
  std::string output = "-";
  std::vector<std::string> names;
  auto option = [&](const Option &option, std::string &) {
    if (option.name == "-o")
      output = option.value.str();
  };
  auto operand = [&](const std::string &word) -> std::string {
    names.push_back(word);
    return "";
  };
  if (std::optional<int> code = readCommand(
          {"schedule", llvm::formatv(kScheduleHelp.data(), listAllSchedules()),
           option, operand},
          words))
    return *code;
  if (names.size() != 2)
    return failUsage("schedule", "expected mla-jit schedule OPERATOR NAME");
  const Operator *op = findOperator(getOperators(), names[0]);
  if (!op)
    return failUsage("schedule", "unknown operator '" + names[0] +
                                     "', expected " +
                                     listOperators(getOperators(), names[0]));
  const NamedSchedule *found = findSchedule(*op, names[1]);
  if (!found)
    return failUsage("schedule", "unknown schedule '" + names[1] + "' of " +
                                     names[0] + ", expected " +
                                     listSchedules(*op, names[1]));
  if (llvm::Error error = writeOutput(
          output, [&](llvm::raw_ostream &os) { os << found->text; }))
    return fail(llvm::toString(std::move(error)));
  return 0;
}

//===----------------------------------------------------------------------===//
// compile
//===----------------------------------------------------------------------===//

/// Adds what the machine code is like: information, and no reason to fail.
void addSass(const CompiledKernel &kernel, llvm::json::Object &report) {
  if (kernel.cubin.empty())
    return;
  auto start = std::chrono::steady_clock::now();
  llvm::Expected<SassReport> sass = disassembleCubin(kernel.cubin);
  if (!sass) {
    report["missingSass"] =
        llvm::json::fixUTF8(llvm::toString(sass.takeError()));
    return;
  }
  std::chrono::duration<double> spent =
      std::chrono::steady_clock::now() - start;
  (*report.getObject("seconds"))["nvdisasm"] = spent.count();
  report["instructions"] = sass->instructions;
  report["loops"] = llvm::json::Array(sass->loops);
}

constexpr llvm::StringLiteral kCompileHelp =
    R"(usage: mla-jit compile FILE.mlir -o DIR [options]

Compiles the kernel of FILE.mlir into a package and prints its report as one JSON
line.

  -o DIR                 the package's folder
)";

int compile(const std::vector<std::string> &words) {
  CompileFlags flags;
  std::string input, output;
  auto option = [&](const Option &option, std::string &error) {
    if (option.name == "-o")
      output = option.value.str();
    else
      flags.parse(option.word, error);
  };
  auto operand = [&](const std::string &word) -> std::string {
    if (!input.empty())
      return "expected one FILE.mlir, got '" + input + "' and '" + word + "'";
    input = word;
    return "";
  };
  if (std::optional<int> code = readCommand(
          {"compile", (kCompileHelp + flags.help()).str(), option, operand},
          words))
    return *code;
  std::string fault = flags.findFault();
  if (input.empty() || output.empty())
    fault = "expected mla-jit compile FILE.mlir -o DIR";
  if (!fault.empty())
    return failUsage("compile", fault);
  Session session;
  auto module = session.parse(input);
  if (!module)
    return fail("cannot parse '" + input + "'");
  llvm::Expected<CompiledKernel> kernel = compileKernel(*module, flags.options);
  if (!kernel)
    return fail(llvm::toString(kernel.takeError()));
  if (llvm::Error error = writeKernel(*kernel, output))
    return fail(llvm::toString(std::move(error)));
  llvm::json::Value report = summarize(*kernel);
  addSass(*kernel, *report.getAsObject());
  llvm::outs() << report << "\n";
  return 0;
}

//===----------------------------------------------------------------------===//
// explain and package
//===----------------------------------------------------------------------===//

int explainKernel(const std::vector<std::string> &words) {
  Session session;
  CompileFlags flags(/*severalSchedules=*/true);
  return explainCommand(words, {session.context, flags});
}

int packageKernels(const std::vector<std::string> &words) {
  Session session;
  CompileFlags flags;
  return packageCommand(words, session.context, flags);
}

//===----------------------------------------------------------------------===//
// The commands
//===----------------------------------------------------------------------===//

int tuneOperator(const std::vector<std::string> &words) {
  Session session;
  return tuneCommand(words, session.context);
}

using CommandFunction = int (*)(const std::vector<std::string> &words);

struct CommandEntry {
  llvm::StringLiteral name;
  CommandFunction run;
};

constexpr CommandEntry kCommands[] = {{"emit", emit},
                                      {"schedule", schedule},
                                      {"compile", compile},
                                      {"package", packageKernels},
                                      {"run", nullptr},
                                      {"bench", nullptr},
                                      {"tune", tuneOperator},
                                      {"explain", explainKernel},
                                      {"mutate", mutateCommand},
                                      {"info", infoCommand},
                                      {"cache", cacheCommand}};

int runCommand(const std::string &name, std::vector<std::string> words) {
  const CommandEntry *command = llvm::find_if(
      kCommands, [&](const CommandEntry &entry) { return entry.name == name; });
  if (command == std::end(kCommands)) {
    std::vector<std::string> names;
    for (const CommandEntry &entry : kCommands)
      names.push_back(entry.name.str());
    return failUsage("", "unknown command '" + name + "', expected " +
                             llvm::join(names, ", ") +
                             harness::suggest(name, names));
  }
  if (command->run)
    return command->run(words);
  // The harness reads the command too.
  words.insert(words.begin(), name);
  return runToolCommand(words);
}

int runMain(std::vector<std::string> words) {
  if (words.empty()) {
    llvm::errs() << kUsage << harness::kExitCodeHelp;
    return harness::kExitUsage;
  }
  std::string command = words.front();
  words.erase(words.begin());
  if (command == "--version")
    return llvm::outs() << versionText() << "\n", harness::kExitSuccess;
  bool isHelp = command == "--help" || command == "-h" || command == "help";
  if (isHelp && !words.empty())
    return runCommand(words.front(), {"--help"});
  if (isHelp)
    return llvm::outs() << kUsage << harness::kExitCodeHelp,
           harness::kExitSuccess;
  return runCommand(command, words);
}
} // namespace

int main(int argc, char **argv) {
  runtime::guardStandardStreams();
  llvm::InitLLVM init(argc, argv);
  killProgramsOnInterrupt();
  runtime::ignoreFileSizeSignal();
  // LLVM ends the process where memory runs out; the harness reports it.
  std::set_new_handler(nullptr);
  return finishOutput(runMain(std::vector<std::string>(argv + 1, argv + argc)));
}
