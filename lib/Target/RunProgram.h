//===- RunProgram.h - Run a program under a time limit ----------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_LIB_TARGET_RUNPROGRAM_H
#define MLA_LIB_TARGET_RUNPROGRAM_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/SmallString.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"
#include <string>

namespace mla {

/// A folder for temporary files that goes, with all that is in it, when the
/// object does.
class TemporaryFolder {
public:
  static llvm::Expected<TemporaryFolder> create();
  TemporaryFolder(TemporaryFolder &&other);
  TemporaryFolder &operator=(TemporaryFolder &&) = delete;
  ~TemporaryFolder();

  /// The path of a file called `name` in the folder.
  std::string file(llvm::StringRef name) const;
  /// Writes a file called `name`; returns its path.
  llvm::Expected<std::string> write(llvm::StringRef name,
                                    llvm::StringRef bytes) const;

private:
  TemporaryFolder() = default;
  llvm::SmallString<128> path;
};

struct ProgramResult {
  /// The exit code.
  int code = 0;
  /// Standard output and standard error together.
  std::string output;
};

/// Runs `program` (a path) with `args` (without the program's name) and no
/// standard input. Its output goes through a file in `folder`. Fails when it
/// cannot be started, is killed by a signal, or takes longer than
/// `timeoutSeconds` (0: no limit), in which case it is killed.
///
/// llvm::sys::ExecuteAndWait is not used for the limit: it relies on SIGALRM,
/// which belongs to the host program and may reach another of its threads.
llvm::Expected<ProgramResult> runProgram(llvm::StringRef program,
                                         llvm::ArrayRef<std::string> args,
                                         const TemporaryFolder &folder,
                                         unsigned timeoutSeconds);

/// An error with the first that `program` said, if it ended with another exit
/// code than 0.
llvm::Error checkExit(llvm::StringRef program, const ProgramResult &result);

} // namespace mla

#endif // MLA_LIB_TARGET_RUNPROGRAM_H
