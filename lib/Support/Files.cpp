//===- Files.cpp - file input and output with LLVM types --------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "mla/Support/Files.h"
#include "mla/Runtime/Files.h"

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
    // Otherwise the stream's destructor reports a fatal error.
    out.clear_error();
    code = code ? code : 1;
  }
  // A failure to write to stderr is ignored.
  llvm::errs().clear_error();
  return code;
}
