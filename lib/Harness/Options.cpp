//===- Options.cpp - the command line of the tools ------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "mla/Harness/CommandLine.h"
#include "mla/Harness/OperatorHost.h"
#include "mla/Harness/Tool.h"

#include <algorithm>
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

/// The commands that an option belongs to, as bits.
enum : unsigned { kRun = 1, kBench = 2 };

struct CommandName {
  const char *name;
  Command command;
  unsigned bit;
};
constexpr CommandName kCommands[] = {{"run", Command::Run, kRun},
                                     {"bench", Command::Bench, kBench}};

/// Reads the words of one command line into options.
class OptionParser {
public:
  OptionParser(const ToolConfig &config, ToolOptions &options)
      : config(config), options(options) {}

  std::string parse(const std::vector<std::string> &all) {
    std::vector<std::string> words;
    error = joinValues(readOptions(toolHelp(config)), all, words);
    if (!error.empty())
      nameCommand(all);
    for (size_t at = 0; at < words.size() && error.empty(); ++at)
      parseWord(words[at]);
    if (error.empty() && !options.help && !options.version)
      finish();
    return error;
  }

private:
  void parseWord(const std::string &word) {
    if (word == "-h" || word == "--help" ||
        (word == "help" && options.commandName.empty())) {
      options.help = true;
      return;
    }
    if (word == "--version") {
      options.version = true;
      return;
    }
    if (word.size() < 2 || word[0] != '-') {
      if (!options.commandName.empty())
        options.operands.push_back(word);
      else
        parseCommand(word);
      return;
    }
    size_t equals = word.find('=');
    name = word.substr(0, equals);
    value = equals == std::string::npos ? "" : word.substr(equals + 1);
    if (parseSizeOption() || parseInputOption() || parseRunOption() ||
        parseBenchOption())
      return;
    if (config.option && config.option(word, error))
      return belongsTo(isRunOnly() ? kRun : kRun | kBench);
    if (error.empty())
      error = "unknown option '" + name + "'";
  }

  /// Named in errors, which refer to its help.
  void nameCommand(const std::vector<std::string> &words) {
    for (const CommandName &known : kCommands)
      if (!words.empty() && words.front() == known.name)
        options.commandName = known.name;
  }

  void parseCommand(const std::string &word) {
    std::vector<std::string> names;
    for (const CommandName &known : kCommands) {
      names.push_back(known.name);
      if (word == known.name) {
        command = known;
        options.command = known.command;
        options.commandName = known.name;
        return;
      }
    }
    error = "expected the command 'run' or 'bench', got '" + word + "'" +
            suggest(word, names);
  }

  /// Whether the tool lists its option under `run` alone.
  bool isRunOnly() const {
    for (const OptionName &option : readOptions(config.runOptionHelp))
      if (option.name == name)
        return true;
    return false;
  }

  /// Remembers which commands have the option: the command may follow it.
  void belongsTo(unsigned bits) { seen.emplace_back(name, bits); }

  /// The value that the option needs.
  const std::string &needValue() {
    if (value.empty())
      fail("expected a value");
    return value;
  }

  void fail(const std::string &what) {
    if (error.empty())
      error = "option '" + name + "': " + what;
  }

  bool flag(const char *option) const { return name == option; }

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

  /// Calls `take` with each part of a text with commas, until one fails.
  template <typename Take>
  void forEachPart(const std::string &text, Take take) {
    for (size_t begin = 0; error.empty() && begin <= text.size();) {
      size_t end = std::min(text.find(',', begin), text.size());
      take(text.substr(begin, end - begin));
      begin = end + 1;
    }
  }

  void addMode(const std::string &text) {
    const ModeName *known = findMode(text);
    std::vector<Mode> &modes = options.modes;
    if (!known)
      return fail("expected some of " + listModes() + ", got '" + text + "'");
    if (std::count(modes.begin(), modes.end(), known->mode))
      return fail("expected each mode once, got '" + text + "' twice");
    modes.push_back(known->mode);
  }

  void addExtreme(const std::string &text) {
    std::vector<std::string> names = extremeNames();
    if (!std::count(names.begin(), names.end(), text))
      return fail("expected " + listNearest(text, names) + ", got '" + text +
                  "'");
    options.inputs.extremes.insert(text);
  }

  bool parseSizeOption() {
    if (name != "--size" && name != "--sizes")
      return false;
    if (name == "--sizes") {
      belongsTo(kRun | kBench);
      cases.emplace_back();
    }
    const std::string text = needValue();
    if (error.empty())
      if (std::string fault =
              readSizes(text, name == "--size" ? common : cases.back());
          !fault.empty())
        fail(fault);
    return true;
  }

  /// Keeps what is said of an argument, NAME=TEXT; each may be said once.
  template <typename T>
  void addOnce(std::map<std::string, T> &map, const std::string &key,
               const T &of) {
    if (!map.emplace(key, of).second)
      fail("expected '" + key + "' once, got '" + value + "' too");
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
      if (!isScale(*inputs.scale))
        fail("expected a number above 0 that fp32 holds, got '" + value + "'");
    } else if (name == "--magnitude") {
      double magnitude = realNumber();
      // Squares of the values, and their sums, stay far inside fp32.
      if (!(magnitude >= 1e-15 && magnitude <= 1e15))
        return fail("expected a number from 1e-15 to 1e15, got '" + value +
                    "'"),
               true;
      inputs.magnitude = static_cast<float>(magnitude);
    } else if (name == "--extreme") {
      const std::string list = needValue();
      forEachPart(list, [&](const std::string &part) { addExtreme(part); });
    } else if (name == "--pad") {
      int64_t elements = 0;
      if (!splitPair(needValue(), key, text) || !parseInteger(text, elements) ||
          elements < 0 || elements > (1 << 20))
        fail("expected NAME=N with N from 0 to 1048576, got '" + value + "'");
      else
        addOnce(inputs.padding, key, elements);
    } else if (name == "--input") {
      if (!splitPair(needValue(), key, text) || text.empty())
        fail("expected NAME=FILE.npy, got '" + value + "'");
      else
        addOnce(inputs.files, key, text);
    } else if (name == "--without") {
      const std::string names = needValue();
      forEachPart(
          names, [&](const std::string &part) { inputs.leftOut.insert(part); });
    } else {
      return false;
    }
    belongsTo(kRun | kBench);
    return true;
  }

  bool parseRunOption() {
    std::string key, text;
    if (flag("--check"))
      options.check = true;
    else if (name == "--expect") {
      options.check = true;
      if (!splitPair(needValue(), key, text) || text.empty())
        fail("expected NAME=FILE.npy, got '" + value + "'");
      else
        addOnce(options.expected, key, text);
    } else if (name == "--tolerance") {
      options.tolerance = realNumber();
      if (!(*options.tolerance >= 0 && *options.tolerance <= 1))
        fail("expected a number from 0 to 1, got '" + value + "'");
    } else if (name == "--repeat")
      options.repeats = static_cast<int>(integer(1, 1000000));
    else if (name == "--output")
      options.outputFolder = needValue();
    else
      return false;
    belongsTo(kRun);
    return true;
  }

  bool parseBenchOption() {
    constexpr int64_t kMany = 1000000;
    if (name == "--modes") {
      const std::string text = needValue();
      options.modes.clear();
      forEachPart(text, [&](const std::string &part) { addMode(part); });
    } else if (name == "--iterations")
      options.iterations = static_cast<int>(integer(1, kMany));
    else if (name == "--warmup")
      options.warmup = static_cast<int>(integer(0, kMany));
    else if (name == "--rounds")
      options.rounds = static_cast<int>(integer(1, kMany));
    else if (name == "--gap") {
      options.gapMs = realNumber();
      if (!(options.gapMs > 0 && options.gapMs <= 60000))
        fail("expected milliseconds above 0, at most 60000");
    } else if (name == "--peer")
      options.peers.push_back(needValue());
    else if (flag("--progress"))
      options.progress = true;
    else
      return false;
    belongsTo(kBench);
    return true;
  }

  /// What the command line as a whole lacks, or has too much.
  std::string findFault() const {
    if (options.commandName.empty())
      return "expected the command 'run' or 'bench'";
    for (const auto &[option, commands] : seen)
      if (!(commands & command.bit))
        return "option '" + option + "': is not one of '" +
               (config.commandName.empty() ? command.name
                                           : config.commandName) +
               "'";
    if (options.operands.empty())
      return "expected at least one " + config.operandName;
    if (options.tolerance && options.expected.empty())
      return "option '--tolerance': expected --expect NAME=FILE.npy with it";
    return "";
  }

  void finish() {
    error = findFault();
    if (cases.empty())
      cases.push_back({});
    for (Sizes &sizes : cases) {
      // A case's own sizes win over the common ones.
      sizes.insert(common.begin(), common.end());
      options.cases.push_back(sizes);
    }
    if (options.command == Command::Bench && !options.poisonGiven)
      options.inputs.poison = false;
    if (!options.invalidGiven && !options.inputs.poison)
      options.inputs.invalidShare = 0;
    if (error.empty() && config.fault)
      error = config.fault(options);
  }

  const ToolConfig &config;
  ToolOptions &options;
  std::string name, value, error;
  CommandName command = kCommands[0];
  /// The options that not all commands have, with the commands that do.
  std::vector<std::pair<std::string, unsigned>> seen;
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

} // namespace mla::harness
