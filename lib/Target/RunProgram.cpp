//===- RunProgram.cpp - Run a program under a time limit ------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "RunProgram.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Errno.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Program.h"
#include "llvm/Support/raw_ostream.h"
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <optional>
#include <sys/wait.h>
#include <thread>

using llvm::createStringError;
using llvm::Error;
using llvm::Expected;
using llvm::StringRef;
using namespace mla;

//===----------------------------------------------------------------------===//
// TemporaryFolder
//===----------------------------------------------------------------------===//

Expected<TemporaryFolder> TemporaryFolder::create() {
  TemporaryFolder folder;
  if (std::error_code code =
          llvm::sys::fs::createUniqueDirectory("mla-target", folder.path)) {
    folder.path.clear();
    return createStringError("cannot create a temporary folder: " +
                             code.message());
  }
  return std::move(folder);
}

TemporaryFolder::TemporaryFolder(TemporaryFolder &&other)
    : path(std::move(other.path)) {
  other.path.clear();
}

TemporaryFolder::~TemporaryFolder() {
  if (!path.empty())
    llvm::sys::fs::remove_directories(path, /*IgnoreErrors=*/true);
}

std::string TemporaryFolder::file(StringRef name) const {
  llvm::SmallString<128> result = path;
  llvm::sys::path::append(result, name);
  return result.str().str();
}

Expected<std::string> TemporaryFolder::write(StringRef name,
                                             StringRef bytes) const {
  std::string path = file(name);
  std::error_code code;
  llvm::raw_fd_ostream stream(path, code);
  if (!code) {
    stream << bytes;
    stream.close();
    code = stream.error();
    stream.clear_error();
  }
  if (code)
    return createStringError("cannot write '" + path + "': " + code.message());
  return path;
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

Expected<ProgramResult> mla::runProgram(StringRef program,
                                        llvm::ArrayRef<std::string> args,
                                        const TemporaryFolder &folder,
                                        unsigned timeoutSeconds) {
  llvm::SmallVector<StringRef> argv = {program};
  argv.append(args.begin(), args.end());
  std::string logPath = folder.file("log");
  // LLVM opens an existing file without truncating it.
  llvm::sys::fs::remove(logPath);
  std::optional<StringRef> redirects[] = {StringRef(), StringRef(logPath),
                                          StringRef(logPath)};
  std::string message;
  bool failedToStart = false;
  llvm::sys::ProcessInfo process =
      llvm::sys::ExecuteNoWait(program, argv, /*Env=*/std::nullopt, redirects,
                               /*MemoryLimit=*/0, &message, &failedToStart);
  if (failedToStart || process.Pid == 0)
    return createStringError("cannot run '" + program + "': " + message);

  Expected<int> code = waitWithLimit(program, process.Pid, timeoutSeconds);
  if (!code)
    return code.takeError();
  ProgramResult result;
  result.code = *code;
  auto log = llvm::MemoryBuffer::getFile(logPath);
  if (!log)
    return createStringError("cannot read the output of '" + program +
                             "': " + log.getError().message());
  result.output = (*log)->getBuffer().str();
  return result;
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
