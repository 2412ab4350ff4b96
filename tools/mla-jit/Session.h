//===- Session.h - a context whose diagnostics are printed ------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef MLA_TOOLS_MLAJIT_SESSION_H
#define MLA_TOOLS_MLAJIT_SESSION_H

#include "mla/Harness/Progress.h"
#include "mla/Pipelines/Parse.h"
#include "mla/Pipelines/Pipelines.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/OwningOpRef.h"
#include "llvm/Support/raw_ostream.h"

namespace mla {

/// The context and the printing of diagnostics: one line each.
class Session {
public:
  Session()
      : handler(&context, [](mlir::Diagnostic &diagnostic) {
          harness::WorkProgress::clearLine();
          llvm::errs() << diagnostic.getLocation() << ": "
                       << (diagnostic.getSeverity() ==
                                   mlir::DiagnosticSeverity::Error
                               ? "error: "
                               : "note: ")
                       << diagnostic.str() << "\n";
          for (mlir::Diagnostic &note : diagnostic.getNotes())
            llvm::errs() << note.getLocation() << ": note: " << note.str()
                         << "\n";
        }) {
    mlir::DialectRegistry registry;
    registerDialects(registry);
    context.appendDialectRegistry(registry);
    context.printOpOnDiagnostic(false);
  }

  mlir::OwningOpRef<mlir::ModuleOp> parse(llvm::StringRef path) {
    return parseProgramFile(path, context);
  }

  mlir::MLIRContext context;

private:
  mlir::ScopedDiagnosticHandler handler;
};

} // namespace mla

#endif // MLA_TOOLS_MLAJIT_SESSION_H
