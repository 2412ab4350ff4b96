//===- Help.cpp - the help texts of `run`, `bench` and `plot` -------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "mla/Harness/CommandLine.h"
#include "mla/Harness/OperatorHost.h"
#include "mla/Harness/Tool.h"

#include <sstream>

namespace mla::harness {

namespace {

constexpr char kRunSummary[] = R"(
run    Runs each kernel once per case on seeded random inputs and prints one
       JSON line per case.
)";

constexpr char kBenchSummary[] = R"(
bench  Times the kernels on the GPU, alternating between them, in the modes that
       are asked for. Prints one JSON line per kernel, case and mode, then a
       table: milliseconds of a launch; what its call takes on the host, in the
       mode b2b; TFLOP/s, and how much that is of the most that was measured on
       such a device; GB/s.
)";

constexpr char kPlotSummary[] = R"(
plot   Draws what bench printed, joined of any number of runs: TFLOP/s over the
       size that differs, as an SVG.
)";

constexpr char kInputHelp[] = R"(
sizes (run and bench)
  --sizes NAME=N,...     one case: the values of the run-time sizes; repeat it
                         for more cases (without any, bench takes the
                         operator's)
  --size NAME=N,...      sizes of all cases; those of --sizes override them

inputs (run and bench)
  --seed N               seed of the random values (default 0)
  --poison, --no-poison  NaN wherever the kernel must not read, and extreme
                         lengths and sinks (default: run yes, bench no)
  --invalid SHARE        share of entries that do not count: invalid indices
                         and pages, empty splits (default 0.1 with poison,
                         else 0)
  --scale X              the argument 'scale' (default d_qk^-0.5)
  --magnitude X          standard deviation of the random values (default 0.1)
  --pad NAME=N           N elements of padding, 0 to 1048576, after each row
                         (the last dimension) of a tensor
  --input NAME=FILE.npy  a tensor from a file; its shape gives missing sizes.
                         bf16 is stored as 2-byte items ('<u2', '|V2' or '<V2')
  --without NAME,...     optional tensors that the launch leaves out
)";

/// A line of the help's right column: NAME, then `text` broken into lines.
std::string entry(size_t indent, size_t width, std::string name,
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

/// The option that lists its values.
std::string extremeHelp() {
  std::string text =
      R"(  --extreme LIST         place values that users meet into the generated
                         arguments; some of those that the operator has:
)";
  for (const auto &host : operatorHosts()) {
    if (!host->info.extremes.empty())
      text += std::string(25, ' ') + host->info.name + "\n";
    for (const Extreme &extreme : host->info.extremes)
      text += entry(27, 20, extreme.name, extreme.meaning);
  }
  return text;
}

/// The operators that have more than random inputs.
std::string operatorHelp() {
  std::string text = R"(
operators with inputs and a reference of their own; kernels of others get random
values
)";
  for (const auto &host : operatorHosts())
    text += entry(2, 26, host->info.name, host->info.summary);
  return text;
}

/// What the bytes of a GB/s are.
std::string bytesHelp() {
  std::string text = "\n  GB/s counts each argument once, but of\n";
  for (const auto &host : operatorHosts())
    if (!host->info.bytesNote.empty())
      text += entry(4, 21, host->info.name, host->info.bytesNote);
  return text;
}

constexpr char kRunHelp[] = R"(
run
  --check                compare the outputs with the operator's reference
  --expect NAME=FILE.npy compare an output with a file, which replaces the
                         reference. A floating-point output is expected in its
                         own type or in '<f4' or '<f8'
  --tolerance X          with --expect: errors below X times the largest
                         expected magnitude pass (default 2^-7 for bf16, 2^-10
                         for f16, 2^-16 for f32; integers are exact)
  --repeat N             run each case N times; all have to give the same bits
  --output DIR           write the outputs as DIR/NAME.npy; with several
                         kernels or cases as DIR/0/NAME.npy, DIR/1/...
)";

constexpr char kBenchHelp[] = R"(
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
)";

constexpr char kPlotHelp[] = R"(
plot
  -o FILE.svg            the picture
  --roof N[,LABEL]       a line at N TFLOP/s
  --size NAME=N          only results with this size
)";

} // namespace

std::string toolHelp(const ToolConfig &config, std::optional<Command> only) {
  auto shows = [&](Command command) { return !only || *only == command; };
  bool run = shows(Command::Run), bench = shows(Command::Bench),
       plot = shows(Command::Plot);
  std::string text = config.name + ": " + config.summary + "\n\n";
  auto usage = [&](bool shown, const std::string &rest) {
    if (shown)
      text +=
          (text.find("usage: ") == std::string::npos ? "usage: " : "       ") +
          config.name + " " + rest + "\n";
  };
  usage(run, "run [options] " + config.operandName + "...");
  usage(bench, "bench [options] " + config.operandName + "...");
  usage(plot, "plot [options] RESULTS.jsonl... -o FILE.svg");
  if (!only)
    usage(true, "help [run|bench|plot]");
  text += run ? kRunSummary : "";
  text += bench ? kBenchSummary : "";
  text += plot ? kPlotSummary : "";
  text += std::string("\n") + kExitCodeHelp;
  text += run || bench ? kInputHelp + extremeHelp() + operatorHelp() : "";
  text += run ? kRunHelp : "";
  text += bench ? kBenchHelp + bytesHelp() : "";
  text += plot ? kPlotHelp : "";
  if (run || bench)
    text += "\n" + config.name + "\n" + config.optionHelp;
  if (run)
    text += config.runOptionHelp;
  if (!only)
    text += "\n  --version              print the version and exit\n";
  return text;
}

} // namespace mla::harness
