//===- PackageCommand.cpp - several kernels into one folder ---------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "PackageCommand.h"
#include "Command.h"
#include "OperatorFlags.h"
#include "mla/Pipelines/Parse.h"
#include "mla/Runtime/Descriptor.h"
#include "mla/Support/Files.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/raw_ostream.h"

using namespace mla;
namespace json = llvm::json;

namespace {

constexpr llvm::StringLiteral kHelp =
    R"(usage: mla-jit package KERNEL... -o DIR [options]

Compiles each KERNEL into a package of its own in DIR, and writes their list,
DIR/index.json, when all are there. A KERNEL is a file of IR, FILE.mlir, or an
operator with what differs from the defaults of mla-jit emit, whose help lists the
names:

  OPERATOR[:NAME[=VALUE],...]

as in OPERATOR:h_q=64,topk=2048,attn_sink, whose package is
DIR/OPERATOR-h_q64-topk2048-attn_sink. A launch may leave out the arguments
that are named so (attn_sink); those with "=required" have to be given.

  -o DIR                 the folder
)";

int fail(const llvm::Twine &message) {
  llvm::errs() << "error: " << message << "\n";
  return 1;
}

/// What is wrong with a kernel's name, or an empty text.
std::string checkKernel(llvm::StringRef kernel) {
  if (kernel.ends_with(".mlir"))
    return "";
  llvm::StringRef op = kernel.split(':').first;
  if (!checkOperator(op).empty())
    return ("'" + kernel + "': expected FILE.mlir or " +
            listOperators(getOperators(), op) + ", got '" + op + "'")
        .str();
  OperatorFlags flags(/*argumentsAreOptional=*/true);
  flags.parseOperand(kernel);
  std::string error = flags.resolve();
  return error.empty() ? "" : ("'" + kernel + "': " + error).str();
}

/// The IR of `kernel`, which was checked; null after an error.
mlir::OwningOpRef<mlir::ModuleOp> getModule(llvm::StringRef kernel,
                                            mlir::MLIRContext &context) {
  if (kernel.ends_with(".mlir"))
    return parseProgramFile(kernel, context);
  OperatorFlags flags(/*argumentsAreOptional=*/true);
  flags.parseOperand(kernel);
  flags.resolve();
  return buildOperator(context, flags.getSpec());
}

/// The folder of a kernel's package below that of all.
std::string getFolder(llvm::StringRef kernel) {
  if (kernel.ends_with(".mlir"))
    return llvm::sys::path::stem(kernel).str();
  std::string name;
  for (char c : kernel)
    if (c != '=')
      name += c == ':' || c == ',' ? '-' : c == '?' ? 'n' : c;
  return name;
}

/// Compiles one kernel; its line of the index, or nothing after an error.
std::optional<json::Object> package(llvm::StringRef kernel,
                                    llvm::StringRef root,
                                    mlir::MLIRContext &context,
                                    const CompileOptions &options) {
  auto module = getModule(kernel, context);
  if (!module)
    return fail("cannot make IR of '" + kernel + "'"), std::nullopt;
  llvm::Expected<CompiledKernel> compiled = compileKernel(*module, options);
  std::string folder = getFolder(kernel);
  if (!compiled)
    return fail(kernel + ": " + llvm::toString(compiled.takeError())),
           std::nullopt;
  if (compiled->cubin.empty())
    return fail(kernel + ": " + compiled->missingCubin), std::nullopt;
  if (llvm::Error error = writeKernel(*compiled, (root + "/" + folder).str()))
    return fail(llvm::toString(std::move(error))), std::nullopt;
  json::Value summary = summarize(*compiled);
  (*summary.getAsObject())["package"] = folder;
  llvm::outs() << summary << "\n";
  runtime::KernelDescriptor launch;
  if (runtime::Status status =
          runtime::parseDescriptor(compiled->descriptor, launch);
      !status.ok())
    return fail(kernel + ": " + status.message()), std::nullopt;
  json::Object line{{"package", folder},
                    {"source", kernel},
                    {"kernel", launch.name()},
                    {"operator", launch.operatorName},
                    {"target", launch.target}};
  if (!launch.options.empty()) {
    json::Object options;
    for (const auto &[name, value] : launch.options)
      options[name] = value;
    line["options"] = std::move(options);
  }
  return line;
}

} // namespace

int mla::packageCommand(const std::vector<std::string> &words,
                        mlir::MLIRContext &context, CompileFlags &flags) {
  std::string root;
  std::vector<std::string> kernels;
  llvm::StringSet<> folders;
  auto option = [&](const Option &option, std::string &error) {
    if (option.name == "-o")
      root = option.value.str();
    else
      flags.parse(option.word, error);
  };
  auto operand = [&](const std::string &word) -> std::string {
    if (!folders.insert(getFolder(word)).second)
      return "two kernels for the package '" + getFolder(word) + "'";
    kernels.push_back(word);
    return checkKernel(word);
  };
  if (std::optional<int> code = readCommand(
          {"package", (kHelp + flags.help()).str(), option, operand}, words))
    return *code;
  std::string fault = flags.findFault();
  if (root.empty() || kernels.empty())
    fault = "expected mla-jit package KERNEL... -o DIR";
  if (!fault.empty())
    return failUsage("package", fault);
  json::Array lines;
  for (const std::string &kernel : kernels) {
    std::optional<json::Object> line =
        package(kernel, root, context, flags.options);
    if (!line)
      return 1;
    lines.push_back(std::move(*line));
  }
  json::Value index = json::Object{{"format", "mla-kernel-index"},
                                   {"version", 1},
                                   {"packages", std::move(lines)}};
  if (llvm::Error error = writeFile(root + "/index.json",
                                    llvm::formatv("{0:2}\n", index).str()))
    return fail(llvm::toString(std::move(error)));
  return 0;
}
