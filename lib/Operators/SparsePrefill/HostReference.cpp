//===- HostReference.cpp - the reference of sparse_prefill ----------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// Two passes over the valid rows of a query, in double precision: the logits
// of a chunk of heads, then, with their softmax known, the sums. Rows are
// converted into panels of eight columns once per chunk, so that both products
// are the same small matrix kernel.
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

constexpr int kHeadChunk = 32;  // heads that share converted rows
constexpr int kTokenBlock = 64; // rows converted at a time

int64_t roundUp(int64_t value, int64_t multiple) {
  return (value + multiple - 1) / multiple * multiple;
}

/// Where the results go: row-major [query][head] and [query][head][column],
/// and the absolute tolerances of a query and head.
struct Results {
  std::vector<double> out, maxLogits, lse;
  std::vector<double> outAbsolute, statAbsolute, lseAbsolute;
};

/// One query's work for up to kHeadChunk heads of one kv head. A worker thread
/// keeps one and reuses its buffers.
class ChunkWorker {
public:
  ChunkWorker(const SparsePrefillView &view, double scale,
              const LseConvention &lseConvention, Results &results)
      : view(view), scale(scale), lseConvention(lseConvention),
        results(results), vColumns(roundUp(view.vSize, kPanelColumns)),
        logitStride(roundUp(view.topk, kTokenBlock)), row(view.qkSize),
        q(kHeadChunk * view.qkSize), logits(kHeadChunk * logitStride),
        panels(kTokenBlock * std::max(view.qkSize, vColumns)),
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
                      [&](int64_t token) { valid.push_back(token); });
  }

  int64_t blockSize(int64_t begin) const {
    return std::min<int64_t>(kTokenBlock,
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
         begin += kTokenBlock) {
      // Panel p holds tokens 8p to 8p + 7, one column each.
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

  /// Writes max and lse and turns the logits into weights of the rows. A row is
  /// empty if it has no valid entry; one whose scores are all -inf is not.
  /// Returns what the weights relative to the maximum were multiplied by.
  double softmax(int64_t query, int64_t head, double *p) {
    constexpr double kInfinity = std::numeric_limits<double>::infinity();
    int64_t count = static_cast<int64_t>(valid.size());
    double max = -kInfinity, lse = kInfinity;
    for (int64_t t = 0; t < count; ++t) {
      // A score is a number of fp32.
      p[t] = overflow(MLA_F32, scale * overflow(MLA_F32, p[t]));
      // Not std::max: a NaN must not be lost.
      max = p[t] > max || std::isnan(p[t]) ? p[t] : max;
    }
    // At least the least finite number, so that scores of -inf weigh 0. NaN is
    // kept.
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
    // Divides by the sum and not by exp(lse): added to a large maximum, the
    // logarithm of the sum is rounded away.
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
         begin += kTokenBlock) {
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
  /// Inputs of the tolerances: the norm of each head's q, the largest norm of a
  /// kv row, the weighted sum of row magnitudes for each head, their plain sum,
  /// and the inverse sum of weights.
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
