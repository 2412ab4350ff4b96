//===- IRTools.h - everything that takes IR --------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef MLA_TEST_FUZZ_IRTOOLS_H
#define MLA_TEST_FUZZ_IRTOOLS_H

#include "mlir/IR/BuiltinOps.h"

namespace mla::fuzz {

/// Gives `module`, which `file` holds too, to each pass alone, compile, run on
/// the simulator and the interpreter, explain and mutate. Each is announced on
/// standard error as "[NAME]". Returns whether compile accepts it.
bool giveToTools(mlir::ModuleOp module, llvm::StringRef file);

} // namespace mla::fuzz

#endif // MLA_TEST_FUZZ_IRTOOLS_H
