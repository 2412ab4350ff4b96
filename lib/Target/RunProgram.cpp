//===- RunProgram.cpp - Run a program under a time limit ------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "RunProgram.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Errno.h"
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>
#include <utility>
#include <vector>

using llvm::createStringError;
using llvm::Error;
using llvm::Expected;
using llvm::StringRef;
using namespace mla;

static Error makeSystemError(const llvm::Twine &what, int code = errno) {
  return createStringError(what + ": " + llvm::sys::StrError(code));
}

//===----------------------------------------------------------------------===//
// MemoryFile
//===----------------------------------------------------------------------===//

Expected<MemoryFile> MemoryFile::create(StringRef bytes) {
  // A system may refuse files that could be executed; an old one does not know
  // of such that cannot.
  constexpr unsigned noExec = 8; // MFD_NOEXEC_SEAL
  int fd = ::memfd_create("mla", MFD_CLOEXEC | noExec);
  if (fd < 0 && errno == EINVAL)
    fd = ::memfd_create("mla", MFD_CLOEXEC);
  // In a process that has closed its standard streams it may get the number of
  // one, which a child's own streams would take.
  if (fd >= 0 && fd <= STDERR_FILENO) {
    int low = fd;
    fd = ::fcntl(low, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    ::close(low);
  }
  if (fd < 0)
    return makeSystemError("cannot create a file in memory");
  MemoryFile file(fd);
  while (!bytes.empty()) {
    ssize_t written = ::write(fd, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR)
      continue;
    if (written <= 0)
      return makeSystemError("cannot write to a file in memory");
    bytes = bytes.drop_front(static_cast<size_t>(written));
  }
  return std::move(file);
}

MemoryFile::MemoryFile(MemoryFile &&other) : fd(std::exchange(other.fd, -1)) {}

MemoryFile::~MemoryFile() {
  if (fd >= 0)
    ::close(fd);
}

std::string MemoryFile::path() const {
  return "/proc/self/fd/" + std::to_string(fd);
}

Expected<std::string> MemoryFile::read() const {
  std::string bytes;
  char buffer[1 << 16];
  while (true) {
    // The file's own position is where the child's output ends.
    ssize_t count =
        ::pread(fd, buffer, sizeof(buffer), static_cast<off_t>(bytes.size()));
    if (count < 0 && errno == EINTR)
      continue;
    if (count < 0)
      return makeSystemError("cannot read a file in memory");
    if (count == 0)
      return bytes;
    bytes.append(buffer, static_cast<size_t>(count));
  }
}

//===----------------------------------------------------------------------===//
// runProgram
//===----------------------------------------------------------------------===//

/// Waits for the process `pid` and returns its exit code.
///
/// llvm::sys::Wait with a limit would replace the host program's handler of
/// SIGALRM and cancel its alarm, even where the limit is 0: asks again and
/// again instead, ever less often.
static Expected<int> waitWithLimit(StringRef program, pid_t pid,
                                   unsigned timeoutSeconds) {
  using Clock = std::chrono::steady_clock;
  Clock::time_point deadline =
      Clock::now() + std::chrono::seconds(timeoutSeconds);
  std::chrono::microseconds pause(100);
  while (true) {
    int status = 0;
    pid_t ended = ::waitpid(pid, &status, timeoutSeconds ? WNOHANG : 0);
    if (ended == pid && WIFEXITED(status))
      return WEXITSTATUS(status);
    if (ended == pid)
      return createStringError("'" + program + "' did not end normally: " +
                               ::strsignal(WTERMSIG(status)));
    if (ended < 0 && errno != EINTR)
      return createStringError(
          "cannot learn how '" + program + "' ended: " + llvm::sys::StrError() +
          (errno == ECHILD ? " (is SIGCHLD ignored?)" : ""));
    if (timeoutSeconds == 0)
      continue;
    if (Clock::now() >= deadline)
      break;
    std::this_thread::sleep_for(pause);
    pause = std::min(pause * 5 / 4, std::chrono::microseconds(5000));
  }
  ::kill(pid, SIGKILL);
  while (::waitpid(pid, nullptr, 0) < 0 && errno == EINTR) {
  }
  return createStringError("'" + program + "' took longer than " +
                           llvm::Twine(timeoutSeconds) + " s and was killed");
}

/// Starts `program` with `log` as its output; inherited files keep their
/// numbers.
static Expected<pid_t> spawn(const std::string &program,
                             llvm::ArrayRef<std::string> args,
                             llvm::ArrayRef<const MemoryFile *> files,
                             const MemoryFile &log) {
  std::vector<char *> argv = {const_cast<char *>(program.c_str())};
  for (const std::string &arg : args)
    argv.push_back(const_cast<char *>(arg.c_str()));
  argv.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  int code = ::posix_spawn_file_actions_init(&actions);
  if (code)
    return makeSystemError("cannot run '" + program + "'", code);
  code = ::posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null",
                                            O_RDONLY, 0);
  auto duplicate = [&](int from, int to) {
    if (!code)
      code = ::posix_spawn_file_actions_adddup2(&actions, from, to);
  };
  duplicate(log.descriptor(), STDOUT_FILENO);
  duplicate(log.descriptor(), STDERR_FILENO);
  // Onto itself: the child's is not closed when it becomes the program.
  for (const MemoryFile *file : files)
    duplicate(file->descriptor(), file->descriptor());
  pid_t pid = 0;
  if (!code)
    code = ::posix_spawn(&pid, program.c_str(), &actions, /*attrp=*/nullptr,
                         argv.data(), environ);
  ::posix_spawn_file_actions_destroy(&actions);
  if (code)
    return makeSystemError("cannot run '" + program + "'", code);
  return pid;
}

Expected<ProgramResult>
mla::runProgram(StringRef program, llvm::ArrayRef<std::string> args,
                llvm::ArrayRef<const MemoryFile *> files,
                unsigned timeoutSeconds) {
  Expected<MemoryFile> log = MemoryFile::create();
  if (!log)
    return log.takeError();
  Expected<pid_t> pid = spawn(program.str(), args, files, *log);
  if (!pid)
    return pid.takeError();
  Expected<int> code = waitWithLimit(program, *pid, timeoutSeconds);
  if (!code)
    return code.takeError();
  Expected<std::string> output = log->read();
  if (!output)
    return output.takeError();
  return ProgramResult{*code, std::move(*output)};
}

/// NVIDIA's programs repeat themselves and end in a summary; the first lines
/// are the cause.
static std::string firstErrorLines(StringRef log) {
  constexpr size_t maxLines = 5;
  llvm::SmallVector<StringRef> lines, errors;
  log.trim().split(lines, '\n');
  for (StringRef line : lines)
    if (line.contains("error") || line.contains("fatal"))
      errors.push_back(line.trim());
  // Not their way to fail: show what there is.
  if (errors.empty())
    errors = lines;
  if (errors.size() > maxLines)
    errors.truncate(maxLines);
  return llvm::join(errors, "\n");
}

Error mla::checkExit(StringRef program, const ProgramResult &result) {
  if (result.code == 0)
    return Error::success();
  return createStringError("'" + program + "' failed with exit code " +
                           llvm::Twine(result.code) + ": " +
                           firstErrorLines(result.output));
}
