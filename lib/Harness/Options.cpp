//===- Options.cpp - the command line of the tools ------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "mla/Harness/Tool.h"

#include <cerrno>
#include <cmath>
#include <cstdlib>
#include <limits>

namespace mla::harness {

namespace {

bool parseInteger(const std::string &text, int64_t &out) {
  if (text.empty())
    return false;
  char *end = nullptr;
  errno = 0;
  out = std::strtoll(text.c_str(), &end, 10);
  return errno == 0 && *end == '\0';
}

bool parseNumber(const std::string &text, double &out) {
  if (text.empty())
    return false;
  char *end = nullptr;
  out = std::strtod(text.c_str(), &end);
  return *end == '\0';
}

/// Splits "name=value".
bool splitPair(const std::string &text, std::string &name, std::string &value) {
  size_t equals = text.find('=');
  if (equals == std::string::npos || equals == 0)
    return false;
  name = text.substr(0, equals);
  value = text.substr(equals + 1);
  return true;
}

/// Reads the words of one command line into options.
class OptionParser {
public:
  OptionParser(const ToolConfig &config, ToolOptions &options)
      : config(config), options(options) {}

  std::string parse(const std::vector<std::string> &all) {
    words = &all;
    for (at = 0; at < all.size() && error.empty(); ++at)
      parseWord(all[at]);
    if (error.empty() && !options.help)
      finish();
    return error;
  }

private:
  void parseWord(const std::string &word) {
    if (word == "-h" || word == "--help" || (word == "help" && !commandSeen)) {
      options.help = true;
      return;
    }
    if (word.rfind("--", 0) != 0) {
      if (!commandSeen && (word == "run" || word == "bench"))
        options.bench = word == "bench";
      else if (!commandSeen)
        error = "expected the command 'run' or 'bench', got '" + word + "'";
      else
        options.operands.push_back(word);
      commandSeen = true;
      return;
    }
    // --name=value or --name value.
    size_t equals = word.find('=');
    name = word.substr(0, equals);
    hasValue = equals != std::string::npos;
    value = hasValue ? word.substr(equals + 1) : "";
    if (parseSizeOption() || parseInputOption() || parseCommandOption())
      return;
    if (config.option && config.option(word, error))
      return;
    if (error.empty())
      error = "unknown option '" + name + "'";
  }

  /// The value that the option needs: after '=' or the next word.
  const std::string &needValue() {
    if (!hasValue && at + 1 < words->size()) {
      value = (*words)[++at];
      hasValue = true;
    }
    if (!hasValue || value.empty())
      fail("expected a value");
    return value;
  }

  void fail(const std::string &what) {
    if (error.empty())
      error = "option '" + name + "': " + what;
  }

  bool flag(const char *option) {
    if (name != option)
      return false;
    if (hasValue)
      fail("takes no value");
    return true;
  }

  int64_t integer(int64_t low, int64_t high) {
    int64_t result = low;
    const std::string text = needValue();
    if (error.empty() &&
        (!parseInteger(text, result) || result < low || result > high))
      fail("expected an integer from " + std::to_string(low) + " to " +
           std::to_string(high) + ", got '" + text + "'");
    return result;
  }

  double realNumber() {
    double result = 0;
    const std::string text = needValue();
    if (error.empty() && !parseNumber(text, result))
      fail("expected a number, got '" + text + "'");
    return result;
  }

  /// Reads NAME=N into `sizes`.
  void addSize(const std::string &text, Sizes &sizes) {
    std::string key, number;
    int64_t size = 0;
    if (!splitPair(text, key, number) || !parseInteger(number, size) ||
        size < 0)
      return fail("expected NAME=N with N of 0 or more, got '" + text + "'");
    sizes[key] = size;
  }

  bool parseSizeOption() {
    if (name == "--size") {
      const std::string text = needValue();
      if (error.empty())
        addSize(text, common);
      return true;
    }
    if (name != "--sizes")
      return false;
    const std::string text = needValue();
    Sizes sizes;
    for (size_t begin = 0; error.empty() && begin <= text.size();) {
      size_t end = std::min(text.find(',', begin), text.size());
      addSize(text.substr(begin, end - begin), sizes);
      begin = end + 1;
    }
    cases.push_back(sizes);
    return true;
  }

  bool parseInputOption() {
    InputOptions &inputs = options.inputs;
    std::string key, text;
    if (name == "--seed") {
      inputs.seed = static_cast<uint64_t>(
          integer(0, std::numeric_limits<int64_t>::max()));
    } else if (flag("--poison") || flag("--no-poison")) {
      inputs.poison = name == "--poison";
      options.poisonGiven = true;
    } else if (name == "--invalid") {
      inputs.invalidShare = realNumber();
      options.invalidGiven = true;
      if (!(inputs.invalidShare >= 0 && inputs.invalidShare <= 1))
        fail("expected a share from 0 to 1");
    } else if (name == "--scale") {
      inputs.scale = realNumber();
      if (!(*inputs.scale > 0))
        fail("expected a number above 0, got '" + value + "'");
    } else if (name == "--pad") {
      int64_t elements = 0;
      if (!splitPair(needValue(), key, text) || !parseInteger(text, elements) ||
          elements < 0 || elements > (1 << 20))
        fail("expected NAME=N with N from 0 to 1048576, got '" + value + "'");
      inputs.padding[key] = elements;
    } else if (name == "--input") {
      if (!splitPair(needValue(), key, text) || text.empty())
        fail("expected NAME=FILE.npy, got '" + value + "'");
      inputs.files[key] = text;
    } else {
      return false;
    }
    return true;
  }

  bool parseCommandOption() {
    constexpr int64_t kMany = 1000000;
    if (flag("--check"))
      options.check = true;
    else if (name == "--output")
      options.outputFolder = needValue();
    else if (name == "--iterations")
      options.iterations = static_cast<int>(integer(1, kMany));
    else if (name == "--warmup")
      options.warmup = static_cast<int>(integer(0, kMany));
    else if (name == "--rounds")
      options.rounds = static_cast<int>(integer(1, kMany));
    else if (name == "--gap") {
      options.gapMs = realNumber();
      if (!(options.gapMs > 0 && options.gapMs <= 60000))
        fail("expected milliseconds above 0, at most 60000");
    } else
      return false;
    bool isForRun = name == "--check" || name == "--output";
    (isForRun ? runOnly : benchOnly) = name;
    return true;
  }

  void finish() {
    if (!commandSeen)
      error = "expected the command 'run' or 'bench'";
    else if (!(options.bench ? runOnly : benchOnly).empty())
      error = "option '" + (options.bench ? runOnly : benchOnly) +
              "': is not one of '" + (options.bench ? "bench" : "run") + "'";
    else if (options.operands.empty())
      error = "expected at least one " + config.operandName;
    if (cases.empty())
      cases.push_back({});
    for (Sizes &sizes : cases) {
      // A case's own sizes win over the common ones.
      sizes.insert(common.begin(), common.end());
      options.cases.push_back(sizes);
    }
    if (options.bench && !options.poisonGiven)
      options.inputs.poison = false;
    if (!options.invalidGiven && !options.inputs.poison)
      options.inputs.invalidShare = 0;
  }

  const ToolConfig &config;
  ToolOptions &options;
  const std::vector<std::string> *words = nullptr;
  size_t at = 0;
  std::string name, value, error;
  bool hasValue = false;
  bool commandSeen = false;
  /// The last option seen that only one of the commands has.
  std::string runOnly, benchOnly;
  Sizes common;
  std::vector<Sizes> cases;
};

} // namespace

std::string parseToolOptions(const ToolConfig &config,
                             const std::vector<std::string> &words,
                             ToolOptions &out) {
  out = ToolOptions();
  return OptionParser(config, out).parse(words);
}

std::string toolHelp(const ToolConfig &config) {
  std::string text = config.name + ": " + config.summary + "\n\n";
  for (const char *command : {"run", "bench"})
    text += (command[0] == 'r' ? "usage: " : "       ") + config.name + " " +
            command + " [options] " + config.operandName + "...\n";
  text += R"(
run    Runs each kernel once per case on seeded random inputs and prints one
       JSON line per case. Exit code 0 if all pass, 1 if one fails or the input
       is bad, 2 if the command line is wrong.
bench  Times the kernels on the GPU, alternating between them, in two modes:
       back to back, and with an idle gap before each launch. Prints one JSON
       line per kernel, case and mode, then a table.

sizes (both commands)
  --size NAME=N          value of a run-time size, for all cases
  --sizes A=N,B=N,...    one case; repeat it for more cases

inputs (both commands)
  --seed N               seed of the random values (default 0)
  --poison, --no-poison  NaN wherever the kernel must not read, and extreme
                         lengths and sinks (default: run yes, bench no)
  --invalid SHARE        share of invalid indices (default 0.1 with poison, else
                         0)
  --scale X              the argument 'scale' (default d_qk^-0.5)
  --pad NAME=N           N elements of padding after each row of a tensor
  --input NAME=FILE.npy  a tensor from a file; its shape gives missing sizes.
                         bf16 is stored as 2-byte items ('<u2' or '|V2')

run
  --check                compare the outputs with the operator's reference
  --output DIR           write the outputs as DIR/NAME.npy; with several
                         kernels or cases as DIR/0/NAME.npy, DIR/1/...

bench
  --iterations N         timed launches per round and mode (default 20)
  --warmup N             untimed launches before the timed ones (default 5)
  --rounds N             rounds of alternation (default 5)
  --gap MS               idle time of the gap mode (default 20)
)";
  if (!config.optionHelp.empty())
    text += "\n" + config.name + "\n" + config.optionHelp;
  return text;
}

} // namespace mla::harness
