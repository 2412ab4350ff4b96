//===- Readers.h - values of options ----------------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef MLA_COMMANDLINE_READERS_H
#define MLA_COMMANDLINE_READERS_H

#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace mla::cli {

/// Stores a value. Returns what is wrong with it ("expected X, got Y"), or an
/// empty text.
using Read = std::function<std::string(const std::string &value)>;

inline constexpr int64_t kAnyInteger = std::numeric_limits<int64_t>::max();

/// Takes decimal digits with an optional minus sign; false if `text` is
/// anything else or does not fit.
bool parseInteger(const std::string &text, int64_t &out);
/// Takes what strtod takes, infinities and NaN included.
bool parseNumber(const std::string &text, double &out);
/// Splits "NAME=VALUE"; false if either is empty.
bool parsePair(const std::string &text, std::string &name, std::string &value);

Read readText(std::string &out);

template <typename T>
Read readInteger(T &out, int64_t low, int64_t high = kAnyInteger) {
  return [&out, low, high](const std::string &value) -> std::string {
    int64_t number = 0;
    if (!parseInteger(value, number) || number < low || number > high)
      return "expected an integer " +
             (high == kAnyInteger ? ">= " + std::to_string(low)
                                  : "from " + std::to_string(low) + " to " +
                                        std::to_string(high)) +
             ", got '" + value + "'";
    out = static_cast<T>(number);
    return "";
  };
}

/// A number for which `accepts` holds; `what` describes those, as in "a number
/// above 0".
Read readNumber(std::function<void(double)> store,
                std::function<bool(double)> accepts, const std::string &what);

/// One of `words`; `store` gets its index.
Read readWord(std::vector<std::string> words,
              std::function<void(size_t)> store);

/// Each part of "A,B,C".
Read readList(Read part);

/// The one operand of a command, which is called `what` in errors.
Read readOnce(const std::string &what, std::string &out);

/// "NAME=VALUE" for `into`, each name once; `read` makes an element of VALUE,
/// and `what` is the expected form, "NAME=FILE.npy".
template <typename T>
Read readPair(std::map<std::string, T> &into, const std::string &what,
              std::function<bool(const std::string &value, T &out)> read) {
  return [&into, what, read](const std::string &text) -> std::string {
    std::string name, value;
    T element{};
    if (!parsePair(text, name, value) || !read(value, element))
      return "expected " + what + ", got '" + text + "'";
    if (!into.emplace(name, std::move(element)).second)
      return "expected '" + name + "' once, got '" + text + "' too";
    return "";
  };
}

} // namespace mla::cli

#endif // MLA_COMMANDLINE_READERS_H
