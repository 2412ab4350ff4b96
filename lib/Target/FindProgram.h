//===- FindProgram.h - Where a program of the CUDA toolkit is ---*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_LIB_TARGET_FINDPROGRAM_H
#define MLA_LIB_TARGET_FINDPROGRAM_H

#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"
#include <string>
#include <vector>

namespace mla {

struct ProgramSearch {
  llvm::StringRef name;
  /// The environment variable that names the file to take.
  llvm::StringRef variable;
  /// Where to get the program: the end of the error.
  llvm::StringRef advice;
};

/// Called with the path of an executable file; true ends the search.
using ProgramVisitor = llvm::function_ref<bool(llvm::StringRef path)>;

/// Visits the programs of that name in CUDA_HOME/bin, CUDA_PATH/bin, PATH, and
/// NVIDIA's wheels beside the python3 on PATH (only folders are looked at;
/// Python is not run), in this order. Returns the places it looked in.
std::vector<std::string> visitPrograms(llvm::StringRef name,
                                       ProgramVisitor visit);

/// Returns the file that the environment variable names, which is an order: if
/// it is no executable file, that is the error. Without the variable, returns
/// the first program of visitPrograms; the error says where it looked.
llvm::Expected<std::string> findProgram(const ProgramSearch &search);

/// Resolves what a person asked for as the program `name`: a path, or a name to
/// look up on PATH. `origin` says how they did.
llvm::Expected<std::string> resolveProgram(llvm::StringRef name,
                                           llvm::StringRef request,
                                           llvm::StringRef origin);

} // namespace mla

#endif // MLA_LIB_TARGET_FINDPROGRAM_H
