//===- Commands.cpp - what the commands share -------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "Commands.h"
#include "llvm/Support/raw_ostream.h"

using namespace mla;

int mla::finish(llvm::Error error) {
  if (!error)
    return cli::kExitSuccess;
  llvm::errs() << "error: " << llvm::toString(std::move(error)) << "\n";
  return cli::kExitFailure;
}
