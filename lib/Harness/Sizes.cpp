//===- Sizes.cpp - sizes on a command line --------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "mla/Harness/CommandLine.h"

#include <algorithm>

namespace mla::harness {

/// A product of lists that is larger is a mistake.
static constexpr size_t kMostCases = 4096;

static std::vector<std::string> split(const std::string &text, char separator) {
  std::vector<std::string> parts;
  for (size_t begin = 0; begin <= text.size();) {
    size_t end = std::min(text.find(separator, begin), text.size());
    parts.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return parts;
}

/// Reads "NAME=N", or "NAME=N/N" if several values are allowed.
static std::string readSize(const std::string &text, bool several,
                            std::string &name, std::vector<int64_t> &values) {
  std::string numbers;
  bool good = cli::parsePair(text, name, numbers);
  for (const std::string &number :
       several ? split(numbers, '/') : std::vector<std::string>{numbers}) {
    int64_t &size = values.emplace_back();
    good &= cli::parseInteger(number, size) && size >= 0 && size <= kMaxSize;
  }
  return good ? ""
              : "expected NAME=N with N from 0 to " + std::to_string(kMaxSize) +
                    ", got '" + text + "'";
}

static std::string addSize(Sizes &sizes, const std::string &name,
                           int64_t size) {
  auto [known, isNew] = sizes.emplace(name, size);
  return isNew ? ""
               : "size '" + name + "': expected it once, got " +
                     std::to_string(known->second) + " and " +
                     std::to_string(size);
}

std::string readSizes(const std::string &text, Sizes &sizes) {
  for (const std::string &part : split(text, ',')) {
    std::string name;
    std::vector<int64_t> values;
    std::string fault = readSize(part, /*several=*/false, name, values);
    if (fault.empty())
      fault = addSize(sizes, name, values.front());
    if (!fault.empty())
      return fault;
  }
  return "";
}

std::string readCases(const std::string &text, std::vector<Sizes> &cases) {
  std::vector<Sizes> product(1);
  for (const std::string &part : split(text, ',')) {
    std::string name;
    std::vector<int64_t> values;
    if (std::string fault = readSize(part, /*several=*/true, name, values);
        !fault.empty())
      return fault;
    if (product.size() * values.size() > kMostCases)
      return "expected at most " + std::to_string(kMostCases) +
             " cases, got more";
    std::vector<Sizes> next;
    for (const Sizes &one : product)
      for (int64_t value : values)
        if (std::string fault = addSize(next.emplace_back(one), name, value);
            !fault.empty())
          return fault;
    product = std::move(next);
  }
  cases.insert(cases.end(), product.begin(), product.end());
  return "";
}

/// "--sizes s_q=1" for the old "--size s_q=1".
static std::string presentSpelling(const std::string &value) {
  return "--sizes " + value;
}

void declareSizes(cli::Command &command, Sizes &sizes,
                  const std::string &help) {
  auto read = [&sizes](const std::string &text) {
    return readSizes(text, sizes);
  };
  command.option("--sizes", "NAME=N,...", read, help);
  command.option("--size", "NAME=N", read, "")
      .repeatable()
      .replacedBy(presentSpelling);
}

void declareCases(cli::Command &command, ToolOptions &options,
                  const std::string &help) {
  command
      .option(
          "--sizes", "NAME=N,...",
          [&](const std::string &text) {
            return readCases(text, options.cases);
          },
          help)
      .repeatable();
  command
      .option(
          "--size", "NAME=N",
          [&](const std::string &text) {
            return readSizes(text, options.commonSizes);
          },
          "")
      .repeatable()
      .replacedBy(presentSpelling);
}

void finishCases(ToolOptions &options) {
  if (options.cases.empty())
    options.cases.emplace_back();
  for (Sizes &sizes : options.cases)
    sizes.insert(options.commonSizes.begin(), options.commonSizes.end());
}

} // namespace mla::harness
