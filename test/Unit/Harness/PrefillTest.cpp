//===- PrefillTest.cpp - inputs and reference of prefill ------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "Sample.h"

#include "mla/Harness/OperatorHost.h"

#include <algorithm>
#include <cmath>

using namespace mla::harness;

namespace {

mla::runtime::KernelDescriptor
prefillDescriptor(bool isPacked,
                  const mla::runtime::OperatorOptions &options = {}) {
  mla::runtime::KernelDescriptor d;
  d.kernels.emplace_back().symbol = d.operatorName = "prefill";
  d.options = options;
  addTensor(d, "q", MLA_BF16, {"b", "s_q", "h_q", "d_qk"});
  addTensor(d, "k", MLA_BF16, {"b", "s_kv", "h_kv", "d_qk"});
  addTensor(d, "v", MLA_BF16, {"b", "s_kv", "h_kv", "d_v"});
  mla::runtime::ArgumentDescriptor scale;
  scale.name = "scale";
  scale.isTensor = false;
  d.arguments.push_back(scale);
  if (isPacked) {
    addTensor(d, "cu_seqlens_q", MLA_I32, {"bounds"});
    addTensor(d, "cu_seqlens_k", MLA_I32, {"bounds"});
  }
  addTensor(d, "out", MLA_BF16, {"b", "s_q", "h_q", "d_v"}, MLA_WRITE);
  addTensor(d, "lse", MLA_F32, {"b", "s_q", "h_q"}, MLA_WRITE);
  return d;
}

const mla::runtime::OperatorOptions kCausal = {{"causal", "yes"}};

/// Arguments of prefill with what is expected of them.
struct Problem {
  mla::runtime::KernelDescriptor descriptor;
  std::vector<HostArgument> arguments;
  std::vector<ExpectedOutput> expected;

  Problem(Sizes sizes, const InputOptions &inputs,
          mla::runtime::KernelDescriptor d)
      : descriptor(std::move(d)) {
    Status status = makeArguments(descriptor, sizes, inputs, arguments);
    EXPECT_TRUE(status.ok()) << status.message();
    compute();
  }

  void compute() {
    expected.clear();
    Status status = findReference(descriptor)(arguments, expected);
    EXPECT_TRUE(status.ok()) << status.message();
    ASSERT_EQ(expected.size(), 2u);
  }

  HostTensor &tensor(const char *name) { return tensorOf(arguments, name); }
  double flops() const {
    return findOperatorHost("prefill")->flops(descriptor, arguments);
  }
  double out(size_t row) const { return expected[0].values[row]; }
  double lse(size_t row) const { return expected[1].values[row]; }
};

InputOptions plain() {
  InputOptions options;
  options.scale = 1;
  options.poison = false;
  return options;
}

/// d_qk = 2, d_v = 1, scale = 1. Queries are (1, 0); key j of a sequence of the
/// batch is (j, 1) and its value 1 + j, the same for all heads.
Problem tiny(int64_t batches, int64_t queries, int64_t keys,
             const mla::runtime::OperatorOptions &options, int64_t heads = 1,
             int64_t kvHeads = 1) {
  Problem problem({{"b", batches},
                   {"s_q", queries},
                   {"s_kv", keys},
                   {"h_q", heads},
                   {"h_kv", kvHeads},
                   {"d_qk", 2},
                   {"d_v", 1}},
                  plain(), prefillDescriptor(/*isPacked=*/false, options));
  HostTensor &q = problem.tensor("q"), &k = problem.tensor("k"),
             &v = problem.tensor("v");
  for (int64_t i = 0; i < q.elements(); ++i)
    q.set(i, i % 2 == 0);
  for (int64_t row = 0; row < v.elements(); ++row) {
    auto key = static_cast<double>(row / kvHeads % keys);
    k.set(2 * row, key);
    k.set(2 * row + 1, 1);
    v.set(row, 1 + key);
  }
  problem.compute();
  return problem;
}

/// Expects a row to be the attention over the first `keys` keys of `tiny`.
void expectKeys(const Problem &problem, size_t row, int64_t keys,
                int64_t first = 0) {
  double sum = 0, weighted = 0;
  for (int64_t key = first; key < first + keys; ++key) {
    sum += std::exp(key);
    weighted += std::exp(key) * (1 + static_cast<double>(key));
  }
  constexpr double kTight = 1e-12;
  EXPECT_NEAR(problem.out(row), keys ? weighted / sum : 0, kTight) << row;
  if (keys)
    EXPECT_NEAR(problem.lse(row), std::log(sum), kTight) << row;
  else
    EXPECT_EQ(problem.lse(row), INFINITY) << row;
}

TEST(Prefill, AllKeys) {
  Problem problem = tiny(2, 3, 4, {});
  for (size_t row = 0; row < 6; ++row)
    expectKeys(problem, row, 4);
  EXPECT_EQ(problem.flops(), 2. * 3 * (2 * 3 * 4));
}

TEST(Prefill, CausalMaskIsRightAligned) {
  Problem problem = tiny(2, 2, 4, kCausal);
  for (size_t row = 0; row < 4; ++row)
    expectKeys(problem, row, 3 + row % 2);
  EXPECT_EQ(problem.flops(), 2. * 3 * (2 * (3 + 4)));
}

TEST(Prefill, FirstQueriesOfMoreThanKeysAttendToNone) {
  Problem problem = tiny(1, 5, 2, kCausal);
  for (size_t row = 0; row < 5; ++row)
    expectKeys(problem, row, row < 3 ? 0 : row - 2);
  EXPECT_EQ(problem.flops(), 2. * 3 * (1 + 2));
}

/// As papers count it: half of the pairs.
TEST(Prefill, FlopsOfASquareAreHalf) {
  EXPECT_EQ(tiny(1, 4, 4, kCausal).flops(), 2. * 3 * 8);
}

TEST(Prefill, HeadsShareKeys) {
  Problem problem = tiny(1, 2, 3, kCausal, /*heads=*/4, /*kvHeads=*/2);
  // Heads 2 and 3 have the second KV head.
  HostTensor &k = problem.tensor("k");
  for (int64_t key = 0; key < 3; ++key)
    k.set((2 * key + 1) * 2, 0);
  problem.compute();
  for (size_t query = 0; query < 2; ++query) {
    expectKeys(problem, 4 * query + 1, 2 + query);
    EXPECT_NEAR(problem.lse(4 * query + 3), std::log(2 + query), 1e-12);
  }
}

/// A NaN in a value reaches the queries that attend to it, in its column.
TEST(Prefill, NanOfAnUnseenKeyDoesNotCount) {
  Problem problem = tiny(1, 4, 4, kCausal);
  problem.tensor("v").set(2, NAN);
  problem.compute();
  for (size_t row = 0; row < 4; ++row)
    EXPECT_EQ(std::isnan(problem.out(row)), row >= 2) << row;
  expectKeys(problem, 1, 2);
  problem.tensor("k").set(2, NAN);
  problem.compute();
  for (size_t row = 0; row < 4; ++row)
    EXPECT_EQ(std::isnan(problem.lse(row)), row >= 1) << row;
}

TEST(Prefill, PackedSequences) {
  Problem problem({{"b", 1},
                   {"s_q", 6},
                   {"s_kv", 7},
                   {"h_q", 1},
                   {"h_kv", 1},
                   {"d_qk", 2},
                   {"d_v", 1},
                   {"bounds", 5}},
                  plain(), prefillDescriptor(/*isPacked=*/true, kCausal));
  HostTensor &k = problem.tensor("k"), &v = problem.tensor("v"),
             &q = problem.tensor("q");
  for (int64_t i = 0; i < 12; ++i)
    q.set(i, i % 2 == 0);
  for (int64_t key = 0; key < 7; ++key) {
    k.set(2 * key, static_cast<double>(key));
    v.set(key, 1 + static_cast<double>(key));
  }
  // 2 queries of 3 keys; no query; 1 query of no key; 2 of 2 keys; one row of q
  // and two of k belong to no sequence.
  const int64_t bounds[2][5] = {{0, 2, 2, 3, 5}, {0, 3, 3, 3, 5}};
  for (int64_t i = 0; i < 5; ++i) {
    problem.tensor("cu_seqlens_q").set(i, static_cast<double>(bounds[0][i]));
    problem.tensor("cu_seqlens_k").set(i, static_cast<double>(bounds[1][i]));
  }
  problem.compute();
  expectKeys(problem, 0, 2);
  expectKeys(problem, 1, 3);
  expectKeys(problem, 2, 0);
  expectKeys(problem, 3, 1, /*first=*/3);
  expectKeys(problem, 4, 2, /*first=*/3);
  EXPECT_TRUE(std::isnan(problem.out(5)) && std::isnan(problem.lse(5)));
}

/// With poison, bounds begin with 0, do not decrease, and leave rows of no
/// sequence, which are NaN; all others are numbers.
TEST(Prefill, PoisonIsInRowsOfNoSequence) {
  int64_t empty = 0, outside = 0;
  for (uint64_t seed = 0; seed < 8; ++seed) {
    InputOptions options;
    options.seed = seed;
    Problem problem({{"b", 1},
                     {"s_q", 40},
                     {"s_kv", 60},
                     {"h_q", 2},
                     {"h_kv", 1},
                     {"d_qk", 16},
                     {"d_v", 16},
                     {"bounds", 9}},
                    options, prefillDescriptor(/*isPacked=*/true));
    for (auto [name, of, rows] : {std::tuple("cu_seqlens_q", "q", 40),
                                  std::tuple("cu_seqlens_k", "k", 60)}) {
      HostTensor &bounds = problem.tensor(name);
      EXPECT_EQ(bounds.get(0), 0);
      for (int64_t i = 1; i < 9; ++i) {
        EXPECT_LE(bounds.get(i - 1), bounds.get(i));
        empty += bounds.get(i - 1) == bounds.get(i);
      }
      EXPECT_LE(bounds.get(8), rows);
      HostTensor &tensor = problem.tensor(of);
      int64_t perRow = tensor.elements() / rows;
      for (int64_t row = static_cast<int64_t>(bounds.get(8)); row < rows;
           ++row, ++outside)
        EXPECT_TRUE(std::isnan(tensor.get(row * perRow)));
      if (of == std::string("q"))
        EXPECT_FALSE(std::isnan(tensor.get(0)));
    }
  }
  EXPECT_GT(empty, 0);
  EXPECT_GT(outside, 0);
}

TEST(Prefill, WrongArgumentsAreRefused) {
  Problem problem = tiny(1, 2, 2, {});
  auto expectError = [&](const char *text) {
    Status status =
        findReference(problem.descriptor)(problem.arguments, problem.expected);
    EXPECT_EQ(status.message(), text);
  };
  problem.tensor("v").shape[1] = 1;
  expectError("prefill: expected v with the b, s_kv and h_kv of k");
  problem.tensor("k").shape[3] = 1;
  expectError("prefill: expected k with an h_kv that divides h_q, and the b "
              "and d_qk of q");
}

} // namespace
