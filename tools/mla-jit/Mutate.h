//===- Mutate.h - the command `mutate` --------------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef MLA_TOOLS_JIT_MUTATE_H
#define MLA_TOOLS_JIT_MUTATE_H

#include <string>
#include <vector>

/// `mla-jit mutate`: damages programs one step at a time and counts what finds
/// it. `words` are the arguments behind the command.
int mutateCommand(const std::vector<std::string> &words);

#endif // MLA_TOOLS_JIT_MUTATE_H
