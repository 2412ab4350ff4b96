//===- HostReference.cpp - the reference of sparse_prefill ----------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// Two passes over the valid KV rows of a query for a chunk of heads, in double
// precision: first the logits and their softmax, then the weighted sums. Rows
// are converted into panels of eight columns once per chunk, so that both
// matrix products use the same kernel.
//
//===----------------------------------------------------------------------===//

#include "Host.h"

#include "mla/Harness/LseConvention.h"
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

/// Results, row-major [query][head] and [query][head][column], and absolute
/// tolerances, [query][head].
struct Results {
  std::vector<double> out, maxLogits, lse;
  std::vector<double> outAbsolute, statAbsolute, lseAbsolute;
};

/// Computes up to kHeadChunk heads of one KV head for one query. Each worker
/// thread has one object, whose buffers are reused.
class ChunkWorker {
public:
  ChunkWorker(const SparsePrefillView &view, double scale,
              const LseConvention &lseConvention, Results &results)
      : view(view), scale(scale), lseConvention(lseConvention),
        results(results), vColumns(roundUp(view.vSize, kPanelColumns)),
        logitStride(roundUp(view.topk, kRowBlock)), row(view.qkSize),
        q(kHeadChunk * view.qkSize), logits(kHeadChunk * logitStride),
        panels(kRowBlock * std::max(view.qkSize, vColumns)),
        sums(kHeadChunk * vColumns), qNorms(kHeadChunk),
        weightedSizes(kHeadChunk), inverseSums(kHeadChunk) {}

  void run(int64_t query, int64_t kvHead, int64_t firstHead, int64_t heads) {
    collectValid(query, kvHead);
    computeLogits(query, kvHead, firstHead, heads);
    for (int64_t h = 0; h < heads; ++h)
      inverseSums[h] =
          softmax(query, firstHead + h, logits.data() + h * logitStride);
    sumRows(kvHead, heads);
    for (int64_t h = 0; h < heads; ++h) {
      int64_t at = query * view.heads + firstHead + h;
      std::copy_n(sums.data() + h * vColumns, view.vSize,
                  results.out.data() + at * view.vSize);
      double error = scoreError(scale, qNorms[h], kNorm);
      results.outAbsolute[at] = outTolerance(
          view.q->dtype, error, weightedSizes[h], inverseSums[h] * size);
      results.statAbsolute[at] = statTolerance(error);
      results.lseAbsolute[at] = statTolerance(error * lseConvention.perNat);
    }
  }

private:
  void collectValid(int64_t query, int64_t kvHead) {
    valid.clear();
    view.forEachValid(query, kvHead,
                      [&](int64_t row) { valid.push_back(row); });
  }

  int64_t blockSize(int64_t begin) const {
    return std::min<int64_t>(kRowBlock,
                             static_cast<int64_t>(valid.size()) - begin);
  }

  void computeLogits(int64_t query, int64_t kvHead, int64_t firstHead,
                     int64_t heads) {
    q.clear();
    logits.clear();
    kNorm = 0;
    for (int64_t h = 0; h < heads; ++h) {
      double *to = q.data() + h * view.qkSize;
      view.q->read(query * view.q->strides[0] +
                       (firstHead + h) * view.q->strides[1],
                   view.q->strides[2], view.qkSize, to);
      qNorms[h] = norm(to, view.qkSize);
    }
    for (int64_t begin = 0; begin < static_cast<int64_t>(valid.size());
         begin += kRowBlock) {
      // Panel p holds KV rows 8p to 8p + 7 as columns.
      panels.clear();
      for (int64_t t = 0; t < blockSize(begin); ++t) {
        loadRow(begin + t, kvHead, view.qkSize);
        kNorm = std::max(kNorm, norm(row.data(), view.qkSize));
        double *panel =
            panels.data() + t / kPanelColumns * kPanelColumns * view.qkSize;
        for (int64_t d = 0; d < view.qkSize; ++d)
          panel[d * kPanelColumns + t % kPanelColumns] = row[d];
      }
      for (int64_t t = 0; t < blockSize(begin); t += kPanelColumns)
        multiplyPanel(q.data(), view.qkSize, panels.data() + t * view.qkSize,
                      view.qkSize, logits.data() + begin + t, logitStride,
                      roundUp(heads, kPanelRows));
    }
  }

  /// Writes max_logits and lse, and converts the logits `p` to normalised
  /// weights. A query without a valid entry is empty; one whose scores are all
  /// -inf is not. Returns 1 / (sum of weights relative to the maximum), 0 if
  /// empty.
  double softmax(int64_t query, int64_t head, double *p) {
    constexpr double kInfinity = std::numeric_limits<double>::infinity();
    int64_t count = static_cast<int64_t>(valid.size());
    double max = -kInfinity, lse = kInfinity;
    for (int64_t t = 0; t < count; ++t) {
      // Scores overflow as fp32 does.
      p[t] = overflow(MLA_F32, scale * overflow(MLA_F32, p[t]));
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
      if (view.sink)
        sink =
            std::exp(view.sink->get(head * view.sink->strides[0]) - reference);
    }
    results.maxLogits[query * view.heads + head] = max;
    results.lse[query * view.heads + head] =
        count > 0 ? lse * lseConvention.perNat : lseConvention.empty;
    // Divide by the sum, not by exp(lse): for a large maximum, lse loses the
    // logarithm of the sum to rounding.
    for (int64_t t = 0; t < count; ++t)
      p[t] /= sum + sink;
    return count > 0 ? 1 / (sum + sink) : 0;
  }

  void sumRows(int64_t kvHead, int64_t heads) {
    sums.clear();
    std::fill(weightedSizes.begin(), weightedSizes.end(), 0);
    size = 0;
    double rootOfSize = std::sqrt(static_cast<double>(view.vSize));
    for (int64_t begin = 0; begin < static_cast<int64_t>(valid.size());
         begin += kRowBlock) {
      // Panel p holds columns 8p to 8p + 7 of all rows of the block.
      int64_t depth = blockSize(begin);
      for (int64_t t = 0; t < depth; ++t) {
        loadRow(begin + t, kvHead, view.vSize);
        double rowSize = norm(row.data(), view.vSize) / rootOfSize;
        size += rowSize;
        for (int64_t h = 0; h < heads; ++h)
          weightedSizes[h] +=
              logits.data()[h * logitStride + begin + t] * rowSize;
        for (int64_t c = 0; c < vColumns; ++c)
          panels.data()[(c / kPanelColumns * depth + t) * kPanelColumns +
                        c % kPanelColumns] = c < view.vSize ? row[c] : 0;
      }
      for (int64_t c = 0; c < vColumns; c += kPanelColumns)
        multiplyPanel(logits.data() + begin, logitStride,
                      panels.data() + c * depth, depth, sums.data() + c,
                      vColumns, roundUp(heads, kPanelRows));
    }
  }

  void loadRow(int64_t entry, int64_t kvHead, int64_t count) {
    view.kv->read(view.rowOffset(valid[entry], kvHead), view.kv->strides.back(),
                  count, row.data());
  }

  const SparsePrefillView &view;
  const double scale;
  const LseConvention &lseConvention;
  Results &results;
  const int64_t vColumns, logitStride;
  std::vector<int64_t> valid;
  std::vector<double> row;
  PanelBuffer q, logits, panels, sums;
  /// For the tolerances: per head the norm of q, the weighted sum of magnitudes
  /// of KV rows and the inverse sum of weights; the largest norm of a KV row,
  /// and the sum of their magnitudes.
  std::vector<double> qNorms, weightedSizes, inverseSums;
  double kNorm = 0, size = 0;
};

} // namespace

Status sparsePrefillReference(const runtime::KernelDescriptor &kernel,
                              const std::vector<HostArgument> &arguments,
                              std::vector<ExpectedOutput> &expected) {
  LseConvention lseConvention(kernel.options);
  SparsePrefillView view;
  double scale = 0;
  MLA_RETURN_IF_ERROR(SparsePrefillView::create(arguments, view));
  MLA_RETURN_IF_ERROR(findScale(arguments, kernel.constants, scale)
                          .within(kernel.operatorName));
  Results results;
  results.out.resize(view.queries * view.heads * view.vSize);
  results.maxLogits.resize(view.queries * view.heads);
  results.lse.resize(view.queries * view.heads);
  results.outAbsolute.resize(view.queries * view.heads);
  results.statAbsolute.resize(view.queries * view.heads);
  results.lseAbsolute.resize(view.queries * view.heads);
  int64_t group = view.heads / view.kvHeads;
  int64_t chunks = (group + kHeadChunk - 1) / kHeadChunk;
  int64_t items = view.queries * view.kvHeads * chunks;
  int64_t itemsPerCall = std::max<int64_t>(1, std::min<int64_t>(8, items / 64));
  parallelFor(items, itemsPerCall, [&](int64_t begin, int64_t end) {
    ChunkWorker worker(view, scale, lseConvention, results);
    for (int64_t item = begin; item < end; ++item) {
      int64_t chunk = item % chunks * kHeadChunk;
      int64_t kvHead = item / chunks % view.kvHeads;
      worker.run(item / chunks / view.kvHeads, kvHead, kvHead * group + chunk,
                 std::min<int64_t>(kHeadChunk, group - chunk));
    }
  });
  addExpected(arguments,
              {"out", std::move(results.out), getOutTolerance(view.q->dtype),
               std::move(results.outAbsolute)},
              expected);
  addExpected(arguments,
              {"max_logits", std::move(results.maxLogits), kStatTolerance,
               std::move(results.statAbsolute)},
              expected);
  addExpected(arguments,
              {"lse", std::move(results.lse), kStatTolerance,
               std::move(results.lseAbsolute)},
              expected);
  return Status();
}

} // namespace mla::harness
