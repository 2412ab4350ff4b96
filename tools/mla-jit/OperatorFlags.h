//===- OperatorFlags.h - an operator on a command line ----------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef MLA_TOOLS_MLAJIT_OPERATORFLAGS_H
#define MLA_TOOLS_MLAJIT_OPERATORFLAGS_H

#include "mla/JIT/Operators.h"
#include <string>
#include <vector>

/// An operator and the options that say what its IR is like. Which there are
/// follows from the operators' tables. Options may stand before the operator's
/// name, so what they say is applied when all words were read.
class OperatorFlags {
public:
  /// With `argumentsAreOptional` a launch may leave out the arguments that
  /// settings add, but for those that are "=required".
  explicit OperatorFlags(bool argumentsAreOptional = false)
      : argumentsAreOptional(argumentsAreOptional) {}

  /// Takes `word`, "--name=value", if it is an option of some operator.
  bool parse(llvm::StringRef word);

  /// Takes an operand "NAME[:NAME[=N],...]". Returns an empty text, or what is
  /// wrong with the operator's name.
  std::string parseOperand(llvm::StringRef operand);

  /// Takes "h_q=64" or the name of an optional argument, "attn_sink".
  void addSetting(llvm::StringRef setting) {
    settings.push_back(setting.str());
  }

  /// Applies all that was taken to the operator. Returns an empty text, or what
  /// is wrong with it.
  std::string resolve();

  /// Whether nothing was said of an operator but its name.
  bool isEmpty() const { return settings.empty() && optionals.empty(); }

  /// The operator that was named; null before.
  const mla::Operator *getOperator() const { return op; }
  /// Once it is resolved.
  const mla::OperatorSpec &getSpec() const { return *spec; }

  /// Lists the options.
  static std::string help();

private:
  std::string apply(llvm::StringRef setting);
  std::string applySize(const mla::SizeInfo &size, llvm::StringRef setting);
  std::string applyOption(const mla::OptionInfo &option,
                          llvm::StringRef setting);
  std::string applyOptional(llvm::StringRef names);

  bool argumentsAreOptional;
  const mla::Operator *op = nullptr;
  std::vector<std::string> settings, optionals;
  std::optional<mla::OperatorSpec> spec;
};

/// What is wrong with the name of an operator, or an empty text.
std::string checkOperator(llvm::StringRef name);

/// "combine|...": the operators, for help texts.
std::string getOperatorNames();

#endif // MLA_TOOLS_MLAJIT_OPERATORFLAGS_H
