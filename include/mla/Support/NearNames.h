//===- NearNames.h - suggestions for a misspelled name ----------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// For errors about a word that is none of the known names. Needs no LLVM; with
// LLVM's types: mla/Support/Names.h.
//
//===----------------------------------------------------------------------===//

#ifndef MLA_SUPPORT_NEARNAMES_H
#define MLA_SUPPORT_NEARNAMES_H

#include <algorithm>
#include <numeric>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mla {

/// Number of single-character edits that turn `a` into `b` (Levenshtein).
inline size_t countEdits(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), size_t(0));
  for (size_t i = 0; i < a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i + 1;
    for (size_t j = 0; j < b.size(); ++j) {
      size_t replaced = diagonal + (a[i] != b[j]);
      diagonal = row[j + 1];
      row[j + 1] = std::min({replaced, row[j] + 1, row[j + 1] + 1});
    }
  }
  return row.back();
}

/// "; did you mean 'X'?" with the name nearest to `word`, or an empty text if
/// none is near.
inline std::string suggest(std::string_view word,
                           const std::vector<std::string> &names) {
  // Beyond a third of the letters the words are unrelated.
  size_t least = std::max<size_t>(1, word.size() / 3) + 1;
  const std::string *nearest = nullptr;
  for (const std::string &name : names)
    if (size_t edits = countEdits(word, name); edits < least) {
      least = edits;
      nearest = &name;
    }
  return nearest ? "; did you mean '" + *nearest + "'?" : "";
}

/// "one of valid, v, k and 12 more": the names, nearest to `word` first. "none"
/// if there are none.
inline std::string listNames(std::string_view word,
                             const std::vector<std::string> &names) {
  constexpr size_t kShown = 8;
  if (names.empty())
    return "none";
  // Names at the same distance keep their order.
  std::vector<std::pair<size_t, size_t>> nearest;
  nearest.reserve(names.size());
  for (size_t i = 0; i < names.size(); ++i)
    nearest.emplace_back(countEdits(word, names[i]), i);
  std::sort(nearest.begin(), nearest.end());
  std::string text = names.size() > 1 ? "one of " : "";
  for (size_t i = 0; i < std::min(kShown, names.size()); ++i)
    text += (i ? ", " : "") + names[nearest[i].second];
  if (names.size() > kShown)
    text += " and " + std::to_string(names.size() - kShown) + " more";
  return text;
}

} // namespace mla

#endif // MLA_SUPPORT_NEARNAMES_H
