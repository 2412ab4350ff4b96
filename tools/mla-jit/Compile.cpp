//===- Compile.cpp - the commands `compile` and `package` -------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "Commands.h"
#include "Flags.h"
#include "OperatorFlags.h"
#include "Session.h"
#include "mla/Harness/Progress.h"
#include "mla/JIT/KernelIndex.h"
#include "mla/JIT/Reports.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Support/Path.h"

using namespace mla;

//===----------------------------------------------------------------------===//
// compile
//===----------------------------------------------------------------------===//

namespace {
struct CompileCommand {
  CompileFlags flags;
  std::string input, output;

  std::string findFault() const;
  llvm::Error run() const;
};
} // namespace

std::string CompileCommand::findFault() const {
  if (input.empty() || output.empty())
    return "expected mla-jit compile FILE.mlir -o DIR";
  return flags.findFault();
}

llvm::Error CompileCommand::run() const {
  harness::WorkProgress progress("compiling " + input);
  Session session;
  auto module = session.parse(input);
  if (!module)
    return llvm::createStringError("cannot parse '" + input + "'");
  CompileOptions options = flags.options;
  options.progress = [&](llvm::StringRef step, double) {
    progress.update(": " + step.str());
  };
  llvm::Expected<CompiledKernel> kernel = compileKernel(*module, options);
  if (!kernel)
    return kernel.takeError();
  if (llvm::Error error = writeKernel(*kernel, output))
    return error;
  llvm::json::Value report = summarize(*kernel);
  addMachineCode(*kernel, *report.getAsObject());
  harness::WorkProgress::clearLine();
  llvm::outs() << report << "\n";
  return llvm::Error::success();
}

void mla::addCompileCommand(cli::Tool &tool) {
  auto options = std::make_shared<CompileCommand>();
  cli::Command &command = tool.command(
      "compile", "compile IR into a kernel package", kCompileHeading);
  command
      .describe("Compiles the program of FILE.mlir into a package and prints a "
                "report as one JSON line: registers, spills, shared memory, "
                "instructions, seconds.")
      .example("mla-jit compile op.mlir -o package --schedule seesaw")
      .operands("FILE.mlir", cli::readOnce("FILE.mlir", options->input));
  command
      .option("-o", "DIR", cli::readText(options->output),
              "the package's folder")
      .offerFiles();
  options->flags.declare(command);
  command.check([options] { return options->findFault(); });
  command.action([options](std::ostream &, std::ostream &) {
    return finish(options->run());
  });
}

//===----------------------------------------------------------------------===//
// package
//===----------------------------------------------------------------------===//

namespace {
struct PackageCommand {
  CompileFlags flags;
  std::string root;
  std::vector<std::string> kernels;
  llvm::StringSet<> folders;
  /// --sizes, for kernels that are operators.
  std::vector<std::string> commonSettings;
  std::vector<KernelSource> sources;

  std::string addKernel(const std::string &kernel);
  std::string resolve(cli::Command &command);
};
} // namespace

/// The folder of a kernel's package below that of all.
static std::string getFolder(llvm::StringRef kernel) {
  if (kernel.ends_with(".mlir"))
    return llvm::sys::path::stem(kernel).str();
  std::string name;
  for (char c : kernel)
    if (c != '=')
      name += c == ':' || c == ',' ? '-' : c == '?' ? 'n' : c;
  return name;
}

std::string PackageCommand::addKernel(const std::string &kernel) {
  if (!folders.insert(getFolder(kernel)).second)
    return "two kernels for the package '" + getFolder(kernel) + "'";
  kernels.push_back(kernel);
  llvm::StringRef op = llvm::StringRef(kernel).split(':').first;
  if (op.ends_with(".mlir") || checkOperator(op).empty())
    return "";
  return ("'" + llvm::Twine(kernel) + "': expected FILE.mlir or " +
          listOperators(getOperators(), op) + ", got '" + op + "'")
      .str();
}

std::string PackageCommand::resolve(cli::Command &command) {
  if (root.empty() || kernels.empty())
    return "expected mla-jit package KERNEL... -o DIR";
  for (const std::string &kernel : kernels) {
    KernelSource &source =
        sources.emplace_back(KernelSource{kernel, getFolder(kernel), {}});
    if (llvm::StringRef(kernel).ends_with(".mlir"))
      continue;
    OperatorFlags op(/*argumentsAreOptional=*/true);
    std::string fault = op.parseOperand(kernel);
    for (const std::string &setting : commonSettings)
      op.addDefault(setting);
    if (fault.empty())
      fault = op.resolve();
    if (!fault.empty())
      return "'" + kernel + "': " + fault;
    op.noteOldSpellings(command);
    source.spec = op.getSpec();
  }
  return flags.findFault();
}

static llvm::Error packageAll(const PackageCommand &options) {
  harness::WorkProgress progress("compiling");
  Session session;
  return packageKernels(
      options.sources, options.root, session.context, options.flags.options,
      [&](size_t number, const llvm::json::Value *report) {
        progress.update(" kernel " + std::to_string(number + 1) + " of " +
                        std::to_string(options.sources.size()));
        harness::WorkProgress::clearLine();
        if (report)
          llvm::outs() << *report << "\n";
      });
}

void mla::addPackageCommand(cli::Tool &tool) {
  auto options = std::make_shared<PackageCommand>();
  cli::Command &command = tool.command(
      "package", "compile several kernels into one folder", kCompileHeading);
  command
      .describe("Compiles each KERNEL into a package of its own in DIR, and "
                "writes their list, DIR/index.json, when all are there. A "
                "KERNEL is a file of IR or an operator, OPERATOR[:NAME[=VALUE]"
                ",...], with sizes and options that differ from the defaults "
                "of `emit`. A launch may leave out the arguments that are "
                "named (attn_sink), but not those with '=required'.")
      .example("mla-jit package sparse_prefill:h_q=64,topk=2048,attn_sink -o "
               "kernels")
      .operands("KERNEL...",
                [options](const std::string &word) {
                  return options->addKernel(word);
                },
                {getOperatorNames(), /*files=*/true});
  command.option("-o", "DIR", cli::readText(options->root), "the folder")
      .offerFiles();
  command.option("--sizes", "NAME=N,...",
                 cli::readList([options](const std::string &setting) {
                   options->commonSettings.push_back(setting);
                   return "";
                 }),
                 "sizes of every OPERATOR that does not give its own");
  options->flags.declare(command);
  command.notes(OperatorFlags::describeSizes());
  command.check([options, &command] { return options->resolve(command); });
  command.action([options](std::ostream &, std::ostream &) {
    return finish(packageAll(*options));
  });
}
