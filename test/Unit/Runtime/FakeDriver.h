//===- FakeDriver.h - the sample kernel on the fake driver ------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef MLA_TEST_UNIT_RUNTIME_FAKEDRIVER_H
#define MLA_TEST_UNIT_RUNTIME_FAKEDRIVER_H

#include "FakeCuda.h"
#include "Sample.h"

namespace mla::runtime {

/// The handle of context 16 (device 0), 32 (device 1), ..., or of a stream.
inline void *handle(uintptr_t number) {
  return reinterpret_cast<void *>(number);
}

/// The sample kernel, loaded from memory, in context 16.
class FakeDriver : public testing::Test {
protected:
  void SetUp() override {
    fake = FakeCuda::get();
    ASSERT_NE(fake, nullptr)
        << "expected the fake libcuda.so.1: set LD_LIBRARY_PATH as ctest does";
    fake->reset();
    fake->parameterSizes = {8, 1, 4, 8, 8, 128};
    Status status = Driver::get(driver);
    ASSERT_TRUE(status.ok()) << status.message();
    ASSERT_EQ(driver->cuCtxSetCurrent(handle(16)), 0);
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
  mlaStatus launch(mlaStream stream = handle(99)) {
    std::vector<mlaArgument> arguments = sampleArguments();
    return mlaKernelLaunch(kernel, arguments.data(), 5, stream);
  }
  void expectLaunchError(mlaStatus status, const std::string &part) {
    int launches = fake->launches;
    EXPECT_EQ(launch(), status);
    EXPECT_NE(std::string(mlaLastError()).find(part), std::string::npos)
        << "expected '" << part << "' in: " << mlaLastError();
    EXPECT_EQ(fake->launches, launches);
  }

  FakeCuda *fake = nullptr;
  const Driver *driver = nullptr;
  mlaKernel kernel = nullptr;
};

} // namespace mla::runtime

#endif // MLA_TEST_UNIT_RUNTIME_FAKEDRIVER_H
