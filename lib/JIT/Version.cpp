//===- Version.cpp - which compiler this is -------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "mla/JIT/Version.h"
#include "SourceId.inc"
#include "mla/Runtime/Version.h"
#include "llvm-c/Core.h"
#include "llvm/Support/FormatVariadic.h"

const std::string &mla::versionText() {
  static const std::string text = [] {
    // Asked at run time: libLLVM.so may be newer than the headers.
    unsigned major = 0, minor = 0, patch = 0;
    LLVMGetVersion(&major, &minor, &patch);
    return llvm::formatv("{0}+{1}, LLVM {2}.{3}.{4}", runtime::getProjectName(),
                         MLA_SOURCE_ID, major, minor, patch)
        .str();
  }();
  return text;
}
