//===- TextFault.cpp - text that would crash MLIR's parser ------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "mla/Support/TextFault.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/Twine.h"
#include "llvm/Support/Regex.h"

using namespace mla;

/// More than any program needs. A stack of 8 MiB overflows at about 5,000
/// nested regions.
static constexpr unsigned kMaxNesting = 256;

/// The end of the string or comment that begins at `at`; `at` if there is none.
static size_t skipText(llvm::StringRef text, size_t at) {
  if (text.substr(at).starts_with("//"))
    return std::min(text.find('\n', at), text.size());
  if (text[at] != '"')
    return at;
  size_t end = at + 1;
  while (end < text.size() && text[end] != '"' && text[end] != '\n')
    end += text[end] == '\\' ? 2 : 1;
  return std::min(end + 1, text.size());
}

/// The position of the first bracket that is nested too deeply, or the end.
static size_t findTooDeep(llvm::StringRef text) {
  // Count angle brackets separately, so that "->" does not close another
  // bracket.
  unsigned nested = 0, angles = 0;
  for (size_t at = 0; at < text.size(); ++at) {
    at = skipText(text, at);
    char c = at < text.size() ? text[at] : ' ';
    nested += llvm::StringRef("([{").contains(c);
    angles += c == '<';
    nested -= nested && llvm::StringRef(")]}").contains(c);
    angles -= angles && c == '>';
    if (nested + angles > kMaxNesting)
      return at;
  }
  return text.size();
}

std::optional<TextFault> mla::findTextFault(llvm::StringRef text) {
  auto lineAt = [&](size_t at) -> unsigned {
    return 1 + text.take_front(at).count('\n');
  };
  if (size_t at = findTooDeep(text); at < text.size())
    return TextFault{lineAt(at), ("expected brackets nested at most " +
                                  llvm::Twine(kMaxNesting) + " deep, got more")
                                     .str()};
  static const llvm::Regex arrayOfIndex("array[[:space:]]*<[[:space:]]*index");
  llvm::SmallVector<llvm::StringRef, 1> match;
  if (arrayOfIndex.match(text, &match))
    return TextFault{lineAt(match[0].data() - text.data()),
                     "expected an array of integers or floats, got one of "
                     "index"};
  return std::nullopt;
}
