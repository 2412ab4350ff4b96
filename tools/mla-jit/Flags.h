//===- Flags.h - options that say how to compile ----------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef MLA_TOOLS_MLAJIT_FLAGS_H
#define MLA_TOOLS_MLAJIT_FLAGS_H

#include "mla/CommandLine/CommandLine.h"
#include "mla/JIT/Compiler.h"

namespace mla {

struct CompileFlags {
  CompileOptions options;
  /// What --schedule lists. Only commands that compare schedules take several;
  /// `options` has the first one.
  std::vector<std::string> schedules{"auto"};
  /// The first of the options that was given; empty if none was.
  std::string given;

  explicit CompileFlags(bool severalSchedules = false)
      : severalSchedules(severalSchedules) {}
  CompileFlags(const CompileFlags &) = delete;

  /// Declares all options, which store here.
  void declare(cli::Command &command);
  /// Those but --schedule, --dump-ir and --dump.
  void declareTarget(cli::Command &command);

  /// What is wrong with the options as a whole, or an empty text.
  std::string findFault() const;

private:
  cli::Read take(const std::string &name, cli::Read read);
  void declareSchedule(cli::Command &command);
  void declareDumps(cli::Command &command);
  std::string readSchedules(llvm::StringRef value);
  std::string readDump(const std::string &name);

  bool severalSchedules;
};

/// The names of all operators' schedules.
std::vector<std::string> getSchedules();

/// What is wrong with a schedule, "NAME[:PARAMETER=N]..." with the name of one
/// that ships or of a file, or an empty text.
std::string checkSchedule(llvm::StringRef text);

} // namespace mla

#endif // MLA_TOOLS_MLAJIT_FLAGS_H
