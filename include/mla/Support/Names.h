//===- Names.h - name lists for errors about unknown names ------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef MLA_SUPPORT_NAMES_H
#define MLA_SUPPORT_NAMES_H

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SmallVectorExtras.h"
#include "llvm/ADT/StringExtras.h"
#include <string>

namespace mla {

/// "one of valid, v, k and 12 more": up to 8 names, the most similar to the
/// unknown name `word` first.
inline std::string listNames(llvm::StringRef word,
                             llvm::ArrayRef<llvm::StringRef> names) {
  constexpr size_t kShown = 8;
  if (names.empty())
    return "none";
  // Equally similar names keep their order.
  llvm::SmallVector<std::pair<unsigned, size_t>> nearest;
  for (auto [i, name] : llvm::enumerate(names))
    nearest.push_back({word.edit_distance(name), i});
  llvm::sort(nearest);
  std::string text = names.size() > 1 ? "one of " : "";
  llvm::ListSeparator comma;
  for (auto [distance, i] : llvm::ArrayRef(nearest).take_front(kShown))
    text += (llvm::StringRef(comma) + names[i]).str();
  if (names.size() > kShown)
    text += " and " + std::to_string(names.size() - kShown) + " more";
  return text;
}

} // namespace mla

#endif // MLA_SUPPORT_NAMES_H
