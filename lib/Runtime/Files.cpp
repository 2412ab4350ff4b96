//===- Files.cpp - whole files in and out, or an error --------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "mla/Runtime/Files.h"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <filesystem>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace fs = std::filesystem;

namespace mla::runtime {

namespace {

Status fileError(const char *what, const std::string &path) {
  return Status(MLA_NOT_FOUND, std::string("cannot ") + what + " '" + path +
                                   "': " + std::strerror(errno));
}

Status tooLarge(const std::string &path, uint64_t maxBytes) {
  return invalidArgument("cannot read '" + path + "': expected at most " +
                         std::to_string(maxBytes) + " bytes, got more");
}

/// Writes all of `bytes` and closes `fd`; false, with errno, on failure.
bool writeAndClose(int fd, std::string_view bytes) {
  bool good = true;
  while (good && !bytes.empty()) {
    ssize_t count = ::write(fd, bytes.data(), bytes.size());
    if (count > 0)
      bytes.remove_prefix(static_cast<size_t>(count));
    else
      good = count < 0 && errno == EINTR;
  }
  int error = errno;
  // Some file systems report a full disk only here.
  if (::close(fd) != 0 && good)
    return false;
  errno = error;
  return good;
}

/// Creates a file with a unique name in the folder of `path`, with the
/// permissions of a new file.
int createBeside(const fs::path &path, std::string &name) {
  static std::atomic<unsigned> number{0};
  int fd = -1;
  do {
    // A short name, so that its length is valid wherever that of `path` is.
    name = path.parent_path() / (".mla-" + std::to_string(::getpid()) + "-" +
                                 std::to_string(number++) + ".tmp");
    fd = ::open(name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  } while (fd < 0 && errno == EEXIST);
  return fd;
}

} // namespace

Status InputFile::open(const std::string &path, InputFile &out) {
  // fopen opens folders too, and reading one fails with a poor message.
  std::error_code error;
  if (fs::is_directory(path, error))
    return Status(MLA_NOT_FOUND,
                  "cannot read '" + path + "': is a folder, expected a file");
  out.path = path;
  out.file.reset(std::fopen(path.c_str(), "rbe"));
  return out.file ? Status() : fileError("read", path);
}

Status InputFile::read(uint64_t count, std::string &out) {
  char buffer[1 << 16];
  while (count > 0) {
    size_t part = std::min<uint64_t>(count, sizeof(buffer));
    size_t got = std::fread(buffer, 1, part, file.get());
    out.append(buffer, got);
    count -= got;
    if (got < part)
      return std::ferror(file.get()) ? fileError("read", path) : Status();
  }
  return Status();
}

Status readFile(const std::string &path, std::string &out, uint64_t maxBytes) {
  InputFile file;
  MLA_RETURN_IF_ERROR(InputFile::open(path, file));
  out.clear();
  MLA_RETURN_IF_ERROR(file.read(maxBytes, out));
  std::string rest;
  MLA_RETURN_IF_ERROR(file.read(1, rest));
  return rest.empty() ? Status() : tooLarge(path, maxBytes);
}

Status writeFileAtomically(const std::string &path, std::string_view bytes) {
  struct stat old;
  bool exists = ::stat(path.c_str(), &old) == 0;
  if (exists && !S_ISREG(old.st_mode)) {
    int fd = ::open(path.c_str(), O_WRONLY | O_CLOEXEC);
    return fd >= 0 && writeAndClose(fd, bytes) ? Status()
                                               : fileError("write", path);
  }
  // Replaces the target of a symbolic link, not the link.
  std::error_code error;
  fs::path target = exists ? fs::canonical(path, error) : fs::path(path);
  if (error)
    target = path;
  std::string temporary;
  int fd = createBeside(target, temporary);
  if (fd < 0)
    return fileError("write", path);
  if (exists)
    ::fchmod(fd, old.st_mode & 07777);
  if (writeAndClose(fd, bytes) &&
      std::rename(temporary.c_str(), target.c_str()) == 0)
    return Status();
  Status status = fileError("write", path);
  std::remove(temporary.c_str());
  return status;
}

void guardStandardStreams() {
  for (int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO})
    if (::fcntl(fd, F_GETFD) < 0 && errno == EBADF) {
      // open() returns the lowest free number, which is this one. It is opened
      // for the other direction, so that using it fails.
      int flags = fd == STDIN_FILENO ? O_WRONLY : O_RDONLY;
      (void)!::open("/dev/null", flags);
    }
}

void ignoreFileSizeSignal() { std::signal(SIGXFSZ, SIG_IGN); }

} // namespace mla::runtime
