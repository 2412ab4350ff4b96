//===- DriverTest.cpp - loading and launching through a fake driver -------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "FakeDriver.h"

#include <thread>

using namespace mla::runtime;

namespace {

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
  EXPECT_EQ(fake->config.stream, handle(99));
  EXPECT_EQ(fake->config.attributeCount, 0u);
  EXPECT_EQ(fake->functionAttributes[kCudaFunctionMaxDynamicShared], 231000);
}

TEST_F(FakeDriver, LoadsOncePerContext) {
  for (int i = 0; i < 3; ++i)
    ASSERT_EQ(launch(), MLA_SUCCESS);
  EXPECT_EQ(fake->modulesLoaded, 1);
  ASSERT_EQ(driver->cuCtxSetCurrent(handle(32)), 0);
  ASSERT_EQ(mlaKernelPrepare(kernel), MLA_SUCCESS);
  EXPECT_EQ(fake->modulesLoaded, 2);
  EXPECT_EQ(fake->calls.cuFuncLoad, 2);
  ASSERT_EQ(mlaKernelDestroy(kernel), MLA_SUCCESS);
  kernel = nullptr;
  EXPECT_EQ(fake->modulesUnloaded, 2);
  CudaContext current = nullptr;
  (void)driver->cuCtxGetCurrent(&current);
  EXPECT_EQ(current, handle(32)) << "the caller's context must stay";
}

TEST_F(FakeDriver, ThreadsLoadOnce) {
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i)
    threads.emplace_back([&] {
      (void)driver->cuCtxSetCurrent(handle(16));
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

TEST_F(FakeDriver, DriverCallsAreReported) {
  fake->failures["cuModuleLoadData"] = kCudaInvalidImage;
  expectLaunchError(MLA_UNSUPPORTED_DRIVER,
                    "cuModuleLoadData failed: CUDA_ERROR_FAKE (200): a fake "
                    "error; the driver is for CUDA 13.0 and may be too old");
  fake->failures = {{"cuModuleLoadData", kCudaOutOfMemory}};
  expectLaunchError(MLA_OUT_OF_MEMORY, "cuModuleLoadData failed");
  fake->failures = {{"cuModuleGetFunction", 500}};
  expectLaunchError(MLA_DRIVER_ERROR, "kernel 'sparse_prefill': "
                                      "cuModuleGetFunction failed");
  fake->failures = {{"cuFuncSetAttribute", 1}};
  expectLaunchError(MLA_DRIVER_ERROR, "dynamic shared memory of 231000 bytes");
  // Each failed load unloaded its module.
  EXPECT_EQ(fake->modulesLoaded, fake->modulesUnloaded);
  fake->failures = {{"cuTensorMapEncodeTiled", 1}};
  expectLaunchError(MLA_DRIVER_ERROR,
                    "argument 'q': cuTensorMapEncodeTiled failed");
  fake->failures = {{"cuLaunchKernelEx", 999}};
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

} // namespace
