//===- TuneFlags.h - the options of `tune` ----------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef MLA_TOOLS_MLAJIT_TUNEFLAGS_H
#define MLA_TOOLS_MLAJIT_TUNEFLAGS_H

#include "Flags.h"
#include "OperatorFlags.h"
#include "mla/Harness/Tool.h"

/// The options of `tune`, besides those that it shares with `bench`.
struct TuneFlags {
  CompileFlags compile;
  OperatorFlags op;
  std::vector<std::string> schedules;
  std::string table;
  bool dryRun = false;

  /// Takes `word`, "--name=value", if it is one of them; `error` is set if it
  /// is malformed.
  bool parse(llvm::StringRef word, std::string &error);

  static std::string help();

private:
  std::string parseSchedules(llvm::StringRef value);
};

/// Whether an operand is an operator's name and not a file.
bool isOperatorName(const std::string &operand);

/// Moves the sizes that are the operator's own from the cases to `flags`.
/// Returns what is wrong with the command line as a whole, or an empty text.
std::string findTuneFault(TuneFlags &flags, mla::harness::ToolOptions &options);

#endif // MLA_TOOLS_MLAJIT_TUNEFLAGS_H
