//===- GpuTest.cpp - the GPU's path through a fake driver -----------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "FakeGpu.h"

#include <cstdlib>
#include <filesystem>

using namespace mla::harness;

namespace {

TEST_F(FakeGpu, RunCopiesThereAndBack) {
  EXPECT_EQ(run({"run", "copy", "--sizes", "n=1000", "--check"}), kExitSuccess)
      << out.str() << err.str();
  EXPECT_EQ(fake->config.gridX, 8u);
  EXPECT_NE(out.str().find("\"ms\":2.5"), std::string::npos) << out.str();
}

TEST_F(FakeGpu, AKernelThatDoesNothingFails) {
  fake->onLaunch = nullptr;
  EXPECT_EQ(run({"run", "copy", "--sizes", "n=10", "--check"}), kExitFailure);
  EXPECT_NE(out.str().find("10 of 10 elements differ"), std::string::npos)
      << out.str();
}

TEST_F(FakeGpu, FaultsOfTheKernelAreErrors) {
  fake->failures["cuStreamSynchronize"] = 700;
  EXPECT_EQ(run({"run", "copy", "--sizes", "n=10"}), kExitFailure);
  EXPECT_NE(err.str().find("copy: cuStreamSynchronize failed"),
            std::string::npos)
      << err.str();
}

TEST_F(FakeGpu, MemoryThatRunsOutNamesTheArgument) {
  fake->failures["cuMemAlloc"] = 2;
  EXPECT_EQ(run({"run", "copy", "--sizes", "n=10"}), kExitFailure);
  EXPECT_NE(err.str().find("argument 'a': cuMemAlloc failed"),
            std::string::npos)
      << err.str();
}

TEST_F(FakeGpu, BenchAlternatesAndReports) {
  EXPECT_EQ(run({"bench", "one", "two", "--sizes", "n=10", "--rounds=2",
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
