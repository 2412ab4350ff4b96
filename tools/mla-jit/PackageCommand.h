//===- PackageCommand.h - mla-jit package -----------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef MLA_TOOLS_MLA_JIT_PACKAGECOMMAND_H
#define MLA_TOOLS_MLA_JIT_PACKAGECOMMAND_H

#include "Flags.h"
#include <string>
#include <vector>

namespace mla {

/// `mla-jit package`: several kernels into one folder, with an index. Takes the
/// words behind the command; returns the exit code. Diagnostics of `context`
/// are printed by its owner.
int packageCommand(const std::vector<std::string> &words,
                   mlir::MLIRContext &context, CompileFlags &flags);

} // namespace mla

#endif // MLA_TOOLS_MLA_JIT_PACKAGECOMMAND_H
