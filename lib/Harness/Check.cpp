//===- Check.cpp - how right is right -------------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "mla/Harness/Check.h"

#include "mla/Harness/Parallel.h"

#include <cmath>
#include <cstdio>
#include <cstring>
#include <limits>

namespace mla::harness {

namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

std::string number(double value) {
  char text[40];
  std::snprintf(text, sizeof(text), "%.9g", value);
  return text;
}

std::string indexText(const std::vector<int64_t> &index) {
  std::string text = "[";
  for (size_t i = 0; i < index.size(); ++i)
    text += (i ? ", " : "") + std::to_string(index[i]);
  return text + "]";
}

std::vector<int64_t> unravel(int64_t linear,
                             const std::vector<int64_t> &shape) {
  std::vector<int64_t> index(shape.size());
  for (size_t dim = shape.size(); dim-- > 0;) {
    index[dim] = linear % shape[dim];
    linear /= shape[dim];
  }
  return index;
}

/// How far beyond its tolerance an element is: below 1 it passes.
double badness(double absolute, double relative, double absoluteTolerance,
               double relativeTolerance) {
  return std::fmin(absolute / absoluteTolerance, relative / relativeTolerance);
}

/// Elements of storage outside the shape that lost their pre-filled value.
int64_t countPaddingWritten(const HostTensor &got) {
  if (got.storageElements() == got.elements())
    return 0;
  std::vector<bool> covered(got.storageElements());
  for (int64_t i = 0; i < got.elements(); ++i)
    covered[got.offsetOf(i)] = true;
  HostTensor untouched(got.dtype, {1});
  untouched.fillWithPoison();
  int64_t item = runtime::itemSize(got.dtype), count = 0;
  for (int64_t i = 0; i < got.storageElements(); ++i)
    count += !covered[i] && std::memcmp(got.storage.data() + i * item,
                                        untouched.storage.data(), item) != 0;
  return count;
}

std::string describeFailure(const CheckResult &result,
                            const Tolerance &tolerance, int64_t elements) {
  if (result.failures)
    return std::to_string(result.failures) + " of " + std::to_string(elements) +
           " elements differ; worst at " + indexText(result.worstIndex) +
           ": expected " + number(result.expected) + ", got " +
           number(result.got);
  if (result.paddingWritten)
    return std::to_string(result.paddingWritten) +
           " elements of padding were written";
  return "cosine difference: expected under " + number(tolerance.cosine) +
         ", got " + number(result.cosine);
}

} // namespace

CheckResult checkOutput(const HostTensor &got, const ExpectedOutput &expected) {
  CheckResult result;
  result.name = expected.name;
  const Tolerance &tolerance = expected.tolerance;
  int64_t elements = got.elements();
  if (elements != static_cast<int64_t>(expected.values.size())) {
    result.message = "expected " + std::to_string(expected.values.size()) +
                     " elements, got " + std::to_string(elements);
    return result;
  }
  double product = 0, squares = 0, worst = -1;
  int64_t worstAt = -1;
  for (int64_t i = 0; i < elements; ++i) {
    double want = expected.values[i], have = got.get(got.offsetOf(i));
    double bad;
    if (std::isfinite(want) && std::isfinite(have)) {
      double absolute = std::fabs(have - want);
      double relative = want == 0 ? kInfinity : absolute / std::fabs(want);
      bad = absolute == 0 ? 0
                          : badness(absolute, relative, expected.absoluteAt(i),
                                    tolerance.relative);
      result.maxAbsolute = std::fmax(result.maxAbsolute, absolute);
      if (want != 0)
        result.maxRelative = std::fmax(result.maxRelative, relative);
      product += want * have;
      squares += want * want + have * have;
    } else {
      bool same = (std::isnan(want) && std::isnan(have)) || want == have;
      bad = same ? 0 : kInfinity;
    }
    result.failures += !(bad < 1);
    if (bad > worst) {
      worst = bad;
      worstAt = i;
    }
  }
  if (worstAt >= 0) {
    result.worstIndex = unravel(worstAt, got.shape);
    result.expected = expected.values[worstAt];
    result.got = got.get(got.offsetOf(worstAt));
  }
  result.cosine = squares > 0 ? 1 - 2 * product / squares : 0;
  result.paddingWritten = countPaddingWritten(got);
  result.pass = result.failures == 0 && result.paddingWritten == 0 &&
                (tolerance.cosine == 0 || result.cosine < tolerance.cosine);
  if (!result.pass)
    result.message = describeFailure(result, tolerance, elements);
  return result;
}

namespace {

/// Partial results of checkAgreement for a range of elements.
struct AgreementPart {
  double product = 0, squares = 0, maxAbsolute = 0, maxRelative = 0;
  int64_t failures = 0;
  /// The first element that fails, or else the one that differs most.
  int64_t worst = -1;

  void add(int64_t at, double have, double want) {
    if (std::isfinite(want) && std::isfinite(have)) {
      double absolute = std::fabs(have - want);
      if (failures == 0 && (worst < 0 || absolute > maxAbsolute))
        worst = at;
      maxAbsolute = std::fmax(maxAbsolute, absolute);
      if (want != 0)
        maxRelative = std::fmax(maxRelative, absolute / std::fabs(want));
      product += want * have;
      squares += want * want + have * have;
    } else if (!((std::isnan(want) && std::isnan(have)) || want == have)) {
      if (failures++ == 0)
        worst = at;
    }
  }

  /// Adds the range that follows.
  void add(const AgreementPart &next) {
    if (failures == 0 && next.worst >= 0 &&
        (next.failures > 0 || worst < 0 || next.maxAbsolute > maxAbsolute))
      worst = next.worst;
    product += next.product;
    squares += next.squares;
    maxAbsolute = std::fmax(maxAbsolute, next.maxAbsolute);
    maxRelative = std::fmax(maxRelative, next.maxRelative);
    failures += next.failures;
  }
};

} // namespace

CheckResult checkAgreement(const std::string &name, const HostTensor &got,
                           const HostTensor &expected, double cosine) {
  constexpr int64_t kChunk = 1 << 20;
  int64_t elements = got.elements();
  // Summed in the order of the chunks, so that the result does not depend on
  // the number of threads.
  std::vector<AgreementPart> parts((elements + kChunk - 1) / kChunk);
  parallelFor(elements, kChunk, [&](int64_t begin, int64_t end) {
    AgreementPart part;
    for (int64_t i = begin; i < end; ++i)
      part.add(i, got.get(got.offsetOf(i)), expected.get(expected.offsetOf(i)));
    parts[begin / kChunk] = part;
  });
  AgreementPart all;
  for (const AgreementPart &part : parts)
    all.add(part);
  CheckResult result;
  result.name = name;
  result.failures = all.failures;
  result.maxAbsolute = all.maxAbsolute;
  result.maxRelative = all.maxRelative;
  result.cosine = all.squares > 0 ? 1 - 2 * all.product / all.squares : 0;
  if (all.worst >= 0) {
    result.worstIndex = unravel(all.worst, got.shape);
    result.expected = expected.get(expected.offsetOf(all.worst));
    result.got = got.get(got.offsetOf(all.worst));
  }
  result.pass = result.failures == 0 && result.cosine < cosine;
  Tolerance tolerance;
  tolerance.cosine = cosine;
  if (!result.pass)
    result.message = describeFailure(result, tolerance, elements);
  return result;
}

} // namespace mla::harness
