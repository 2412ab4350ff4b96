//===- FloatTest.cpp - rounding to 8 and 16 bits --------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "mla/Runtime/Float.h"

#include <gtest/gtest.h>

#include <limits>

using namespace mla::runtime;

namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

TEST(Bf16, RoundsToNearestEven) {
  EXPECT_EQ(floatToBf16(1.0f), 0x3f80);
  // Halfway between 1 and 1 + 2^-7: to the even one, below.
  EXPECT_EQ(floatToBf16(1.0f + 0x1p-8f), 0x3f80);
  // Halfway between 1 + 2^-7 and 1 + 2^-6: to the even one, above.
  EXPECT_EQ(floatToBf16(1.0f + 0x1.8p-7f), 0x3f82);
  EXPECT_EQ(floatToBf16(1.0f + 0x1p-8f + 0x1p-20f), 0x3f81);
  EXPECT_EQ(floatToBf16(-0.0f), 0x8000);
}

TEST(Bf16, KeepsInfinitiesAndNaN) {
  EXPECT_EQ(floatToBf16(kInfinity), 0x7f80);
  EXPECT_EQ(floatToBf16(-kInfinity), 0xff80);
  EXPECT_EQ(floatToBf16(std::numeric_limits<float>::max()), 0x7f80);
  // A payload in the low bits only must not become an infinity.
  EXPECT_TRUE(std::isnan(bf16ToFloat(floatToBf16(floatOfBits(0x7f800001)))));
  EXPECT_TRUE(std::isnan(bf16ToFloat(floatToBf16(floatOfBits(0xffffffff)))));
}

TEST(Bf16, EveryValueSurvivesTheRoundTrip) {
  for (uint32_t bits = 0; bits < 0x10000; ++bits)
    if (!std::isnan(bf16ToFloat(static_cast<uint16_t>(bits)))) {
      EXPECT_EQ(floatToBf16(bf16ToFloat(static_cast<uint16_t>(bits))), bits);
    }
}

TEST(Bf16, DoublesAreRoundedOnce) {
  // As a float this is the exact midpoint 1 + 2^-8, which would go down.
  EXPECT_EQ(doubleToBf16(1.0 + 0x1p-8 + 0x1p-40), 0x3f81);
  EXPECT_EQ(doubleToBf16(1.0 + 0x1.8p-7 - 0x1p-40), 0x3f81);
}

TEST(F16, EveryValueSurvivesTheRoundTrip) {
  for (uint32_t bits = 0; bits < 0x10000; ++bits)
    if (!std::isnan(f16ToFloat(static_cast<uint16_t>(bits)))) {
      EXPECT_EQ(floatToF16(f16ToFloat(static_cast<uint16_t>(bits))), bits);
    }
}

TEST(F16, RoundsToNearestEvenEverywhere) {
  // Against the definition: the nearer neighbour, or the even one.
  for (uint32_t bits = 0; bits < 0x7c00; ++bits) {
    float low = f16ToFloat(static_cast<uint16_t>(bits));
    float high =
        bits == 0x7bff ? 65536.0f : f16ToFloat(static_cast<uint16_t>(bits + 1));
    float middle = (low + high) / 2;
    EXPECT_EQ(floatToF16(middle), bits % 2 ? bits + 1 : bits);
    EXPECT_EQ(floatToF16(std::nextafterf(middle, 0)), bits);
    EXPECT_EQ(floatToF16(std::nextafterf(middle, kInfinity)), bits + 1);
  }
  EXPECT_TRUE(std::isnan(f16ToFloat(floatToF16(std::nanf("")))));
  EXPECT_EQ(floatToF16(-kInfinity), 0xfc00);
}

TEST(E4m3, EveryValueSurvivesTheRoundTrip) {
  for (uint32_t bits = 0; bits < 0x100; ++bits)
    if ((bits & 0x7f) != 0x7f) {
      EXPECT_EQ(floatToE4m3(e4m3ToFloat(static_cast<uint8_t>(bits))), bits);
    }
  EXPECT_EQ(e4m3ToFloat(0x01), 0x1p-9f);
  EXPECT_EQ(e4m3ToFloat(0x08), 0x1p-6f);
  EXPECT_EQ(e4m3ToFloat(0xb8), -1.0f);
  EXPECT_EQ(e4m3ToFloat(0x7e), 448.0f);
  EXPECT_TRUE(std::isnan(e4m3ToFloat(0x7f)));
  EXPECT_TRUE(std::isnan(e4m3ToFloat(0xff)));
}

TEST(E4m3, RoundsToNearestEvenEverywhere) {
  for (uint32_t bits = 0; bits < 0x7f; ++bits) {
    float low = e4m3ToFloat(static_cast<uint8_t>(bits));
    // What would follow 448 is NaN.
    float high =
        bits == 0x7e ? 480.0f : e4m3ToFloat(static_cast<uint8_t>(bits + 1));
    float middle = (low + high) / 2;
    EXPECT_EQ(floatToE4m3(middle), bits % 2 ? bits + 1 : bits);
    EXPECT_EQ(floatToE4m3(std::nextafterf(middle, 0)), bits);
    EXPECT_EQ(floatToE4m3(std::nextafterf(middle, kInfinity)), bits + 1);
  }
  EXPECT_EQ(floatToE4m3(-kInfinity), 0xff);
  EXPECT_EQ(floatToE4m3(std::nanf("")), 0x7f);
}

} // namespace
