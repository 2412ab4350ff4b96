//===- Tolerances.h - how far rounding may take a result --------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// For attention: FlashMLA's tolerances are made for the inputs of its tests,
// normals / 10. The relative and cosine ones hold for others too. The absolute
// ones decide where a result is near 0 by cancellation, so they have to grow
// with the terms that cancel. Where the terms are those of FlashMLA's inputs,
// what is computed here stays below FlashMLA's tolerances, which then are the
// ones that count.
//
//===----------------------------------------------------------------------===//

#ifndef MLA_HARNESS_TOLERANCES_H
#define MLA_HARNESS_TOLERANCES_H

#include "mla/Harness/Reference.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace mla::harness {

/// Of an attention's output of the type: FlashMLA's for bf16, and as many times
/// smaller as the type rounds finer, but for the cosine, whose error is a
/// square.
inline Tolerance getOutTolerance(mlaDType dtype) {
  if (dtype == MLA_F16)
    return {1e-4, 3.01 / 1024, 1.1e-7};
  return {8e-4, 3.01 / 128, 7e-6};
}
inline constexpr Tolerance kStatTolerance = {1e-6, 2.01 / 65536, 0};

/// The larger of a tolerance and what the inputs call for. NaN and infinite
/// inputs call for nothing: their positions have to match.
inline double widen(double tolerance, double error) {
  return std::isfinite(error) ? std::max(tolerance, error) : tolerance;
}

/// What rounds to more than the largest number of `dtype` is infinite.
inline double overflow(mlaDType dtype, double value) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  // Halfway from the largest number to what would follow.
  double limit = dtype == MLA_BF16  ? 0x1.ffp127
                 : dtype == MLA_F16 ? 65520
                 : dtype == MLA_F32 ? 0x1.ffffffp127
                                    : kInfinity;
  return value >= limit ? kInfinity : value <= -limit ? -kInfinity : value;
}

/// The norm of `count` numbers.
inline double norm(const double *values, int64_t count) {
  double squares = 0;
  for (int64_t i = 0; i < count; ++i)
    squares += values[i] * values[i];
  return std::sqrt(squares);
}

/// The largest error of rounding `value` to `dtype`, a floating-point type:
/// half the distance of the numbers around it.
inline double roundingError(mlaDType dtype, double value) {
  // Fraction bits, and the exponent of the least normal number.
  int fraction = dtype == MLA_BF16 ? 7 : dtype == MLA_F16 ? 10 : 23;
  int least = dtype == MLA_F16 ? -14 : -126;
  if (dtype == MLA_F64 || !std::isfinite(value))
    return 0;
  int exponent = value == 0 ? least : std::max(least, std::ilogb(value));
  return std::ldexp(0.5, exponent - fraction);
}

/// How far fp32 may take a score, scale * q.k: a sum whose terms add up to at
/// most |q||k|, of 16 truncations of 2^-23 (tensor cores add 16 products at a
/// time, and few of the partial sums are as large as the bound).
inline double scoreError(double scale, double qNorm, double kNorm) {
  return 0x1p-19 * scale * qNorm * kNorm;
}

/// The absolute tolerance of max_logits and lse.
inline double statTolerance(double scoreError) {
  return widen(kStatTolerance.absolute, scoreError);
}

/// The absolute tolerance of a row of the output. `weightedSize` is the sum of
/// the weights times the root mean square of their values' rows; `size` the sum
/// of the root mean squares, divided by the sum of the weights, of which the
/// largest is 1. A weight is rounded to `dtype`, and is off by the
/// errors of its score and of the maximum; one value may be some times the root
/// mean square, but not all roundings go the same way.
inline double outTolerance(mlaDType dtype, double scoreError,
                           double weightedSize, double size) {
  double relative = 1.5 * roundingError(dtype, 1);
  double absolute = 1.5 * roundingError(dtype, 0);
  // More than this is said of inputs whose softmax fp32 cannot compute.
  constexpr double kMaxSoftmaxError = 0x1p-6;
  double softmaxError = std::isfinite(scoreError)
                            ? std::min(2 * scoreError, kMaxSoftmaxError)
                            : 0;
  return widen(getOutTolerance(dtype).absolute,
               weightedSize * (relative + softmaxError) + size * absolute);
}

} // namespace mla::harness

#endif // MLA_HARNESS_TOLERANCES_H
