//===- CommandLine.h - options as a help text lists them --------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// A command's help text is its list of options: an option that it does not
// list is not taken. A line that starts with two spaces and a dash lists one or
// more of them, up to the first two spaces that follow:
//
//   --check                 a flag
//   --poison, --no-poison   two flags
//   --device=NAME           an option with a value; so is "--device NAME"
//
//===----------------------------------------------------------------------===//

#ifndef MLA_HARNESS_COMMANDLINE_H
#define MLA_HARNESS_COMMANDLINE_H

#include "mla/Harness/HostTensor.h"

#include <string>
#include <vector>

namespace mla::harness {

/// Exit codes of the tools.
inline constexpr int kExitSuccess = 0;
/// The input is bad, or a run or check failed.
inline constexpr int kExitFailure = 1;
/// The command line is wrong, whatever the input is.
inline constexpr int kExitUsage = 2;

/// What the exit codes mean, for help texts.
inline constexpr char kExitCodeHelp[] =
    "Exit codes: 0 for success, 1 if the input is bad or a run or check fails, "
    "2 if\nthe command line is wrong.\n";

struct OptionName {
  /// With its dashes.
  std::string name;
  bool hasValue;
};

/// The options that a help text lists.
std::vector<OptionName> readOptions(const std::string &help);

/// Brings each option of `words` into the form --name=value, whether the value
/// stood behind '=' or in the next word; operands stay where they are. Returns
/// an empty text, or what is wrong: an option that is not listed, a value that
/// is missing, a value that a flag does not take.
std::string joinValues(const std::vector<OptionName> &options,
                       const std::vector<std::string> &words,
                       std::vector<std::string> &out);

/// "; did you mean 'X'?" with the candidate that is spelled most like `word`,
/// or an empty text if none is.
std::string suggest(const std::string &word,
                    const std::vector<std::string> &candidates);

/// "one of X, Y and 12 more", those that are spelled most like `word` first:
/// for an error about a word that is none of them. "none" if there are none.
std::string listNearest(const std::string &word,
                        const std::vector<std::string> &candidates);

/// Reads "NAME=N,NAME=N" into `sizes`. Returns an empty text, or what is wrong,
/// which includes a size that `sizes` has already.
std::string readSizes(const std::string &text, Sizes &sizes);

} // namespace mla::harness

#endif // MLA_HARNESS_COMMANDLINE_H
