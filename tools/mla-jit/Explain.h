//===- Explain.h - the command `explain` ------------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef MLA_TOOLS_MLAJIT_EXPLAIN_H
#define MLA_TOOLS_MLAJIT_EXPLAIN_H

#include "Flags.h"

/// What the tool's commands share: a context that reports errors, and the
/// options that say how to compile.
struct ExplainTools {
  mlir::MLIRContext &context;
  CompileFlags &flags;
};

/// `mla-jit explain`: a page about a kernel. `words` are the arguments behind
/// the command.
int explainCommand(const std::vector<std::string> &words,
                   const ExplainTools &tools);

#endif // MLA_TOOLS_MLAJIT_EXPLAIN_H
