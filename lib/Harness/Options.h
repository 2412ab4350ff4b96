//===- Options.h - options of `run` and `bench` -----------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef MLA_LIB_HARNESS_OPTIONS_H
#define MLA_LIB_HARNESS_OPTIONS_H

#include "mla/Harness/CommandLine.h"

namespace mla::harness {

/// Which options were given whose defaults depend on the command.
struct InputFlags {
  bool poison = false, invalid = false;
};

void declareInputs(cli::Command &command, InputOptions &inputs,
                   InputFlags &given);
/// Sets the defaults.
void finishInputs(InputOptions &inputs, const InputFlags &given, bool isBench);

/// The options of `run` alone, and those of `bench` alone.
void declareChecks(cli::Command &command, ToolOptions &options);
void declareBench(cli::Command &command, ToolOptions &options);

/// Paragraphs of help texts: the operators that the harness knows, and what
/// the bytes of a GB/s are.
std::string describeOperators();
std::string describeBytes();

} // namespace mla::harness

#endif // MLA_LIB_HARNESS_OPTIONS_H
