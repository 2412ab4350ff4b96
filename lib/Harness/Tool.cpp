//===- Tool.cpp - the commands `run` and `bench` --------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "Options.h"

#include <ostream>

namespace mla::harness {

namespace {

/// What a command line of `run` or `bench` stores.
struct Request {
  ToolOptions options;
  InputFlags given;
};

int fail(const Status &status, std::ostream &err) {
  err << "error: " << status.message() << "\n";
  return kExitFailure;
}

Status loadAll(const ToolConfig &config, const ToolOptions &options,
               std::vector<Subject> &subjects) {
  for (const std::string &operand : options.operands)
    MLA_RETURN_IF_ERROR(config.load(operand, subjects));
  return Status();
}

cli::Read addOperand(ToolOptions &options) {
  return [&options](const std::string &word) {
    options.operands.push_back(word);
    return "";
  };
}

/// What the command line as a whole lacks.
std::string findFault(const ToolConfig &config, const ToolOptions &options) {
  if (options.operands.empty())
    return "expected at least one " + config.operandName;
  if (options.tolerance && options.expected.empty())
    return "option '--tolerance': expected --expect NAME=FILE.npy with it";
  return config.fault ? config.fault(options) : "";
}

} // namespace

void addRunCommand(cli::Tool &tool, const ToolConfig &config) {
  auto request = std::make_shared<Request>();
  ToolOptions &options = request->options;
  cli::Command &command = tool.command(
      "run", "run kernels, and compare them with a reference", "Run and time");
  command
      .describe("Runs each kernel once per case on seeded random inputs and "
                "prints one JSON line per case.")
      .example(config.name + " run " +
               (config.declare ? "FILE.mlir --device sim" : "PACKAGE") +
               " --sizes s_q=2,s_kv=1024,topk=512 --check")
      .operands(config.operandName + "...", addOperand(options));
  command.group("Sizes");
  declareCases(command, options,
               "run-time sizes of one case; of several cases with lists, as in "
               "s_q=1,s_kv=512/1024, or repeated");
  if (config.declare)
    config.declare(command.group("Compilation"));
  declareInputs(command, options.inputs, request->given);
  declareChecks(command, options);
  command.notes(describeOperators());
  command.check([request, config] {
    finishCases(request->options);
    finishInputs(request->options.inputs, request->given, /*isBench=*/false);
    return findFault(config, request->options);
  });
  command.action([request, config](std::ostream &out, std::ostream &err) {
    std::vector<Subject> subjects;
    Status status = loadAll(config, request->options, subjects);
    return status.ok() ? runSubjects(subjects, request->options, out, err)
                       : fail(status, err);
  });
}

void addBenchCommand(cli::Tool &tool, const ToolConfig &config) {
  auto request = std::make_shared<Request>();
  ToolOptions &options = request->options;
  cli::Command &command =
      tool.command("bench", "time kernels on the GPU", "Run and time");
  command
      .describe("Times kernels on the GPU, in turns, and prints one JSON line "
                "per kernel, case and mode, then a table: milliseconds of a "
                "launch, the host's time for it (mode b2b), TFLOP/s and their "
                "share of the most that was measured on such a device, GB/s.")
      .example(config.name + " bench PACKAGE --sizes s_q=4096,s_kv=8192/65536")
      .operands(config.operandName + "...", addOperand(options));
  command.group("Sizes");
  declareCases(command, options,
               "run-time sizes of one case (default: the operator's); of "
               "several cases with lists, as in s_q=1,s_kv=512/1024, or "
               "repeated");
  if (config.declare)
    config.declare(command.group("Compilation"));
  declareInputs(command, options.inputs, request->given);
  declareBench(command, options);
  command.notes(describeOperators() + describeBytes());
  command.check([request, config] {
    finishCases(request->options);
    finishInputs(request->options.inputs, request->given, /*isBench=*/true);
    return findFault(config, request->options);
  });
  command.action([request, config](std::ostream &out, std::ostream &err) {
    std::vector<Subject> subjects;
    Status status = checkBenchOptions(request->options);
    if (status.ok())
      status = loadAll(config, request->options, subjects);
    return status.ok() ? benchSubjects(subjects, request->options, out, err)
                       : fail(status, err);
  });
}

int runTool(const ToolConfig &config, const std::vector<std::string> &words,
            std::ostream &out, std::ostream &err) {
  cli::Tool tool(config.name, config.summary, config.version);
  addRunCommand(tool, config);
  addBenchCommand(tool, config);
  return tool.run(words, out, err);
}

Status loadPackageSubject(const std::string &folder,
                          std::vector<Subject> &out) {
  runtime::KernelPackage package;
  MLA_RETURN_IF_ERROR(runtime::readPackage(folder, package));
  Subject &subject = out.emplace_back();
  subject.label = folder;
  subject.descriptor = std::move(package.descriptor);
  subject.cubin = std::move(package.cubin);
  return Status();
}

} // namespace mla::harness
