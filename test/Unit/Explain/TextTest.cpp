//===- TextTest.cpp - numbers as text -------------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "../../../lib/Explain/Text.h"
#include "gtest/gtest.h"

using namespace mla::explain;

TEST(Text, Numbers) {
  EXPECT_EQ(formatNumber(0), "0");
  EXPECT_EQ(formatNumber(-0.001), "0");
  EXPECT_EQ(formatNumber(1.25), "1.25");
  EXPECT_EQ(formatNumber(999.6), "1,000");
  EXPECT_EQ(formatNumber(232448), "232,448");
  EXPECT_EQ(formatNumber(-1234567), "-1,234,567");
}

TEST(Text, Quantities) {
  EXPECT_EQ(formatQuantity(989.4e12, "FLOP"), "989 TFLOP");
  EXPECT_EQ(formatQuantity(73728, "B"), "73.7 kB");
  EXPECT_EQ(formatQuantity(12, "B"), "12 B");
}
