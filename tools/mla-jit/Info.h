//===- Info.h - mla-jit info and mla-jit cache ------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef MLA_TOOLS_MLA_JIT_INFO_H
#define MLA_TOOLS_MLA_JIT_INFO_H

#include <string>
#include <vector>

namespace mla {

/// `mla-jit info`: what there is to compile with and to run on. Takes the words
/// behind the command; returns the exit code.
int infoCommand(const std::vector<std::string> &words);

/// `mla-jit cache list` and `mla-jit cache clear`, likewise.
int cacheCommand(const std::vector<std::string> &words);

} // namespace mla

#endif // MLA_TOOLS_MLA_JIT_INFO_H
