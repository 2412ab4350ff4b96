//===- Readers.cpp - values of options ------------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "mla/CommandLine/Readers.h"
#include "mla/Support/NearNames.h"

#include <algorithm>
#include <charconv>
#include <cstdlib>

namespace mla::cli {

bool parseInteger(const std::string &text, int64_t &out) {
  const char *end = text.data() + text.size();
  auto [stop, error] = std::from_chars(text.data(), end, out);
  return error == std::errc() && stop == end && !text.empty();
}

bool parseNumber(const std::string &text, double &out) {
  char *end = nullptr;
  out = std::strtod(text.c_str(), &end);
  return !text.empty() && *end == '\0';
}

bool parsePair(const std::string &text, std::string &name, std::string &value) {
  size_t equals = std::min(text.find('='), text.size());
  name = text.substr(0, equals);
  value = text.substr(std::min(equals + 1, text.size()));
  return !name.empty() && !value.empty();
}

Read readText(std::string &out) {
  return [&out](const std::string &value) {
    out = value;
    return "";
  };
}

Read readNumber(std::function<void(double)> store,
                std::function<bool(double)> accepts, const std::string &what) {
  return [=](const std::string &value) -> std::string {
    double number = 0;
    if (!parseNumber(value, number))
      return "expected a number, got '" + value + "'";
    if (!accepts(number))
      return "expected " + what + ", got '" + value + "'";
    store(number);
    return "";
  };
}

Read readWord(std::vector<std::string> words,
              std::function<void(size_t)> store) {
  return [words, store](const std::string &value) -> std::string {
    auto found = std::find(words.begin(), words.end(), value);
    if (found == words.end())
      return "expected " + listNames(value, words) + ", got '" + value + "'";
    store(found - words.begin());
    return "";
  };
}

Read readList(Read part) {
  return [part](const std::string &value) -> std::string {
    for (size_t begin = 0; begin <= value.size();) {
      size_t end = std::min(value.find(',', begin), value.size());
      if (std::string fault = part(value.substr(begin, end - begin));
          !fault.empty())
        return fault;
      begin = end + 1;
    }
    return "";
  };
}

Read readOnce(const std::string &what, std::string &out) {
  return [what, &out](const std::string &value) -> std::string {
    if (!out.empty())
      return "expected one " + what + ", got '" + out + "' and '" + value + "'";
    out = value;
    return "";
  };
}

} // namespace mla::cli
