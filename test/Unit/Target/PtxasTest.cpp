//===- PtxasTest.cpp - running a fake ptxas -------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "mla/Target/Ptxas.h"
#include "TestSupport.h"
#include <chrono>
#include <filesystem>
#include <fstream>
#include <thread>
#include <unistd.h>

using namespace mla;

namespace {
class FakePtxas : public ::testing::Test {
protected:
  ScratchFolder scratch;
  ScratchFolder temporary;
  ScopedEnv tmpdir{"TMPDIR", temporary.path.str().str()};

  /// A script that answers --version as `version`, else does `body`. The
  /// arguments end in: input -o output.
  std::string fake(llvm::StringRef body, llvm::StringRef version = "13.0") {
    return scratch.script("ptxas", ("if [ \"$1\" = --version ]; then\n"
                                    "  echo 'Cuda compilation tools, release " +
                                    version + ", V" + version +
                                    ".88'; exit 0\n"
                                    "fi\n"
                                    "for out; do :; done\n" +
                                    body)
                                       .str());
  }

  std::string assemble(const std::string &path,
                       const std::string &ptx = kEmptyKernel) {
    options.path = path;
    auto result = assembleCubin(ptx, options);
    // Whatever happened, no file is left behind.
    EXPECT_EQ(temporary.size(), 0u);
    if (!result)
      return "error: " + text(result.takeError());
    last = std::move(*result);
    return last.cubin;
  }

  /// The number in a file; 0 where there is none.
  static int readNumber(const std::string &file) {
    int number = 0;
    std::ifstream(file) >> number;
    return number;
  }

  /// Whether a process ends within a second; zombies count as ended.
  static bool ends(int process) {
    for (int i = 0; i < 100; ++i) {
      std::ifstream file("/proc/" + std::to_string(process) + "/stat");
      std::string number, name, state;
      if (!(file >> number >> name >> state) || state == "Z")
        return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    return false;
  }

  PtxasOptions options;
  CubinResult last;
};

/// The output of a correct ptxas.
constexpr llvm::StringLiteral kGood = R"(
printf '\177ELFbody' > "$out"
cat >&2 <<END
ptxas info    : Compiling entry function 'k' for 'sm_90a'
ptxas info    : Function properties for k
    0 bytes stack frame, 0 bytes spill stores, 0 bytes spill loads
ptxas info    : Used 24 registers, used 1 barriers
END
)";
} // namespace

TEST_F(FakePtxas, Success) {
  EXPECT_EQ(assemble(fake(kGood)), "\x7f"
                                   "ELFbody");
  ASSERT_TRUE(last.report.find("k"));
  EXPECT_EQ(last.report.find("k")->registers, 24u);
  EXPECT_TRUE(contains(last.log, "Used 24 registers"));
}

TEST_F(FakePtxas, GetsArgumentsAndInput) {
  options.chip = "sm_100a";
  options.optLevel = 2;
  options.extraArgs = {"--foo", "a b"};
  std::string path = fake("echo \"[$*]\"; while [ \"$1\" != -o ]; do in=$1; "
                          "shift; done; cat \"$in\";" +
                          kGood.str());
  assemble(path);
  // Messages name the input as users know it.
  EXPECT_TRUE(contains(last.log, "[-v --gpu-name=sm_100a -O2 --foo a b "
                                 "kernel.ptx -o /proc/self/fd/"));
  EXPECT_TRUE(contains(last.log, kEmptyKernel));
}

TEST_F(FakePtxas, NeedsNoFolder) {
  ScopedEnv nowhere("TMPDIR", scratch.file("nowhere"));
  EXPECT_EQ(assemble(fake(kGood)), "\x7f"
                                   "ELFbody");
}

TEST_F(FakePtxas, InheritsItsFilesAlone) {
  // The child inherits its input, output and log, and no file of concurrent
  // runs. No file stays open in the parent.
  std::string path = fake(
      "for i in /proc/self/fd/*; do readlink $i; done | grep -c memfd >&2;" +
      kGood.str() + "sleep 0.1\n");
  auto count = [] {
    return std::distance(std::filesystem::directory_iterator("/proc/self/fd"),
                         {});
  };
  auto before = count();
  std::vector<std::thread> threads;
  std::string logs[8];
  for (std::string &log : logs)
    threads.emplace_back([&log, &path] {
      PtxasOptions options;
      options.path = path;
      if (auto result = assembleCubin(kEmptyKernel, options))
        log = result->log;
      else
        log = text(result.takeError());
    });
  for (std::thread &thread : threads)
    thread.join();
  for (const std::string &log : logs)
    EXPECT_EQ(log.substr(0, 2), "3\n") << log;
  EXPECT_EQ(count(), before);
}

TEST_F(FakePtxas, WithoutStandardStreams) {
  // Their numbers are then free, so that new files would get them.
  EXPECT_EXIT(
      {
        options.path = fake(kGood);
        for (int stream : {0, 1, 2})
          ::close(stream);
        auto result = assembleCubin(kEmptyKernel, options);
        ::_exit(result && result->cubin == "\x7f"
                                           "ELFbody"
                    ? 0
                    : 1);
      },
      ::testing::ExitedWithCode(0), "");
}

TEST_F(FakePtxas, Missing) {
  std::string path = scratch.file("missing");
  EXPECT_TRUE(contains(assemble(path), "error: no ptxas at '" + path + "'"));
}

TEST_F(FakePtxas, NotExecutable) {
  std::string path = scratch.script("plain", "", /*executable=*/false);
  EXPECT_TRUE(contains(assemble(path), "is not executable"));
}

TEST_F(FakePtxas, NotAProgram) {
  // Executable by its mode, but not a program.
  std::string path = scratch.script("text", "");
  std::error_code code;
  llvm::raw_fd_ostream(path, code) << "no program\n";
  EXPECT_TRUE(contains(assemble(path), "error: cannot run '" + path + "'"));
}

TEST_F(FakePtxas, FailsAtOnce) {
  EXPECT_TRUE(
      contains(assemble("false"), "--version' failed with exit code 1"));
}

TEST_F(FakePtxas, FailureShowsTheFirstErrors) {
  std::string result =
      assemble(fake("echo 'ptxas info : chatter'\n"
                    "for i in 1 2 3 4 5 6; do\n"
                    "  echo \"ptxas k.ptx, line $i; error   : wrong $i\" >&2\n"
                    "done\nexit 255"));
  EXPECT_TRUE(contains(result,
                       "failed with exit code 255: ptxas k.ptx, line 1; "
                       "error   : wrong 1\n"));
  EXPECT_TRUE(contains(result, "wrong 5"));
  EXPECT_FALSE(contains(result, "wrong 6"));
  EXPECT_FALSE(contains(result, "chatter"));
}

TEST_F(FakePtxas, FailureOfManyWordsIsShown) {
  // Its beginning and its end, whether it is one line or many.
  for (const char *separator : {"x", "\\n"}) {
    std::string result =
        assemble(fake("echo begins\nhead -c 20000000 /dev/zero | tr '\\0' '" +
                      std::string(separator) + "'\necho ends\nexit 1"));
    EXPECT_TRUE(contains(result, "failed with exit code 1: begins\n"));
    EXPECT_TRUE(contains(result, " bytes left out ...] "));
    EXPECT_TRUE(llvm::StringRef(result).ends_with("ends"));
    EXPECT_LT(result.size(), 4096u);
  }
  std::string result =
      assemble(fake("echo 'error: begins'\nhead -c 20000000 /dev/zero | tr "
                    "'\\0' x\necho ' error ends'\nexit 1"));
  EXPECT_TRUE(contains(result, "error: begins\nxxx"));
  EXPECT_TRUE(llvm::StringRef(result).ends_with("x error ends"));
  EXPECT_LT(result.size(), 4096u);
}

TEST_F(FakePtxas, AReportOfManyWordsIsRead) {
  std::string result =
      assemble(fake("echo 'ptxas warning : begins'\n"
                    "head -c 5000000 /dev/zero | tr '\\0' x\necho\n"
                    "yes 'ptxas warning : again' | head -n 100000\n"
                    "echo 'ptxas warning : ends'\n" +
                    kGood.str()));
  EXPECT_EQ(result, "\x7f"
                    "ELFbody");
  EXPECT_EQ(last.report.warnings.size(), 100002u);
  std::string json;
  llvm::raw_string_ostream(json) << toJSON(last.report);
  EXPECT_TRUE(contains(json, "\"omitted_warnings\":99902"));
  EXPECT_TRUE(contains(json, "begins"));
  EXPECT_TRUE(contains(json, "ends"));
  EXPECT_LT(json.size(), 16384u);
}

TEST_F(FakePtxas, PrintsWithoutEnd) {
  EXPECT_TRUE(contains(assemble(fake("exec yes")),
                       "printed more than 256 MiB and was killed"));
}

TEST_F(FakePtxas, FailureWithoutTheWordError) {
  EXPECT_TRUE(contains(assemble(fake("echo 'licence expired'; exit 3")),
                       "exit code 3: licence expired"));
}

TEST_F(FakePtxas, KilledBySignal) {
  EXPECT_TRUE(contains(assemble(fake("kill -SEGV $$")),
                       "did not end normally: Segmentation fault"));
}

TEST_F(FakePtxas, WritesNothing) {
  EXPECT_TRUE(
      contains(assemble(fake("exit 0")), "succeeded but wrote no cubin"));
  EXPECT_TRUE(
      contains(assemble(fake(": > \"$out\"")), "succeeded but wrote no cubin"));
}

TEST_F(FakePtxas, WritesNoELF) {
  EXPECT_TRUE(contains(assemble(fake("echo no > \"$out\"")),
                       "a cubin of 3 bytes that is no ELF file"));
}

TEST_F(FakePtxas, WritesACubinButNoReport) {
  EXPECT_TRUE(contains(assemble(fake("printf '\\177ELF' > \"$out\"")),
                       "error: expected a kernel in the output of ptxas -v"));
}

TEST_F(FakePtxas, TimeLimit) {
  using Clock = std::chrono::steady_clock;
  options.timeoutSeconds = 1;
  Clock::time_point start = Clock::now();
  EXPECT_TRUE(contains(assemble(fake("exec sleep 30")),
                       "took longer than 1 s and was killed"));
  EXPECT_TRUE(contains(assemble(scratch.script("slow", "exec sleep 30")),
                       "took longer than 1 s and was killed"));
  EXPECT_LT(Clock::now() - start, std::chrono::seconds(15));
}

/// A script that starts another program, as a wrapper of ptxas does, writes its
/// process id to `file`, and waits for it.
std::string wrapper(const std::string &file) {
  return "sleep 30 & echo $! > " + file + "; wait";
}

TEST_F(FakePtxas, TimeLimitOfAWrapper) {
  std::string file = scratch.file("child");
  options.timeoutSeconds = 1;
  EXPECT_TRUE(contains(assemble(fake(wrapper(file))),
                       "took longer than 1 s and was killed"));
  EXPECT_TRUE(ends(readNumber(file)));
}

TEST_F(FakePtxas, IsKilledWithWhatItStarted) {
  // As a tool does on an interrupt.
  std::string file = scratch.file("child");
  options.path = fake(wrapper(file));
  std::string result;
  std::thread thread(
      [&] { result = errorText(assembleCubin(kEmptyKernel, options)); });
  int child = 0;
  for (int i = 0; i < 1000 && child == 0; ++i, child = readNumber(file))
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  killRunningPrograms();
  thread.join();
  EXPECT_TRUE(contains(result, "did not end normally: Killed"));
  EXPECT_TRUE(ends(child));
  // None is running now.
  killRunningPrograms();
}

TEST_F(FakePtxas, SignalsReachIt) {
  // They are blocked while it is started.
  EXPECT_TRUE(contains(assemble(fake("kill -TERM $$; sleep 30")),
                       "did not end normally: Terminated"));
}

TEST_F(FakePtxas, TimeLimitInThreads) {
  // Each thread has its own limit, which signals could not provide.
  options.timeoutSeconds = 1;
  options.path = fake("exec sleep 30");
  std::string results[4];
  std::vector<std::thread> threads;
  for (std::string &result : results)
    threads.emplace_back([&result, this] {
      result = errorText(assembleCubin(kEmptyKernel, options));
    });
  for (std::thread &thread : threads)
    thread.join();
  for (const std::string &result : results)
    EXPECT_TRUE(contains(result, "took longer than 1 s and was killed"));
}

TEST_F(FakePtxas, NoTimeLimit) {
  options.timeoutSeconds = 0;
  EXPECT_EQ(assemble(fake(kGood)), "\x7f"
                                   "ELFbody");
}

TEST_F(FakePtxas, TooOldForTheProject) {
  std::string path = fake(kGood, "11.8");
  EXPECT_EQ(assemble(path, ".version 8.0\n"),
            "error: expected ptxas 12.3 or newer, got 11.8 at '" + path + "'");
}

TEST_F(FakePtxas, TooOldForThePTX) {
  std::string path = fake(kGood, "12.8");
  EXPECT_EQ(assemble(path), "error: expected ptxas 12.9 or newer (the input is "
                            "PTX 8.8), got 12.8 at '" +
                                path + "'");
  EXPECT_EQ(assemble(path, ".version 8.7\n"), "\x7f"
                                              "ELFbody");
}

TEST_F(FakePtxas, NewEnoughByMajorVersion) {
  EXPECT_EQ(assemble(fake(kGood, "13.0"), ".version 9.0\n"), "\x7f"
                                                             "ELFbody");
}

TEST_F(FakePtxas, UnreadableVersion) {
  EXPECT_TRUE(contains(assemble(scratch.script("odd", "echo who knows")),
                       "expected a line with 'release X.Y'"));
}

TEST_F(FakePtxas, AnUpdateIsAskedForItsVersion) {
  auto ask = [&](const std::string &path) {
    auto version = ptxasVersionText(path);
    return version ? *version : text(version.takeError());
  };
  std::string path = fake(kGood, "12.9");
  EXPECT_TRUE(contains(ask(path), "12.9"));
  llvm::sys::fs::remove(path);
  fake(kGood, "13.10");
  EXPECT_TRUE(contains(ask(path), "13.10"));
}

TEST_F(FakePtxas, VersionIsAskedOnce) {
  std::string count = scratch.file("count");
  std::string path = scratch.script("counting", "echo x >> " + count +
                                                    "\necho 'release 12.9,'\n");
  for (int i = 0; i < 3; ++i) {
    auto version = ptxasVersion(path);
    ASSERT_TRUE(static_cast<bool>(version)) << text(version.takeError());
    EXPECT_EQ(version->major, 12u);
    EXPECT_EQ(version->minor, 9u);
  }
  uint64_t size = 0;
  EXPECT_FALSE(llvm::sys::fs::file_size(count, size));
  EXPECT_EQ(size, 2u);
}

TEST_F(FakePtxas, GateCanBeOpened) {
  std::string body = llvm::StringRef(kGood).str();
  body.replace(body.find("0 bytes stack"), 1, "16");
  std::string path = fake(body);
  EXPECT_EQ(assemble(path), "error: kernel 'k': expected a stack frame of at "
                            "most 0 bytes, got 16");
  options.limits = std::nullopt;
  EXPECT_EQ(assemble(path), "\x7f"
                            "ELFbody");
  EXPECT_EQ(last.report.find("k")->stackBytes, 16u);
}
