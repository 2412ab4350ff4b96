//===- Tool.h - the commands `run` and `bench` ------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// The command line that mla-run and mla-jit share. A tool brings a loader that
// makes a Subject of each operand, and options of its own.
//
//===----------------------------------------------------------------------===//

#ifndef MLA_HARNESS_TOOL_H
#define MLA_HARNESS_TOOL_H

#include "mla/Harness/CommandLine.h"
#include "mla/Harness/Executor.h"
#include "mla/Harness/Inputs.h"
#include "mla/Harness/Modes.h"

#include <iosfwd>
#include <optional>

namespace mla::harness {

enum class Command { Run, Bench };

/// What a command line asked for.
struct ToolOptions {
  bool help = false, version = false;
  /// As given; empty if --help or --version stands alone.
  std::string commandName;
  Command command = Command::Run;
  /// Kernels.
  std::vector<std::string> operands;
  /// The cases: each a set of run-time sizes. At least one.
  std::vector<Sizes> cases;
  InputOptions inputs;
  /// Whether --poison or --no-poison, and --invalid, were given: `run` and
  /// `bench` have different defaults.
  bool poisonGiven = false;
  bool invalidGiven = false;
  // run:
  bool check = false;
  /// .npy files that outputs are compared with, by argument name; they replace
  /// the operator's reference.
  std::map<std::string, std::string> expected;
  /// Largest error in units of the largest expected magnitude; without a value
  /// that of the output's type.
  std::optional<double> tolerance;
  std::string outputFolder;
  // bench:
  /// How to time, without duplicates.
  std::vector<Mode> modes = {Mode::BackToBack, Mode::Gap};
  int iterations = 20;
  int warmup = 5;
  int rounds = 5;
  /// Runs of each case, which have to give the same bits.
  int repeats = 1;
  double gapMs = 20;
  /// Say how far it is even where nobody sits at a terminal.
  bool progress = false;
  /// Libraries with other implementations: mla/Harness/Peer.h.
  std::vector<std::string> peers;
};

/// What makes one tool differ from another.
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
  /// Takes an option of the tool's own, "--level=cta". Returns false if it is
  /// none; stores a message in `error` if it is malformed.
  std::function<bool(const std::string &option, std::string &error)> option;
  /// Help text for those options, as CommandLine.h describes: for `run` and
  /// `bench`, and for `run` alone.
  std::string optionHelp, runOptionHelp;
  /// What is wrong with those options as a whole, or an empty text.
  std::function<std::string(const ToolOptions &options)> fault;
  /// What errors call the command, where it is not one of Command.
  std::string commandName;
};

/// Reads a command line without the program's name. Returns an empty text, or
/// what is wrong with it.
std::string parseToolOptions(const ToolConfig &config,
                             const std::vector<std::string> &words,
                             ToolOptions &out);

/// The help text, of one command or of all.
std::string toolHelp(const ToolConfig &config,
                     std::optional<Command> only = std::nullopt);

/// A whole tool: reads the command line, loads the subjects, runs or times
/// them. Results go to `out`, one JSON line each (and a table
/// at the end of `bench`), errors to `err`, one line each, and how far `bench`
/// is. Returns the exit code: 0; 1 for bad input, a case that fails, or results
/// that `out` does not take; 2 for a bad command line.
int runTool(const ToolConfig &config, const std::vector<std::string> &words,
            std::ostream &out, std::ostream &err);

/// The commands themselves, on loaded subjects.
int runSubjects(const std::vector<Subject> &subjects,
                const ToolOptions &options, std::ostream &out,
                std::ostream &err);
int benchSubjects(const std::vector<Subject> &subjects,
                  const ToolOptions &options, std::ostream &out,
                  std::ostream &err);

/// Checks what can be wrong with a request to time before anything is loaded:
/// peers that are no libraries.
Status checkBenchOptions(const ToolOptions &options);

/// A loader for ToolConfig::load: the operand is a package's folder.
Status loadPackageSubject(const std::string &folder, std::vector<Subject> &out);

} // namespace mla::harness

#endif // MLA_HARNESS_TOOL_H
