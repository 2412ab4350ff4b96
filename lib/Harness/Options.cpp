//===- Options.cpp - options of `run` and `bench` -------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "Options.h"
#include "mla/Harness/OperatorHost.h"

#include <algorithm>
#include <sstream>

using mla::cli::Command;

namespace mla::harness {

static constexpr int64_t kManyRuns = 1000000;

//===----------------------------------------------------------------------===//
// Inputs
//===----------------------------------------------------------------------===//

void declareValues(Command &command, InputOptions &inputs) {
  command.option("--seed", "N", cli::readInteger(inputs.seed, 0),
                 "seed of the random values (default 0)");
  command.option("--scale", "X",
                 cli::readNumber([&](double scale) { inputs.scale = scale; },
                                 isScale, "a number above 0 that fp32 holds"),
                 "value of the argument 'scale' (default d_qk^-0.5)");
}

static void declarePoison(Command &command, InputOptions &inputs,
                          InputFlags &given) {
  auto setPoison = [&](bool poison) {
    return [&inputs, &given, poison] {
      inputs.poison = poison;
      given.poison = true;
    };
  };
  command.flag("--poison", setPoison(true),
               "put NaN wherever the kernel must not read, and use extreme "
               "lengths and sinks (default of run)");
  command.flag("--no-poison", setPoison(false),
               "the opposite (default of bench)");
  command.option(
      "--invalid", "SHARE",
      cli::readNumber(
          [&](double share) {
            inputs.invalidShare = share;
            given.invalid = true;
          },
          [](double share) { return share >= 0 && share <= 1; },
          "a share from 0 to 1"),
      "share of entries that do not count: invalid indices and pages, empty "
      "splits (default 0.1 with poison, else 0)");
}

/// Makes "NAME=FILE.npy" options.
static cli::Read readFiles(std::map<std::string, std::string> &files) {
  return cli::readPair<std::string>(
      files, "NAME=FILE.npy", [](const std::string &value, std::string &out) {
        out = value;
        return true;
      });
}

/// "0,2,1"
static bool readDims(const std::string &value, std::vector<int> &out) {
  std::istringstream words(value);
  std::string word;
  while (std::getline(words, word, ',')) {
    int64_t dim = 0;
    if (!cli::parseInteger(word, dim) || dim < 0 || dim >= MLA_MAX_RANK)
      return false;
    out.push_back(static_cast<int>(dim));
  }
  return !out.empty() && value.back() != ',';
}

static void declareTensors(Command &command, InputOptions &inputs) {
  constexpr int64_t kMostPadding = 1 << 20;
  command
      .option("--pad", "NAME=N",
              cli::readPair<int64_t>(
                  inputs.padding,
                  "NAME=N with N from 0 to " + std::to_string(kMostPadding),
                  [](const std::string &value, int64_t &out) {
                    return cli::parseInteger(value, out) && out >= 0 &&
                           out <= kMostPadding;
                  }),
              "N elements of padding after each row (the last dimension) of a "
              "tensor")
      .repeatable();
  command
      .option("--order", "NAME=D,...",
              cli::readPair<std::vector<int>>(
                  inputs.orders, "NAME=D,... with dimensions D", readDims),
              "dimensions of a tensor from the slowest to the fastest in "
              "memory, as in out=0,2,1,3 (default: as in its shape)")
      .repeatable();
  command
      .option("--input", "NAME=FILE.npy", readFiles(inputs.files),
              "read a tensor from a file; its shape gives missing sizes. bf16 "
              "is stored as 2-byte items ('<u2', '|V2' or '<V2')")
      .repeatable()
      .offerFiles();
  command
      .option("--without", "NAME,...",
              cli::readList([&](const std::string &name) {
                inputs.leftOut.insert(name);
                return "";
              }),
              "optional tensors that the launch leaves out")
      .repeatable();
}

void declareInputs(Command &command, InputOptions &inputs, InputFlags &given) {
  command.group("Inputs");
  declareValues(command, inputs);
  // Squares of the values, and their sums, stay far inside fp32.
  command.option(
      "--magnitude", "X",
      cli::readNumber(
          [&](double x) { inputs.magnitude = static_cast<float>(x); },
          [](double x) { return x >= 1e-15 && x <= 1e15; },
          "a number from 1e-15 to 1e15"),
      "standard deviation of the random values (default 0.1)");
  declarePoison(command, inputs, given);
  std::vector<std::string> extremes = extremeNames();
  command
      .option("--extreme", "NAME,...",
              cli::readList([&inputs, extremes](const std::string &name) {
                return cli::readWord(extremes, [&](size_t) {
                  inputs.extremes.insert(name);
                })(name);
              }),
              "place values at the edges into the generated arguments: see "
              "below")
      .repeatable()
      .offer(extremes);
  declareTensors(command, inputs);
}

void finishInputs(InputOptions &inputs, const InputFlags &given, bool isBench) {
  if (isBench && !given.poison)
    inputs.poison = false;
  if (!given.invalid && !inputs.poison)
    inputs.invalidShare = 0;
}

//===----------------------------------------------------------------------===//
// What is done
//===----------------------------------------------------------------------===//

void declareChecks(Command &command, ToolOptions &options) {
  command.group("Results");
  command.flag("--check", options.check,
               "compare the outputs with the operator's reference");
  command
      .option(
          "--expect", "NAME=FILE.npy",
          [&options](const std::string &value) {
            options.check = true;
            return readFiles(options.expected)(value);
          },
          "compare an output with a file instead of the reference; it holds "
          "the "
          "output's own type, '<f4' or '<f8'")
      .repeatable()
      .offerFiles();
  command.option(
      "--tolerance", "X",
      cli::readNumber([&](double x) { options.tolerance = x; },
                      [](double x) { return x >= 0 && x <= 1; },
                      "a number from 0 to 1"),
      "with --expect: the largest error that passes, in units of the largest "
      "expected magnitude (default 2^-7 for bf16, 2^-10 for f16, 2^-16 for "
      "f32; integers are exact)");
  command.option("--repeat", "N",
                 cli::readInteger(options.repeats, 1, kManyRuns),
                 "run each case N times and compare the outputs bit by bit");
  command
      .option(
          "--output", "DIR", cli::readText(options.outputFolder),
          "write the outputs as DIR/NAME.npy; with several kernels or cases "
          "as DIR/0/NAME.npy, DIR/1/...")
      .offerFiles();
}

static void declareModes(Command &command, ToolOptions &options) {
  std::vector<std::string> names;
  for (const ModeName &mode : kModes)
    names.push_back(mode.name);
  auto given = std::make_shared<bool>(false);
  auto add = [&options, given](const std::string &name) -> std::string {
    const ModeName *known = findMode(name);
    if (!known)
      return "expected some of " + listModes() + ", got '" + name + "'";
    if (!*given)
      options.modes.clear();
    *given = true;
    std::vector<Mode> &modes = options.modes;
    if (std::count(modes.begin(), modes.end(), known->mode))
      return "expected each mode once, got '" + name + "' twice";
    modes.push_back(known->mode);
    return "";
  };
  command
      .option("--modes", "MODE,...", cli::readList(add),
              "how to launch (default b2b,gap):\n"
              "b2b: back to back\n"
              "gap: the device idles before each launch\n"
              "flush: 256 MiB are written before each launch, so that the L2 "
              "holds none of its arguments\n"
              "graph: as one CUDA graph; its time divided by its launches\n"
              "graph-flush: as a CUDA graph of one launch, after 256 MiB were "
              "written")
      .offer(names);
}

static void declarePhase(Command &command, ToolOptions &options) {
  std::vector<std::string> names(std::begin(kPhases), std::end(kPhases));
  command
      .option("--phase", "NAME",
              cli::readWord(names,
                            [&](size_t index) {
                              options.phase = static_cast<mlaPhase>(index);
                            }),
              "what a timed launch runs: all kernels (default), plan: those "
              "that run once per batch, launch: those that run for each layer, "
              "after one untimed plan")
      .offer(names);
}

void declareTiming(Command &command, ToolOptions &options) {
  command.option("--iterations", "N",
                 cli::readInteger(options.iterations, 1, kManyRuns),
                 "timed launches per round and mode (default 20)");
  command.option("--warmup", "N",
                 cli::readInteger(options.warmup, 0, kManyRuns),
                 "untimed launches before the timed ones (default 5)");
  command.option("--rounds", "N",
                 cli::readInteger(options.rounds, 1, kManyRuns),
                 "rounds, each of which times every kernel (default 5)");
  command.option(
      "--gap", "MS",
      cli::readNumber([&](double ms) { options.gapMs = ms; },
                      [](double ms) { return ms > 0 && ms <= 60000; },
                      "milliseconds above 0, at most 60000"),
      "idle time of the mode gap (default 20)");
}

void declareBench(Command &command, ToolOptions &options) {
  command.group("Timing");
  declareModes(command, options);
  declarePhase(command, options);
  declareTiming(command, options);
  command
      .option(
          "--peer", "LIBRARY.so",
          [&options](const std::string &file) {
            options.peers.push_back(file);
            return "";
          },
          "time another implementation (mla/Harness/Peer.h) in turns with the "
          "kernels, on the arguments of the first; it must compute the same")
      .repeatable()
      .offerFiles();
  command.group("Results");
  command.flag("--progress", options.progress,
               "report progress on stderr even if it is no terminal");
}

//===----------------------------------------------------------------------===//
// Help
//===----------------------------------------------------------------------===//

/// "  NAME   text", with the text in lines of at most 80 characters.
static std::string entry(size_t indent, size_t width, std::string name,
                         const std::string &text) {
  constexpr size_t kLine = 80;
  name.resize(std::max(width, name.size() + 2), ' ');
  std::string lines, line = std::string(indent, ' ') + name;
  size_t left = line.size();
  std::istringstream words(text);
  for (std::string word; words >> word; line += word) {
    if (line.size() + 1 + word.size() > kLine) {
      lines += line + "\n";
      line.assign(left, ' ');
    } else if (line.size() > left) {
      line += ' ';
    }
  }
  return lines + line + "\n";
}

std::string describeOperators() {
  std::string text =
      "\nOperators with a reference and inputs of their own (kernels of others "
      "get random\nvalues), and their values for --extreme:\n";
  for (const auto &host : operatorHosts()) {
    text += entry(2, 23, host->info.name, host->info.summary);
    for (const Extreme &extreme : host->info.extremes)
      text += entry(4, 21, extreme.name, extreme.meaning);
  }
  return text;
}

std::string describeBytes() {
  std::string text = "\nGB/s counts each argument once, except:\n";
  for (const auto &host : operatorHosts())
    if (!host->info.bytesNote.empty())
      text += entry(2, 23, host->info.name, host->info.bytesNote);
  return text;
}

} // namespace mla::harness
