//===- RunProgram.h - Run a program under a time limit ----------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_LIB_TARGET_RUNPROGRAM_H
#define MLA_LIB_TARGET_RUNPROGRAM_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"
#include <string>

namespace mla {

/// A file in memory, without a name in any folder: nothing is left of it when
/// the process is killed, and no folder has to be there, writable and not full.
class MemoryFile {
public:
  static llvm::Expected<MemoryFile> create(llvm::StringRef bytes = "");
  MemoryFile(MemoryFile &&other);
  MemoryFile &operator=(MemoryFile &&) = delete;
  ~MemoryFile();

  /// The path under which a program that inherits the file opens it.
  std::string path() const;
  /// All that is in it now.
  llvm::Expected<std::string> read() const;
  /// The number of bytes that are in it now.
  uint64_t size() const;
  int descriptor() const { return fd; }

private:
  explicit MemoryFile(int fd) : fd(fd) {}
  int fd;
};

struct ProgramResult {
  /// The exit code.
  int code = 0;
  /// Standard output and standard error together.
  std::string output;
};

/// Runs `program` (a path) with `args` (without the program's name), no
/// standard input, and `files`, which no other child of the process inherits.
/// Fails when it cannot be started, is killed by a signal, takes longer than
/// `timeoutSeconds` (0: no limit), or prints more than 256 MiB.
///
/// The program leads a process group of its own, so that it is killed together
/// with the programs that it started: ptxas may be a script around another one.
///
/// Neither llvm::sys::ExecuteNoWait, which passes no file descriptors, nor the
/// limit of llvm::sys::Wait: that relies on SIGALRM, which belongs to the host
/// program and may reach another of its threads.
llvm::Expected<ProgramResult>
runProgram(llvm::StringRef program, llvm::ArrayRef<std::string> args,
           llvm::ArrayRef<const MemoryFile *> files, unsigned timeoutSeconds);

/// An error with the first errors that `program` printed, or the beginning and
/// the end of its output, if its exit code is not 0.
llvm::Error checkExit(llvm::StringRef program, const ProgramResult &result);

/// `text`, or its beginning and its end where it has more than `maxBytes`.
std::string shorten(llvm::StringRef text, size_t maxBytes);

} // namespace mla

#endif // MLA_LIB_TARGET_RUNPROGRAM_H
