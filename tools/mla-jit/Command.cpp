//===- Command.cpp - what the commands' command lines share ---------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "Command.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/raw_ostream.h"

using namespace mla;

int mla::failUsage(llvm::StringRef command, const llvm::Twine &message) {
  llvm::errs() << "error: " << message << " (see mla-jit " << command
               << (command.empty() ? "" : " ") << "--help)\n";
  return harness::kExitUsage;
}

std::optional<int> mla::readCommand(const CommandSyntax &syntax,
                                    const std::vector<std::string> &words) {
  if (llvm::is_contained(words, "--help") || llvm::is_contained(words, "-h")) {
    llvm::outs() << syntax.help << "\n" << harness::kExitCodeHelp;
    return harness::kExitSuccess;
  }
  std::vector<std::string> joined;
  std::string error =
      harness::joinValues(harness::readOptions(syntax.help), words, joined);
  for (const std::string &word : joined) {
    if (!error.empty())
      break;
    auto [name, value] = llvm::StringRef(word).split('=');
    if (word.size() > 1 && word[0] == '-')
      syntax.option({word, name, value}, error);
    else
      error = syntax.operand(word);
  }
  if (!error.empty())
    return failUsage(syntax.name, error);
  return std::nullopt;
}
