//===- RunCommand.h - mla-jit run and bench ---------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef MLA_TOOLS_MLAJIT_RUNCOMMAND_H
#define MLA_TOOLS_MLAJIT_RUNCOMMAND_H

#include <string>
#include <vector>

namespace mla {

/// The commands of the harness on IR and packages. `words` begin with the
/// command; returns the exit code.
int runToolCommand(const std::vector<std::string> &words);

} // namespace mla

#endif // MLA_TOOLS_MLAJIT_RUNCOMMAND_H
