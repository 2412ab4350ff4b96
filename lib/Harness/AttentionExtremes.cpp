//===- AttentionExtremes.cpp - extreme inputs of attention ----------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// Heads, rows and columns are chosen at random from the seed. The last head of
// the first query and the first KV row that is read are always chosen, so that
// the smallest sizes contain every case.
//
//===----------------------------------------------------------------------===//

#include "mla/Harness/AttentionExtremes.h"

#include "mla/Harness/Fill.h"
#include "mla/Harness/Operands.h"

#include <iterator>
#include <limits>

using namespace mla::runtime;

namespace mla::harness {

namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

struct PlacedExtreme;

class Placer {
public:
  Placer(const AttentionNames &names, const InputOptions &options,
         const std::vector<char> &isRead, std::vector<HostArgument> &arguments)
      : names(names), options(options), isRead(isRead), arguments(arguments) {}

  Status place(const PlacedExtreme &what);

  Status placeNanQ() {
    HostTensor *q = nullptr;
    MLA_RETURN_IF_ERROR(need(names.q, q));
    int64_t heads = headsOf(*q);
    forEachRow(*q, [&](int64_t row, int64_t offset) {
      if (row == heads - 1 || randomChance(stream, 2 * row, 0.25))
        setRandomColumn(*q, row, offset);
    });
    return Status();
  }

  Status placeNanKv() {
    HostTensor *kv = nullptr;
    MLA_RETURN_IF_ERROR(need(names.kv, kv));
    int64_t first = std::find(isRead.begin(), isRead.end(), 1) - isRead.begin();
    forEachRow(*kv, [&](int64_t row, int64_t offset) {
      if (isRead[row] &&
          (row == first || randomChance(stream, 2 * row, 1. / 64)))
        setRandomColumn(*kv, row, offset);
    });
    return Status();
  }

  Status placeNanSink() {
    HostTensor *sink = nullptr;
    MLA_RETURN_IF_ERROR(need(names.sink, sink));
    int64_t heads = sink->shape[0];
    for (int64_t head = 0; head < heads; ++head)
      if (head == heads - 1 || randomChance(stream, head, 0.25))
        sink->set(head * sink->strides[0], kNan);
    return Status();
  }

  /// Sets the first column of every KV row to 1 and that of q to the score,
  /// which is so large that the other columns do not change it.
  Status placeHugeScores() {
    // f16 has no such numbers; use nearly the largest products.
    static constexpr double kSizes[] = {-1e31, 1e31, -3e38, 3e38, 0};
    static constexpr double kF16Sizes[] = {-2e4, 2e4, -6e4, 6e4, 0};
    HostTensor *q = nullptr, *kv = nullptr;
    MLA_RETURN_IF_ERROR(need(names.q, q));
    MLA_RETURN_IF_ERROR(need(names.kv, kv));
    bool isF16 = q->dtype == MLA_F16;
    forEachReadRow(*kv, [&](int64_t, int64_t offset) {
      kv->set(offset, isF16 ? 1024 : 1);
    });
    forEachHead(*q, [&](int64_t kind, int64_t offset) {
      const double *sizes = isF16 ? kF16Sizes : kSizes;
      if (double size = sizes[kind % std::size(kSizes)]; size != 0)
        q->set(offset, size);
    });
    return Status();
  }

  /// Makes the sum of the products of the first two columns overflow fp32.
  Status placeOverflowingScores() {
    static constexpr double kSizes[] = {-3e38, 3e38, 0};
    HostTensor *q = nullptr, *kv = nullptr;
    MLA_RETURN_IF_ERROR(need(names.q, q));
    MLA_RETURN_IF_ERROR(need(names.kv, kv));
    if (q->dtype == MLA_F16)
      return invalidArgument("extreme '" + name +
                             "': expected q of bf16, got f16, whose products "
                             "do not overflow fp32");
    if (q->shape.back() < 2)
      return invalidArgument("extreme '" + name +
                             "': expected d_qk of at least 2, got " +
                             std::to_string(q->shape.back()));
    forEachReadRow(*kv, [&](int64_t row, int64_t offset) {
      for (int64_t column = 0; column < 2; ++column)
        kv->set(offset + column * kv->strides.back(), row % 2 ? 0 : 1);
    });
    forEachHead(*q, [&](int64_t kind, int64_t offset) {
      for (int64_t column = 0; column < 2; ++column)
        if (double size = kSizes[kind % std::size(kSizes)]; size != 0)
          q->set(offset + column * q->strides.back(), size);
    });
    return Status();
  }

private:
  Status need(const char *argumentName, HostTensor *&out) {
    return needGenerated(arguments, options, argumentName, out)
        .within("extreme '" + name + "'");
  }

  static int64_t headsOf(const HostTensor &q) { return q.shape[q.rank() - 2]; }

  void setRandomColumn(HostTensor &tensor, int64_t row, int64_t offset) {
    int64_t column = randomBelow(stream, 2 * row + 1, tensor.shape.back());
    tensor.set(offset + column * tensor.strides.back(), kNan);
  }

  template <typename Row> void forEachReadRow(HostTensor &kv, Row row) {
    forEachRow(kv, [&](int64_t number, int64_t offset) {
      if (isRead[number])
        row(number, offset);
    });
  }

  /// Calls `head(number, offset)` with a number that differs between the
  /// queries of a head, so that each head gets each case.
  template <typename Head> void forEachHead(HostTensor &q, Head head) {
    int64_t heads = headsOf(q);
    forEachRow(q, [&](int64_t row, int64_t offset) {
      head(row / heads + row % heads, offset);
    });
  }

  const AttentionNames &names;
  const InputOptions &options;
  const std::vector<char> &isRead;
  std::vector<HostArgument> &arguments;
  std::string name;
  uint64_t stream = 0;
};

struct PlacedExtreme {
  const char *name;
  const char *meaning;
  Status (Placer::*place)();
};
constexpr PlacedExtreme kExtremes[] = {
    {"nan-q", "NaN in q of some heads of some queries", &Placer::placeNanQ},
    {"nan-kv", "NaN in some KV rows that queries read", &Placer::placeNanKv},
    {"nan-sink", "NaN in attn_sink of some heads", &Placer::placeNanSink},
    {"huge-scores",
     "q.k of -1e31, 1e31, -3e38 or 3e38 (f16: up to 6e7) throughout a head",
     &Placer::placeHugeScores},
    {"overflowing-scores",
     "q.k that overflows fp32, of either sign, with every second KV row",
     &Placer::placeOverflowingScores}};

Status Placer::place(const PlacedExtreme &what) {
  name = what.name;
  stream = streamSeed(options.seed, name);
  return (this->*what.place)();
}

} // namespace

std::vector<Extreme> attentionExtremes(const AttentionNames &names) {
  std::vector<Extreme> extremes;
  for (const PlacedExtreme &known : kExtremes)
    if (names.sink || known.place != &Placer::placeNanSink)
      extremes.push_back({known.name, known.meaning});
  return extremes;
}

Status placeAttentionExtremes(const AttentionNames &names,
                              const InputOptions &options,
                              const std::vector<char> &isRead,
                              std::vector<HostArgument> &arguments) {
  Placer placer(names, options, isRead, arguments);
  // In this order: later extremes overwrite earlier ones.
  for (const PlacedExtreme &known : kExtremes)
    if (options.extremes.count(known.name))
      MLA_RETURN_IF_ERROR(placer.place(known));
  return Status();
}

void fillAttentionSink(HostTensor &sink, const InputOptions &options) {
  uint64_t stream = streamSeed(options.seed, "attn_sink");
  fillWithNormals(sink, stream, 1);
  int64_t heads = sink.shape[0];
  if (!options.poison || heads < 3)
    return;
  int64_t plus = randomBelow(stream, uint64_t(-1), heads);
  int64_t minus =
      (plus + 1 + randomBelow(stream, uint64_t(-2), heads - 1)) % heads;
  sink.set(plus * sink.strides[0], std::numeric_limits<double>::infinity());
  sink.set(minus * sink.strides[0], -std::numeric_limits<double>::infinity());
}

} // namespace mla::harness
