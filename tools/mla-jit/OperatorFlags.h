//===- OperatorFlags.h - an operator on a command line ----------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef MLA_TOOLS_MLAJIT_OPERATORFLAGS_H
#define MLA_TOOLS_MLAJIT_OPERATORFLAGS_H

#include "mla/CommandLine/CommandLine.h"
#include "mla/JIT/Operators.h"

namespace mla {

/// An operator and its settings: sizes ("h_q=64") and options ("attn_sink",
/// "lse_base=2"), by the names of the operators' tables. Options may stand
/// before the operator's name, so settings are applied when all words were
/// read.
class OperatorFlags {
public:
  /// With `argumentsAreOptional` a launch may leave out the arguments that
  /// settings add, except those that are "=required".
  explicit OperatorFlags(bool argumentsAreOptional = false)
      : argumentsAreOptional(argumentsAreOptional) {}

  /// Declares --sizes.
  void declareSizes(cli::Command &command);
  /// Declares the options of all operators, and the old spellings of sizes,
  /// whose notes say to write `sizes` and "NAME=N".
  void declareOptions(cli::Command &command, const std::string &sizes);

  /// Takes an operand "NAME[:SETTING,...]". Returns an empty text, or what is
  /// wrong with the operator's name.
  std::string parseOperand(llvm::StringRef operand);

  void addSetting(llvm::StringRef setting) {
    settings.push_back(setting.str());
  }
  /// A setting that others of its name override.
  void addDefault(llvm::StringRef setting) {
    defaults.push_back(setting.str());
  }

  /// Applies all settings to the operator. Returns an empty text, or what is
  /// wrong with them.
  std::string resolve();
  /// Prints notes about names in old spellings, as in "OPERATOR:h=64".
  void noteOldSpellings(cli::Command &command) const;

  /// Whether there are no settings.
  bool isEmpty() const { return settings.empty() && optionals.empty(); }

  /// The operator that was named; null before.
  const Operator *getOperator() const { return op; }
  /// Once it is resolved.
  const OperatorSpec &getSpec() const { return *spec; }

  /// The sizes of each operator, as a paragraph of a help text.
  static std::string describeSizes();

private:
  std::string apply(llvm::StringRef setting);
  std::string applySize(const SizeInfo &size, llvm::StringRef setting);
  std::string applyOption(const OptionInfo &option, llvm::StringRef setting);
  std::string applyOptional(llvm::StringRef name);
  void declareOption(cli::Command &command, const OptionInfo &option);

  bool argumentsAreOptional;
  const Operator *op = nullptr;
  std::vector<std::string> settings, defaults, optionals;
  std::optional<OperatorSpec> spec;
  /// Old and present spellings.
  std::vector<std::pair<std::string, std::string>> oldSpellings;
};

/// What is wrong with the name of an operator, or an empty text.
std::string checkOperator(llvm::StringRef name);

std::vector<std::string> getOperatorNames();

} // namespace mla

#endif // MLA_TOOLS_MLAJIT_OPERATORFLAGS_H
