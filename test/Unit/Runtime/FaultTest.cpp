//===- FaultTest.cpp - errors of callers and of the driver ----------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "FakeDriver.h"

#include <sys/wait.h>
#include <unistd.h>

using namespace mla::runtime;

namespace {

/// Faults that end in an error of a launch, each with its own text.
class Faults : public FakeDriver {
protected:
  void expectRefused(const std::vector<mlaArgument> &arguments,
                     const std::string &text) {
    size_t bytes = 1;
    int calls = fake->calls.total();
    EXPECT_EQ(mlaKernelLaunch(kernel, arguments.data(), 5, nullptr),
              MLA_INVALID_ARGUMENT);
    EXPECT_EQ(mlaLastError(), text);
    // All functions that check arguments return the same error.
    EXPECT_EQ(mlaKernelCheck(kernel, arguments.data(), 5),
              MLA_INVALID_ARGUMENT);
    EXPECT_EQ(mlaLastError(), text);
    EXPECT_EQ(mlaKernelGetWorkspaceBytes(kernel, arguments.data(), 5, &bytes),
              MLA_INVALID_ARGUMENT);
    EXPECT_EQ(mlaLastError(), text);
    EXPECT_EQ(fake->calls.total(), calls)
        << "expected a refusal before the driver is asked for anything";
  }
};

TEST_F(Faults, NullPointer) {
  std::vector<mlaArgument> arguments = sampleArguments();
  arguments[0].value.tensor.data = 0;
  expectRefused(arguments, "argument 'q': expected a device address, got null");
}

TEST_F(Faults, MisalignedPointer) {
  std::vector<mlaArgument> arguments = sampleArguments();
  arguments[0].value.tensor.data += 2;
  expectRefused(arguments, "argument 'q': expected an address aligned to 16 "
                           "bytes, got 0x10002");
}

TEST_F(Faults, WrongShape) {
  std::vector<mlaArgument> arguments = sampleArguments();
  arguments[0].value.tensor.shape[2] = 512;
  expectRefused(arguments, "argument 'q': expected size 576 in dim 2, got 512");
}

TEST_F(Faults, ShapesThatDisagree) {
  std::vector<mlaArgument> arguments = sampleArguments();
  arguments[1].value.tensor.shape[0] = 4;
  expectRefused(arguments, "argument 'indices': expected size s_q = 5 in dim 0 "
                           "(as in 'q'), got 4");
}

TEST_F(Faults, WrongStride) {
  std::vector<mlaArgument> arguments = sampleArguments();
  arguments[3].value.tensor.strides[2] = 2;
  expectRefused(arguments, "argument 'out': expected stride 1 in dim 2, got 2");
}

TEST_F(Faults, StreamOfAnotherContext) {
  fake->streams[handle(99)] = handle(32);
  expectLaunchError(MLA_INVALID_ARGUMENT,
                    "kernel 'sparse_prefill': 'stream': expected a stream of "
                    "the calling thread's current context, got one of another "
                    "(cuLaunchKernelEx failed: CUDA_ERROR_FAKE (400)");
  // The driver returns this error for other reasons as well.
  fake->streams.clear();
  fake->failures["cuLaunchKernelEx"] = kCudaInvalidHandle;
  expectLaunchError(MLA_DRIVER_ERROR, "cuLaunchKernelEx failed");
}

TEST_F(Faults, DeviceLost) {
  for (int result : {214, 700, 702, 719}) {
    fake->failures = {{"cuLaunchKernelEx", result}};
    expectLaunchError(MLA_DEVICE_LOST,
                      "cuLaunchKernelEx failed: CUDA_ERROR_FAKE (" +
                          std::to_string(result) + "): a fake error; a kernel");
  }
  EXPECT_STREQ(mlaStatusName(MLA_DEVICE_LOST), "device lost");
  // Whichever call returns it first.
  load(sampleJson());
  fake->failures = {{"cuCtxGetId", 700}};
  expectLaunchError(MLA_DEVICE_LOST, "cuCtxGetId failed");
}

TEST_F(Faults, OutOfMemory) {
  fake->failures = {{"cuLaunchKernelEx", kCudaOutOfMemory}};
  expectLaunchError(MLA_OUT_OF_MEMORY, "cuLaunchKernelEx failed");
  // The failure is not permanent.
  fake->failures.clear();
  EXPECT_EQ(launch(), MLA_SUCCESS) << mlaLastError();
}

TEST_F(Faults, EveryCallIsChecked) {
  for (const char *call :
       {"cuCtxGetCurrent", "cuCtxGetId", "cuCtxGetDevice",
        "cuThreadExchangeStreamCaptureMode", "cuModuleLoadData",
        "cuModuleGetFunction", "cuFuncLoad", "cuFuncSetAttribute",
        "cuTensorMapEncodeTiled", "cuLaunchKernelEx"}) {
    load(sampleJson());
    fake->failures = {{call, 999}};
    expectLaunchError(MLA_DRIVER_ERROR,
                      std::string(call) + " failed: CUDA_ERROR_FAKE (999)");
    fake->failures.clear();
  }
}

TEST_F(Faults, UnloadingReportsAndStillFrees) {
  ASSERT_EQ(launch(), MLA_SUCCESS);
  fake->failures = {{"cuModuleUnload", 709}};
  EXPECT_EQ(mlaKernelDestroy(kernel), MLA_DRIVER_ERROR);
  EXPECT_NE(std::string(mlaLastError()).find("cuModuleUnload failed"),
            std::string::npos);
  kernel = nullptr;
}

/// Runs `body` in a forked child; its result is the child's exit code.
int inChild(const std::function<int()> &body) {
  pid_t child = fork();
  if (child == 0)
    _exit(body());
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TEST_F(Faults, Fork) {
  ASSERT_EQ(launch(), MLA_SUCCESS);
  int calls = fake->calls.total();
  EXPECT_EQ(inChild([&] {
              if (launch() != MLA_NO_DRIVER ||
                  mlaKernelPrepare(kernel) != MLA_NO_DRIVER)
                return 1;
              std::string text = mlaLastError();
              if (text.find("this process was forked after the CUDA driver was "
                            "opened") == std::string::npos)
                return 2;
              // Functions that need no driver work, and a kernel can be freed.
              std::vector<mlaArgument> arguments = sampleArguments();
              if (mlaKernelCheck(kernel, arguments.data(), 5) != MLA_SUCCESS)
                return 3;
              (void)mlaKernelDestroy(kernel);
              return fake->calls.total() == calls ? 0 : 4;
            }),
            0);
  EXPECT_EQ(launch(), MLA_SUCCESS) << "the parent must go on";
}

/// Opens the driver in a fresh process, since a process opens it once, and
/// exits 0 if the error is as expected.
void openAndExit(const std::function<void(FakeCuda &)> &change,
                 mlaStatus status, const std::string &part) {
  FakeCuda *fake = FakeCuda::get();
  if (!fake)
    std::exit(1);
  change(*fake);
  const Driver *driver = nullptr;
  Status got = Driver::get(driver);
  bool asExpected = got.code() == status && !driver &&
                    got.message().find(part) != std::string::npos;
  if (!asExpected)
    std::fprintf(stderr, "got: %s\n", got.message().c_str());
  std::exit(asExpected ? 0 : 1);
}

TEST(OpeningTheDriverDeathTest, ReportsWhatIsWrong) {
  testing::FLAGS_gtest_death_test_style = "threadsafe";
  EXPECT_EXIT(openAndExit([](FakeCuda &f) { f.version = 11080; },
                          MLA_UNSUPPORTED_DRIVER,
                          "expected a driver for CUDA 12.0 or newer, got one "
                          "for CUDA 11.8"),
              testing::ExitedWithCode(0), "");
  EXPECT_EXIT(openAndExit([](FakeCuda &f) { f.devices = 0; }, MLA_NO_DRIVER,
                          "sees no device"),
              testing::ExitedWithCode(0), "");
  EXPECT_EXIT(openAndExit([](FakeCuda &f) { f.failures["cuInit"] = 100; },
                          MLA_NO_DRIVER, "cuInit failed"),
              testing::ExitedWithCode(0), "");
}

/// After a fork before the driver is opened, parent and child each open it.
void forkAndOpen() {
  auto opens = [] {
    const Driver *driver = nullptr;
    return Driver::get(driver).ok() && driver;
  };
  int child = inChild([&] { return opens() ? 0 : 1; });
  std::exit(child == 0 && opens() ? 0 : 1);
}

TEST(OpeningTheDriverDeathTest, AfterAFork) {
  testing::FLAGS_gtest_death_test_style = "threadsafe";
  EXPECT_EXIT(forkAndOpen(), testing::ExitedWithCode(0), "");
}

} // namespace
