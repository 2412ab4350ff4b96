//===- Parse.h - parses programs --------------------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef MLA_PIPELINES_PARSE_H
#define MLA_PIPELINES_PARSE_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"

namespace mla {

/// Parses and verifies a module. Null after an error, which is reported as a
/// diagnostic of the context. A path of "-" is standard input; `name` names the
/// text in errors.
mlir::OwningOpRef<mlir::ModuleOp> parseProgramFile(llvm::StringRef path,
                                                   mlir::MLIRContext &context);
mlir::OwningOpRef<mlir::ModuleOp> parseProgram(llvm::StringRef text,
                                               mlir::MLIRContext &context,
                                               llvm::StringRef name);

} // namespace mla

#endif // MLA_PIPELINES_PARSE_H
