//===- TextFault.cpp - text that MLIR's parser cannot take ------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "mla/Support/TextFault.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/Twine.h"
#include "llvm/Support/Regex.h"

using namespace mla;

/// Far more than programs have, and far less than a stack of 8 MiB takes: some
/// 5,000 regions in each other fill it.
static constexpr unsigned kMaxNesting = 256;

/// Behind the string or the comment that begins at `at`; `at` if none does.
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

/// Where a bracket is nested too deep, or the end of `text`.
static size_t findTooDeep(llvm::StringRef text) {
  // Angle brackets are counted apart, so that "->" closes no other bracket.
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
