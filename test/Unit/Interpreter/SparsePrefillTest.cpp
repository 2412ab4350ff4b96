//===- SparsePrefillTest.cpp - a complete attention program -----*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// Interprets sparse_prefill.tile.mlir and compares the results with a reference
// in double precision. Elements that must not be read are NaN.
//
//===----------------------------------------------------------------------===//

#include "TestSupport.h"
#include "llvm/Support/MemoryBuffer.h"
#include <random>

using namespace mla::interp;

namespace {
constexpr int64_t kHeads = 128, kDQK = 576, kDV = 512;

struct Problem {
  Problem(int64_t sQ, int64_t sKV, int64_t topk, std::vector<double> lengths)
      : sQ(sQ), sKV(sKV), topk(topk), q(ElementType::BF16, {sQ, kHeads, kDQK}),
        kv(ElementType::BF16, {sKV, 1, kDQK}, kNaN),
        indices(ElementType::I32, {sQ, 1, topk}),
        length(ElementType::I32, {sQ}, std::move(lengths)),
        sink(ElementType::F32, {kHeads}),
        out(ElementType::BF16, {sQ, kHeads, kDV}, kNaN),
        maxLogits(ElementType::F32, {sQ, kHeads}, kNaN),
        lse(ElementType::F32, {sQ, kHeads}, kNaN) {
    for (int64_t n = 0; n < sQ * kHeads * kDQK; ++n)
      q.set(n, normal());
    for (int64_t h = 0; h < kHeads; ++h)
      sink.set(h, h % 8 == 0 ? kInf : h % 8 == 1 ? -kInf : 10 * normal());
    for (int64_t n = 0; n < sQ * topk; ++n)
      indices.set(n, random() % 4 ? random() % sKV : invalidIndex());
    for (int64_t i = 0; i < sQ; ++i)
      for (int64_t row : validRows(i))
        for (int64_t d = 0; d < kDQK; ++d)
          kv.set(row * kDQK + d, normal());
  }

  double normal() { return distribution(random) / 10; }

  double invalidIndex() {
    double choices[] = {double(INT32_MIN), -123456,  -1,
                        double(sKV),       114514.0, double(INT32_MAX)};
    return choices[random() % 6];
  }

  /// The KV rows of the valid entries of query `i`.
  std::vector<int64_t> validRows(int64_t i) const {
    std::vector<int64_t> rows;
    for (int64_t t = 0; t < topk && t < length.get(i); ++t) {
      double index = indices.get(i * topk + t);
      if (index >= 0 && index < sKV)
        rows.push_back(static_cast<int64_t>(index));
    }
    return rows;
  }

  std::vector<Argument> arguments() {
    return {q, kv, indices, scalar(scale), length, sink, out, maxLogits, lse};
  }

  std::mt19937 random{42};
  std::normal_distribution<double> distribution;
  int64_t sQ, sKV, topk;
  float scale = 1 / std::sqrt(static_cast<float>(kDQK));
  Array q, kv, indices, length, sink, out, maxLogits, lse;
};

/// The reference for one query and head.
struct Reference {
  double maxLogit = -kInf, lse = kInf;
  Doubles out = Doubles(kDV, 0.0);

  Reference(const Doubles &q, const Doubles &kv,
            const std::vector<int64_t> &rows, double scale, double sink,
            int64_t queryAt) {
    if (rows.empty())
      return;
    Doubles logits;
    for (int64_t row : rows) {
      double sum = 0;
      for (int64_t d = 0; d < kDQK; ++d)
        sum += q[queryAt + d] * kv[row * kDQK + d];
      logits.push_back(scale * sum);
      maxLogit = std::max(maxLogit, logits.back());
    }
    double total = 0;
    for (double logit : logits)
      total += std::exp(logit - maxLogit);
    lse = maxLogit + std::log(total);
    total += std::exp(sink - maxLogit);
    for (size_t t = 0; t < rows.size(); ++t)
      for (int64_t d = 0; d < kDV; ++d)
        out[d] +=
            std::exp(logits[t] - maxLogit) / total * kv[rows[t] * kDQK + d];
  }
};

class SparsePrefillTest : public InterpreterTest {
protected:
  bool runSample(Problem &problem, const Options &options) {
    auto text = llvm::MemoryBuffer::getFile(MLA_TEST_SOURCE_DIR
                                            "/sparse_prefill.tile.mlir");
    return text &&
           runModule((*text)->getBuffer(), problem.arguments(), options);
  }

  /// Whether the absolute or relative error is within its bound. Infinities
  /// must be equal; NaN is never close.
  static bool isClose(double got, double want, double absolute,
                      double relative) {
    if (std::isinf(want) || std::isinf(got))
      return got == want;
    double error = std::fabs(got - want);
    return error < absolute || error < relative * std::fabs(want);
  }

  /// Checks one query and head.
  static void check(const Problem &p, const Reference &want, int64_t at) {
    EXPECT_TRUE(isClose(p.maxLogits.get(at), want.maxLogit, 1e-6, 2.01 / 65536))
        << at << ": " << p.maxLogits.get(at) << ", " << want.maxLogit;
    EXPECT_TRUE(isClose(p.lse.get(at), want.lse, 1e-6, 2.01 / 65536))
        << at << ": " << p.lse.get(at) << ", " << want.lse;
    int64_t wrong = 0;
    for (int64_t d = 0; d < kDV; ++d)
      wrong += !isClose(p.out.get(at * kDV + d), want.out[d], 8e-4, 3.01 / 128);
    EXPECT_EQ(wrong, 0) << "elements of out at " << at;
  }

  /// Checks every query and each `headStep`-th head.
  static void check(const Problem &p, int64_t headStep) {
    Doubles q = p.q.values(), kv = p.kv.values();
    for (int64_t i = 0; i < p.sQ; ++i) {
      std::vector<int64_t> rows = p.validRows(i);
      for (int64_t h = 0; h < kHeads; h += headStep) {
        int64_t at = i * kHeads + h;
        check(p, Reference(q, kv, rows, p.scale, p.sink.get(h), at * kDQK), at);
      }
    }
  }
};
} // namespace

TEST_F(SparsePrefillTest, MatchesTheReference) {
  // topk_length: topk, more than topk, and a partial tile.
  Problem problem(3, 700, 512, {512, 10000, 345});
  ASSERT_TRUE(runSample(problem, {2, 0})) << getError();
  check(problem, 7);
}

TEST_F(SparsePrefillTest, EdgesOfTheIndexList) {
  // topk is not a multiple of the tile. topk_length: 0, negative, 1, one tile,
  // one tile + 1; and a query with only invalid indices.
  Problem problem(6, 50, 100, {0, -5, 1, 64, 65, 100});
  for (int64_t t = 0; t < 100; ++t)
    problem.indices.set(5 * 100 + t, problem.invalidIndex());
  ASSERT_TRUE(runSample(problem, {2, 0})) << getError();
  check(problem, 5);
}

TEST_F(SparsePrefillTest, ThreadsDoNotChangeTheResult) {
  Problem one(2, 50, 100, {100, 90}), many(2, 50, 100, {100, 90});
  ASSERT_TRUE(runSample(one, {1, 0})) << getError();
  ASSERT_TRUE(runSample(many, {4, 0})) << getError();
  EXPECT_EQ(one.out.values(), many.out.values());
  EXPECT_EQ(one.lse.values(), many.lse.values());
}
