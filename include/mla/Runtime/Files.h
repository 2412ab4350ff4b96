//===- Files.h - whole files in and out, or an error ------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// File access of all libraries and tools of the project. Reads are limited in
// size; a write replaces a file as a whole or leaves it unchanged.
//
//===----------------------------------------------------------------------===//

#ifndef MLA_RUNTIME_FILES_H
#define MLA_RUNTIME_FILES_H

#include "mla/Runtime/Status.h"

#include <cstdint>
#include <cstdio>
#include <memory>
#include <string_view>

namespace mla::runtime {

/// The limit on reading text or a kernel: far larger than any real file, and
/// soon reached if the path names an endless device.
inline constexpr uint64_t kMaxFileBytes = uint64_t(256) << 20;

/// A file that is read sequentially. Errors: MLA_NOT_FOUND with the path and
/// the reason.
class InputFile {
public:
  static Status open(const std::string &path, InputFile &out);

  /// Appends up to `count` bytes to `out`: fewer only at the end of the file.
  Status read(uint64_t count, std::string &out);

private:
  std::string path;
  std::unique_ptr<std::FILE, int (*)(std::FILE *)> file{nullptr, std::fclose};
};

/// Reads a whole file. Errors: MLA_NOT_FOUND with the path and the reason;
/// MLA_INVALID_ARGUMENT for more than `maxBytes`.
Status readFile(const std::string &path, std::string &out,
                uint64_t maxBytes = kMaxFileBytes);

/// Writes a file as a whole: into a temporary file beside it, which is then
/// renamed. A symbolic link is followed; a device or pipe is written to
/// directly. The error names the path and the reason.
Status writeFileAtomically(const std::string &path, std::string_view bytes);

/// To be called before a program opens its first file. A standard stream that
/// the caller has closed is occupied by a descriptor that cannot be used:
/// otherwise the next file opened would take its number, and results would go
/// there instead of failing.
void guardStandardStreams();

/// Makes a file that reaches a limit on its size an error of the write, as a
/// full disk is, instead of a signal. To be called after others (LLVM) have
/// installed their handlers.
void ignoreFileSizeSignal();

} // namespace mla::runtime

#endif // MLA_RUNTIME_FILES_H
