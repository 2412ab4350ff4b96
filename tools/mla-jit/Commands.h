//===- Commands.h - the commands of mla-jit ---------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// Each function declares a command: its options, and the library call that it
// makes of them.
//
//===----------------------------------------------------------------------===//

#ifndef MLA_TOOLS_MLAJIT_COMMANDS_H
#define MLA_TOOLS_MLAJIT_COMMANDS_H

#include "mla/CommandLine/CommandLine.h"
#include "llvm/Support/Error.h"

namespace mla {

// Headings of the list of commands.
inline constexpr char kCompileHeading[] = "Compile";
inline constexpr char kRunHeading[] = "Run and time";
inline constexpr char kInspectHeading[] = "Look into kernels";
inline constexpr char kToolHeading[] = "This tool";

void addEmitCommand(cli::Tool &tool);
void addScheduleCommand(cli::Tool &tool);
void addCompileCommand(cli::Tool &tool);
void addPackageCommand(cli::Tool &tool);
/// `run` and `bench`.
void addRunCommands(cli::Tool &tool);
void addTuneCommand(cli::Tool &tool);
void addExplainCommand(cli::Tool &tool);
void addMutateCommand(cli::Tool &tool);
void addInfoCommand(cli::Tool &tool);
void addCacheCommand(cli::Tool &tool);

/// The exit code for the result of a command; prints an error to stderr.
int finish(llvm::Error error);

} // namespace mla

#endif // MLA_TOOLS_MLAJIT_COMMANDS_H
