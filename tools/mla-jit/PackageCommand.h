//===- PackageCommand.h - mla-jit package -----------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef MLA_TOOLS_MLA_JIT_PACKAGECOMMAND_H
#define MLA_TOOLS_MLA_JIT_PACKAGECOMMAND_H

#include "mla/JIT/Compiler.h"
#include <functional>
#include <string>
#include <vector>

namespace mla {

struct PackageConfig {
  /// Its diagnostics are printed by whoever made it.
  mlir::MLIRContext &context;
  CompileOptions &options;
  /// Takes a word if it is an option that says how to compile.
  std::function<bool(llvm::StringRef word, std::string &error)> parse;
  llvm::StringRef help;
};

/// `mla-jit package`: several kernels into one folder, with an index. Takes the
/// words behind the command; returns the exit code.
int packageCommand(const std::vector<std::string> &words,
                   const PackageConfig &config);

} // namespace mla

#endif // MLA_TOOLS_MLA_JIT_PACKAGECOMMAND_H
