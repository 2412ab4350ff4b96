//===- CommandLine.h - the commands `run` and `bench` -----------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// The commands that mla-run and mla-jit share, and groups of their options for
// other commands. A tool adds a loader, which makes a Subject of each operand,
// and options of its own.
//
//===----------------------------------------------------------------------===//

#ifndef MLA_HARNESS_COMMANDLINE_H
#define MLA_HARNESS_COMMANDLINE_H

#include "mla/CommandLine/CommandLine.h"
#include "mla/Harness/Tool.h"

namespace mla::harness {

using cli::kExitFailure;
using cli::kExitSuccess;
using cli::kExitUsage;

/// Adds the sizes of "NAME=N,NAME=N" to `sizes`. Returns an empty text, or what
/// is wrong, which includes a size that `sizes` has already.
std::string readSizes(const std::string &text, Sizes &sizes);

/// Adds the cases of "NAME=N,NAME=N/N/N", one for each combination of values.
std::string readCases(const std::string &text, std::vector<Sizes> &cases);

/// The option --sizes of a command that takes one set of sizes, and its old
/// spelling --size.
void declareSizes(cli::Command &command, Sizes &sizes, const std::string &help);

// Groups of options, which have to outlive the command line.

/// --sizes, for any number of cases.
void declareCases(cli::Command &command, ToolOptions &options,
                  const std::string &help);
/// --seed and --scale.
void declareValues(cli::Command &command, InputOptions &inputs);
/// How often and in which order to time.
void declareTiming(cli::Command &command, ToolOptions &options);

/// Completes options that depend on each other: sizes of all cases become those
/// of each case, and there is one case at least.
void finishCases(ToolOptions &options);

/// What makes the commands of one tool differ from those of another.
struct ToolConfig {
  /// As in "mla-run".
  std::string name;
  /// One line for the help: what the tool does.
  std::string summary;
  /// What --version prints.
  std::string version;
  /// What an operand is, in the help: "PACKAGE".
  std::string operandName;
  /// Appends the subjects that an operand stands for.
  std::function<Status(const std::string &operand, std::vector<Subject> &out)>
      load;
  /// Declares the tool's own options of `run` or `bench`. May be empty.
  std::function<void(cli::Command &command)> declare;
  /// What is wrong with those options as a whole, or an empty text. May be
  /// empty.
  std::function<std::string(const ToolOptions &options)> fault;
};

/// Declare the commands. `run` runs the kernels once per case and prints a JSON
/// line for each; `bench` times them and prints JSON lines and a table.
void addRunCommand(cli::Tool &tool, const ToolConfig &config);
void addBenchCommand(cli::Tool &tool, const ToolConfig &config);

/// A tool with these commands. Returns the exit code.
int runTool(const ToolConfig &config, const std::vector<std::string> &words,
            std::ostream &out, std::ostream &err);

} // namespace mla::harness

#endif // MLA_HARNESS_COMMANDLINE_H
