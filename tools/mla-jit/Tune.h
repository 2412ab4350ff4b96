//===- Tune.h - the command `tune` ------------------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef MLA_TOOLS_MLAJIT_TUNE_H
#define MLA_TOOLS_MLAJIT_TUNE_H

#include "mlir/IR/MLIRContext.h"
#include <string>
#include <vector>

/// `mla-jit tune`: which schedule of an operator is the fastest. `words` are
/// the arguments behind the command; `context` reports errors.
int tuneCommand(const std::vector<std::string> &words,
                mlir::MLIRContext &context);

#endif // MLA_TOOLS_MLAJIT_TUNE_H
