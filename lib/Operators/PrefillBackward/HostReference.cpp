//===- HostReference.cpp - the reference of the backward of prefill -------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "Host.h"

#include "mla/Harness/Operands.h"
#include "mla/Harness/Parallel.h"
#include "mla/Harness/Tolerances.h"

#include <cmath>

using namespace mla::runtime;

namespace mla::harness {

namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

/// The rows of a tensor [b, s, h, d] as doubles, and their sizes.
struct Rows {
  int64_t columns = 0;
  std::vector<double> values, norms;

  explicit Rows(const HostTensor &tensor) : columns(tensor.shape.back()) {
    int64_t rows = tensor.shape[0] * tensor.shape[1] * tensor.shape[2];
    values.resize(rows * columns);
    norms.resize(rows);
    parallelFor(rows, 64, [&](int64_t begin, int64_t end) {
      for (int64_t row = begin; row < end; ++row) {
        double *to = values.data() + row * columns;
        tensor.read(tensor.offsetOf(row * columns), tensor.strides.back(),
                    columns, to);
        norms[row] = norm(to, columns);
      }
    });
  }
  const double *operator[](int64_t row) const {
    return values.data() + row * columns;
  }
};

double dot(const double *x, const double *y, int64_t count) {
  double sum = 0;
  for (int64_t i = 0; i < count; ++i)
    sum += x[i] * y[i];
  return sum;
}

/// A gradient of one tensor, sums of rows with weights, and the largest errors
/// that errors of the weights cause.
struct Gradient {
  int64_t columns;
  std::vector<double> values, absolute;

  Gradient(int64_t rows, int64_t columns)
      : columns(columns), values(rows * columns, kNan),
        absolute(rows * columns) {}

  void begin(int64_t row) {
    std::fill_n(values.data() + row * columns, columns, 0.0);
  }
  /// Adds weight * row, whose weight has that error.
  void add(int64_t row, double weight, double error, const Rows &rows,
           int64_t from) {
    double *to = values.data() + row * columns;
    double *errors = absolute.data() + row * columns;
    const double *values = rows[from];
    for (int64_t i = 0; i < columns; ++i) {
      to[i] += weight * values[i];
      errors[i] += error * std::abs(values[i]);
    }
  }
};

/// Computes all three gradients from the same weights.
class Computation {
public:
  Computation(const BackwardView &view, double scale)
      : view(view), forward(view.forward), scale(scale), q(*forward.q),
        k(*forward.k), v(*forward.v), out(*forward.out), dout(*view.dout),
        dq(forward.batches * forward.sQ * forward.heads, q.columns),
        dk(forward.batches * forward.sKV * forward.kvHeads, q.columns),
        dv(forward.batches * forward.sKV * forward.kvHeads, v.columns) {}

  void run() {
    findDeltas();
    for (const PrefillSequence &sequence : forward.sequences()) {
      parallelFor(sequence.queries * forward.heads, 4,
                  [&](int64_t begin, int64_t end) {
                    for (int64_t i = begin; i < end; ++i)
                      addQuery(sequence, i / forward.heads, i % forward.heads);
                  });
      parallelFor(
          sequence.keys * forward.kvHeads, 4, [&](int64_t begin, int64_t end) {
            for (int64_t i = begin; i < end; ++i)
              addKey(sequence, i / forward.kvHeads, i % forward.kvHeads);
          });
    }
  }

  void store(const std::vector<HostArgument> &arguments,
             std::vector<ExpectedOutput> &expected) {
    Tolerance tolerance = getOutTolerance(forward.q->dtype);
    tolerance.absolute = 0;
    // An output may be few elements with one weight, whose errors are equal.
    tolerance.cosine = 0x1p-15;
    // In f16 small dS are rounded to few digits, as the errors count, which a
    // cosine of the whole output does not.
    if (forward.q->dtype == MLA_F16)
      tolerance.cosine = 0;
    auto add = [&](const char *name, Gradient &gradient, double factor) {
      // The result is rounded too, which counts near 0.
      double least = roundingError(forward.q->dtype, 0);
      for (double &value : gradient.values)
        value *= factor;
      for (double &absolute : gradient.absolute)
        absolute = std::isfinite(absolute) ? absolute * factor + least : least;
      addExpected(arguments,
                  {name, std::move(gradient.values), tolerance,
                   std::move(gradient.absolute)},
                  expected);
    };
    add("dq", dq, scale);
    add("dk", dk, scale);
    add("dv", dv, 1);
  }

private:
  /// P and dS of a pair, with the errors of their roundings and of f32.
  struct Weights {
    double p, ds, pError, dsError;
  };

  void findDeltas() {
    auto read = [](const HostTensor &tensor, int64_t i) {
      return tensor.get(tensor.offsetOf(i));
    };
    auto rows = static_cast<int64_t>(dout.norms.size());
    for (int64_t row = 0; row < rows; ++row) {
      lse.push_back(read(*view.lse, row) * view.natPerLse);
      double dlse = view.dlse ? read(*view.dlse, row) / view.natPerLse : 0;
      deltas.push_back(dot(out[row], dout[row], v.columns) - dlse);
    }
  }

  Weights weigh(int64_t queryRow, int64_t keyRow) const {
    double score = scale * dot(q[queryRow], k[keyRow], q.columns);
    double dp = dot(dout[queryRow], v[keyRow], v.columns);
    Weights weights;
    weights.p = std::exp(score - lse[queryRow]);
    weights.ds = weights.p * (dp - deltas[queryRow]);
    mlaDType dtype = forward.q->dtype;
    // More than the rounding of the weight, for that of the result.
    double relative = 1.25 * roundingError(dtype, 1);
    double absolute = roundingError(dtype, 0);
    // The error of the exponent, whose terms are rounded to f32.
    double exponent =
        2 * scoreError(scale, q.norms[queryRow], k.norms[keyRow]) +
        0x1p-22 * std::abs(lse[queryRow]);
    constexpr double kMostExponentError = 0x1p-6;
    relative += std::min(exponent, kMostExponentError);
    double dpError = scoreError(1, dout.norms[queryRow],
                                v.norms[keyRow] + out.norms[queryRow]) +
                     0x1p-22 * std::abs(deltas[queryRow]);
    weights.pError = relative * weights.p + absolute;
    weights.dsError =
        relative * std::abs(weights.ds) + weights.p * dpError + absolute;
    return weights;
  }

  void addQuery(const PrefillSequence &sequence, int64_t query, int64_t head) {
    int64_t row = forward.queryRow(sequence, query, head);
    int64_t kvHead = head / (forward.heads / forward.kvHeads);
    dq.begin(row);
    for (int64_t key = 0; key < forward.seenKeys(sequence, query); ++key) {
      int64_t keyRow = forward.keyRow(sequence, key, kvHead);
      Weights weights = weigh(row, keyRow);
      dq.add(row, weights.ds, weights.dsError, k, keyRow);
    }
  }

  void addKey(const PrefillSequence &sequence, int64_t key, int64_t kvHead) {
    int64_t row = forward.keyRow(sequence, key, kvHead);
    int64_t group = forward.heads / forward.kvHeads;
    dk.begin(row);
    dv.begin(row);
    for (int64_t head = kvHead * group; head < (kvHead + 1) * group; ++head)
      for (int64_t query = view.firstQuery(sequence, key);
           query < sequence.queries; ++query) {
        int64_t queryRow = forward.queryRow(sequence, query, head);
        Weights weights = weigh(queryRow, row);
        dk.add(row, weights.ds, weights.dsError, q, queryRow);
        dv.add(row, weights.p, weights.pError, dout, queryRow);
      }
  }

  const BackwardView &view;
  const PrefillView &forward;
  double scale;
  Rows q, k, v, out, dout;
  std::vector<double> lse, deltas;
  Gradient dq, dk, dv;
};

} // namespace

Status backwardReference(const KernelDescriptor &kernel,
                         const std::vector<HostArgument> &arguments,
                         std::vector<ExpectedOutput> &expected) {
  BackwardView view;
  double scale = 0;
  MLA_RETURN_IF_ERROR(BackwardView::create(arguments, kernel.options, view));
  MLA_RETURN_IF_ERROR(findScale(arguments, kernel.constants, scale)
                          .within(kernel.operatorName));
  Computation computation(view, scale);
  computation.run();
  computation.store(arguments, expected);
  return Status();
}

} // namespace mla::harness
