//===- Files.h - file input and output with LLVM types ----------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// mla/Runtime/Files.h with LLVM types: reads are limited in size, writes are
// atomic, and errors name the file. LLVM's own streams exit the process on
// errors.
//
//===----------------------------------------------------------------------===//

#ifndef MLA_SUPPORT_FILES_H
#define MLA_SUPPORT_FILES_H

#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/MemoryBuffer.h"

namespace mla {

/// Reads a file, or standard input if `path` is "-".
llvm::Expected<std::unique_ptr<llvm::MemoryBuffer>>
readFile(llvm::StringRef path);

/// Writes a file atomically.
llvm::Error writeFile(llvm::StringRef path, llvm::StringRef bytes);

/// Writes the output of `print` to a file atomically, or to standard output if
/// `path` is "-".
llvm::Error writeOutput(llvm::StringRef path,
                        llvm::function_ref<void(llvm::raw_ostream &)> print);

/// Flushes standard output. Returns `code`, or 1 after printing an error if
/// writing to standard output failed and `code` is 0.
int finishOutput(int code);

} // namespace mla

#endif // MLA_SUPPORT_FILES_H
