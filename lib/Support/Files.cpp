//===- Files.cpp - files and standard output of LLVM's programs -*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "mla/Support/Files.h"
#include "mla/Runtime/Files.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/Parser/Parser.h"
#include "llvm/Support/SourceMgr.h"

using namespace mla;

static llvm::Error toError(const runtime::Status &status) {
  return status.ok() ? llvm::Error::success()
                     : llvm::createStringError(status.message());
}

llvm::Expected<std::unique_ptr<llvm::MemoryBuffer>>
mla::readFile(llvm::StringRef path) {
  bool isStdin = path == "-";
  std::string bytes;
  if (llvm::Error error = toError(
          runtime::readFile(isStdin ? "/dev/stdin" : path.str(), bytes)))
    return error;
  return llvm::MemoryBuffer::getMemBufferCopy(bytes,
                                              isStdin ? "<stdin>" : path);
}

mlir::OwningOpRef<mlir::ModuleOp> mla::parseFile(llvm::StringRef path,
                                                 mlir::MLIRContext &context) {
  auto buffer = readFile(path);
  if (!buffer) {
    mlir::emitError(mlir::UnknownLoc::get(&context))
        << llvm::toString(buffer.takeError());
    return {};
  }
  llvm::SourceMgr sources;
  sources.AddNewSourceBuffer(std::move(*buffer), llvm::SMLoc());
  return mlir::parseSourceFile<mlir::ModuleOp>(sources, &context);
}

llvm::Error mla::writeFile(llvm::StringRef path, llvm::StringRef bytes) {
  return toError(runtime::writeFileAtomically(path.str(), bytes));
}

llvm::Error
mla::writeOutput(llvm::StringRef path,
                 llvm::function_ref<void(llvm::raw_ostream &)> print) {
  if (path == "-") {
    print(llvm::outs());
    return llvm::Error::success();
  }
  std::string text;
  llvm::raw_string_ostream os(text);
  print(os);
  return writeFile(path, text);
}

int mla::finishOutput(int code) {
  llvm::raw_fd_ostream &out = llvm::outs();
  out.flush();
  if (out.has_error()) {
    llvm::errs() << "error: cannot write to standard output: "
                 << out.error().message() << "\n";
    // Or the stream would end the process with a message of its own.
    out.clear_error();
    code = code ? code : 1;
  }
  // A message that nobody takes is no failure of the program.
  llvm::errs().clear_error();
  return code;
}
