//===- RunProgram.cpp - Run a program under a time limit ------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "RunProgram.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Program.h"
#include <chrono>
#include <csignal>
#include <optional>
#include <thread>

using llvm::Error;
using llvm::Expected;
using llvm::StringRef;
using namespace mla;

static Error makeError(const llvm::Twine &message) {
  return llvm::createStringError(llvm::inconvertibleErrorCode(), message);
}

//===----------------------------------------------------------------------===//
// TemporaryFolder
//===----------------------------------------------------------------------===//

Expected<TemporaryFolder> TemporaryFolder::create() {
  TemporaryFolder folder;
  if (std::error_code code =
          llvm::sys::fs::createUniqueDirectory("mla-ptxas", folder.path)) {
    folder.path.clear();
    return makeError("cannot create a temporary folder: " + code.message());
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

//===----------------------------------------------------------------------===//
// runProgram
//===----------------------------------------------------------------------===//

/// Waits for `process` without signals: asks every few milliseconds. Returns
/// std::nullopt when it had to be killed.
static std::optional<llvm::sys::ProcessInfo>
waitWithLimit(const llvm::sys::ProcessInfo &process, unsigned timeoutSeconds,
              std::string &message) {
  using Clock = std::chrono::steady_clock;
  if (timeoutSeconds == 0)
    return llvm::sys::Wait(process, std::nullopt, &message);
  Clock::time_point deadline =
      Clock::now() + std::chrono::seconds(timeoutSeconds);
  while (true) {
    llvm::sys::ProcessInfo state =
        llvm::sys::Wait(process, /*SecondsToWait=*/0, &message);
    // Process id 0: still running.
    if (state.Pid != 0)
      return state;
    if (Clock::now() >= deadline)
      break;
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  ::kill(process.Pid, SIGKILL);
  llvm::sys::Wait(process, std::nullopt);
  return std::nullopt;
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
    return makeError("cannot run '" + program + "': " + message);

  std::optional<llvm::sys::ProcessInfo> state =
      waitWithLimit(process, timeoutSeconds, message);
  if (!state)
    return makeError("'" + program + "' took longer than " +
                     llvm::Twine(timeoutSeconds) + " s and was killed");
  // Negative: not started, or ended by a signal; `message` says which.
  if (state->ReturnCode < 0)
    return makeError("'" + program + "' did not end normally: " + message);

  ProgramResult result;
  result.code = state->ReturnCode;
  auto log = llvm::MemoryBuffer::getFile(logPath);
  if (!log)
    return makeError("cannot read the output of '" + program +
                     "': " + log.getError().message());
  result.output = (*log)->getBuffer().str();
  return result;
}
