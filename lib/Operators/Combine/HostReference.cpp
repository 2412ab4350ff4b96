//===- HostReference.cpp - the reference of combine -----------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "Host.h"

#include "mla/Harness/LseConvention.h"
#include "mla/Harness/Operands.h"
#include "mla/Harness/Parallel.h"
#include "mla/Harness/Tolerances.h"

using namespace mla::runtime;

namespace mla::harness {

namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

/// Computes rows. Each worker thread has one object, whose buffers are reused.
class RowWorker {
public:
  RowWorker(const CombineView &view, const LseConvention &convention)
      : view(view), convention(convention), partial(view.columns),
        sizes(view.columns) {}

  /// Computes the row's columns, their absolute tolerances, and its lse.
  void run(int64_t row, double *out, double *absolute, double &lse) {
    collectWeights(row, lse);
    std::fill(sizes.begin(), sizes.end(), 0);
    for (const auto &[split, weight] : weights) {
      view.partialOut->read(view.outOffset(split, row),
                            view.partialOut->strides[2], view.columns,
                            partial.data());
      for (int64_t c = 0; c < view.columns; ++c) {
        out[c] += weight * partial[c];
        sizes[c] += weight * std::fabs(partial[c]);
      }
    }
    // Two fp32 sums: each term adds a relative error of at most 2^-24. The
    // constant covers the exponentials.
    double lost = (2 * static_cast<double>(weights.size()) + 16) * 0x1p-24;
    for (int64_t c = 0; c < view.columns; ++c) {
      out[c] = overflow(view.out->dtype, out[c]);
      absolute[c] =
          widen(roundingError(view.out->dtype, out[c]),
                roundingError(view.out->dtype, out[c]) + lost * sizes[c]);
    }
  }

private:
  /// Computes the normalised weights of the valid, non-empty splits, and the
  /// lse.
  void collectWeights(int64_t row, double &lse) {
    weights.clear();
    double max = -kInfinity;
    for (int64_t split = 0, end = view.counted(row); split < end; ++split) {
      double one = view.lse(split, row);
      if (view.isEmpty(one))
        continue;
      weights.emplace_back(split, one);
      // std::max would drop a NaN.
      max = one > max || std::isnan(one) ? one : max;
    }
    double sum = 0;
    for (auto &[split, weight] : weights)
      sum += weight = std::exp((weight - max) / convention.perNat);
    lse = weights.empty() ? convention.empty
                          : max + std::log(sum) * convention.perNat;
    // Divide by the sum, not by exp(lse): for a large maximum, lse loses the
    // logarithm of the sum to rounding.
    for (auto &[split, weight] : weights)
      weight /= sum;
  }

  const CombineView &view;
  const LseConvention &convention;
  std::vector<std::pair<int64_t, double>> weights;
  std::vector<double> partial, sizes;
};

} // namespace

Status combineReference(const KernelDescriptor &kernel, const CombineView &view,
                        const std::vector<HostArgument> &arguments,
                        std::vector<ExpectedOutput> &expected) {
  LseConvention convention(kernel.options);
  std::vector<double> out(view.rows * view.columns), absolute(out.size());
  std::vector<double> lse(view.rows);
  parallelFor(view.rows, 8, [&](int64_t begin, int64_t end) {
    RowWorker worker(view, convention);
    for (int64_t row = begin; row < end; ++row)
      worker.run(row, out.data() + row * view.columns,
                 absolute.data() + row * view.columns, lse[row]);
  });
  addExpected(arguments,
              {"out", std::move(out), Tolerance(), std::move(absolute)},
              expected);
  addExpected(arguments, {"lse", std::move(lse), kStatTolerance}, expected);
  return Status();
}

} // namespace mla::harness
