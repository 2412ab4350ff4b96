//===- GpuTest.cpp - the GPU's path through a fake driver -----------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "../Runtime/FakeCuda.h"
#include "../Runtime/Sample.h"
#include "Sample.h"

#include "mla/Harness/Tool.h"

#include <cstdlib>
#include <filesystem>
#include <sstream>

using namespace mla::harness;
using mla::runtime::KernelDescriptor;
using mla::runtime::ParameterDescriptor;

namespace {

/// A package whose kernel, in the fake driver, copies the n floats of `a` to
/// `c`.
KernelDescriptor copyDescriptor() {
  KernelDescriptor d;
  d.kernel = "copy";
  addTensor(d, "a", MLA_F32, {"n"});
  addTensor(d, "c", MLA_F32, {"n"}, MLA_WRITE);
  using Kind = ParameterDescriptor::Kind;
  d.parameters = {
      {Kind::Pointer, 0, 0}, {Kind::Pointer, 1, 0}, {Kind::Size, 0, 0}};
  mla::runtime::GridFactor factor;
  factor.divide = 128;
  d.grid = {factor};
  return d;
}

class FakeGpu : public testing::Test {
protected:
  void SetUp() override {
    fake = FakeCuda::get();
    ASSERT_NE(fake, nullptr)
        << "expected the fake libcuda.so.1: set LD_LIBRARY_PATH as ctest does";
    *fake = FakeCuda();
    fake->parameterSizes = {8, 8, 8};
    fake->onLaunch = [](void **parameters) {
      float *from, *to;
      int64_t count;
      std::memcpy(&from, parameters[0], 8);
      std::memcpy(&to, parameters[1], 8);
      std::memcpy(&count, parameters[2], 8);
      std::copy(from, from + count, to);
    };
    config.name = "mla-test";
    config.operandName = "PACKAGE";
    config.load = [](const std::string &operand, Subject &subject) -> Status {
      subject.label = operand;
      subject.descriptor = copyDescriptor();
      subject.cubin = mla::runtime::sampleCubin();
      subject.reference = [](const std::vector<HostArgument> &arguments,
                             std::vector<ExpectedOutput> &expected) {
        const HostTensor &a = arguments[0].tensor;
        ExpectedOutput output{"c", {}, {1e-6, 1e-6, 0}};
        for (int64_t i = 0; i < a.elements(); ++i)
          output.values.push_back(a.get(i));
        expected = {output};
        return Status();
      };
      return Status();
    };
  }
  void TearDown() override {
    if (!fake)
      return;
    EXPECT_EQ(fake->allocationsAlive, 0);
    EXPECT_EQ(fake->eventsAlive, 0);
    EXPECT_EQ(fake->modulesLoaded, fake->modulesUnloaded);
  }

  int run(const std::vector<std::string> &words) {
    return runTool(config, words, out, err);
  }

  FakeCuda *fake = nullptr;
  ToolConfig config;
  std::ostringstream out, err;
};

TEST_F(FakeGpu, RunCopiesThereAndBack) {
  EXPECT_EQ(run({"run", "copy", "--size", "n=1000", "--check"}), kExitSuccess)
      << out.str() << err.str();
  EXPECT_EQ(fake->config.gridX, 8u);
  EXPECT_NE(out.str().find("\"ms\":2.5"), std::string::npos) << out.str();
}

TEST_F(FakeGpu, AKernelThatDoesNothingFails) {
  fake->onLaunch = nullptr;
  EXPECT_EQ(run({"run", "copy", "--size", "n=10", "--check"}), kExitFailure);
  EXPECT_NE(out.str().find("10 of 10 elements differ"), std::string::npos)
      << out.str();
}

TEST_F(FakeGpu, FaultsOfTheKernelAreErrors) {
  fake->failures["cuStreamSynchronize"] = 700;
  EXPECT_EQ(run({"run", "copy", "--size", "n=10"}), kExitFailure);
  EXPECT_NE(err.str().find("copy: cuStreamSynchronize failed"),
            std::string::npos)
      << err.str();
}

TEST_F(FakeGpu, MemoryThatRunsOutNamesTheArgument) {
  fake->failures["cuMemAlloc"] = 2;
  EXPECT_EQ(run({"run", "copy", "--size", "n=10"}), kExitFailure);
  EXPECT_NE(err.str().find("argument 'a': cuMemAlloc failed"),
            std::string::npos)
      << err.str();
}

TEST_F(FakeGpu, BenchAlternatesAndReports) {
  EXPECT_EQ(run({"bench", "one", "two", "--size", "n=10", "--rounds=2",
                 "--iterations=3", "--warmup=1", "--gap=0.1"}),
            kExitSuccess)
      << err.str();
  // Two kernels, rounds x modes, each a warm-up and the timed iterations.
  EXPECT_EQ(fake->launches, 2 * 2 * 2 * (1 + 3));
  std::string text = out.str();
  EXPECT_NE(text.find("\"mode\":\"gap\",\"samples\":6,\"median_ms\":2.5"),
            std::string::npos)
      << text;
  EXPECT_NE(text.find("\"device\":\"Fake GPU\""), std::string::npos);
  // Four JSON lines, an empty one, and a table of a head and four rows.
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 10) << text;
}

TEST_F(FakeGpu, PackagesFromAFolder) {
  std::string folder = testing::TempDir() + "/mla-gpu-XXXXXX";
  ASSERT_NE(mkdtemp(folder.data()), nullptr);
  ASSERT_TRUE(mla::runtime::writePackage(
                  folder, {copyDescriptor(), mla::runtime::sampleCubin()})
                  .ok());
  config.load = loadPackageSubject;
  EXPECT_EQ(run({"run", folder, "--sizes", "n=3", "--sizes", "n=0"}),
            kExitSuccess)
      << err.str();
  // The empty case launches nothing.
  EXPECT_EQ(fake->launches, 1);
  std::filesystem::remove_all(folder);
}

} // namespace
