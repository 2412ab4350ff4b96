//===- Parse.h - reads programs ---------------------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef MLA_PIPELINES_PARSE_H
#define MLA_PIPELINES_PARSE_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"
#include <optional>
#include <string>

namespace mla {

/// What makes a text impossible to parse safely, and the line it stands in.
struct TextFault {
  unsigned line;
  std::string message;
};

/// Text that would end the process in MLIR's parser: brackets nested so deep
/// that its recursion overflows the stack, or `array<index: ...>`, whose
/// element width MLIR 22 asks for in vain.
std::optional<TextFault> findTextFault(llvm::StringRef text);

/// Parse and verify a module. Null after an error, which is a diagnostic of the
/// context. A path of "-" is standard input; `name` stands for the text in
/// errors.
mlir::OwningOpRef<mlir::ModuleOp> parseProgramFile(llvm::StringRef path,
                                                   mlir::MLIRContext &context);
mlir::OwningOpRef<mlir::ModuleOp> parseProgram(llvm::StringRef text,
                                               mlir::MLIRContext &context,
                                               llvm::StringRef name);

} // namespace mla

#endif // MLA_PIPELINES_PARSE_H
