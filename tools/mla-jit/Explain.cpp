//===- Explain.cpp - the command `explain` ----------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "Commands.h"
#include "Explanation.h"
#include "Flags.h"
#include "Session.h"
#include "mla/Harness/CommandLine.h"
#include "mla/Harness/Progress.h"
#include "mla/Support/Files.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Path.h"

using namespace mla;

namespace {

struct ExplainOptions {
  CompileFlags flags{/*severalSchedules=*/true};
  std::vector<std::string> inputs;
  std::string output, json, trace;
  explain::Sizes sizes;
};

/// Whether an input is data that --json wrote.
bool isData(llvm::StringRef input) { return input.ends_with(".json"); }

llvm::Error appendData(const std::string &input, llvm::json::Array &programs) {
  auto text = readFile(input);
  if (!text)
    return text.takeError();
  llvm::Expected<llvm::json::Array> read =
      explain::readPrograms((*text)->getBuffer(), llvm::sys::path::stem(input));
  if (!read)
    return llvm::createStringError("'" + input +
                                   "': " + llvm::toString(read.takeError()));
  for (llvm::json::Value &program : *read)
    programs.push_back(std::move(program));
  return llvm::Error::success();
}

/// What is wrong with the options as a whole, or an empty text.
std::string findFault(const ExplainOptions &options) {
  const CompileFlags &flags = options.flags;
  if (options.inputs.empty() ||
      (options.output.empty() && options.json.empty()))
    return "expected mla-jit explain FILE.mlir -o FILE.html";
  if (options.trace.empty())
    return flags.findFault();
  if (llvm::any_of(options.inputs, isData))
    return "option '--trace': expected IR, got a file of data";
  if (size_t programs = options.inputs.size() * flags.schedules.size();
      programs > 1)
    return "option '--trace': expected one program, got " +
           std::to_string(programs);
  return flags.findFault();
}

} // namespace

/// Explains every program with every schedule; one of data needs no work.
static llvm::Expected<llvm::json::Array>
explainPrograms(const ExplainOptions &options, mlir::MLIRContext &context,
                std::vector<std::unique_ptr<Explanation>> &explanations) {
  llvm::json::Array programs;
  for (const std::string &input : options.inputs) {
    if (isData(input))
      continue;
    for (const std::string &schedule : options.flags.schedules) {
      CompileOptions compile = options.flags.options;
      compile.schedule = schedule;
      explanations.push_back(std::make_unique<Explanation>(input, compile));
      if (llvm::Error error = explanations.back()->lower(context))
        return std::move(error);
    }
  }
  // All get the same sizes, so that they can be compared.
  bool anyPersistent = llvm::any_of(
      explanations, [](const auto &one) { return one->isPersistent(); });
  auto next = explanations.begin();
  for (const std::string &input : options.inputs) {
    if (isData(input)) {
      if (llvm::Error error = appendData(input, programs))
        return std::move(error);
      continue;
    }
    for (size_t i = 0; i < options.flags.schedules.size(); ++i, ++next) {
      llvm::Expected<explain::Program> program =
          (*next)->run(options.sizes, anyPersistent);
      if (!program)
        return program.takeError();
      programs.push_back(explain::describeProgram(*program));
    }
  }
  return programs;
}

static llvm::Error explainAll(const ExplainOptions &options) {
  harness::WorkProgress progress("explaining " +
                                 llvm::join(options.inputs, ", "));
  Session session;
  std::vector<std::unique_ptr<Explanation>> explanations;
  llvm::Expected<llvm::json::Array> programs =
      explainPrograms(options, session.context, explanations);
  if (!programs)
    return programs.takeError();
  llvm::json::Value data = explain::makeData(std::move(*programs));
  auto write = [](llvm::StringRef path, auto print) {
    return path.empty() ? llvm::Error::success() : writeOutput(path, print);
  };
  if (llvm::Error error = write(options.output, [&](llvm::raw_ostream &os) {
        explain::writePage(data, os);
      }))
    return error;
  if (llvm::Error error = write(options.json, [&](llvm::raw_ostream &os) {
        explain::writeData(data, os);
      }))
    return error;
  return write(options.trace, [&](llvm::raw_ostream &os) {
    explain::writeChromeTrace(explanations.front()->getTraces(), os);
  });
}

void mla::addExplainCommand(cli::Tool &tool) {
  auto options = std::make_shared<ExplainOptions>();
  cli::Command &command = tool.command(
      "explain", "write a page with pictures of a kernel", kInspectHeading);
  command
      .describe("Runs the kernels of a program (mla, tile or verified cta IR) "
                "on the simulator and writes a page about them: roles over "
                "time, shared memory by byte, barriers, and the roofline. "
                "Times are those of the simulator's cost model. Several files, "
                "or several schedules of one, are compared side by side; a "
                "file written by --json is taken as it is.")
      .example("mla-jit explain op.mlir -o op.html --schedule seesaw,shared-p")
      .operands("FILE...", [options](const std::string &word) {
        options->inputs.push_back(word);
        return "";
      });
  command.option("-o", "FILE.html", cli::readText(options->output), "the page")
      .offerFiles();
  command
      .option("--json", "FILE", cli::readText(options->json),
              "the data of the page (docs/Explain.md), with -o or without")
      .offerFiles();
  harness::declareSizes(
      command, options->sizes,
      "run-time sizes (default: s_q=4096, or 264 for persistent CTAs, "
      "s_kv=8192, topk=2048, others 1024)");
  command
      .option("--trace", "FILE.json", cli::readText(options->trace),
              "write the trace too, for Perfetto (of one program)")
      .offerFiles();
  options->flags.declare(command.group("Compilation"));
  command.check([options] { return findFault(*options); });
  command.action([options](std::ostream &, std::ostream &) {
    return finish(explainAll(*options));
  });
}
