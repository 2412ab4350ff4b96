//===- AttentionReference.cpp - attention in double precision -------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// Two passes over the KV rows of a group for a chunk of heads, in double
// precision: first the logits and their softmax, then the weighted sums. Rows
// are converted into panels of eight columns once per chunk, so that both
// matrix products use the same kernel.
//
//===----------------------------------------------------------------------===//

#include "mla/Harness/AttentionReference.h"

#include "mla/Harness/Operands.h"
#include "mla/Harness/PanelProduct.h"
#include "mla/Harness/Parallel.h"
#include "mla/Harness/Tolerances.h"

#include <cfloat>

namespace mla::harness {

namespace {

constexpr int kHeadChunk = 32; // heads that share converted rows
constexpr int kRowBlock = 64;  // KV rows converted at a time

int64_t roundUp(int64_t value, int64_t multiple) {
  return (value + multiple - 1) / multiple * multiple;
}

/// The number of rows, also if they have no elements.
int64_t countRows(const HostTensor &tensor) {
  int64_t rows = 1;
  for (int dim = 0; dim + 1 < tensor.rank(); ++dim)
    rows *= tensor.shape[dim];
  return rows;
}

/// Results, row-major [group][head] and [group][head][column], and absolute
/// tolerances, [group][head].
struct Results {
  std::vector<double> out, maxLogits, lse;
  std::vector<double> outAbsolute, statAbsolute, lseAbsolute;

  Results(int64_t heads, int64_t columns)
      : out(heads * columns), maxLogits(heads), lse(heads), outAbsolute(heads),
        statAbsolute(heads), lseAbsolute(heads) {}
};

/// Computes up to kHeadChunk heads of one group. Each worker thread has one
/// object, whose buffers are reused.
class ChunkWorker {
public:
  ChunkWorker(const GroupedAttention &problem, Results &results)
      : problem(problem), results(results), qkSize(problem.q->shape.back()),
        qRows(countRows(*problem.q)), vSize(problem.vSize),
        vColumns(roundUp(vSize, kPanelColumns)),
        logitStride(roundUp(problem.mostRows, kRowBlock)), row(qkSize),
        q(kHeadChunk * qkSize), logits(kHeadChunk * logitStride),
        panels(kRowBlock * std::max(qkSize, vColumns)),
        sums(kHeadChunk * vColumns), qNorms(kHeadChunk),
        weightedSizes(kHeadChunk), inverseSums(kHeadChunk) {}

  void run(int64_t group, int64_t firstHead, int64_t heads) {
    rows.clear();
    problem.findRows(group, rows);
    int64_t first = group * problem.groupSize + firstHead;
    computeLogits(first, heads);
    for (int64_t h = 0; h < heads; ++h)
      inverseSums[h] = softmax(first + h, logits.data() + h * logitStride);
    sumRows(heads);
    for (int64_t h = 0; h < heads; ++h) {
      int64_t at = first + h;
      std::copy_n(sums.data() + h * vColumns, vSize,
                  results.out.data() + at * vSize);
      double error = scoreError(problem.scale, qNorms[h], kNorm);
      results.outAbsolute[at] = outTolerance(
          problem.dtype, error, weightedSizes[h], inverseSums[h] * size);
      results.statAbsolute[at] = statTolerance(error);
      results.lseAbsolute[at] = statTolerance(error * problem.lse.perNat);
    }
  }

private:
  int64_t blockSize(int64_t begin) const {
    return std::min<int64_t>(kRowBlock,
                             static_cast<int64_t>(rows.size()) - begin);
  }

  void computeLogits(int64_t first, int64_t heads) {
    q.clear();
    logits.clear();
    kNorm = 0;
    for (int64_t h = 0; h < heads; ++h) {
      double *to = q.data() + h * qkSize;
      problem.q->read(problem.q->offsetOf((first + h) % qRows * qkSize),
                      problem.q->strides.back(), qkSize, to);
      qNorms[h] = norm(to, qkSize);
    }
    for (int64_t begin = 0; begin < static_cast<int64_t>(rows.size());
         begin += kRowBlock) {
      // Panel p holds KV rows 8p to 8p + 7 as columns.
      panels.clear();
      for (int64_t t = 0; t < blockSize(begin); ++t) {
        loadRow(begin + t, qkSize);
        kNorm = std::max(kNorm, norm(row.data(), qkSize));
        double *panel =
            panels.data() + t / kPanelColumns * kPanelColumns * qkSize;
        for (int64_t d = 0; d < qkSize; ++d)
          panel[d * kPanelColumns + t % kPanelColumns] = row[d];
      }
      for (int64_t t = 0; t < blockSize(begin); t += kPanelColumns)
        multiplyPanel(q.data(), qkSize, panels.data() + t * qkSize, qkSize,
                      logits.data() + begin + t, logitStride,
                      roundUp(heads, kPanelRows));
    }
  }

  /// Writes max_logits and lse, and converts the logits `p` to normalised
  /// weights. A head is empty if its group has no rows; one whose scores are
  /// all -inf is not. Returns 1 / (sum of weights relative to the maximum), 0
  /// if empty.
  double softmax(int64_t at, double *p) {
    constexpr double kInfinity = std::numeric_limits<double>::infinity();
    int64_t count = static_cast<int64_t>(rows.size());
    double max = -kInfinity, lse = kInfinity;
    for (int64_t t = 0; t < count; ++t) {
      // Scores overflow as fp32 does.
      p[t] = rows[t] < 0
                 ? -kInfinity
                 : overflow(MLA_F32, problem.scale * overflow(MLA_F32, p[t]));
      // std::max would drop a NaN.
      max = p[t] > max || std::isnan(p[t]) ? p[t] : max;
    }
    // At least the lowest finite number, so that scores of -inf have weight 0.
    // Keeps NaN.
    double reference = std::max(max, -static_cast<double>(FLT_MAX));
    double sum = 0, sink = 0;
    if (count > 0) {
      for (int64_t t = 0; t < count; ++t)
        sum += p[t] = std::exp(p[t] - reference);
      lse = max + std::log(sum);
      if (const HostTensor *sinks = problem.sink) {
        int64_t head = at % sinks->shape[0];
        sink = std::exp(sinks->get(head * sinks->strides[0]) - reference);
      }
    }
    results.maxLogits[at] = max;
    results.lse[at] = count > 0 ? lse * problem.lse.perNat : problem.lse.empty;
    // Divide by the sum, not by exp(lse): for a large maximum, lse loses the
    // logarithm of the sum to rounding.
    for (int64_t t = 0; t < count; ++t)
      p[t] /= sum + sink;
    return count > 0 ? 1 / (sum + sink) : 0;
  }

  void sumRows(int64_t heads) {
    sums.clear();
    std::fill(weightedSizes.begin(), weightedSizes.end(), 0);
    size = 0;
    double rootOfSize = std::sqrt(static_cast<double>(vSize));
    for (int64_t begin = 0; begin < static_cast<int64_t>(rows.size());
         begin += kRowBlock) {
      // Panel p holds columns 8p to 8p + 7 of all rows of the block.
      int64_t depth = blockSize(begin);
      for (int64_t t = 0; t < depth; ++t) {
        loadRow(begin + t, vSize);
        double rowSize = norm(row.data(), vSize) / rootOfSize;
        size += rowSize;
        for (int64_t h = 0; h < heads; ++h)
          weightedSizes[h] +=
              logits.data()[h * logitStride + begin + t] * rowSize;
        for (int64_t c = 0; c < vColumns; ++c)
          panels.data()[(c / kPanelColumns * depth + t) * kPanelColumns +
                        c % kPanelColumns] = c < vSize ? row[c] : 0;
      }
      for (int64_t c = 0; c < vColumns; c += kPanelColumns)
        multiplyPanel(logits.data() + begin, logitStride,
                      panels.data() + c * depth, depth, sums.data() + c,
                      vColumns, roundUp(heads, kPanelRows));
    }
  }

  void loadRow(int64_t entry, int64_t count) {
    if (rows[entry] < 0)
      return (void)std::fill_n(row.data(), count, 0);
    problem.kv->read(rows[entry], problem.kv->strides.back(), count,
                     row.data());
  }

  const GroupedAttention &problem;
  Results &results;
  const int64_t qkSize, qRows, vSize, vColumns, logitStride;
  /// The offsets in kv of the group's rows.
  std::vector<int64_t> rows;
  std::vector<double> row;
  PanelBuffer q, logits, panels, sums;
  /// For the tolerances: per head the norm of q, the weighted sum of magnitudes
  /// of KV rows and the inverse sum of weights; the largest norm of a KV row,
  /// and the sum of their magnitudes.
  std::vector<double> qNorms, weightedSizes, inverseSums;
  double kNorm = 0, size = 0;
};

} // namespace

void addAttention(const GroupedAttention &problem, Tolerance forOut,
                  Tolerance forStatistics,
                  const std::vector<HostArgument> &arguments,
                  std::vector<ExpectedOutput> &expected) {
  Results results(problem.groups * problem.groupSize, problem.vSize);
  int64_t chunks = (problem.groupSize + kHeadChunk - 1) / kHeadChunk;
  int64_t items = problem.groups * chunks;
  int64_t itemsPerCall = std::max<int64_t>(1, std::min<int64_t>(8, items / 64));
  parallelFor(items, itemsPerCall, [&](int64_t begin, int64_t end) {
    ChunkWorker worker(problem, results);
    for (int64_t item = begin; item < end; ++item) {
      int64_t first = item % chunks * kHeadChunk;
      worker.run(item / chunks, first,
                 std::min<int64_t>(kHeadChunk, problem.groupSize - first));
    }
  });
  addExpected(
      arguments,
      {"out", std::move(results.out), forOut, std::move(results.outAbsolute)},
      expected);
  addExpected(arguments,
              {"max_logits", std::move(results.maxLogits), forStatistics,
               std::move(results.statAbsolute)},
              expected);
  addExpected(arguments,
              {"lse", std::move(results.lse), forStatistics,
               std::move(results.lseAbsolute)},
              expected);
}

} // namespace mla::harness
