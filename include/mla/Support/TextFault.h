//===- TextFault.h - text that would crash MLIR's parser --------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef MLA_SUPPORT_TEXTFAULT_H
#define MLA_SUPPORT_TEXTFAULT_H

#include "llvm/ADT/StringRef.h"
#include <optional>
#include <string>

namespace mla {

/// The reason why a text cannot be parsed safely, and its line.
struct TextFault {
  unsigned line;
  std::string message;
};

/// Finds text that would crash MLIR's parser: brackets nested so deeply that
/// the recursive parser overflows the stack, or `array<index: ...>`, for which
/// MLIR 22 fails an assertion about the element width.
std::optional<TextFault> findTextFault(llvm::StringRef text);

} // namespace mla

#endif // MLA_SUPPORT_TEXTFAULT_H
