//===- RuntimeHppTest.cpp - the C++ wrapper of the runtime ----------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "FakeDriver.h"

#include "mla/Runtime/Runtime.hpp"

using namespace mla::runtime;

namespace {

class RuntimeHpp : public FakeDriver {
protected:
  std::optional<mla::Kernel> loadSample() {
    std::string cubin = sampleCubin(), json = sealed(sampleJson(), cubin);
    mla::Status status;
    auto loaded = mla::Kernel::loadFromMemory(
        json.data(), json.size(), cubin.data(), cubin.size(), status);
    EXPECT_TRUE(status.ok()) << status.message();
    return loaded;
  }
};

TEST_F(RuntimeHpp, Launches) {
  std::optional<mla::Kernel> sample = loadSample();
  ASSERT_TRUE(sample);
  EXPECT_STREQ(sample->info().operatorName, "sparse_prefill");
  const void *q = handle(0x10000);
  mla::Status status = sample->launch(
      {mla::tensor(q, MLA_BF16, {5, 128, 576}, {128 * 592, 592, 1}),
       mla::tensor(0x200000, MLA_I32, {5, 128}), mla::scalar(0.1),
       mla::tensor(0x300000, MLA_BF16, {5, 128, 512}), mla::integer(-3)},
      handle(99));
  EXPECT_TRUE(status.ok()) << status.message();
  EXPECT_EQ(fake->launches, 1);
  EXPECT_EQ(fake->config.stream, handle(99));
}

TEST_F(RuntimeHpp, LeavesOptionalArgumentsOut) {
  std::string cubin = sampleCubin();
  std::string json =
      sealed(sampleJsonWith("\"alignment\": 4",
                            "\"alignment\": 4, \"optional\": true"),
             cubin);
  json = sealed(json.replace(json.find("\"target\""), 0,
                             "\"options\": {\"lse_base\": \"2\"}, "),
                cubin);
  mla::Status status;
  auto sample = mla::Kernel::loadFromMemory(json.data(), json.size(),
                                            cubin.data(), cubin.size(), status);
  ASSERT_TRUE(sample) << status.message();
  // A name of its own, so that nobody takes it for the operator's default.
  EXPECT_STREQ(sample->info().operatorName, "sparse_prefill lse_base=2");
  bool optional = true;
  ASSERT_TRUE(sample->isArgumentOptional(0, optional).ok());
  EXPECT_FALSE(optional);
  ASSERT_TRUE(sample->isArgumentOptional(1, optional).ok());
  EXPECT_TRUE(optional);
  status = sample->launch(
      {mla::tensor(0x10000, MLA_BF16, {5, 128, 576}, {128 * 592, 592, 1}),
       mla::leftOut(), mla::scalar(0.1),
       mla::tensor(0x3000000, MLA_BF16, {5, 128, 512}), mla::integer(-3)},
      handle(99));
  EXPECT_TRUE(status.ok()) << status.message();
  EXPECT_EQ(fake->launches, 1);
}

TEST_F(RuntimeHpp, FailuresAreValues) {
  std::optional<mla::Kernel> sample = loadSample();
  mla::Status status = sample->check({mla::scalar(1)});
  EXPECT_EQ(status.code(), MLA_INVALID_ARGUMENT);
  EXPECT_EQ(status.message(),
            "kernel 'sparse_prefill': expected 5 arguments, got 1");
  EXPECT_FALSE(mla::Kernel::load("/nonexistent", status));
  EXPECT_EQ(status.code(), MLA_NOT_FOUND);
  // Shape and strides of different rank.
  mlaArgument odd = mla::tensor(0x10000, MLA_BF16, {5, 128}, {1});
  EXPECT_EQ(odd.value.tensor.rank, -1);
}

TEST_F(RuntimeHpp, OwnsItsKernel) {
  std::optional<mla::Kernel> first = loadSample();
  ASSERT_TRUE(first->prepare().ok());
  mla::Kernel second = std::move(*first);
  first.reset();
  EXPECT_EQ(fake->modulesUnloaded, 0);
  EXPECT_EQ(mlaKernelDestroy(second.release()), MLA_SUCCESS);
  EXPECT_EQ(fake->modulesUnloaded, 1);
}

} // namespace
