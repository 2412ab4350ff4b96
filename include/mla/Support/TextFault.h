//===- TextFault.h - text that MLIR's parser cannot take --------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef MLA_SUPPORT_TEXTFAULT_H
#define MLA_SUPPORT_TEXTFAULT_H

#include "llvm/ADT/StringRef.h"
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

} // namespace mla

#endif // MLA_SUPPORT_TEXTFAULT_H
