//===- SparsePrefill.cpp - the reference of sparse_prefill ----------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// Two passes over the valid rows of a query, in double precision: the logits
// of a chunk of heads, then, with their softmax known, the sums. Rows are
// converted into panels of eight columns once per chunk, so that both products
// are the same small matrix kernel.
//
//===----------------------------------------------------------------------===//

#include "SparsePrefill.h"

#include "Tolerances.h"
#include "mla/Harness/Parallel.h"
#include "mla/Runtime/Float.h"

#include <algorithm>
#include <cfloat>
#include <limits>

using namespace mla::runtime;

// One binary serves machines with and without wide vectors. Not under the
// thread sanitizer, which is not up yet when the choice is made.
#if defined(__x86_64__) && defined(__gnu_linux__) &&                           \
    !defined(__SANITIZE_THREAD__)
#define MLA_WIDE_VECTORS                                                       \
  __attribute__((target_clones("arch=haswell", "default")))
#else
#define MLA_WIDE_VECTORS
#endif

namespace mla::harness {

namespace {

constexpr int kPanel = 8;       // columns of a panel
constexpr int kRows = 4;        // rows that the matrix kernel does at a time
constexpr int kHeadChunk = 32;  // heads that share converted rows
constexpr int kTokenBlock = 64; // rows converted at a time

typedef double Vector __attribute__((vector_size(kPanel * sizeof(double))));

int64_t roundUp(int64_t value, int64_t multiple) {
  return (value + multiple - 1) / multiple * multiple;
}

/// c[rows x 8] += a[rows x depth] * panel[depth x 8]; `rows` is a multiple of
/// kRows, c and the panel are aligned to a Vector.
MLA_WIDE_VECTORS void multiplyPanel(const double *a, int64_t aStride,
                                    const double *panel, int64_t depth,
                                    double *c, int64_t cStride, int64_t rows) {
  const Vector *b = reinterpret_cast<const Vector *>(panel);
  for (int64_t row = 0; row < rows; row += kRows) {
    const double *a0 = a + row * aStride, *a1 = a0 + aStride,
                 *a2 = a1 + aStride, *a3 = a2 + aStride;
    double *to = c + row * cStride;
    Vector c0 = *reinterpret_cast<Vector *>(to);
    Vector c1 = *reinterpret_cast<Vector *>(to + cStride);
    Vector c2 = *reinterpret_cast<Vector *>(to + 2 * cStride);
    Vector c3 = *reinterpret_cast<Vector *>(to + 3 * cStride);
    for (int64_t k = 0; k < depth; ++k) {
      Vector column = b[k];
      c0 += a0[k] * column;
      c1 += a1[k] * column;
      c2 += a2[k] * column;
      c3 += a3[k] * column;
    }
    *reinterpret_cast<Vector *>(to) = c0;
    *reinterpret_cast<Vector *>(to + cStride) = c1;
    *reinterpret_cast<Vector *>(to + 2 * cStride) = c2;
    *reinterpret_cast<Vector *>(to + 3 * cStride) = c3;
  }
}

/// Doubles aligned for Vector.
class Buffer {
public:
  explicit Buffer(int64_t count)
      : vectors((count + kPanel - 1) / kPanel), begin() {
    begin = reinterpret_cast<double *>(vectors.data());
  }
  double *data() { return begin; }
  void clear() { std::fill(vectors.begin(), vectors.end(), Lane{}); }

private:
  struct alignas(kPanel * sizeof(double)) Lane {
    double values[kPanel];
  };
  std::vector<Lane> vectors;
  double *begin;
};

/// Copies `count` elements at `offset`, `stride` apart, to doubles.
void convertRow(const HostTensor &tensor, int64_t offset, int64_t stride,
                int64_t count, double *to) {
  if (tensor.dtype == MLA_BF16) {
    const uint16_t *from = tensor.data<uint16_t>() + offset;
    for (int64_t i = 0; i < count; ++i)
      to[i] = bf16ToFloat(from[i * stride]);
    return;
  }
  for (int64_t i = 0; i < count; ++i)
    to[i] = tensor.get(offset + i * stride);
}

/// The convention of lse: its base, and its value for empty rows.
struct LseOptions {
  double perNat = 1; ///< units of lse in one of the natural logarithm
  double empty = std::numeric_limits<double>::infinity();

  Status read(const OperatorOptions &options) {
    for (const auto &[name, value] : options) {
      if (name == "lse_base" && value == "2")
        perNat = 1 / std::log(2.0);
      else if (name == "empty_lse" && value == "-inf")
        empty = -empty;
      else if (!(name == "lse_base" && value == "e") &&
               !(name == "empty_lse" && value == "+inf"))
        return invalidArgument("sparse_prefill: the reference does not know "
                               "the option " +
                               name + "=" + value);
    }
    return Status();
  }
};

/// The norm of `count` numbers.
double norm(const double *values, int64_t count) {
  double squares = 0;
  for (int64_t i = 0; i < count; ++i)
    squares += values[i] * values[i];
  return std::sqrt(squares);
}

/// A score is a number of fp32: what rounds to more than its largest is
/// infinite.
double overflow(double value) {
  constexpr double kLimit = FLT_MAX + 0x1p103;
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  return value >= kLimit ? kInfinity : value <= -kLimit ? -kInfinity : value;
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
              const LseOptions &lseOptions, Results &results)
      : view(view), scale(scale), lseOptions(lseOptions), results(results),
        vColumns(roundUp(view.vSize, kPanel)),
        logitStride(roundUp(view.topk, kTokenBlock)), row(view.qkSize),
        q(kHeadChunk * view.qkSize), logits(kHeadChunk * logitStride),
        panels(kTokenBlock * std::max(view.qkSize, vColumns)),
        sums(kHeadChunk * vColumns), qNorms(kHeadChunk),
        weightedSizes(kHeadChunk) {}

  void run(int64_t query, int64_t kvHead, int64_t firstHead, int64_t heads) {
    collectValid(query, kvHead);
    computeLogits(query, kvHead, firstHead, heads);
    for (int64_t h = 0; h < heads; ++h)
      softmax(query, firstHead + h, logits.data() + h * logitStride);
    sumRows(kvHead, heads);
    for (int64_t h = 0; h < heads; ++h) {
      int64_t at = query * view.heads + firstHead + h;
      std::copy_n(sums.data() + h * vColumns, view.vSize,
                  results.out.data() + at * view.vSize);
      double error = scoreError(scale, qNorms[h], kNorm);
      results.outAbsolute[at] = outTolerance(error, weightedSizes[h]);
      results.statAbsolute[at] = statTolerance(error);
      results.lseAbsolute[at] = statTolerance(error * lseOptions.perNat);
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
      convertRow(*view.q,
                 query * view.q->strides[0] +
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
        double *panel = panels.data() + t / kPanel * kPanel * view.qkSize;
        for (int64_t d = 0; d < view.qkSize; ++d)
          panel[d * kPanel + t % kPanel] = row[d];
      }
      for (int64_t t = 0; t < blockSize(begin); t += kPanel)
        multiplyPanel(q.data(), view.qkSize, panels.data() + t * view.qkSize,
                      view.qkSize, logits.data() + begin + t, logitStride,
                      roundUp(heads, kRows));
    }
  }

  /// Writes max and lse and turns the logits into weights of the rows. A row is
  /// empty if it has no valid entry; one whose scores are all -inf is not.
  void softmax(int64_t query, int64_t head, double *p) {
    constexpr double kInfinity = std::numeric_limits<double>::infinity();
    int64_t count = static_cast<int64_t>(valid.size());
    double max = -kInfinity, lse = kInfinity;
    for (int64_t t = 0; t < count; ++t) {
      p[t] = overflow(scale * overflow(p[t]));
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
        count > 0 ? lse * lseOptions.perNat : lseOptions.empty;
    // Divides by the sum and not by exp(lse): added to a large maximum, the
    // logarithm of the sum is rounded away.
    for (int64_t t = 0; t < count; ++t)
      p[t] /= sum + sink;
  }

  void sumRows(int64_t kvHead, int64_t heads) {
    sums.clear();
    std::fill(weightedSizes.begin(), weightedSizes.end(), 0);
    double rootOfSize = std::sqrt(static_cast<double>(view.vSize));
    for (int64_t begin = 0; begin < static_cast<int64_t>(valid.size());
         begin += kTokenBlock) {
      // Panel p holds columns 8p to 8p + 7 of all rows of the block.
      int64_t depth = blockSize(begin);
      for (int64_t t = 0; t < depth; ++t) {
        loadRow(begin + t, kvHead, view.vSize);
        double size = norm(row.data(), view.vSize) / rootOfSize;
        for (int64_t h = 0; h < heads; ++h)
          weightedSizes[h] += logits.data()[h * logitStride + begin + t] * size;
        for (int64_t c = 0; c < vColumns; ++c)
          panels.data()[(c / kPanel * depth + t) * kPanel + c % kPanel] =
              c < view.vSize ? row[c] : 0;
      }
      for (int64_t c = 0; c < vColumns; c += kPanel)
        multiplyPanel(logits.data() + begin, logitStride,
                      panels.data() + c * depth, depth, sums.data() + c,
                      vColumns, roundUp(heads, kRows));
    }
  }

  void loadRow(int64_t entry, int64_t kvHead, int64_t count) {
    convertRow(*view.kv, view.rowOffset(valid[entry], kvHead),
               view.kv->strides.back(), count, row.data());
  }

  const SparsePrefillView &view;
  const double scale;
  const LseOptions &lseOptions;
  Results &results;
  const int64_t vColumns, logitStride;
  std::vector<int64_t> valid;
  std::vector<double> row;
  Buffer q, logits, panels, sums;
  /// Inputs of the tolerances: the norm of each head's q, the largest norm of a
  /// kv row, and the weighted sum of row magnitudes for each head.
  std::vector<double> qNorms, weightedSizes;
  double kNorm = 0;
};

const HostTensor *tensorOf(const std::vector<HostArgument> &arguments,
                           const char *name) {
  const HostArgument *argument = findArgument(arguments, name);
  return argument && argument->isTensor && !argument->leftOut
             ? &argument->tensor
             : nullptr;
}

Status expectTensor(const HostTensor *tensor, const char *name, int lowRank,
                    int highRank) {
  if (!tensor)
    return invalidArgument(std::string("sparse_prefill: expected a tensor "
                                       "argument '") +
                           name + "', got none");
  if (tensor->rank() < lowRank || tensor->rank() > highRank)
    return invalidArgument(std::string("sparse_prefill: '") + name +
                           "': expected rank " + std::to_string(highRank) +
                           ", got " + std::to_string(tensor->rank()));
  return Status();
}

Status expect(bool holds, const char *what) {
  return holds
             ? Status()
             : invalidArgument(std::string("sparse_prefill: expected ") + what);
}

} // namespace

Status SparsePrefillView::create(const std::vector<HostArgument> &arguments,
                                 SparsePrefillView &view) {
  view.q = tensorOf(arguments, "q");
  view.kv = tensorOf(arguments, "kv");
  view.indices = tensorOf(arguments, "indices");
  view.topkLength = tensorOf(arguments, "topk_length");
  view.sink = tensorOf(arguments, "attn_sink");
  view.out = tensorOf(arguments, "out");
  MLA_RETURN_IF_ERROR(expectTensor(view.q, "q", 3, 3));
  MLA_RETURN_IF_ERROR(expectTensor(view.kv, "kv", 2, 3));
  MLA_RETURN_IF_ERROR(expectTensor(view.indices, "indices", 2, 3));
  MLA_RETURN_IF_ERROR(expectTensor(view.out, "out", 3, 3));
  view.queries = view.q->shape[0];
  view.heads = view.q->shape[1];
  view.qkSize = view.q->shape[2];
  view.tokens = view.kv->shape[0];
  view.kvHeads = view.kv->rank() == 3 ? view.kv->shape[1] : 1;
  view.topk = view.indices->shape.back();
  view.vSize = view.out->shape[2];
  int64_t indexHeads = view.indices->rank() == 3 ? view.indices->shape[1] : 1;
  MLA_RETURN_IF_ERROR(expect(view.indices->dtype == MLA_I32, "i32 indices"));
  MLA_RETURN_IF_ERROR(
      expect(view.kv->shape.back() == view.qkSize, "q and kv of one d_qk"));
  MLA_RETURN_IF_ERROR(
      expect(view.vSize <= view.qkSize, "d_v no larger than d_qk"));
  MLA_RETURN_IF_ERROR(expect(view.indices->shape[0] == view.queries &&
                                 view.out->shape[0] == view.queries,
                             "q, indices and out of one s_q"));
  MLA_RETURN_IF_ERROR(
      expect(view.out->shape[1] == view.heads, "q and out of one h_q"));
  MLA_RETURN_IF_ERROR(expect(indexHeads == view.kvHeads && view.kvHeads > 0 &&
                                 view.heads % view.kvHeads == 0,
                             "kv and indices of one h_kv that divides h_q"));
  if (view.topkLength)
    MLA_RETURN_IF_ERROR(
        expect(view.topkLength->dtype == MLA_I32 &&
                   view.topkLength->shape == std::vector<int64_t>{view.queries},
               "topk_length of i32 [s_q]"));
  if (view.sink)
    MLA_RETURN_IF_ERROR(
        expect(view.sink->shape == std::vector<int64_t>{view.heads},
               "attn_sink of [h_q]"));
  return Status();
}

Status sparsePrefillReference(const std::vector<HostArgument> &arguments,
                              std::vector<ExpectedOutput> &expected,
                              const Constants &constants,
                              const OperatorOptions &options) {
  LseOptions lseOptions;
  MLA_RETURN_IF_ERROR(lseOptions.read(options));
  SparsePrefillView view;
  double scale = 0;
  MLA_RETURN_IF_ERROR(SparsePrefillView::create(arguments, view));
  MLA_RETURN_IF_ERROR(
      findScale(arguments, constants, scale).within("sparse_prefill"));
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
    ChunkWorker worker(view, scale, lseOptions, results);
    for (int64_t item = begin; item < end; ++item) {
      int64_t chunk = item % chunks * kHeadChunk;
      int64_t kvHead = item / chunks % view.kvHeads;
      worker.run(item / chunks / view.kvHeads, kvHead, kvHead * group + chunk,
                 std::min<int64_t>(kHeadChunk, group - chunk));
    }
  });
  expected.clear();
  expected.push_back({"out", std::move(results.out), kOutTolerance,
                      std::move(results.outAbsolute)});
  if (tensorOf(arguments, "max_logits"))
    expected.push_back({"max_logits", std::move(results.maxLogits),
                        kStatTolerance, std::move(results.statAbsolute)});
  if (tensorOf(arguments, "lse"))
    expected.push_back({"lse", std::move(results.lse), kStatTolerance,
                        std::move(results.lseAbsolute)});
  return Status();
}

} // namespace mla::harness
