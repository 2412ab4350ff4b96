//===- ConcurrencyTest.cpp - threads, processes, forks and kills ----------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "TestSupport.h"

#include <atomic>
#include <random>
#include <thread>

using namespace mla;
using namespace mla::jit;

namespace {

class Concurrency : public JitTest {};

TEST_F(Concurrency, SixteenProcessesCompileOnce) {
  writePtxas("sleep 0.3\n" + copyCubin());
  std::vector<pid_t> children;
  for (int i = 0; i < 16; ++i)
    children.push_back(spawn([&] { return compileFresh().origin; }));
  int compiled = 0;
  for (pid_t child : children) {
    int origin = wait(child);
    EXPECT_TRUE(origin == MLA_COMPILED || origin == MLA_FROM_DISK) << origin;
    compiled += origin == MLA_COMPILED;
  }
  EXPECT_EQ(compiled, 1);
  EXPECT_EQ(runs(), 1u);
}

TEST_F(Concurrency, ThreadsCompileOnce) {
  writePtxas("sleep 0.3\n" + copyCubin());
  Compiler compiler = makeCompiler();
  std::vector<std::thread> threads;
  std::atomic<int> compiled{0};
  for (int i = 0; i < 8; ++i)
    threads.emplace_back(
        [&] { compiled += compileWith(compiler).origin == MLA_COMPILED; });
  for (std::thread &thread : threads)
    thread.join();
  EXPECT_EQ(compiled, 1);
  EXPECT_EQ(runs(), 1u);
}

TEST_F(Concurrency, ThreadsWithCompilersOfTheirOwnCompileOnce) {
  writePtxas("sleep 0.3\n" + copyCubin());
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([&] { compileFresh(); });
  for (std::thread &thread : threads)
    thread.join();
  EXPECT_EQ(runs(), 1u);
}

TEST_F(Concurrency, ThreadsShareAFailure) {
  writePtxas("sleep 0.3\nexit 3\n");
  Compiler compiler = makeCompiler();
  std::vector<std::thread> threads;
  std::atomic<int> failures{0};
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([&] {
      failures +=
          errorOf(compiler, program()).find("failed with exit code 3") !=
          std::string::npos;
    });
  for (std::thread &thread : threads)
    thread.join();
  EXPECT_EQ(failures, 4);
  EXPECT_EQ(runs(), 1u);
}

TEST_F(Concurrency, ThreadsCompileDifferentKernelsAtOnce) {
  // Each waits for the other, which they could not do one after the other.
  std::string arrive = (root / "arrived-").string();
  writePtxas("touch " + arrive + "$$\n" + "for i in $(seq 100); do\n  set -- " +
             arrive +
             "*\n  [ $# -ge 2 ] && break\n  sleep 0.1\ndone\n[ $# -ge 2 ] || "
             "exit 3\n" +
             copyCubin());
  Compiler compiler = makeCompiler();
  std::thread other([&] { compileWith(compiler, 1); });
  compileWith(compiler, 2);
  other.join();
  EXPECT_EQ(runs(), 2u);
}

TEST_F(Concurrency, WaitsForALimitedTime) {
  writePtxas("sleep 2\n" + copyCubin());
  pid_t slow = spawn([&] { return compileFresh().origin; });
  while (runs() == 0)
    std::this_thread::sleep_for(Milliseconds(5));
  writePtxas(copyCubin());
  options.lockTimeout = 100;
  mlaCompileInfo info = compileFresh();
  EXPECT_EQ(info.origin, MLA_COMPILED);
  EXPECT_GE(info.waitSeconds, 0.09);
  ASSERT_EQ(warnings.size(), 1u);
  EXPECT_EQ(warnings[0], "another process has been compiling the same kernel "
                         "for longer than 100 ms");
  EXPECT_EQ(wait(slow), MLA_COMPILED);
  // Both wrote it.
  EXPECT_EQ(compileFresh().origin, MLA_FROM_DISK);
}

TEST_F(Concurrency, KilledInMidCompile) {
  writePtxas("sleep 0.0$(($$ % 5))\n" + copyCubin());
  std::minstd_rand random(1);
  options.cacheBytes = 1 << 20;
  for (int round = 0; round < 50; ++round) {
    size_t before = runs();
    pid_t child = spawn([&] {
      for (int tag = round;; ++tag)
        compileFresh(tag);
      return 0;
    });
    // From now on it is always in the middle of a compilation.
    while (runs() == before)
      std::this_thread::sleep_for(Milliseconds(1));
    std::this_thread::sleep_for(Milliseconds(random() % 60));
    ::kill(child, SIGKILL);
    EXPECT_EQ(wait(child), 1000 + SIGKILL);
  }
  // Abandoned runs of ptxas made no entry.
  EXPECT_GE(runs() - entries().size(), 10u);
  // All entries are complete, and no lock is held.
  options.lockTimeout = 1000;
  size_t whole = entries().size(), hits = 0;
  EXPECT_GT(whole, 0u);
  for (int tag = 0; hits < whole; ++tag) {
    ASSERT_LT(tag, 1000) << hits << " entries of " << whole << " were used";
    hits += compileFresh(tag).origin == MLA_FROM_DISK;
  }
  EXPECT_TRUE(warnings.empty()) << warnings[0];
  // No temporary file is left.
  EXPECT_TRUE(fs::is_empty(root / "tmp"));
}

TEST_F(Concurrency, ForkAfterUse) {
  Compiler compiler = makeCompiler();
  compileWith(compiler);
  pid_t child = spawn([&] {
    bool good = compileWith(compiler).origin == MLA_FROM_MEMORY &&
                compileWith(compiler, 1).origin == MLA_COMPILED;
    return good ? 0 : 1;
  });
  EXPECT_EQ(wait(child), 0);
  EXPECT_EQ(compileWith(compiler, 1).origin, MLA_FROM_DISK);
}

TEST_F(Concurrency, ForkWhileAThreadCompiles) {
  writePtxas("sleep 0.3\n" + copyCubin());
  Compiler compiler = makeCompiler();
  std::thread thread([&] { compileWith(compiler); });
  while (runs() == 0)
    std::this_thread::sleep_for(Milliseconds(5));
  // The child asks for a kernel that a thread of the parent is making: it waits
  // for the parent process, not for a thread that does not exist in the child.
  pid_t child = spawn([&] { return compileWith(compiler).origin; });
  EXPECT_EQ(wait(child), MLA_FROM_DISK);
  thread.join();
  EXPECT_EQ(runs(), 1u);
}

} // namespace
