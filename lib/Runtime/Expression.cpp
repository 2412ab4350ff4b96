//===- Expression.cpp - integers that a launch evaluates ------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "mla/Runtime/Expression.h"

#include <algorithm>
#include <charconv>
#include <cstddef>

namespace mla::runtime {

namespace {

// ASCII letters and digits, independent of the host's locale.
bool isDigit(char c) { return c >= '0' && c <= '9'; }
bool isNameStart(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}
bool isNamePart(char c) { return isNameStart(c) || isDigit(c) || c == '.'; }

} // namespace

/// A recursive-descent parser that writes `out` in postfix order.
class Expression::Parser {
public:
  Parser(std::string_view text, const std::vector<std::string> &sizeNames,
         std::vector<Term> &out)
      : text(text), rest(text), sizeNames(sizeNames), out(out) {}

  Status run() {
    MLA_RETURN_IF_ERROR(sum());
    skipSpace();
    return rest.empty() ? Status() : expected("an operator");
  }

private:
  Status expected(const std::string &what) const {
    std::string got =
        rest.empty() ? "the end" : "'" + std::string(rest.substr(0, 20)) + "'";
    return invalidPackage("expression '" + std::string(text.substr(0, 200)) +
                          "': expected " + what + ", got " + got);
  }

  void skipSpace() {
    while (!rest.empty() && rest.front() == ' ')
      rest.remove_prefix(1);
  }
  bool take(char c) {
    skipSpace();
    if (rest.empty() || rest.front() != c)
      return false;
    rest.remove_prefix(1);
    return true;
  }

  Status push(Kind kind, int64_t value = 0) {
    out.push_back({kind, value});
    if (out.size() > static_cast<size_t>(kMaxExpressionTerms))
      return expected("at most " + std::to_string(kMaxExpressionTerms) +
                      " constants, names and operators");
    return Status();
  }

  Status sum() {
    if (++depth > kMaxExpressionTerms)
      return expected("at most " + std::to_string(kMaxExpressionTerms) +
                      " levels of brackets");
    MLA_RETURN_IF_ERROR(product());
    while (take('+')) {
      MLA_RETURN_IF_ERROR(product());
      MLA_RETURN_IF_ERROR(push(Kind::Add));
    }
    --depth;
    return Status();
  }

  Status product() {
    MLA_RETURN_IF_ERROR(factor());
    while (take('*')) {
      MLA_RETURN_IF_ERROR(factor());
      MLA_RETURN_IF_ERROR(push(Kind::Mul));
    }
    return Status();
  }

  Status factor() {
    if (take('(')) {
      MLA_RETURN_IF_ERROR(sum());
      return take(')') ? Status() : expected("')'");
    }
    if (!rest.empty() && isDigit(rest.front()))
      return constant();
    if (!rest.empty() && isNameStart(rest.front()))
      return name();
    return expected("a constant, a name or '('");
  }

  Status constant() {
    int64_t value = 0;
    auto [end, error] =
        std::from_chars(rest.data(), rest.data() + rest.size(), value);
    if (error != std::errc())
      return expected("a constant below 2^63");
    rest.remove_prefix(static_cast<size_t>(end - rest.data()));
    return push(Kind::Constant, value);
  }

  Status name() {
    std::string_view before = rest;
    size_t length = 0;
    while (length < rest.size() && isNamePart(rest[length]))
      ++length;
    std::string_view word = rest.substr(0, length);
    rest.remove_prefix(length);
    if (word == kSmsName)
      return push(Kind::Sms);
    constexpr std::pair<std::string_view, Kind> kCalls[] = {
        {"min", Kind::Min},
        {"max", Kind::Max},
        {"floordiv", Kind::FloorDiv},
        {"ceildiv", Kind::CeilDiv}};
    for (auto [known, kind] : kCalls)
      if (word == known)
        return call(kind);
    auto found = std::find(sizeNames.begin(), sizeNames.end(), word);
    if (found != sizeNames.end())
      return push(Kind::Size, found - sizeNames.begin());
    rest = before;
    return expected("the name of a size of an argument");
  }

  Status call(Kind kind) {
    if (!take('('))
      return expected("'('");
    MLA_RETURN_IF_ERROR(sum());
    if (!take(','))
      return expected("','");
    size_t divisor = out.size();
    std::string_view before = rest;
    MLA_RETURN_IF_ERROR(sum());
    bool isDivision = kind == Kind::FloorDiv || kind == Kind::CeilDiv;
    if (isDivision && out.size() == divisor + 1 &&
        out.back().kind == Kind::Constant && out.back().value == 0) {
      rest = before;
      skipSpace();
      return expected("a divisor above 0");
    }
    return take(')') ? push(kind) : expected("')'");
  }

  const std::string_view text;
  std::string_view rest;
  const std::vector<std::string> &sizeNames;
  std::vector<Term> &out;
  int depth = 0;
};

bool isReservedInExpressions(std::string_view name) {
  constexpr std::string_view kReserved[] = {kSmsName, "min", "max", "floordiv",
                                            "ceildiv"};
  return std::find(std::begin(kReserved), std::end(kReserved), name) !=
         std::end(kReserved);
}

bool isExpressionName(std::string_view name) {
  return !name.empty() && isNameStart(name.front()) &&
         std::all_of(name.begin(), name.end(), isNamePart) &&
         !isReservedInExpressions(name);
}

Expression::Expression(int64_t constant)
    : source(std::to_string(constant)), terms({{Kind::Constant, constant}}) {}

Status Expression::parse(std::string_view text,
                         const std::vector<std::string> &sizeNames,
                         Expression &out) {
  Expression parsed;
  parsed.source = std::string(text);
  parsed.terms.clear();
  MLA_RETURN_IF_ERROR(Parser(text, sizeNames, parsed.terms).run());
  out = std::move(parsed);
  return Status();
}

Status Expression::evaluate(const int64_t *sizes, int64_t sms,
                            int64_t &value) const {
  int64_t stack[kMaxExpressionTerms];
  int top = -1;
  for (const Term &term : terms) {
    int64_t right = top >= 0 ? stack[top] : 0;
    int64_t left = top >= 1 ? stack[top - 1] : 0;
    int64_t result = 0;
    bool overflow = false;
    switch (term.kind) {
    case Kind::Constant:
      stack[++top] = term.value;
      continue;
    case Kind::Size:
      stack[++top] = sizes[term.value];
      continue;
    case Kind::Sms:
      stack[++top] = sms;
      continue;
    case Kind::Add:
      overflow = __builtin_add_overflow(left, right, &result);
      break;
    case Kind::Mul:
      overflow = __builtin_mul_overflow(left, right, &result);
      break;
    case Kind::Min:
      result = std::min(left, right);
      break;
    case Kind::Max:
      result = std::max(left, right);
      break;
    case Kind::FloorDiv:
    case Kind::CeilDiv:
      if (right == 0)
        return invalidArgument("expression '" + source +
                               "': expected a divisor above 0, got 0");
      result = left / right +
               (term.kind == Kind::CeilDiv && left % right != 0 ? 1 : 0);
      break;
    }
    if (overflow)
      return invalidArgument("expression '" + source +
                             "': expected values below 2^63, got more");
    stack[--top] = result;
  }
  value = stack[0];
  return Status();
}

bool Expression::usesSms() const {
  return std::any_of(terms.begin(), terms.end(),
                     [](const Term &term) { return term.kind == Kind::Sms; });
}

std::vector<int> Expression::sizes() const {
  std::vector<int> found;
  for (const Term &term : terms)
    if (term.kind == Kind::Size)
      found.push_back(static_cast<int>(term.value));
  return found;
}

} // namespace mla::runtime
