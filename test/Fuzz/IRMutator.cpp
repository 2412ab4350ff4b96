//===- IRMutator.cpp - damages IR in its text ----------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "IRMutator.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringExtras.h"

using namespace mla::fuzz;
using llvm::StringRef;

std::pair<StringRef, StringRef> mla::fuzz::splitPasses(StringRef text) {
  StringRef body = text;
  if (!body.consume_front("//"))
    return {"", text};
  auto [line, rest] = body.split('\n');
  return {line.trim(), rest};
}

//===----------------------------------------------------------------------===//
// Tokens
//===----------------------------------------------------------------------===//

std::vector<Token> mla::fuzz::tokenize(StringRef text) {
  std::vector<Token> tokens;
  auto isWord = [](char c) {
    return llvm::isAlnum(c) || c == '_' || c == '.' || c == '$';
  };
  for (size_t at = 0; at < text.size();) {
    char c = text[at];
    size_t end = at + 1;
    auto takeWord = [&] {
      while (end < text.size() && isWord(text[end]))
        ++end;
    };
    TokenKind kind = TokenKind::Punctuation;
    if (llvm::isSpace(c)) {
      at = end;
      continue;
    }
    if (text.substr(at, 2) == "//") {
      at = std::min(text.find('\n', at), text.size());
      continue;
    }
    bool digit = end < text.size() && llvm::isDigit(text[end]);
    if (c == '%') {
      kind = TokenKind::Value;
      takeWord();
      if (end < text.size() && text[end] == '#')
        ++end, takeWord();
    } else if (c == '@') {
      kind = TokenKind::Symbol;
      takeWord();
    } else if (llvm::isDigit(c) || (c == '-' && digit)) {
      kind = TokenKind::Number;
      // Of "64x2xf32" only the first size.
      while (end < text.size() &&
             (llvm::isDigit(text[end]) || text[end] == '.'))
        ++end;
    } else if (llvm::isAlpha(c) || c == '_' || c == '#' || c == '!' ||
               c == '^') {
      kind = TokenKind::Word;
      // The "x" between sizes stands for itself, so that each is a number.
      if (c != 'x' || !digit)
        takeWord();
    } else if (c == '"') {
      kind = TokenKind::String;
      end = std::min(text.find('"', end), text.size() - 1) + 1;
    } else if (text.substr(at, 2) == "->") {
      ++end;
    }
    tokens.push_back({kind, at, end});
    at = end;
  }
  return tokens;
}

void IRMutator::load(StringRef body) {
  text = body.str();
  tokens = tokenize(text);
}

void IRMutator::replace(Range range, const std::string &by) {
  text.replace(range.begin, range.end - range.begin, by);
  tokens = tokenize(text);
}

size_t IRMutator::pick(TokenKind kind) {
  for (int tries = 0; tries < 32 && !tokens.empty(); ++tries) {
    size_t i = below(tokens.size());
    if (tokens[i].kind == kind)
      return i;
  }
  return tokens.size();
}

size_t IRMutator::findClose(size_t open) const {
  int depth = 0;
  for (size_t i = open; i < tokens.size(); ++i) {
    if (tokens[i].size() != 1)
      continue;
    char c = text[tokens[i].begin];
    depth += StringRef("([{<").contains(c);
    depth -= StringRef(")]}>").contains(c);
    if (depth == 0)
      return i;
  }
  return tokens.size();
}

IRMutator::Range IRMutator::pickGroup(char bracket) {
  for (int tries = 0; tries < 64 && !tokens.empty(); ++tries) {
    size_t open = below(tokens.size());
    char c = text[tokens[open].begin];
    if (tokens[open].size() != 1 || !StringRef("([{<").contains(c) ||
        (bracket && c != bracket))
      continue;
    if (size_t close = findClose(open); close != tokens.size())
      return range(open, close);
  }
  return {};
}

IRMutator::Range IRMutator::opAt(size_t offset) const {
  size_t newline = text.rfind('\n', offset);
  size_t begin = newline == std::string::npos ? 0 : newline + 1;
  int depth = 0;
  size_t end = begin;
  while (end < text.size()) {
    size_t next = std::min(text.find('\n', end), text.size() - 1) + 1;
    StringRef line = StringRef(text).slice(end, next);
    depth += line.count('{') - line.count('}');
    end = next;
    if (depth <= 0)
      break;
  }
  return {begin, end};
}

//===----------------------------------------------------------------------===//
// Changes of tokens
//===----------------------------------------------------------------------===//

void IRMutator::changeNumber() {
  size_t i = pick(TokenKind::Number);
  if (i == tokens.size())
    return;
  static const char *const extreme[] = {"0",
                                        "-1",
                                        "1",
                                        "2",
                                        "3",
                                        "65536",
                                        "2147483647",
                                        "2147483648",
                                        "4294967296",
                                        "4611686018427387904",
                                        "9223372036854775807",
                                        "-9223372036854775808",
                                        "18446744073709551615",
                                        "0.0",
                                        "?"};
  std::string by = extreme[below(std::size(extreme))];
  int64_t old = 0;
  if (!oneIn(3) && !get(range(i, i)).getAsInteger(10, old)) {
    uint64_t value = old;
    uint64_t near[] = {value + 1, value - 1,  value * 2, value / 2,
                       -value,    value + 64, value * 64};
    by = std::to_string(static_cast<int64_t>(near[below(std::size(near))]));
  }
  replace(range(i, i), by);
}

void IRMutator::exchangeToken() {
  if (tokens.empty())
    return;
  size_t i = below(tokens.size()), j = pick(tokens[i].kind);
  if (j != tokens.size())
    replace(range(i, i), get(range(j, j)).str());
}

void IRMutator::swapTokens() {
  if (tokens.empty())
    return;
  size_t i = below(tokens.size()), j = pick(tokens[i].kind);
  if (j == tokens.size() || i == j)
    return;
  std::string first = get(range(i, i)).str(), second = get(range(j, j)).str();
  // From the back, so that the other place holds.
  if (i < j) {
    std::swap(i, j);
    std::swap(first, second);
  }
  size_t early = j;
  replace(range(i, i), second);
  replace(range(early, early), first);
}

void IRMutator::dropToken() {
  if (tokens.empty())
    return;
  size_t i = below(tokens.size());
  replace(range(i, i), "");
}

void IRMutator::doubleToken() {
  if (tokens.empty())
    return;
  size_t i = below(tokens.size());
  replace(range(i, i), (get(range(i, i)) + " " + get(range(i, i))).str());
}

//===----------------------------------------------------------------------===//
// Changes of groups
//===----------------------------------------------------------------------===//

void IRMutator::exchangeGroup() {
  Range group = pickGroup();
  if (group.empty())
    return;
  Range other = pickGroup(text[group.begin]);
  if (!other.empty())
    replace(group, get(other).str());
}

void IRMutator::emptyGroup() {
  Range group = pickGroup();
  if (group.empty())
    return;
  // With its brackets, or what is between them.
  if (oneIn(2))
    replace(group, "");
  else
    replace({group.begin + 1, group.end - 1}, "");
}

void IRMutator::dropElement() {
  // The elements of a group, by the commas at its own depth.
  Range group = pickGroup();
  llvm::SmallVector<size_t> cuts{group.begin};
  int depth = 0;
  for (size_t at = group.begin; at < group.end; ++at) {
    depth += StringRef("([{<").contains(text[at]);
    depth -= StringRef(")]}>").contains(text[at]);
    if (depth == 1 && text[at] == ',')
      cuts.push_back(at);
  }
  if (cuts.size() < 2)
    return;
  cuts.push_back(group.end - 1);
  size_t i = below(cuts.size() - 1);
  bool first = i == 0;
  std::string element = StringRef(text).slice(cuts[i] + 1, cuts[i + 1]).str();
  if (oneIn(3)) // twice instead
    replace({cuts[i + 1], cuts[i + 1]}, ", " + element);
  else
    replace({cuts[i] + first, cuts[i + 1] + first}, "");
}

//===----------------------------------------------------------------------===//
// Changes of ops
//===----------------------------------------------------------------------===//

void IRMutator::dropOp() {
  Range op = pickOp();
  if (op.empty())
    return;
  // Uses of its result get an operand, which often has the same type.
  std::vector<Token> parts = tokenize(get(op));
  std::string result, operand;
  for (const Token &token : parts)
    if (token.kind == TokenKind::Value)
      (result.empty() ? result : operand) =
          get(op).slice(token.begin, token.end).str();
  bool defines = !parts.empty() && parts.front().kind == TokenKind::Value;
  replace(op, "");
  if (!defines || operand.empty())
    return;
  for (size_t i = tokens.size(); i-- > 0;)
    if (get(range(i, i)) == result)
      text.replace(tokens[i].begin, tokens[i].size(), operand);
  tokens = tokenize(text);
}

void IRMutator::doubleOp() {
  Range op = pickOp();
  std::string copy = get(op).str();
  // New names for the copy's results.
  if (!copy.empty())
    for (size_t i = std::min(copy.find('='), copy.size()); i-- > 0;)
      if (copy[i] == '%')
        copy.insert(i + 1, "again_");
  replace({op.end, op.end}, copy);
}

void IRMutator::moveOp() {
  Range op = pickOp();
  std::string moved = get(op).str();
  replace(op, "");
  // To somewhere near, or anywhere.
  size_t to = below(text.size() + 1);
  if (!oneIn(3))
    to = std::min(text.size(), op.begin + below(400));
  if (!text.empty())
    to = opAt(std::min(to, text.size() - 1)).begin;
  replace({to, to}, moved);
}

void IRMutator::swapOps() {
  Range first = pickOp();
  if (first.end >= text.size())
    return;
  Range second = opAt(first.end);
  std::string swapped = (get(second) + get(first)).str();
  replace({first.begin, second.end}, swapped);
}

//===----------------------------------------------------------------------===//
// Inputs
//===----------------------------------------------------------------------===//

void IRMutator::mutateBody() {
  using Change = void (IRMutator::*)();
  // Those more often that leave more programs whole.
  static constexpr Change changes[] = {
      &IRMutator::changeNumber,  &IRMutator::changeNumber,
      &IRMutator::changeNumber,  &IRMutator::exchangeToken,
      &IRMutator::exchangeToken, &IRMutator::swapTokens,
      &IRMutator::dropToken,     &IRMutator::doubleToken,
      &IRMutator::exchangeGroup, &IRMutator::exchangeGroup,
      &IRMutator::emptyGroup,    &IRMutator::dropElement,
      &IRMutator::dropElement,   &IRMutator::dropOp,
      &IRMutator::dropOp,        &IRMutator::dropOp,
      &IRMutator::doubleOp,      &IRMutator::moveOp,
      &IRMutator::moveOp,        &IRMutator::swapOps};
  (this->*changes[below(std::size(changes))])();
}

std::string IRMutator::mutatePasses(StringRef line) {
  // Options in braces stay with their pass: commas are only between passes.
  llvm::SmallVector<StringRef> names;
  line.split(names, ',', -1, /*KeepEmpty=*/false);
  std::vector<std::string> list;
  for (StringRef name : names)
    list.push_back(name.str());
  size_t at = below(list.size() + 1);
  std::string fresh = passes[below(passes.size())].str();
  switch (below(5)) {
  case 0:
    return fresh;
  case 4: {
    // An option.
    std::string body = std::move(text);
    load(line);
    changeNumber();
    std::string changed = std::move(text);
    load(body);
    return changed;
  }
  case 1:
    list.insert(list.begin() + at, fresh);
    break;
  case 2:
    if (at < list.size())
      list.erase(list.begin() + at);
    break;
  default:
    if (at < list.size())
      list[at] = fresh;
  }
  return llvm::join(list, ",");
}

std::string IRMutator::mutate(StringRef input) {
  auto [line, body] = splitPasses(input);
  std::string passLine = line.str();
  load(body);
  do {
    if (oneIn(12))
      passLine = mutatePasses(passLine);
    else
      mutateBody();
  } while (oneIn(2));
  return "// " + passLine + "\n" + text;
}

std::string IRMutator::cross(StringRef input, StringRef donor) {
  auto [line, body] = splitPasses(input);
  auto [otherLine, otherBody] = splitPasses(donor);
  if (oneIn(4))
    return ("// " + otherLine + "\n" + body).str();
  load(otherBody);
  bool wholeOp = oneIn(3);
  Range group = wholeOp ? pickOp() : pickGroup();
  std::string piece = get(group).str();
  size_t token = tokens.empty() ? 0 : below(tokens.size());
  TokenKind kind = TokenKind::Word;
  bool single = !wholeOp && (piece.empty() || oneIn(3)) && !tokens.empty();
  if (single) {
    kind = tokens[token].kind;
    piece = get(range(token, token)).str();
  }
  load(body);
  if (single) {
    if (size_t i = pick(kind); i != tokens.size())
      replace(range(i, i), piece);
  } else if (wholeOp) {
    Range place = pickOp();
    replace({place.begin, oneIn(2) ? place.begin : place.end}, piece);
  } else if (!piece.empty()) {
    if (Range place = pickGroup(piece.front()); !place.empty())
      replace(place, piece);
  }
  return "// " + line.str() + "\n" + text;
}
