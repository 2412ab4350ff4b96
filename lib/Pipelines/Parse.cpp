//===- Parse.cpp - parses programs ------------------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "mla/Pipelines/Parse.h"
#include "mla/Support/Files.h"
#include "mla/Support/TextFault.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/Parser/Parser.h"

using namespace mlir;
using namespace mla;

OwningOpRef<ModuleOp> mla::parseProgram(StringRef text, MLIRContext &context,
                                        StringRef name) {
  if (std::optional<TextFault> fault = findTextFault(text)) {
    emitError(FileLineColLoc::get(&context, name, fault->line, 1))
        << fault->message;
    return {};
  }
  return parseSourceString<ModuleOp>(text, &context, name);
}

OwningOpRef<ModuleOp> mla::parseProgramFile(StringRef path,
                                            MLIRContext &context) {
  auto file = readFile(path);
  if (!file) {
    emitError(UnknownLoc::get(&context)) << llvm::toString(file.takeError());
    return {};
  }
  return parseProgram((*file)->getBuffer(), context,
                      (*file)->getBufferIdentifier());
}
