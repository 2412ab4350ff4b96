//===- Names.h - name lists for errors about unknown names ------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef MLA_SUPPORT_NAMES_H
#define MLA_SUPPORT_NAMES_H

#include "mla/Support/NearNames.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SmallVectorExtras.h"
#include "llvm/ADT/StringExtras.h"

namespace mla {

/// listNames of NearNames.h on LLVM's types.
inline std::string listNames(llvm::StringRef word,
                             llvm::ArrayRef<llvm::StringRef> names) {
  return listNames(std::string_view(word),
                   std::vector<std::string>(names.begin(), names.end()));
}

} // namespace mla

#endif // MLA_SUPPORT_NAMES_H
