//===- DriverTest.cpp - loading and launching through a fake driver -------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "FakeCuda.h"
#include "Sample.h"

#include <thread>

using namespace mla::runtime;

namespace {

CudaContext contextNumber(uintptr_t number) {
  return reinterpret_cast<CudaContext>(number);
}

class FakeDriver : public testing::Test {
protected:
  void SetUp() override {
    fake = FakeCuda::get();
    ASSERT_NE(fake, nullptr)
        << "expected the fake libcuda.so.1: set LD_LIBRARY_PATH as ctest does";
    *fake = FakeCuda();
    fake->parameterSizes = {8, 1, 4, 8, 8, 128};
    Status status = Driver::get(driver);
    ASSERT_TRUE(status.ok()) << status.message();
    ASSERT_EQ(driver->cuCtxSetCurrent(contextNumber(16)), 0);
    load(sampleJson());
  }
  void TearDown() override {
    if (kernel) {
      EXPECT_EQ(mlaKernelDestroy(kernel), MLA_SUCCESS);
    }
  }

  void load(const std::string &text) {
    (void)mlaKernelDestroy(kernel);
    std::string cubin = sampleCubin(), json = sealed(text, cubin);
    ASSERT_EQ(mlaKernelLoadFromMemory(json.data(), json.size(), cubin.data(),
                                      cubin.size(), &kernel),
              MLA_SUCCESS)
        << mlaLastError();
  }
  mlaStatus launch() {
    std::vector<mlaArgument> arguments = sampleArguments();
    return mlaKernelLaunch(kernel, arguments.data(), 5, contextNumber(99));
  }
  void expectLaunchError(mlaStatus status, const std::string &part) {
    EXPECT_EQ(launch(), status);
    EXPECT_NE(std::string(mlaLastError()).find(part), std::string::npos)
        << "expected '" << part << "' in: " << mlaLastError();
    EXPECT_EQ(fake->launches, 0);
  }

  FakeCuda *fake = nullptr;
  const Driver *driver = nullptr;
  mlaKernel kernel = nullptr;
};

TEST_F(FakeDriver, LaunchesWhatTheDescriptorSays) {
  uint64_t pointer = 0, mapAddress = 0;
  float scale = 0;
  fake->onLaunch = [&](void **parameters) {
    std::memcpy(&pointer, parameters[0], 8);
    std::memcpy(&scale, parameters[2], 4);
    std::memcpy(&mapAddress, parameters[5], 8);
  };
  ASSERT_EQ(launch(), MLA_SUCCESS) << mlaLastError();
  EXPECT_EQ(pointer, 0x10000u);
  EXPECT_EQ(scale, 0.1f);
  EXPECT_EQ(mapAddress, 0x10000u);
  EXPECT_EQ(fake->config.gridX, 20u);
  EXPECT_EQ(fake->config.gridY, 1u);
  EXPECT_EQ(fake->config.blockX, 384u);
  EXPECT_EQ(fake->config.sharedBytes, 231000u);
  EXPECT_EQ(fake->config.stream, contextNumber(99));
  EXPECT_EQ(fake->config.attributeCount, 0u);
  EXPECT_EQ(fake->functionAttributes[kCudaFunctionMaxDynamicShared], 231000);
}

TEST_F(FakeDriver, LoadsOncePerContext) {
  for (int i = 0; i < 3; ++i)
    ASSERT_EQ(launch(), MLA_SUCCESS);
  EXPECT_EQ(fake->modulesLoaded, 1);
  ASSERT_EQ(driver->cuCtxSetCurrent(contextNumber(32)), 0);
  ASSERT_EQ(mlaKernelPrepare(kernel), MLA_SUCCESS);
  EXPECT_EQ(fake->modulesLoaded, 2);
  ASSERT_EQ(mlaKernelDestroy(kernel), MLA_SUCCESS);
  kernel = nullptr;
  EXPECT_EQ(fake->modulesUnloaded, 2);
  CudaContext current = nullptr;
  (void)driver->cuCtxGetCurrent(&current);
  EXPECT_EQ(current, contextNumber(32)) << "the caller's context must stay";
}

TEST_F(FakeDriver, ThreadsLoadOnce) {
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i)
    threads.emplace_back([&] {
      (void)driver->cuCtxSetCurrent(contextNumber(16));
      EXPECT_EQ(mlaKernelPrepare(kernel), MLA_SUCCESS);
    });
  for (std::thread &thread : threads)
    thread.join();
  EXPECT_EQ(fake->modulesLoaded, 1);
}

TEST_F(FakeDriver, ClustersAreAnAttribute) {
  load(sampleJsonWith("\"cluster\": 1", "\"cluster\": 2"));
  ASSERT_EQ(launch(), MLA_SUCCESS) << mlaLastError();
  EXPECT_EQ(fake->config.attributeCount, 1u);
  EXPECT_EQ(fake->attribute.id, kCudaLaunchClusterDimension);
  EXPECT_EQ(fake->attribute.value.clusterDim[0], 2u);
  EXPECT_EQ(fake->attribute.value.clusterDim[1], 1u);
}

TEST_F(FakeDriver, NoContext) {
  (void)driver->cuCtxSetCurrent(nullptr);
  expectLaunchError(MLA_NO_CONTEXT,
                    "kernel 'sparse_prefill': expected a current CUDA context");
}

TEST_F(FakeDriver, OtherDevices) {
  fake->minor = 3;
  expectLaunchError(MLA_UNSUPPORTED_DEVICE,
                    "expected a device of compute capability 9.0 (sm_90a), got "
                    "Fake GPU of 9.3");
  fake->major = 10;
  fake->minor = 0;
  expectLaunchError(MLA_UNSUPPORTED_DEVICE, "got Fake GPU of 10.0");
}

TEST_F(FakeDriver, OtherTargets) {
  load(sampleJsonWith("sm_90a", "gfx90a"));
  expectLaunchError(MLA_UNSUPPORTED_DEVICE,
                    "expected a target like sm_90a, got 'gfx90a'");
}

TEST_F(FakeDriver, DriverCallsAreReported) {
  fake->failures["cuModuleLoadData"] = kCudaInvalidImage;
  expectLaunchError(MLA_UNSUPPORTED_DRIVER,
                    "cuModuleLoadData failed: CUDA_ERROR_FAKE (200): a fake "
                    "error; the driver is for CUDA 12.8 and may be too old");
  fake->failures = {{"cuModuleLoadData", kCudaOutOfMemory}};
  expectLaunchError(MLA_OUT_OF_MEMORY, "cuModuleLoadData failed");
  fake->failures = {{"cuModuleGetFunction", 500}};
  expectLaunchError(MLA_DRIVER_ERROR, "kernel 'sparse_prefill': "
                                      "cuModuleGetFunction failed");
  fake->failures = {{"cuFuncSetAttribute", 1}};
  expectLaunchError(MLA_DRIVER_ERROR, "dynamic shared memory of 231000 bytes");
  // Each failed load took its module back.
  EXPECT_EQ(fake->modulesLoaded, fake->modulesUnloaded);
  fake->failures = {{"cuTensorMapEncodeTiled", 1}};
  expectLaunchError(MLA_DRIVER_ERROR,
                    "argument 'q': cuTensorMapEncodeTiled failed");
  fake->failures = {{"cuLaunchKernelEx", 700}};
  expectLaunchError(MLA_DRIVER_ERROR,
                    "kernel 'sparse_prefill': cuLaunchKernelEx failed");
  fake->failures.clear();
  EXPECT_EQ(launch(), MLA_SUCCESS) << mlaLastError();
}

TEST_F(FakeDriver, ParametersOfTheCubinAreCompared) {
  fake->parameterSizes = {8, 1, 4, 8, 8};
  expectLaunchError(MLA_INVALID_PACKAGE,
                    "expected 6 parameters, the cubin has 5");
  fake->parameterSizes = {8, 1, 8, 8, 8, 128};
  expectLaunchError(MLA_INVALID_PACKAGE,
                    "expected parameter 2 of 4 bytes, the cubin has 8");
  fake->parameterSizes = {8, 1, 4, 8, 8, 128, 8};
  expectLaunchError(MLA_INVALID_PACKAGE,
                    "expected 6 parameters, the cubin has more");
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

} // namespace
