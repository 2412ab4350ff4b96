//===- RunProgram.cpp - Run a program under a time limit ------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "RunProgram.h"
#include "mla/Target/Ptxas.h"
#include "llvm/ADT/ScopeExit.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Errno.h"
#include <atomic>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <thread>
#include <time.h>
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
  // Some systems refuse files that can be executed; old ones do not know the
  // flag.
  constexpr unsigned noExec = 8; // MFD_NOEXEC_SEAL
  int fd = ::memfd_create("mla", MFD_CLOEXEC | noExec);
  if (fd < 0 && errno == EINVAL)
    fd = ::memfd_create("mla", MFD_CLOEXEC);
  // In a process that has closed its standard streams the file may get the
  // number of one of them, which a child's own streams would replace.
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
    // The file's position is the end of the child's output.
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

uint64_t MemoryFile::size() const {
  struct stat status = {};
  return ::fstat(fd, &status) == 0 ? static_cast<uint64_t>(status.st_size) : 0;
}

//===----------------------------------------------------------------------===//
// Programs that are running
//===----------------------------------------------------------------------===//

/// The process groups of the programs that are running; 0 is a free slot. A
/// program for which there is no slot is not killed by killRunningPrograms. A
/// fixed array of atomics because a signal handler neither locks nor allocates.
static std::atomic<pid_t> runningGroups[64];
/// The number of programs that are started, but not yet in `runningGroups`.
static std::atomic<int> numStarting{0};
static_assert(std::atomic<pid_t>::is_always_lock_free);

namespace {
/// Registers a process group in `runningGroups` during the object's lifetime.
class RunningGroup {
public:
  explicit RunningGroup(pid_t group) {
    for (std::atomic<pid_t> &candidate : runningGroups)
      if (pid_t none = 0; candidate.compare_exchange_strong(none, group)) {
        slot = &candidate;
        return;
      }
  }
  RunningGroup(RunningGroup &&other) : slot(std::exchange(other.slot, {})) {}
  ~RunningGroup() {
    if (slot)
      slot->store(0);
  }

private:
  std::atomic<pid_t> *slot = nullptr;
};

/// A program that was started.
struct Child {
  pid_t pid;
  RunningGroup group;
};

/// Blocks all signals in this thread during the object's lifetime.
class SignalBlock {
public:
  SignalBlock() {
    sigset_t all;
    sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before);
  }
  ~SignalBlock() { ::pthread_sigmask(SIG_SETMASK, &before, nullptr); }
  sigset_t before;
};
} // namespace

void mla::killRunningPrograms() {
  // A thread that starts a program blocks all signals meanwhile, so that this
  // handler runs in another thread and the wait comes to an end.
  while (numStarting.load() > 0) {
    timespec pause = {0, 1000000};
    ::nanosleep(&pause, nullptr);
  }
  for (std::atomic<pid_t> &group : runningGroups)
    if (pid_t leader = group.load())
      ::kill(-leader, SIGKILL);
}

//===----------------------------------------------------------------------===//
// runProgram
//===----------------------------------------------------------------------===//

/// A program that prints without end must not exhaust the memory of the host
/// program. ptxas prints a few hundred bytes for each function and wgmma.
static constexpr uint64_t kMaxOutputBytes = uint64_t(256) << 20;

/// Kills the process group of the child `pid` and waits for the child.
static void killGroup(pid_t pid) {
  ::kill(-pid, SIGKILL);
  while (::waitpid(pid, nullptr, 0) < 0 && errno == EINTR) {
  }
}

/// Waits for the process `pid`, whose output goes to `log`, and returns its
/// exit code.
///
/// Polls with increasing intervals: llvm::sys::Wait with a limit, even 0, would
/// replace the host program's handler of SIGALRM and cancel its alarm.
static Expected<int> waitWithLimits(StringRef program, pid_t pid,
                                    const MemoryFile &log,
                                    unsigned timeoutSeconds) {
  using Clock = std::chrono::steady_clock;
  Clock::time_point deadline =
      timeoutSeconds ? Clock::now() + std::chrono::seconds(timeoutSeconds)
                     : Clock::time_point::max();
  std::chrono::microseconds pause(100);
  while (true) {
    int status = 0;
    pid_t ended = ::waitpid(pid, &status, WNOHANG);
    if (ended == pid && WIFEXITED(status))
      return WEXITSTATUS(status);
    if (ended == pid)
      return createStringError("'" + program + "' did not end normally: " +
                               ::strsignal(WTERMSIG(status)));
    if (ended < 0 && errno != EINTR)
      return createStringError(
          "cannot learn how '" + program + "' ended: " + llvm::sys::StrError() +
          (errno == ECHILD ? " (is SIGCHLD ignored?)" : ""));
    if (log.size() > kMaxOutputBytes) {
      killGroup(pid);
      return createStringError("'" + program + "' printed more than " +
                               llvm::Twine(kMaxOutputBytes >> 20) +
                               " MiB and was killed");
    }
    if (Clock::now() >= deadline)
      break;
    std::this_thread::sleep_for(pause);
    pause = std::min(pause * 5 / 4, std::chrono::microseconds(5000));
  }
  killGroup(pid);
  return createStringError("'" + program + "' took longer than " +
                           llvm::Twine(timeoutSeconds) + " s and was killed");
}

namespace {
/// File actions and attributes of posix_spawn. The first call that fails stores
/// its code in `code`; later ones do nothing.
class SpawnPlan {
public:
  SpawnPlan() {
    code = ::posix_spawn_file_actions_init(&actions);
    if (!code && (code = ::posix_spawnattr_init(&attributes)))
      ::posix_spawn_file_actions_destroy(&actions);
    initialized = !code;
  }
  ~SpawnPlan() {
    if (!initialized)
      return;
    ::posix_spawn_file_actions_destroy(&actions);
    ::posix_spawnattr_destroy(&attributes);
  }

  void readNothing() {
    if (!code)
      code = ::posix_spawn_file_actions_addopen(&actions, STDIN_FILENO,
                                                "/dev/null", O_RDONLY, 0);
  }
  /// A duplicate onto the same number clears close-on-exec in the child.
  void duplicate(int from, int to) {
    if (!code)
      code = ::posix_spawn_file_actions_adddup2(&actions, from, to);
  }
  /// Makes the program the leader of a process group, with the signal mask
  /// `signals`.
  void leadGroup(const sigset_t &signals) {
    if (!code)
      code = ::posix_spawnattr_setsigmask(&attributes, &signals);
    if (!code)
      code = ::posix_spawnattr_setpgroup(&attributes, 0);
    if (!code)
      code = ::posix_spawnattr_setflags(
          &attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK);
  }
  pid_t run(const std::string &program, llvm::ArrayRef<std::string> args) {
    std::vector<char *> argv = {const_cast<char *>(program.c_str())};
    for (const std::string &arg : args)
      argv.push_back(const_cast<char *>(arg.c_str()));
    argv.push_back(nullptr);
    pid_t pid = 0;
    if (!code)
      code = ::posix_spawn(&pid, program.c_str(), &actions, &attributes,
                           argv.data(), environ);
    return pid;
  }

  int code = 0;

private:
  bool initialized = false;
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
};
} // namespace

/// Starts `program` with `log` as its output; inherited files keep their
/// numbers.
static Expected<Child> spawn(const std::string &program,
                             llvm::ArrayRef<std::string> args,
                             llvm::ArrayRef<const MemoryFile *> files,
                             const MemoryFile &log) {
  SpawnPlan plan;
  plan.readNothing();
  plan.duplicate(log.descriptor(), STDOUT_FILENO);
  plan.duplicate(log.descriptor(), STDERR_FILENO);
  for (const MemoryFile *file : files)
    plan.duplicate(file->descriptor(), file->descriptor());
  SignalBlock block;
  plan.leadGroup(block.before);
  ++numStarting;
  pid_t pid = plan.run(program, args);
  llvm::scope_exit entered([] { --numStarting; });
  if (plan.code)
    return makeSystemError("cannot run '" + program + "'", plan.code);
  return Child{pid, RunningGroup(pid)};
}

Expected<ProgramResult>
mla::runProgram(StringRef program, llvm::ArrayRef<std::string> args,
                llvm::ArrayRef<const MemoryFile *> files,
                unsigned timeoutSeconds) {
  Expected<MemoryFile> log = MemoryFile::create();
  if (!log)
    return log.takeError();
  Expected<Child> child = spawn(program.str(), args, files, *log);
  if (!child)
    return child.takeError();
  Expected<int> code =
      waitWithLimits(program, child->pid, *log, timeoutSeconds);
  if (!code)
    return code.takeError();
  Expected<std::string> output = log->read();
  if (!output)
    return output.takeError();
  return ProgramResult{*code, std::move(*output)};
}

//===----------------------------------------------------------------------===//
// What is shown of the output
//===----------------------------------------------------------------------===//

std::string mla::shorten(StringRef text, size_t maxBytes) {
  if (text.size() <= maxBytes)
    return text.str();
  size_t half = maxBytes / 2;
  return (text.take_front(half) + " [... " +
          llvm::Twine(text.size() - 2 * half) + " bytes left out ...] " +
          text.take_back(half))
      .str();
}

/// The cause of a failure. NVIDIA's programs print the cause first, then
/// repetitions and a summary: the first lines with errors. For other programs:
/// the beginning and the end of the output.
static std::string causeOfFailure(StringRef log) {
  constexpr size_t maxLines = 5, maxLineBytes = 500, maxBytes = 2000;
  llvm::SmallVector<std::string> errors;
  // Not StringRef::split: a long log has more lines than should be kept.
  for (StringRef line : llvm::split(log, '\n')) {
    if (line.contains("error") || line.contains("fatal"))
      errors.push_back(shorten(line.trim(), maxLineBytes));
    if (errors.size() == maxLines)
      break;
  }
  return errors.empty() ? shorten(log.trim(), maxBytes)
                        : llvm::join(errors, "\n");
}

Error mla::checkExit(StringRef program, const ProgramResult &result) {
  if (result.code == 0)
    return Error::success();
  return createStringError("'" + program + "' failed with exit code " +
                           llvm::Twine(result.code) + ": " +
                           causeOfFailure(result.output));
}
