//===- TextTest.cpp - numbers as people read them -------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "../../../lib/Explain/Markup.h"
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

TEST(Text, Shares) {
  EXPECT_EQ(formatShare(0.731), "73\u00a0%");
  EXPECT_EQ(formatShare(0.0042), "0.4\u00a0%");
  EXPECT_EQ(formatShare(1), "100\u00a0%");
}

TEST(Markup, EscapesTextAndAttributes) {
  std::string text;
  llvm::raw_string_ostream os(text);
  Markup(os).element("p", {{"title", "a\"<b>"}, {"x", 1.50}}, "1 < 2 & 3");
  EXPECT_EQ(text,
            "<p title=\"a&quot;&lt;b&gt;\" x=\"1.5\">1 &lt; 2 &amp; 3</p>\n");
}
