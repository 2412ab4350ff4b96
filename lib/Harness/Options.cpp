//===- Options.cpp - the command line of the tools ------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

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
enum : unsigned { kRun = 1, kBench = 2, kPlot = 4 };

struct CommandName {
  const char *name;
  Command command;
  unsigned bit;
};
constexpr CommandName kCommands[] = {{"run", Command::Run, kRun},
                                     {"bench", Command::Bench, kBench},
                                     {"plot", Command::Plot, kPlot}};

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
    if (word.rfind("--", 0) != 0 && word != "-o") {
      if (commandSeen)
        options.operands.push_back(word);
      else
        parseCommand(word);
      return;
    }
    // --name=value or --name value.
    size_t equals = word.find('=');
    name = word.substr(0, equals);
    hasValue = equals != std::string::npos;
    value = hasValue ? word.substr(equals + 1) : "";
    if (parseSizeOption() || parseInputOption() || parseRunOption() ||
        parseBenchOption() || parsePlotOption())
      return;
    if (config.option && config.option(word, error))
      return belongsTo(kRun | kBench);
    if (error.empty())
      error = "unknown option '" + name + "'";
  }

  void parseCommand(const std::string &word) {
    commandSeen = true;
    for (const CommandName &known : kCommands)
      if (word == known.name) {
        command = known;
        options.command = known.command;
        return;
      }
    error = "expected the command 'run', 'bench' or 'plot', got '" + word + "'";
  }

  /// Remembers which commands have the option: the command may follow it.
  void belongsTo(unsigned bits) { seen.emplace_back(name, bits); }

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
    belongsTo(kRun | kBench);
    const std::string text = needValue();
    Sizes sizes;
    forEachPart(text, [&](const std::string &part) { addSize(part, sizes); });
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
    if (flag("--check"))
      options.check = true;
    else if (name == "--repeat")
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
    else if (name == "--plot")
      options.plot.file = needValue();
    else if (flag("--progress"))
      options.progress = true;
    else
      return false;
    belongsTo(kBench);
    return true;
  }

  bool parsePlotOption() {
    if (name == "-o") {
      options.plot.file = needValue();
      belongsTo(kPlot);
      return true;
    }
    if (name != "--roof")
      return false;
    const std::string text = needValue();
    size_t comma = std::min(text.find(','), text.size());
    if (error.empty() &&
        (!parseNumber(text.substr(0, comma), options.plot.roof) ||
         !(options.plot.roof > 0 && options.plot.roof < 1e6)))
      fail("expected TFLOP/s above 0, got '" + text + "'");
    options.plot.roofLabel = text.substr(std::min(comma + 1, text.size()));
    belongsTo(kBench | kPlot);
    return true;
  }

  /// What the command line as a whole lacks, or has too much.
  std::string findFault() const {
    if (!commandSeen)
      return "expected the command 'run', 'bench' or 'plot'";
    for (const auto &[option, commands] : seen)
      if (!(commands & command.bit))
        return "option '" + option + "': is not one of '" + command.name + "'";
    bool isPlot = options.command == Command::Plot;
    if (options.operands.empty())
      return "expected at least one " +
             (isPlot ? std::string("RESULTS.jsonl") : config.operandName);
    if (!options.plot.file.empty())
      return "";
    if (isPlot)
      return "expected -o FILE.svg";
    if (options.plot.roof > 0)
      return "option '--roof': expected --plot=FILE.svg with it";
    return "";
  }

  void finish() {
    error = findFault();
    options.plot.only = options.command == Command::Plot ? common : Sizes();
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
  }

  const ToolConfig &config;
  ToolOptions &options;
  const std::vector<std::string> *words = nullptr;
  size_t at = 0;
  std::string name, value, error;
  bool hasValue = false;
  bool commandSeen = false;
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

std::string toolHelp(const ToolConfig &config) {
  std::string text = config.name + ": " + config.summary + "\n\n";
  for (const char *command : {"run", "bench"})
    text += (command[0] == 'r' ? "usage: " : "       ") + config.name + " " +
            command + " [options] " + config.operandName + "...\n";
  text += "       " + config.name +
          " plot [options] RESULTS.jsonl... -o FILE.svg\n";
  text += R"(
run    Runs each kernel once per case on seeded random inputs and prints one
       JSON line per case. Exit code 0 if all pass, 1 if one fails or the input
       is bad, 2 if the command line is wrong.
bench  Times the kernels on the GPU, alternating between them, in the modes that
       are asked for. Prints one JSON line per kernel, case and mode, then a
       table: milliseconds of a launch; what its call takes on the host, in the
       mode b2b; TFLOP/s, and how much that is of the most that was measured on
       such a device; GB/s.
plot   Draws what bench printed, joined of any number of runs: TFLOP/s over the
       size that differs, as an SVG.

sizes (run and bench)
  --size NAME=N          value of a run-time size, for all cases
  --sizes A=N,B=N,...    one case; repeat it for more cases

inputs (run and bench)
  --seed N               seed of the random values (default 0)
  --poison, --no-poison  NaN wherever the kernel must not read, and extreme
                         lengths and sinks (default: run yes, bench no)
  --invalid SHARE        share of invalid indices (default 0.1 with poison, else
                         0)
  --scale X              the argument 'scale' (default d_qk^-0.5)
  --pad NAME=N           N elements of padding after each row of a tensor
  --input NAME=FILE.npy  a tensor from a file; its shape gives missing sizes.
                         bf16 is stored as 2-byte items ('<u2' or '|V2')
  --without NAME,...     optional tensors that the launch leaves out

run
  --check                compare the outputs with the operator's reference
  --repeat N             run each case N times; all have to give the same bits
  --output DIR           write the outputs as DIR/NAME.npy; with several
                         kernels or cases as DIR/0/NAME.npy, DIR/1/...

bench
  --modes LIST           some of (default b2b,gap):
                           b2b    back to back
                           gap    the device idles before each launch
                           flush  256 MiB are written before each launch, so
                                  that the L2 holds none of its arguments
                           graph  as one CUDA graph; its time by its launches
  --iterations N         timed launches per round and mode (default 20)
  --warmup N             untimed launches before the timed ones (default 5)
  --rounds N             rounds of alternation (default 5)
  --gap MS               idle time of the gap mode (default 20)
  --peer LIBRARY.so      another implementation (mla/Harness/Peer.h), timed in
                         turns with the kernels, on the arguments of the first;
                         it must compute the same; repeat it for more
  --plot FILE.svg        draw the results as 'plot' does
  --roof N[,LABEL]       with --plot
  --progress             say on stderr how far it is, which is done anyway where
                         that is a terminal

  GB/s counts each argument once, but of sparse_prefill's kv the row of each
  valid index, as often as indices name it. Rows that queries share come from
  the L2, so it may be more than the memory delivers.

plot
  -o FILE.svg            the picture
  --roof N[,LABEL]       a line at N TFLOP/s
  --size NAME=N          only results with this size
)";
  if (!config.optionHelp.empty())
    text += "\n" + config.name + "\n" + config.optionHelp;
  return text;
}

} // namespace mla::harness
