//===- PassList.h - passes by their names ----------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef MLA_TEST_FUZZ_PASSLIST_H
#define MLA_TEST_FUZZ_PASSLIST_H

#include "mlir/Pass/PassManager.h"

namespace mla::fuzz {

/// Adds the passes and pipelines of `list`, as "mla-tile{threshold=8},cse", to
/// `pm`, whose nesting is implicit: those of functions run on each of them.
/// (parsePassPipeline() wants the nesting in the text.)
mlir::LogicalResult addPasses(llvm::StringRef list, mlir::OpPassManager &pm);

} // namespace mla::fuzz

#endif // MLA_TEST_FUZZ_PASSLIST_H
