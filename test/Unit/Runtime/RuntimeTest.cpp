//===- RuntimeTest.cpp - the C interface ----------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "Sample.h"

#include "mla/Runtime/Driver.h"

#include <dlfcn.h>

#include <thread>

using namespace mla::runtime;

namespace {

class Kernel : public testing::Test {
protected:
  void SetUp() override {
    std::string cubin = sampleCubin(), json = sealed(sampleJson(), cubin);
    ASSERT_EQ(mlaKernelLoadFromMemory(json.data(), json.size(), cubin.data(),
                                      cubin.size(), &kernel),
              MLA_SUCCESS)
        << mlaLastError();
  }
  void TearDown() override { EXPECT_EQ(mlaKernelDestroy(kernel), MLA_SUCCESS); }

  mlaKernel kernel = nullptr;
};

TEST_F(Kernel, DescribesItself) {
  mlaKernelInfo info;
  ASSERT_EQ(mlaKernelGetInfo(kernel, &info), MLA_SUCCESS);
  EXPECT_STREQ(info.name, "sparse_prefill");
  EXPECT_STREQ(info.operatorName, "sparse_prefill");
  EXPECT_EQ(info.argumentCount, 5);
  EXPECT_EQ(info.block, 384);
  EXPECT_EQ(info.sharedBytes, 231000);
}

TEST_F(Kernel, LivesAsLongAsItsReferences) {
  ASSERT_EQ(mlaKernelRetain(kernel), MLA_SUCCESS);
  ASSERT_EQ(mlaKernelDestroy(kernel), MLA_SUCCESS);
  mlaKernelInfo info;
  ASSERT_EQ(mlaKernelGetInfo(kernel, &info), MLA_SUCCESS);
  EXPECT_STREQ(info.name, "sparse_prefill");
  EXPECT_EQ(mlaKernelRetain(nullptr), MLA_INVALID_ARGUMENT);
  EXPECT_STREQ(mlaLastError(), "'kernel': expected an address, got null");
}

TEST_F(Kernel, DescribesItsArguments) {
  mlaArgumentInfo info;
  ASSERT_EQ(mlaKernelGetArgument(kernel, 0, &info), MLA_SUCCESS);
  EXPECT_STREQ(info.name, "q");
  EXPECT_EQ(info.isTensor, 1);
  EXPECT_EQ(info.dtype, MLA_BF16);
  EXPECT_EQ(info.rank, 3);
  EXPECT_EQ(info.shape[0], -1);
  EXPECT_STREQ(info.sizeName[0], "s_q");
  EXPECT_EQ(info.shape[1], 128);
  EXPECT_EQ(info.sizeName[1], nullptr);
  EXPECT_EQ(info.strides[1], -1);
  EXPECT_EQ(info.strides[2], 1);
  EXPECT_EQ(mlaKernelGetArgument(kernel, 5, &info), MLA_INVALID_ARGUMENT);
  EXPECT_STREQ(mlaLastError(), "'index': expected 0 to 4, got 5");
}

TEST_F(Kernel, SaysWhichArgumentsAreOptional) {
  int32_t optional = 7;
  ASSERT_EQ(mlaKernelIsArgumentOptional(kernel, 1, &optional), MLA_SUCCESS);
  EXPECT_EQ(optional, 0);
  EXPECT_EQ(mlaKernelIsArgumentOptional(kernel, 5, &optional),
            MLA_INVALID_ARGUMENT);
  EXPECT_STREQ(mlaLastError(), "'index': expected 0 to 4, got 5");
  EXPECT_EQ(mlaKernelIsArgumentOptional(kernel, 1, nullptr),
            MLA_INVALID_ARGUMENT);
  EXPECT_EQ(mlaKernelIsArgumentOptional(nullptr, 1, &optional),
            MLA_INVALID_ARGUMENT);
}

TEST_F(Kernel, ChecksArgumentsWithoutADriver) {
  std::vector<mlaArgument> arguments = sampleArguments();
  EXPECT_EQ(mlaKernelCheck(kernel, arguments.data(), 5), MLA_SUCCESS)
      << mlaLastError();
  arguments[0].value.tensor.strides[1] = 577;
  EXPECT_EQ(mlaKernelCheck(kernel, arguments.data(), 5), MLA_INVALID_ARGUMENT);
  EXPECT_STREQ(mlaLastError(), "argument 'q': expected stride multiple of 8 "
                               "elements (16 bytes) in dim 1, got 577");
  // A launch returns the same error before it opens the driver.
  EXPECT_EQ(mlaKernelLaunch(kernel, arguments.data(), 5, nullptr),
            MLA_INVALID_ARGUMENT);
}

TEST_F(Kernel, NeedsNoWorkspace) {
  std::vector<mlaArgument> arguments = sampleArguments();
  size_t bytes = 1;
  EXPECT_EQ(mlaKernelGetWorkspaceBytes(kernel, arguments.data(), 5, &bytes),
            MLA_SUCCESS);
  EXPECT_EQ(bytes, 0u);
  EXPECT_EQ(mlaKernelGetWorkspaceBytes(kernel, arguments.data(), 5, nullptr),
            MLA_INVALID_ARGUMENT);
}

TEST_F(Kernel, EmptyLaunchNeedsNoDriver) {
  std::vector<mlaArgument> arguments = sampleArguments();
  for (int i : {0, 1, 3})
    arguments[i].value.tensor.shape[0] = 0;
  EXPECT_EQ(mlaKernelLaunch(kernel, arguments.data(), 5, nullptr), MLA_SUCCESS)
      << mlaLastError();
}

TEST_F(Kernel, LaunchWithoutADriverSaysSo) {
  if (dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL))
    GTEST_SKIP() << "this machine has a CUDA driver";
  std::vector<mlaArgument> arguments = sampleArguments();
  // Repeated calls return the same error and do not crash.
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(mlaKernelLaunch(kernel, arguments.data(), 5, nullptr),
              MLA_NO_DRIVER);
    EXPECT_NE(std::string(mlaLastError())
                  .find("cannot open the CUDA driver libcuda.so.1: "),
              std::string::npos)
        << mlaLastError();
    EXPECT_EQ(mlaKernelPrepare(kernel), MLA_NO_DRIVER);
  }
}

TEST_F(Kernel, ErrorsBelongToTheirThread) {
  EXPECT_EQ(mlaKernelGetInfo(kernel, nullptr), MLA_INVALID_ARGUMENT);
  std::thread([] { EXPECT_STREQ(mlaLastError(), ""); }).join();
  EXPECT_STREQ(mlaLastError(), "'out': expected an address, got null");
}

TEST(Runtime, NullHandles) {
  EXPECT_EQ(mlaKernelDestroy(nullptr), MLA_SUCCESS);
  EXPECT_EQ(mlaKernelPrepare(nullptr), MLA_INVALID_ARGUMENT);
  EXPECT_EQ(mlaKernelLaunch(nullptr, nullptr, 0, nullptr),
            MLA_INVALID_ARGUMENT);
  EXPECT_EQ(mlaKernelCheck(nullptr, nullptr, 0), MLA_INVALID_ARGUMENT);
  EXPECT_EQ(mlaKernelLoad(nullptr, nullptr), MLA_INVALID_ARGUMENT);
}

TEST(Runtime, LoadErrorsLeaveNoKernel) {
  mlaKernel kernel = reinterpret_cast<mlaKernel>(1);
  EXPECT_EQ(mlaKernelLoad("/nonexistent/package", &kernel), MLA_NOT_FOUND);
  EXPECT_EQ(kernel, nullptr);
  EXPECT_STREQ(mlaLastError(),
               "package '/nonexistent/package': no such folder");
  EXPECT_EQ(mlaKernelLoadFromMemory("{}", 2, "x", 1, &kernel),
            MLA_INVALID_PACKAGE);
  EXPECT_STREQ(mlaLastError(), "kernel.json: 'format': missing");
  std::string json = sampleJson();
  EXPECT_EQ(mlaKernelLoadFromMemory(json.data(), json.size(), "x", 1, &kernel),
            MLA_INVALID_PACKAGE);
}

TEST(Runtime, DamagedPackagesLoadNoKernel) {
  std::string cubin = sampleCubin(), json = sealed(sampleJson(), cubin);
  auto expectRefused = [&](const std::string &part) {
    mlaKernel kernel = reinterpret_cast<mlaKernel>(1);
    EXPECT_EQ(mlaKernelLoadFromMemory(json.data(), json.size(), cubin.data(),
                                      cubin.size(), &kernel),
              MLA_INVALID_PACKAGE);
    EXPECT_EQ(kernel, nullptr);
    EXPECT_NE(std::string(mlaLastError()).find(part), std::string::npos)
        << mlaLastError();
  };
  cubin.back() ^= 1;
  expectRefused("was damaged or changed: expected SHA-256 ");
  cubin.back() ^= 1;
  // A bit of a number: another number of threads.
  json.replace(json.find("384"), 3, "385");
  expectRefused("");
  for (const char *version : {"1", "2", "4"}) {
    json = sampleJsonWith("\"version\": 3",
                          std::string("\"version\": ") + version);
    expectRefused(std::string("'version': expected 3, got ") + version);
  }
}

TEST(Runtime, VersionAndStatusNames) {
  EXPECT_EQ(mlaRuntimeVersion(), MLA_RUNTIME_VERSION);
  EXPECT_STREQ(mlaStatusName(MLA_NO_CONTEXT), "no context");
  EXPECT_STREQ(mlaStatusName(static_cast<mlaStatus>(99)), "unknown status");
}

} // namespace
