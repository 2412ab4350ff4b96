//===- DecodeTest.cpp - the reference of decode ---------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "DecodeProblem.h"

#include <algorithm>
#include <climits>
#include <cmath>
#include <set>

using namespace mla::harness;
using namespace mla::harness::decode_test;

namespace {

/// Expects one query to be the attention over these rows of `tiny`.
void expectRows(Problem &problem, size_t query, const std::vector<int> &rows) {
  double sum = 0, weighted = 0;
  for (int row : rows) {
    sum += std::exp(row);
    weighted += std::exp(row) * row;
  }
  if (rows.empty()) {
    EXPECT_EQ(problem.out()[query], 0);
    EXPECT_EQ(problem.lse()[query], INFINITY);
    return;
  }
  EXPECT_NEAR(problem.out()[query], weighted / sum, kTight);
  EXPECT_NEAR(problem.lse()[query], std::log(sum), kTight);
}

TEST(Decode, OneToken) {
  Problem problem = tiny(1, {2, 7}, {1});
  EXPECT_EQ(problem.expected[0].name, "out");
  EXPECT_EQ(problem.expected[1].name, "lse");
  expectRows(problem, 0, {4});
}

TEST(Decode, PagesInTheOrderOfTheTable) {
  Problem problem = tiny(2, {2, 0, 1, 1}, {3, 4});
  expectRows(problem, 0, {4, 5, 0});
  // A page that stands twice counts twice.
  expectRows(problem, 1, {2, 3, 2, 3});
}

TEST(Decode, LengthsAreClamped) {
  for (int length : {0, -1, INT_MIN}) {
    Problem problem = tiny(1, {2, 0}, {double(length)});
    expectRows(problem, 0, {});
  }
  for (int length : {4, 5, INT_MAX}) {
    Problem problem = tiny(1, {2, 0}, {double(length)});
    expectRows(problem, 0, {4, 5, 0, 1});
  }
}

TEST(Decode, PagesThatAreNoneHaveNoTokens) {
  for (int page : {3, -1, INT_MIN, INT_MAX}) {
    Problem problem = tiny(2, {double(page), 1, 0, double(page)}, {3, 2});
    expectRows(problem, 0, {2});
    expectRows(problem, 1, {0, 1});
  }
}

TEST(Decode, CausalIsRightAligned) {
  Problem problem = tiny(2, {1, 2, 0, 1}, {4, 2}, 3, {{"causal", "yes"}});
  expectRows(problem, 0, {2, 3});
  expectRows(problem, 1, {2, 3, 4});
  expectRows(problem, 2, {2, 3, 4, 5});
  // Of more queries than tokens the first ones see nothing.
  expectRows(problem, 3, {});
  expectRows(problem, 4, {0});
  expectRows(problem, 5, {0, 1});
  // A length is clamped before queries are aligned to it.
  problem.set("cache_seqlens", {9, -9});
  problem.compute();
  expectRows(problem, 0, {2, 3});
  expectRows(problem, 5, {});
  problem.descriptor.options["causal"] = "no";
  problem.compute();
  expectRows(problem, 0, {2, 3, 4, 5});
}

TEST(Decode, ConventionsOfLse) {
  Problem problem = tiny(2, {1, 2, 0, 1}, {1, 0}, 1,
                         {{"lse_base", "2"}, {"empty_lse", "-inf"}});
  EXPECT_NEAR(problem.lse()[0], 2 / std::log(2.0), kTight);
  EXPECT_EQ(problem.lse()[1], -INFINITY);
  EXPECT_EQ(problem.out()[1], 0);
  std::vector<ExpectedOutput> expected;
  expectFailure(findReference(decodeDescriptor({{"causal", "left"}}))(
                    problem.arguments, expected),
                "decode: option 'causal': expected one of yes, no, got 'left'");
}

TEST(Decode, NanIsThatOfTheQueriesThatSeeTheToken) {
  Problem problem = tiny(1, {0, 2}, {3}, 2, {{"causal", "yes"}});
  problem.tensor("k_cache").set(2 * 4 + 1, NAN);
  problem.tensor("k_cache").set(2 * 5, NAN);
  problem.compute();
  expectRows(problem, 0, {0, 1});
  EXPECT_TRUE(std::isnan(problem.out()[1]));
  EXPECT_TRUE(std::isnan(problem.lse()[1]));
}

TEST(Decode, HeadsShareAKVHead) {
  // Two heads of queries per KV head: their values differ by 100.
  Sizes sizes = {{"ctas", 1},      {"plan_words", 8}, {"b", 1},
                 {"s_q", 2},       {"h_q", 4},        {"h_kv", 2},
                 {"d_qk", 1},      {"d_v", 1},        {"num_pages", 1},
                 {"page_size", 2}, {"max_pages", 1}};
  Problem problem(sizes, plain(), decodeDescriptor({{"causal", "yes"}}));
  problem.set("cache_seqlens", {2});
  problem.set("block_table", {0});
  problem.set("k_cache", {1, 101, 3, 103});
  problem.set("q", std::vector<double>(8, 0));
  problem.compute();
  for (int64_t head = 0; head < 4; ++head) {
    EXPECT_NEAR(problem.out()[head], head < 2 ? 1 : 101, kTight);
    EXPECT_NEAR(problem.out()[4 + head], head < 2 ? 2 : 102, kTight);
    EXPECT_NEAR(problem.lse()[4 + head], std::log(2), kTight);
  }
}

TEST(Decode, TheSinkIsInTheDenominatorOnly) {
  Sizes sizes = smallSizes();
  sizes["num_pages"] = 13 * 12;
  Problem without(sizes, plain());
  Problem problem(sizes, plain(),
                  decodeDescriptor({}, MLA_BF16, {/*hasSink=*/true}));
  problem.set("attn_sink", {0, -INFINITY, INFINITY});
  problem.compute();
  for (int64_t row = 0; row < 13 * 2 * 3; ++row) {
    EXPECT_EQ(problem.lse()[row], without.lse()[row]);
    double sum = std::exp(without.lse()[row]);
    double factor = row % 3 == 0 ? sum / (sum + 1) : row % 3 == 1 ? 1 : 0;
    for (int64_t c = 0; c < 5; ++c)
      EXPECT_NEAR(problem.out()[row * 5 + c],
                  factor * without.out()[row * 5 + c], kTight);
  }
}

} // namespace
