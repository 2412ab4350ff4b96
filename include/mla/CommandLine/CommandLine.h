//===- CommandLine.h - commands and options of the tools --------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// The command line of a tool, "TOOL COMMAND [options] OPERAND...", on top of
// CLI11. Declared options give the parser, the help texts and the completion
// scripts of shells. Errors are one line that names the option; CLI11 and its
// exceptions stay inside the library, which needs no LLVM.
//
//===----------------------------------------------------------------------===//

#ifndef MLA_COMMANDLINE_COMMANDLINE_H
#define MLA_COMMANDLINE_COMMANDLINE_H

#include "mla/CommandLine/Readers.h"

#include <deque>
#include <iosfwd>
#include <memory>

namespace CLI {
class App;
class Option;
} // namespace CLI

namespace mla::cli {

/// Exit codes of the tools.
inline constexpr int kExitSuccess = 0;
/// The input is bad, or a run or check failed.
inline constexpr int kExitFailure = 1;
/// The command line is wrong, whatever the input is.
inline constexpr int kExitUsage = 2;

/// The line about exit codes in help texts.
inline constexpr char kExitCodeHelp[] =
    "Exit codes: 0 for success, 1 if the input is bad or a run or check fails, "
    "2 if\nthe command line is wrong.\n";

/// What a shell offers for a value.
struct Completion {
  std::vector<std::string> words;
  bool files = false;
};

class Option {
public:
  /// The option may be given several times; each value is read.
  Option &repeatable();
  /// Words that a shell offers for the value.
  Option &offer(std::vector<std::string> words);
  /// A shell offers the names of files for the value.
  Option &offerFiles();
  /// An old spelling: no help text shows it, and its use prints a note that
  /// ends with `present(value)`, what to write instead.
  Option &replacedBy(std::function<std::string(const std::string &)> present);

private:
  friend class Command;
  friend class Tool;
  CLI::Option *option = nullptr;
  std::string name;
  Read read;
  bool isFlag = false, isRepeatable = false;
  Completion completion;
  std::function<std::string(const std::string &)> present;
};

class Tool;

class Command {
public:
  /// Options that are declared from now on stand under this heading in the
  /// help.
  Command &group(const std::string &heading);
  /// "--check", or with another name "--attn-sink,--sink".
  Option &flag(const std::string &name, std::function<void()> set,
               const std::string &help);
  Option &flag(const std::string &name, bool &out, const std::string &help);
  /// "--seed" with "N" as its value in the help. Values are never empty.
  Option &option(const std::string &name, const std::string &value, Read read,
                 const std::string &help);
  /// What the command takes besides options; `usage` as in "FILE.mlir...".
  Command &operands(const std::string &usage, Read read,
                    Completion completion = {{}, /*files=*/true});
  /// Text of the help in front of the options, wrapped; and behind them, as it
  /// is.
  Command &describe(const std::string &text);
  Command &notes(const std::string &text);
  /// A command line of the help's section "Example".
  Command &example(const std::string &words);
  /// Returns what is wrong with the command line as a whole, or an empty text.
  Command &check(std::function<std::string()> fault);
  /// What the command does: prints to `out` and `err`, returns the exit code.
  Command &action(std::function<int(std::ostream &out, std::ostream &err)> run);

  /// Prints a note that `old` is now spelled `present`, if the command runs.
  void noteOldSpelling(const std::string &old, const std::string &present);

  const std::string &getName() const { return name; }

private:
  friend class Tool;
  Option &add(const std::string &optionName, CLI::Option *option, Read read);
  std::string help() const;
  /// Reads options and operands in the order of the command line. Returns what
  /// is wrong, or an empty text.
  std::string readWords();
  std::string readOption(Option &option, size_t index);

  Tool *tool = nullptr;
  CLI::App *app = nullptr;
  std::string name, usage, description, epilogue, heading = "Options";
  std::vector<std::string> examples, oldSpellings;
  std::deque<Option> options;
  CLI::Option *operandOption = nullptr;
  Read readOperand;
  Completion operandCompletion;
  std::function<std::string()> fault;
  std::function<int(std::ostream &, std::ostream &)> run;
};

class Tool {
public:
  /// `summary` is one line of the help, `version` what --version prints. Has
  /// the commands `help` and `completion`.
  Tool(const std::string &name, const std::string &summary,
       const std::string &version);
  ~Tool();
  Tool(const Tool &) = delete;
  Tool &operator=(const Tool &) = delete;

  /// Declares a command, which lives as long as the tool; `heading` groups
  /// commands in the help.
  Command &command(const std::string &name, const std::string &summary,
                   const std::string &heading = "Commands");

  /// Reads a command line without the program's name and runs its command.
  /// Returns the exit code, kExitFailure where `out` does not take what was
  /// printed.
  int run(const std::vector<std::string> &words, std::ostream &out,
          std::ostream &err);

  /// The help text of the tool or, with a name, of one of its commands.
  std::string help(const std::string &command = "") const;
  /// A script that makes the shell ("bash" or "zsh") complete command lines.
  std::string completionScript(const std::string &shell) const;

private:
  friend class Command;
  void addHelp();
  void addCompletion();
  /// Null if there is none of the name.
  const Command *find(const std::string &name) const;
  std::vector<std::string> commandNames() const;
  /// "option '--x': is not one of 'run' (it is one of bench)".
  std::string describeUnknown(const Command &command,
                              const std::string &word) const;
  std::string findFaultyWord(const Command *command,
                             const std::vector<std::string> &words) const;
  /// Runs CLI11. Returns what is wrong, or an empty text; sets `text` where the
  /// command line asks for a text only, help or version.
  std::string parse(const std::vector<std::string> &words, std::string &text);
  int dispatch(const std::vector<std::string> &words, std::ostream &out,
               std::ostream &err);
  std::string bashScript() const;
  std::string zshScript() const;

  std::unique_ptr<CLI::App> app;
  std::deque<Command> commands;
};

} // namespace mla::cli

#endif // MLA_COMMANDLINE_COMMANDLINE_H
