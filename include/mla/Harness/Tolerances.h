//===- Tolerances.h - how far rounding may take a result --------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// Tolerances for attention. FlashMLA's are chosen for the inputs of its tests,
// normals / 10. The relative and cosine tolerances hold for other inputs too.
// The absolute ones matter where terms cancel and the result is near 0, so they
// have to grow with the size of the terms. For FlashMLA's inputs the tolerances
// computed here are below FlashMLA's, which then apply.
//
//===----------------------------------------------------------------------===//

#ifndef MLA_HARNESS_TOLERANCES_H
#define MLA_HARNESS_TOLERANCES_H

#include "mla/Harness/Reference.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace mla::harness {

/// Tolerances of an attention output of the type: FlashMLA's for bf16, scaled
/// by the ratio of the types' rounding errors; the cosine, an error squared, by
/// the square of that.
inline Tolerance getOutTolerance(mlaDType dtype) {
  if (dtype == MLA_F16)
    return {1e-4, 3.01 / 1024, 1.1e-7};
  return {8e-4, 3.01 / 128, 7e-6};
}
inline constexpr Tolerance kStatTolerance = {1e-6, 2.01 / 65536, 0};

/// The larger of a tolerance and the error that the inputs may cause. NaN and
/// infinite inputs do not count, because their positions have to match.
inline double widen(double tolerance, double error) {
  return std::isfinite(error) ? std::max(tolerance, error) : tolerance;
}

/// Values that round to more than the largest number of `dtype` are infinite.
inline double overflow(mlaDType dtype, double value) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  // Halfway between the largest number and the next power of two.
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
/// half the distance between adjacent numbers.
inline double roundingError(mlaDType dtype, double value) {
  // Fraction bits, and the exponent of the least normal number.
  int fraction = dtype == MLA_BF16 ? 7 : dtype == MLA_F16 ? 10 : 23;
  int least = dtype == MLA_F16 ? -14 : -126;
  if (dtype == MLA_F64 || !std::isfinite(value))
    return 0;
  int exponent = value == 0 ? least : std::max(least, std::ilogb(value));
  return std::ldexp(0.5, exponent - fraction);
}

/// The error of a score, scale * q.k, in fp32. The terms of the sum add up to
/// at most |q||k|; 16 truncations of 2^-23 are allowed (tensor cores add 16
/// products at a time, and few partial sums are as large as the bound).
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
/// largest is 1. A weight has the rounding error of `dtype` and the errors of
/// its score and of the maximum. A value may be several times the root mean
/// square, but rounding errors partly cancel.
inline double outTolerance(mlaDType dtype, double scoreError,
                           double weightedSize, double size) {
  double relative = 1.5 * roundingError(dtype, 1);
  double absolute = 1.5 * roundingError(dtype, 0);
  // Larger errors only occur for inputs whose softmax fp32 cannot compute.
  constexpr double kMaxSoftmaxError = 0x1p-6;
  double softmaxError = std::isfinite(scoreError)
                            ? std::min(2 * scoreError, kMaxSoftmaxError)
                            : 0;
  return widen(getOutTolerance(dtype).absolute,
               weightedSize * (relative + softmaxError) + size * absolute);
}

} // namespace mla::harness

#endif // MLA_HARNESS_TOLERANCES_H
