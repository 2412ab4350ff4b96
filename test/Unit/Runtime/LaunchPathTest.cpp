//===- LaunchPathTest.cpp - the cost of a launch, and concurrent launches -===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// Replaces the C library's malloc and mutexes in this program, to count their
// use by the runtime.
//
//===----------------------------------------------------------------------===//

#include "FakeDriver.h"

#include <chrono>
#include <iostream>
#include <thread>

#include <dlfcn.h>
#include <pthread.h>

using namespace mla::runtime;

namespace {

/// The calls of this thread while `watching`.
struct Watch {
  bool watching = false;
  int allocations = 0, locks = 0;
};
thread_local Watch watch;

[[maybe_unused]] void noteAllocation() { watch.allocations += watch.watching; }

template <typename Function> Function next(const char *name) {
  return reinterpret_cast<Function>(dlsym(RTLD_NEXT, name));
}

} // namespace

// Sanitizers replace these functions themselves.
#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) ||     \
    __has_feature(memory_sanitizer)
#define MLA_TEST_WITH_SANITIZER
#endif
#endif

#ifndef MLA_TEST_WITH_SANITIZER
extern "C" {

void *__libc_malloc(size_t);
void *__libc_calloc(size_t, size_t);
void *__libc_realloc(void *, size_t);

void *malloc(size_t bytes) {
  noteAllocation();
  return __libc_malloc(bytes);
}
void *calloc(size_t count, size_t bytes) {
  noteAllocation();
  return __libc_calloc(count, bytes);
}
void *realloc(void *old, size_t bytes) {
  noteAllocation();
  return __libc_realloc(old, bytes);
}
int pthread_mutex_lock(pthread_mutex_t *mutex) {
  static auto lock = next<int (*)(pthread_mutex_t *)>("pthread_mutex_lock");
  watch.locks += watch.watching;
  return lock(mutex);
}
int pthread_rwlock_rdlock(pthread_rwlock_t *mutex) {
  static auto lock = next<int (*)(pthread_rwlock_t *)>("pthread_rwlock_rdlock");
  watch.locks += watch.watching;
  return lock(mutex);
}

} // extern "C"
#endif

namespace {

class LaunchPath : public FakeDriver {
protected:
  /// One watched launch, with existing arguments.
  Watch watchedLaunch() {
    std::vector<mlaArgument> arguments = sampleArguments();
    watch = Watch();
    watch.watching = true;
    mlaStatus status = mlaKernelLaunch(kernel, arguments.data(), 5, handle(99));
    watch.watching = false;
    EXPECT_EQ(status, MLA_SUCCESS) << mlaLastError();
    return watch;
  }
};

TEST_F(LaunchPath, NeitherAllocatesNorLocks) {
#ifdef MLA_TEST_WITH_SANITIZER
  GTEST_SKIP() << "a sanitizer has malloc and the mutexes";
#endif
  // The first launch in a context does both, which shows that the count works.
  Watch first = watchedLaunch();
  EXPECT_GT(first.allocations, 0);
  EXPECT_GT(first.locks, 0);
  for (uintptr_t context : {16, 32, 16}) {
    (void)driver->cuCtxSetCurrent(handle(context));
    ASSERT_EQ(mlaKernelPrepare(kernel), MLA_SUCCESS);
    Watch later = watchedLaunch();
    EXPECT_EQ(later.allocations, 0);
    EXPECT_EQ(later.locks, 0);
  }
}

/// Neither does a launch of several kernels with workspaces.
TEST_F(LaunchPath, ProgramsNeitherAllocateNorLock) {
#ifdef MLA_TEST_WITH_SANITIZER
  GTEST_SKIP() << "a sanitizer has malloc and the mutexes";
#endif
  fake->parameterSizes = {};
  fake->parameterSizesOf = {
      {"plan", {8}}, {"split", {8, 8, 8, 8, 8, 128}}, {"combine", {8, 8}}};
  load(programJson());
  std::vector<mlaArgument> arguments = programArguments();
  mlaLaunchOptions options = {};
  options.size = sizeof(options);
  options.workspace = 0x40000000;
  options.workspaceBytes = 1 << 20;
  ASSERT_EQ(mlaKernelPrepare(kernel), MLA_SUCCESS) << mlaLastError();
  int before = fake->calls.total();
  // All of its calls are allowed while a graph is captured, too.
  for (bool capturing : {false, true}) {
    fake->capturing = capturing;
    watch = Watch();
    watch.watching = true;
    mlaStatus status = mlaKernelLaunchProgram(kernel, arguments.data(), 2,
                                              &options, handle(99));
    watch.watching = false;
    EXPECT_EQ(status, MLA_SUCCESS) << mlaLastError();
    EXPECT_EQ(watch.allocations, 0);
    EXPECT_EQ(watch.locks, 0);
  }
  EXPECT_EQ(fake->captured, 3);
  EXPECT_EQ(fake->calls.total() - before, 2 * (2 + 1 + 3));
}

TEST_F(LaunchPath, CallsTheDriverForNothingElse) {
  ASSERT_EQ(launch(), MLA_SUCCESS);
  int before = fake->calls.total();
  ASSERT_EQ(launch(), MLA_SUCCESS);
  EXPECT_EQ(fake->calls.total() - before, 4);
  EXPECT_EQ(fake->calls.cuCtxGetCurrent, 2);
  EXPECT_EQ(fake->calls.cuCtxGetId, 2);
  EXPECT_EQ(fake->calls.cuTensorMapEncodeTiled, 2);
  EXPECT_EQ(fake->calls.cuLaunchKernelEx, 2);
}

/// All calls of a launch are allowed during capture; loading changes the
/// thread's capture mode and restores it.
TEST_F(LaunchPath, CodeIsLoadedWhileAGraphIsCaptured) {
  fake->capturing = true;
  ASSERT_EQ(launch(), MLA_SUCCESS) << mlaLastError();
  int mode = 0;
  (void)driver->cuThreadExchangeStreamCaptureMode(&mode);
  EXPECT_EQ(mode, 0);
}

TEST_F(LaunchPath, ManyThreadsStreamsAndDevices) {
  constexpr int kThreads = 8, kLaunches = 500;
  fake->keepLaunches = false;
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i)
    threads.emplace_back([&, i] {
      // Two threads a device, each on its own stream.
      (void)driver->cuCtxSetCurrent(handle(16 * (1 + i / 2)));
      for (int count = 0; count < kLaunches; ++count)
        if (launch(handle(1000 + i)) != MLA_SUCCESS)
          ADD_FAILURE() << mlaLastError();
    });
  for (std::thread &thread : threads)
    thread.join();
  EXPECT_EQ(fake->launches, kThreads * kLaunches);
  EXPECT_EQ(fake->modulesLoaded, kThreads / 2);
}

/// Threads share a kernel, each with its own stream and arguments: a launch
/// gets those of its thread.
TEST_F(LaunchPath, TwoThreadsOnTwoStreams) {
  constexpr int kLaunches = 20000;
  static thread_local uintptr_t mine;
  std::atomic<int> right{0}, ready{0};
  fake->keepLaunches = false;
  fake->onLaunchInThread = [&](const CudaLaunchConfig &config,
                               void **parameters) {
    uint64_t pointer = 0, mapAddress = 0;
    int8_t flag = 0;
    std::memcpy(&pointer, parameters[0], 8);
    std::memcpy(&flag, parameters[1], 1);
    std::memcpy(&mapAddress, parameters[5], 8);
    right += config.stream == handle(mine) && pointer == mine << 20 &&
             mapAddress == mine << 20 && flag == static_cast<int8_t>(mine) &&
             config.gridX == 4 * mine;
  };
  std::vector<std::thread> threads;
  for (uintptr_t i : {1, 2})
    threads.emplace_back([&, i] {
      mine = i;
      (void)driver->cuCtxSetCurrent(handle(16));
      std::vector<mlaArgument> arguments = sampleArguments();
      arguments[0].value.tensor.data = i << 20;
      arguments[4].value.i64 = static_cast<int64_t>(i);
      for (int tensor : {0, 1, 3})
        arguments[tensor].value.tensor.shape[0] = static_cast<int64_t>(i);
      for (++ready; ready < 2;)
        std::this_thread::yield();
      for (int count = 0; count < kLaunches; ++count)
        if (mlaKernelLaunch(kernel, arguments.data(), 5, handle(i)))
          ADD_FAILURE() << mlaLastError();
    });
  for (std::thread &thread : threads)
    thread.join();
  EXPECT_EQ(right, 2 * kLaunches);
  EXPECT_EQ(fake->modulesLoaded, 1);
}

/// Not a test, as the machine may be busy: prints the host time of a launch
/// without that of the driver.
class HostCost : public LaunchPath {
protected:
  template <typename Launch> void measure(const char *what, Launch launch) {
    fake->keepLaunches = false;
    ASSERT_EQ(mlaKernelPrepare(kernel), MLA_SUCCESS) << mlaLastError();
    constexpr int kLaunches = 20000;
    double best = 1e9;
    for (int repeat = 0; repeat < 5; ++repeat) {
      auto start = std::chrono::steady_clock::now();
      for (int i = 0; i < kLaunches; ++i)
        (void)launch();
      std::chrono::duration<double, std::micro> spent =
          std::chrono::steady_clock::now() - start;
      best = std::min(best, spent.count() / kLaunches);
    }
    std::cout << "a launch of " << what << " costs the host " << best
              << " us\n";
  }
};

TEST_F(HostCost, OneKernel) {
  std::vector<mlaArgument> arguments = sampleArguments();
  measure("one kernel", [&] {
    return mlaKernelLaunch(kernel, arguments.data(), 5, nullptr);
  });
}

TEST_F(HostCost, ThreeKernels) {
  fake->parameterSizesOf = {
      {"plan", {8}}, {"split", {8, 8, 8, 8, 8, 128}}, {"combine", {8, 8}}};
  load(programJson());
  std::vector<mlaArgument> arguments = programArguments();
  mlaLaunchOptions options = {};
  options.size = sizeof(options);
  options.workspace = 0x40000000;
  options.workspaceBytes = 1 << 20;
  measure("three kernels", [&] {
    return mlaKernelLaunchProgram(kernel, arguments.data(), 2, &options,
                                  nullptr);
  });
}

} // namespace
