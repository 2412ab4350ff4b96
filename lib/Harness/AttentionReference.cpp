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

/// Results and absolute tolerances of rows, NaN for rows that are not computed.
struct Results {
  std::vector<double> out, maxLogits, lse;
  std::vector<double> outAbsolute, statAbsolute, lseAbsolute;

  Results(int64_t rows, int64_t columns)
      : out(rows * columns, kNan), maxLogits(rows, kNan), lse(rows, kNan),
        outAbsolute(rows), statAbsolute(rows), lseAbsolute(rows) {}

private:
  static constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
};

/// Computes up to kHeadChunk heads of one group. Each worker thread has one
/// object, whose buffers are reused.
class ChunkWorker {
  using Place = GroupedAttention::Place;

public:
  ChunkWorker(const GroupedAttention &problem, Results &results)
      : problem(problem), results(results), qkSize(problem.q->shape.back()),
        qRows(countRows(*problem.q)), v(problem.v ? *problem.v : *problem.kv),
        vSize(problem.vSize), vColumns(roundUp(vSize, kPanelColumns)),
        logitStride(roundUp(problem.mostRows, kRowBlock)),
        row(std::max(qkSize, vSize)), q(kHeadChunk * qkSize),
        logits(kHeadChunk * logitStride),
        panels(kRowBlock * std::max(qkSize, vColumns)),
        sums(kHeadChunk * vColumns), qNorms(kHeadChunk),
        weightedSizes(kHeadChunk), inverseSums(kHeadChunk) {}

  void run(int64_t group, int64_t firstHead, int64_t heads) {
    rows.clear();
    problem.findRows(group, rows);
    findPlaces(group * problem.groupSize + firstHead, heads);
    heads = static_cast<int64_t>(places.size());
    computeLogits(heads);
    for (int64_t h = 0; h < heads; ++h)
      inverseSums[h] = softmax(places[h], logits.data() + h * logitStride);
    sumRows(heads);
    for (int64_t h = 0; h < heads; ++h) {
      int64_t at = places[h].row;
      dropUnseen(h);
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

  /// Finds the places of `heads` heads from number `first` on.
  void findPlaces(int64_t first, int64_t heads) {
    places.clear();
    for (int64_t number = first; number < first + heads; ++number) {
      Place place{number, static_cast<int64_t>(rows.size())};
      if (problem.findPlace)
        place = problem.findPlace(number);
      if (place.row < 0)
        return;
      places.push_back(place);
    }
  }

  void computeLogits(int64_t heads) {
    q.clear();
    logits.clear();
    kNorm = 0;
    for (int64_t h = 0; h < heads; ++h) {
      double *to = q.data() + h * qkSize;
      problem.q->read(problem.q->offsetOf(places[h].row % qRows * qkSize),
                      problem.q->strides.back(), qkSize, to);
      qNorms[h] = norm(to, qkSize);
    }
    for (int64_t begin = 0; begin < static_cast<int64_t>(rows.size());
         begin += kRowBlock) {
      // Panel p holds KV rows 8p to 8p + 7 as columns.
      panels.clear();
      for (int64_t t = 0; t < blockSize(begin); ++t) {
        loadRow(*problem.kv, begin + t, qkSize);
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
  /// all -inf only if the problem says so. Returns 1 / (sum of weights relative
  /// to the maximum), 0 if empty.
  double softmax(const Place &place, double *p) {
    constexpr double kInfinity = std::numeric_limits<double>::infinity();
    int64_t at = place.row, count = place.seen;
    std::fill(p + count, p + rows.size(), 0.0);
    double max = -kInfinity;
    for (int64_t t = 0; t < count; ++t) {
      // Scores overflow as fp32 does.
      p[t] = rows[t] < 0
                 ? -kInfinity
                 : overflow(MLA_F32, problem.scale * overflow(MLA_F32, p[t]));
      // std::max would drop a NaN.
      max = p[t] > max || std::isnan(p[t]) ? p[t] : max;
    }
    results.maxLogits[at] = max;
    if (count == 0 || (problem.isEmptyWithoutWeights && max == -kInfinity)) {
      std::fill_n(p, count, 0);
      results.lse[at] = problem.lse.empty;
      return 0;
    }
    // At least the lowest finite number, so that scores of -inf have weight 0.
    // Keeps NaN.
    double reference = std::max(max, -static_cast<double>(FLT_MAX));
    double sum = 0, sink = 0;
    for (int64_t t = 0; t < count; ++t)
      sum += p[t] = std::exp(p[t] - reference);
    if (const HostTensor *sinks = problem.sink) {
      int64_t head = at % sinks->shape[0];
      sink = std::exp(sinks->get(head * sinks->strides[0]) - reference);
    }
    results.lse[at] = (max + std::log(sum)) * problem.lse.perNat;
    // Divide by the sum, not by exp(lse): for a large maximum, lse loses the
    // logarithm of the sum to rounding.
    for (int64_t t = 0; t < count; ++t)
      p[t] /= sum + sink;
    return 1 / (sum + sink);
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
        loadRow(v, begin + t, vSize);
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

  /// Sums anew, over the rows that the head attends to, if a value that is not
  /// finite may come from others: their weight is 0.
  void dropUnseen(int64_t h) {
    double *sum = sums.data() + h * vColumns;
    auto isFinite = [](double value) { return std::isfinite(value); };
    if (places[h].seen == static_cast<int64_t>(rows.size()) ||
        std::all_of(sum, sum + vSize, isFinite))
      return;
    std::fill_n(sum, vSize, 0);
    for (int64_t t = 0; t < places[h].seen; ++t) {
      loadRow(v, t, vSize);
      for (int64_t c = 0; c < vSize; ++c)
        sum[c] += logits.data()[h * logitStride + t] * row[c];
    }
  }

  void loadRow(const HostTensor &tensor, int64_t entry, int64_t count) {
    if (rows[entry] < 0)
      return (void)std::fill_n(row.data(), count, 0);
    tensor.read(tensor.offsetOf(rows[entry] * tensor.shape.back()),
                tensor.strides.back(), count, row.data());
  }

  const GroupedAttention &problem;
  Results &results;
  const int64_t qkSize, qRows;
  const HostTensor &v;
  const int64_t vSize, vColumns, logitStride;
  /// The numbers in kv of the group's rows.
  std::vector<int64_t> rows;
  std::vector<Place> places;
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
  Results results(problem.findPlace ? countRows(*problem.q)
                                    : problem.groups * problem.groupSize,
                  problem.vSize);
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
