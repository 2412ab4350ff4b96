//===- Float.h - bf16, f16, e4m3 as bits ------------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// C++17 has none of these types; they are represented by their bits. All
// conversions round to nearest, ties to even; a NaN stays a NaN, whatever its
// payload.
//
//===----------------------------------------------------------------------===//

#ifndef MLA_RUNTIME_FLOAT_H
#define MLA_RUNTIME_FLOAT_H

#include <cmath>
#include <cstdint>
#include <cstring>

namespace mla::runtime {

inline uint32_t bitsOf(float value) {
  uint32_t bits;
  std::memcpy(&bits, &value, sizeof(bits));
  return bits;
}

inline float floatOfBits(uint32_t bits) {
  float value;
  std::memcpy(&value, &bits, sizeof(value));
  return value;
}

inline uint16_t floatToBf16(float value) {
  uint32_t bits = bitsOf(value);
  // Rounding could carry a NaN's payload into the exponent: keep it quiet.
  if ((bits & 0x7fffffffu) > 0x7f800000u)
    return static_cast<uint16_t>((bits >> 16) | 0x40u);
  return static_cast<uint16_t>((bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16);
}

inline float bf16ToFloat(uint16_t bits) {
  return floatOfBits(static_cast<uint32_t>(bits) << 16);
}

inline uint16_t floatToF16(float value) {
  uint32_t bits = bitsOf(value);
  uint16_t sign = static_cast<uint16_t>((bits >> 16) & 0x8000u);
  uint32_t magnitude = bits & 0x7fffffffu;
  if (magnitude > 0x7f800000u)
    return sign | 0x7e00u;
  // 65520 is the midpoint between the largest f16 and what would follow.
  if (magnitude >= 0x477ff000u)
    return sign | 0x7c00u;
  // Below 2^-14 the result is a multiple of 2^-24: adding 0.5, whose last bit
  // is worth 2^-24, makes the hardware round there.
  if (magnitude < 0x38800000u)
    return sign | static_cast<uint16_t>(bitsOf(floatOfBits(magnitude) + 0.5f) -
                                        bitsOf(0.5f));
  magnitude += 0xfffu + ((magnitude >> 13) & 1u);
  return sign | static_cast<uint16_t>((magnitude - 0x38000000u) >> 13);
}

inline float f16ToFloat(uint16_t bits) {
  uint32_t sign = static_cast<uint32_t>(bits & 0x8000u) << 16;
  uint32_t exponent = (bits >> 10) & 0x1fu;
  uint32_t mantissa = bits & 0x3ffu;
  if (exponent == 0x1fu)
    return floatOfBits(sign | 0x7f800000u | (mantissa << 13));
  if (exponent == 0) {
    float value = static_cast<float>(mantissa) * 0x1p-24f;
    return sign ? -value : value;
  }
  return floatOfBits(sign | ((exponent + 112u) << 23) | (mantissa << 13));
}

/// e4m3 as in OCP FP8: 4 exponent bits with bias 7, 3 fraction bits, no
/// infinity; 0x7f and 0xff are NaN. Values that round beyond the maximum, 448,
/// become NaN, as in LLVM's APFloat.
inline float e4m3ToFloat(uint8_t bits) {
  uint32_t magnitude = bits & 0x7fu;
  float value = magnitude == 0x7f ? floatOfBits(0x7fc00000u)
                : magnitude < 8 ? static_cast<float>(magnitude) * 0x1p-9f
                                : floatOfBits((magnitude << 20) + 0x3c000000u);
  return bits & 0x80 ? -value : value;
}

inline uint8_t floatToE4m3(float value) {
  uint8_t sign = static_cast<uint8_t>(bitsOf(value) >> 24 & 0x80u);
  uint32_t magnitude = bitsOf(value) & 0x7fffffffu;
  // Above 464, the midpoint between 448 and what would follow.
  if (magnitude > 0x43e80000u)
    return sign | 0x7fu;
  // Below 2^-6 the result is a multiple of 2^-9, the last bit of a float that
  // is 2^14 or more.
  if (magnitude < 0x3c800000u)
    return sign |
           static_cast<uint8_t>(bitsOf(floatOfBits(magnitude) + 0x1p14f) -
                                bitsOf(0x1p14f));
  magnitude += 0x7ffffu + (magnitude >> 20 & 1u);
  return sign | static_cast<uint8_t>((magnitude - 0x3c000000u) >> 20);
}

/// Nearest float with the last bit forced odd where inexact, so that rounding
/// it again to 16 bits gives what one rounding of the double would.
inline float doubleToFloatToOdd(double value) {
  float nearest = static_cast<float>(value);
  if (std::isnan(value) || std::isinf(nearest) ||
      static_cast<double>(nearest) == value)
    return nearest;
  uint32_t bits = bitsOf(nearest);
  bool wentUp = std::fabs(static_cast<double>(nearest)) > std::fabs(value);
  return floatOfBits((bits - wentUp) | 1u);
}

inline uint16_t doubleToBf16(double value) {
  return floatToBf16(doubleToFloatToOdd(value));
}
inline uint16_t doubleToF16(double value) {
  return floatToF16(doubleToFloatToOdd(value));
}
inline uint8_t doubleToE4m3(double value) {
  return floatToE4m3(doubleToFloatToOdd(value));
}

} // namespace mla::runtime

#endif // MLA_RUNTIME_FLOAT_H
