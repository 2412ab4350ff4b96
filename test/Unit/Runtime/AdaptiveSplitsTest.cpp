// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// How many splits of KV fill a GPU.

#include "mla/Runtime/Runtime.hpp"

#include <gtest/gtest.h>
#include <limits>

namespace {

TEST(AdaptiveSplits, FillTheGpuWhereRowsAreFew) {
  // One row of 4,096 tokens: one step per split is fastest.
  EXPECT_EQ(mlaAdaptiveSplits(1, 4096, 132), 64);
  // 32,768 tokens are 512 steps: four each on 128 of 132 SMs.
  EXPECT_EQ(mlaAdaptiveSplits(1, 32768, 132), 128);
  EXPECT_EQ(mlaAdaptiveSplits(16, 32768, 132), 8);
}

TEST(AdaptiveSplits, OneWhereNothingIsGained) {
  EXPECT_EQ(mlaAdaptiveSplits(132, 4096, 132), 1);
  EXPECT_EQ(mlaAdaptiveSplits(1, 64, 132), 1);
  EXPECT_EQ(mlaAdaptiveSplits(1, 0, 132), 1);
  EXPECT_EQ(mlaAdaptiveSplits(0, 4096, 132), 1);
  int64_t most = std::numeric_limits<int64_t>::max();
  EXPECT_EQ(mlaAdaptiveSplits(most, 64, 132), 1);
  EXPECT_EQ(mlaAdaptiveSplits(1, most, 1), 1);
}

TEST(AdaptiveSplits, EvenOutTheLastWave) {
  // 133 rows on 132 SMs would take two waves of whole rows.
  int32_t splits = mla::adaptiveSplits(133, 65536, 132);
  EXPECT_GT(splits, 1);
  EXPECT_LE(splits, 256);
}

TEST(AdaptiveSplits, RefuseNonsense) {
  EXPECT_EQ(mlaAdaptiveSplits(-1, 4096, 132), 0);
  EXPECT_EQ(mlaAdaptiveSplits(1, -1, 132), 0);
  EXPECT_EQ(mlaAdaptiveSplits(1, 4096, 0), 0);
}

} // namespace
