//===- WorkTest.cpp - FLOPs and bytes of a kernel -------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "FakeTrace.h"
#include "gtest/gtest.h"

using namespace mlir;
using namespace mla;
using namespace mla::explain;

namespace {
struct WorkTest : testing::Test {
  static constexpr int64_t kTrips = 10;
  // The loop of the MMAs is peeled by one trip, the gather's is not.
  static constexpr double kTiles = kTrips + 1;

  WorkTest() : subject("split-columns", kTrips) {
    kernel = *readKernel(subject.func);
    work = countWork(kernel, subject.trace, sizes);
  }

  const ArgumentTraffic &get(llvm::StringRef name) {
    for (const ArgumentTraffic &argument : work.arguments)
      if (argument.name == name)
        return argument;
    ADD_FAILURE() << "no traffic with " << name.str();
    return work.arguments.front();
  }

  Sizes sizes = {{"s_q", 100}, {"s_kv", 100000}, {"topk", 640}};
  Subject subject;
  Kernel kernel;
  Work work;
};
} // namespace

TEST_F(WorkTest, Flops) {
  // Both roles compute all of QK, and half of the columns of PV each.
  double qk = 2.0 * 64 * 64 * 576, pv = 2.0 * 64 * 64 * 512;
  EXPECT_DOUBLE_EQ(work.flops, kTiles * (2 * qk + pv));
  EXPECT_DOUBLE_EQ(work.clusters, 200);
}

TEST_F(WorkTest, SpecialFunctions) {
  // Of the tile, of the 64 rescales in four lanes each, and once log2 and a
  // quotient.
  double tiles = kTiles * 2 * (64 * 64 + 64 * 4);
  double end = 64 * 4 + 2 * 64 * 4;
  EXPECT_DOUBLE_EQ(work.specials, tiles + end);
}

TEST_F(WorkTest, RowsThatBothHeadBlocksReadCountOnce) {
  const ArgumentTraffic &kv = get("kv");
  EXPECT_DOUBLE_EQ(kv.clusterBytes, kTrips * 64.0 * 576 * 2);
  EXPECT_DOUBLE_EQ(kv.gridBytes, 200 * kv.clusterBytes);
  EXPECT_DOUBLE_EQ(kv.distinctBytes, kv.gridBytes / 2);
  EXPECT_DOUBLE_EQ(get("q").distinctBytes, 100.0 * 128 * 576 * 2);
  EXPECT_TRUE(get("out").written);
  EXPECT_DOUBLE_EQ(get("out").gridBytes, 100.0 * 128 * 512 * 2);
}

TEST_F(WorkTest, NoMoreBytesDifferThanThereAre) {
  sizes["s_kv"] = 10;
  work = countWork(kernel, subject.trace, sizes);
  EXPECT_DOUBLE_EQ(get("kv").distinctBytes, 10.0 * 576 * 2);
}

TEST_F(WorkTest, Machine) {
  GpuRates machine;
  EXPECT_NEAR(machine.tensorFlopsPerSecond() / 1e12, 989.4, 0.1);
  EXPECT_EQ(countResidentCTAs(kernel, machine), 1);
  // 200 CTAs on 132 SMs are two waves.
  EXPECT_DOUBLE_EQ(modelSeconds(kernel, work, 1.83e9, machine), 2);
  std::vector<Bound> bounds = listBounds(kernel, work, machine);
  EXPECT_DOUBLE_EQ(bounds.front().cycles(), work.flops / 4096);
}
