//===- Command.h - what the commands' command lines share -------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef MLA_TOOLS_MLAJIT_COMMAND_H
#define MLA_TOOLS_MLAJIT_COMMAND_H

#include "mla/Harness/CommandLine.h"
#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/ADT/Twine.h"
#include <optional>
#include <string>
#include <vector>

namespace mla {

/// An option of a command line.
struct Option {
  /// "--name=value", or "--name" of a flag.
  llvm::StringRef word;
  llvm::StringRef name, value;
};

/// How a command reads its words.
struct CommandSyntax {
  /// As in "emit".
  llvm::StringRef name;
  /// Lists the options (mla/Harness/CommandLine.h).
  std::string help;
  /// Takes an option of the help text, or sets `error`.
  llvm::function_ref<void(const Option &option, std::string &error)> option;
  /// Takes an operand; returns what is wrong with it, or an empty text.
  llvm::function_ref<std::string(const std::string &operand)> operand;
};

/// Reads the words behind the command. Returns the exit code where that ends
/// the command: after --help, or for a wrong command line.
std::optional<int> readCommand(const CommandSyntax &syntax,
                               const std::vector<std::string> &words);

/// Prints what is wrong with the command line; returns the exit code.
int failUsage(llvm::StringRef command, const llvm::Twine &message);

} // namespace mla

#endif // MLA_TOOLS_MLAJIT_COMMAND_H
