//===- Flags.h - options that several commands share ------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef MLA_TOOLS_MLAJIT_FLAGS_H
#define MLA_TOOLS_MLAJIT_FLAGS_H

#include "mla/JIT/Compiler.h"
#include "mla/JIT/Operators.h"
#include <set>

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

/// Options that say what an operator's IR is like. Words of options are checked
/// by the operator's verifier.
struct OperatorFlags {
  mla::SparsePrefillShape shape;

  /// With `argumentsAreOptional` a launch may leave out the arguments that
  /// settings add, but for those that are "=required".
  explicit OperatorFlags(bool argumentsAreOptional = false)
      : argumentsAreOptional(argumentsAreOptional) {}

  /// Takes `word`, "--name=value", if it is one of them; `error` is set if it
  /// is malformed.
  bool parse(llvm::StringRef word, std::string &error);

  /// Takes an operand "sparse_prefill[:NAME[=N],...]". Returns an empty text,
  /// or what is wrong with it.
  std::string parseOperand(llvm::StringRef operand);

  /// Takes "h_q=64" or the name of an optional argument, "attn_sink". Returns
  /// what is wrong with it.
  std::string parseSetting(llvm::StringRef setting);

  /// The sizes that are a kernel's own, and never known at run time only.
  static llvm::ArrayRef<llvm::StringLiteral> fixedSizes();

  static const llvm::StringLiteral kHelp;

private:
  /// Makes arguments optional: a list of their names. Returns what is wrong
  /// with it.
  std::string parseOptional(llvm::StringRef names);

  bool argumentsAreOptional;
  std::set<std::string> given;
};

/// Takes the name of an operator; the error lists those there are.
std::string checkOperator(llvm::StringRef name);

/// The names of the schedules.
std::vector<std::string> getSchedules();

/// What is wrong with a schedule, "NAME[:PARAMETER=N]..." with the name of one
/// that ships or of a file, or an empty text.
std::string checkSchedule(llvm::StringRef text);

#endif // MLA_TOOLS_MLAJIT_FLAGS_H
