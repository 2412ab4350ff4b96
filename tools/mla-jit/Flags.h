//===- Flags.h - options that several commands share ------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef MLA_TOOLS_MLAJIT_FLAGS_H
#define MLA_TOOLS_MLAJIT_FLAGS_H

#include "mla/JIT/Compiler.h"
#include <string>
#include <vector>

/// Options that say how to compile.
struct CompileFlags {
  mla::CompileOptions options;
  /// What --schedule lists. Only commands that compare schedules take several;
  /// `options` has the first one.
  std::vector<std::string> schedules{"auto"};

  explicit CompileFlags(bool severalSchedules = false)
      : severalSchedules(severalSchedules) {}

  /// Takes `word`, "--name=value", if it is one of them; `error` is set if it
  /// is malformed.
  bool parse(llvm::StringRef word, std::string &error);

  /// What is wrong with the options as a whole, or an empty text.
  std::string findFault() const;

  /// Lists the options, for one schedule or for several.
  std::string help() const;

private:
  std::string parseSchedules(llvm::StringRef value);
  std::string parseDumps(llvm::StringRef value);

  bool severalSchedules;
};

/// The names of all operators' schedules.
std::vector<std::string> getSchedules();

/// What is wrong with a schedule, "NAME[:PARAMETER=N]..." with the name of one
/// that ships or of a file, or an empty text.
std::string checkSchedule(llvm::StringRef text);

#endif // MLA_TOOLS_MLAJIT_FLAGS_H
