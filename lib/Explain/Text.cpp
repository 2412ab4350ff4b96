//===- Text.cpp - numbers as text -----------------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "Text.h"
#include "llvm/Support/FormatVariadic.h"
#include <cmath>

using namespace mla;

/// `digits` decimals, without zeros at the end.
static std::string formatDecimals(double value, int digits) {
  char buffer[64];
  std::snprintf(buffer, sizeof buffer, "%.*f", digits, value);
  std::string text = buffer;
  if (digits == 0)
    return text;
  text.erase(text.find_last_not_of('0') + 1);
  if (text.back() == '.')
    text.pop_back();
  return text == "-0" ? "0" : text;
}

std::string explain::formatNumber(double value) {
  double magnitude = std::abs(value);
  std::string text = formatDecimals(value, magnitude >= 100  ? 0
                                           : magnitude >= 10 ? 1
                                                             : 2);
  size_t first = text.find_first_of("0123456789");
  size_t point = std::min(text.find('.'), text.size());
  for (size_t at = point; at > first + 3; at -= 3)
    text.insert(at - 3, ",");
  return text;
}

std::string explain::formatQuantity(double value, llvm::StringRef unit) {
  static constexpr const char *kPrefixes[] = {"", "k", "M", "G", "T", "P"};
  unsigned prefix = 0;
  while (std::abs(value) >= 1000 && prefix + 1 < std::size(kPrefixes)) {
    value /= 1000;
    ++prefix;
  }
  return formatNumber(value) + " " + kPrefixes[prefix] + unit.str();
}
