//===- IRMutator.h - damages IR in its text --------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// Changes of IR that its parser often accepts: of tokens, bracketed groups and
// whole ops. Bytes changed at random would hardly get past the parser.
//
//===----------------------------------------------------------------------===//

#ifndef MLA_TEST_FUZZ_IRMUTATOR_H
#define MLA_TEST_FUZZ_IRMUTATOR_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include <random>
#include <string>
#include <vector>

namespace mla::fuzz {

/// The passes that the first line of an input names, and the rest.
std::pair<llvm::StringRef, llvm::StringRef> splitPasses(llvm::StringRef text);

enum class TokenKind { Value, Symbol, Number, Word, String, Punctuation };

/// A token, by its place in the text.
struct Token {
  TokenKind kind;
  size_t begin, end;
  size_t size() const { return end - begin; }
};

std::vector<Token> tokenize(llvm::StringRef text);

class IRMutator {
public:
  IRMutator(unsigned seed, llvm::ArrayRef<llvm::StringLiteral> passes)
      : random(seed), passes(passes) {}

  /// The input with one change or a few.
  std::string mutate(llvm::StringRef input);
  /// `input` with a piece of `donor` in it.
  std::string cross(llvm::StringRef input, llvm::StringRef donor);

private:
  /// A piece of the text.
  struct Range {
    size_t begin = 0, end = 0;
    bool empty() const { return begin == end; }
  };

  size_t below(size_t limit) { return limit ? random() % limit : 0; }
  bool oneIn(size_t n) { return below(n) == 0; }

  void load(llvm::StringRef body);
  llvm::StringRef get(Range range) const {
    return llvm::StringRef(text).slice(range.begin, range.end);
  }
  Range range(size_t first, size_t last) const {
    return {tokens[first].begin, tokens[last].end};
  }
  void replace(Range range, const std::string &by);

  std::string mutatePasses(llvm::StringRef line);
  void mutateBody();

  // One change each; they do nothing where there is nothing to change.
  void changeNumber();
  void exchangeToken();
  void swapTokens();
  void dropToken();
  void doubleToken();
  void exchangeGroup();
  void emptyGroup();
  void dropElement();
  void dropOp();
  void doubleOp();
  void moveOp();
  void swapOps();

  /// A random token of the kind, or tokens.size().
  size_t pick(TokenKind kind);
  /// The place of the bracket that closes the one at `open`, or tokens.size().
  size_t findClose(size_t open) const;
  /// A random bracketed group of the text, with its brackets. `bracket` 0: of
  /// any kind.
  Range pickGroup(char bracket = 0);
  /// Lines from one that begins an op to where its brackets balance.
  Range opAt(size_t offset) const;
  Range pickOp() { return opAt(below(text.size())); }

  std::mt19937 random;
  llvm::ArrayRef<llvm::StringLiteral> passes;
  std::string text;
  std::vector<Token> tokens;
};

} // namespace mla::fuzz

#endif // MLA_TEST_FUZZ_IRMUTATOR_H
