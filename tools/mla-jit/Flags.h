//===- Flags.h - options that several commands share ------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef MLA_TOOLS_MLAJIT_FLAGS_H
#define MLA_TOOLS_MLAJIT_FLAGS_H

#include "mla/JIT/Compiler.h"
#include "mla/JIT/Operators.h"

/// Options that say how to compile.
struct CompileFlags {
  mla::CompileOptions options;

  /// Takes `word` if it is one of them; `error` is set if it is malformed.
  bool parse(llvm::StringRef word, std::string &error);

  static const llvm::StringLiteral kHelp;
};

/// Options that say what an operator's IR is like. Words of options are checked
/// by the operator's verifier.
struct OperatorFlags {
  mla::SparsePrefillShape shape;

  /// As above.
  bool parse(llvm::StringRef word, std::string &error);

  static const llvm::StringLiteral kHelp;

private:
  /// Makes operands optional: a list of their names.
  void parseOptional(llvm::StringRef names, std::string &error);
};

/// Takes the name of an operator; the error lists those there are.
llvm::Error checkOperator(llvm::StringRef name);

#endif // MLA_TOOLS_MLAJIT_FLAGS_H
