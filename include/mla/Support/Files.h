//===- Files.h - files and standard output of LLVM's programs ---*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// mla/Runtime/Files.h for code that speaks LLVM: what is read has a limit, what
// is written appears whole, and a failure is an error that names the file.
// LLVM's own streams end the process instead.
//
//===----------------------------------------------------------------------===//

#ifndef MLA_SUPPORT_FILES_H
#define MLA_SUPPORT_FILES_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/MemoryBuffer.h"

namespace mla {

/// The bytes of a file, or of standard input for "-".
llvm::Expected<std::unique_ptr<llvm::MemoryBuffer>>
readFile(llvm::StringRef path);

/// The IR of a file, or of standard input for "-"; null after an error, which
/// the context has reported.
mlir::OwningOpRef<mlir::ModuleOp> parseFile(llvm::StringRef path,
                                            mlir::MLIRContext &context);

/// Writes a whole file.
llvm::Error writeFile(llvm::StringRef path, llvm::StringRef bytes);

/// Writes what `print` prints to a whole file, or to standard output for "-".
llvm::Error writeOutput(llvm::StringRef path,
                        llvm::function_ref<void(llvm::raw_ostream &)> print);

/// The exit code of a program that would end with `code`: a failure, with a
/// message, if standard output did not take all that was printed.
int finishOutput(int code);

} // namespace mla

#endif // MLA_SUPPORT_FILES_H
