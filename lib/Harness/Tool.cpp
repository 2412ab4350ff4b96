//===- Tool.cpp - a whole command-line tool -------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "mla/Harness/Tool.h"

#include <cerrno>
#include <cstring>
#include <exception>
#include <ostream>

namespace mla::harness {

namespace {

int run(const ToolConfig &config, const std::vector<std::string> &words,
        std::ostream &out, std::ostream &err) {
  ToolOptions options;
  std::string error = parseToolOptions(config, words, options);
  if (!error.empty()) {
    err << "error: " << error << " (see " << config.name << " "
        << (options.commandName.empty() ? "" : options.commandName + " ")
        << "--help)\n";
    return kExitUsage;
  }
  if (options.help || options.version) {
    out << (options.version               ? config.version + "\n"
            : options.commandName.empty() ? toolHelp(config)
                                          : toolHelp(config, options.command));
    return kExitSuccess;
  }
  std::vector<Subject> subjects;
  Status status =
      options.command == Command::Bench ? checkBenchOptions(options) : Status();
  for (const std::string &operand : options.operands)
    if (status.ok())
      status = config.load(operand, subjects);
  if (!status.ok()) {
    err << "error: " << status.message() << "\n";
    return kExitFailure;
  }
  return options.command == Command::Bench
             ? benchSubjects(subjects, options, out, err)
             : runSubjects(subjects, options, out, err);
}

} // namespace

int runTool(const ToolConfig &config, const std::vector<std::string> &words,
            std::ostream &out, std::ostream &err) {
  errno = 0;
  int code = kExitFailure;
  // Memory that sizes on the command line ask for may not be there.
  try {
    code = run(config, words, out, err);
  } catch (const std::exception &error) {
    err << "error: " << error.what() << "\n";
  }
  if (out.flush())
    return code;
  // A stream does not say why; the system's last error is most likely it.
  err << "error: cannot write the results"
      << (errno ? std::string(": ") + std::strerror(errno) : "") << "\n";
  return kExitFailure;
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
