//===- FindProgram.h - Where a program of the CUDA toolkit is ---*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_LIB_TARGET_FINDPROGRAM_H
#define MLA_LIB_TARGET_FINDPROGRAM_H

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"
#include <string>

namespace mla {

struct ProgramSearch {
  llvm::StringRef name;
  /// The environment variable that names the file to take.
  llvm::StringRef variable;
  /// Where to get the program: the end of the error.
  llvm::StringRef advice;
};

/// Looks in the environment variable, which is an order: if it names no
/// executable file, that is the error; then in CUDA_HOME/bin, CUDA_PATH/bin,
/// PATH, and NVIDIA's wheels beside the python3 on PATH (only folders are
/// looked at; Python is not run). The error says where it looked.
llvm::Expected<std::string> findProgram(const ProgramSearch &search);

/// Resolves what a person asked for as the program `name`: a path, or a name to
/// look up on PATH. `origin` says how they did.
llvm::Expected<std::string> resolveProgram(llvm::StringRef name,
                                           llvm::StringRef request,
                                           llvm::StringRef origin);

} // namespace mla

#endif // MLA_LIB_TARGET_FINDPROGRAM_H
