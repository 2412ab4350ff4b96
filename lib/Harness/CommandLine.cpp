//===- CommandLine.cpp - options as a help text lists them ----------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "mla/Harness/CommandLine.h"

#include <algorithm>
#include <charconv>
#include <numeric>
#include <sstream>

namespace mla::harness {

/// Reads "--a=X, --b, -o FILE", which the description follows.
static void readOptionLine(const std::string &line,
                           std::vector<OptionName> &out) {
  size_t end = std::min(line.find("  "), line.size());
  for (size_t begin = 0; begin < end;) {
    size_t next = std::min(line.find(", ", begin), end);
    std::string text = line.substr(begin, next - begin);
    size_t value = text.find_first_of("= ");
    out.push_back({text.substr(0, value), value != std::string::npos});
    begin = next + 2;
  }
}

std::vector<OptionName> readOptions(const std::string &help) {
  std::vector<OptionName> options;
  std::istringstream lines(help);
  for (std::string line; std::getline(lines, line);)
    if (line.rfind("  -", 0) == 0)
      readOptionLine(line.substr(2), options);
  return options;
}

static bool isOption(const std::string &word) {
  return word.size() > 1 && word[0] == '-';
}

static std::string unknownOption(const std::string &name,
                                 const std::vector<OptionName> &options) {
  std::vector<std::string> names;
  for (const OptionName &option : options)
    names.push_back(option.name);
  return "unknown option '" + name + "'" + suggest(name, names);
}

std::string joinValues(const std::vector<OptionName> &options,
                       const std::vector<std::string> &words,
                       std::vector<std::string> &out) {
  auto find = [&](const std::string &name) {
    return std::find_if(
        options.begin(), options.end(),
        [&](const OptionName &option) { return option.name == name; });
  };
  for (size_t at = 0; at < words.size(); ++at) {
    std::string word = words[at];
    size_t equals = word.find('=');
    std::string name = word.substr(0, equals);
    if (isOption(word) && name != "-h" && name != "--help") {
      auto option = find(name);
      if (option == options.end())
        return unknownOption(name, options);
      bool given = equals != std::string::npos;
      if (given && !option->hasValue)
        return "option '" + name + "': takes no value";
      if (!given && option->hasValue) {
        // A value may start with a dash (-1), but is no option.
        if (at + 1 == words.size() ||
            find(words[at + 1].substr(0, words[at + 1].find('='))) !=
                options.end())
          return "option '" + name + "': expected a value";
        word += "=" + words[++at];
      }
    }
    out.push_back(word);
  }
  return "";
}

/// Single-character edits that turn `a` into `b` (Levenshtein).
static size_t countEdits(const std::string &a, const std::string &b) {
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

std::string suggest(const std::string &word,
                    const std::vector<std::string> &candidates) {
  // Beyond a third of the letters the words are unrelated.
  size_t least = std::max<size_t>(1, word.size() / 3) + 1;
  const std::string *nearest = nullptr;
  for (const std::string &candidate : candidates)
    if (size_t edits = countEdits(word, candidate); edits < least) {
      least = edits;
      nearest = &candidate;
    }
  return nearest ? "; did you mean '" + *nearest + "'?" : "";
}

std::string listNearest(const std::string &word,
                        const std::vector<std::string> &candidates) {
  if (candidates.empty())
    return "none";
  // Those that are as near stay in their order.
  std::vector<std::pair<size_t, size_t>> nearest;
  for (size_t i = 0; i < candidates.size(); ++i)
    nearest.emplace_back(countEdits(word, candidates[i]), i);
  std::sort(nearest.begin(), nearest.end());
  constexpr size_t kShown = 8;
  size_t shown = std::min(kShown, nearest.size());
  size_t more = nearest.size() - shown;
  std::string text = nearest.size() > 1 ? "one of " : "";
  for (size_t i = 0; i < shown; ++i) {
    bool isLast = i + 1 == shown && !more;
    text += (i == 0   ? ""
             : isLast ? " and "
                      : ", ") +
            candidates[nearest[i].second];
  }
  return more ? text + " and " + std::to_string(more) + " more" : text;
}

std::string readSizes(const std::string &text, Sizes &sizes) {
  for (size_t begin = 0; begin <= text.size();) {
    size_t end = std::min(text.find(',', begin), text.size());
    std::string part = text.substr(begin, end - begin);
    begin = end + 1;
    size_t equals = std::min(part.find('='), part.size());
    std::string number = part.substr(std::min(equals + 1, part.size()));
    const char *stop = number.data() + number.size();
    int64_t size = 0;
    auto [at, error] = std::from_chars(number.data(), stop, size);
    if (equals == 0 || error != std::errc() || at != stop || size < 0 ||
        size > kMaxSize)
      return "expected NAME=N with N from 0 to " + std::to_string(kMaxSize) +
             ", got '" + part + "'";
    auto [known, isNew] = sizes.emplace(part.substr(0, equals), size);
    if (!isNew)
      return "size '" + known->first + "': expected it once, got " +
             std::to_string(known->second) + " and " + std::to_string(size);
  }
  return "";
}

} // namespace mla::harness
