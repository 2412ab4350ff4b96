//===- DecodeInputsTest.cpp - plans, inputs and mistakes of decode --------===//
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

TEST(Decode, ThePlanHasRowsForParts) {
  Sizes sizes = smallSizes();
  for (int64_t ctas : {1, 4, 40}) {
    sizes["ctas"] = ctas;
    EXPECT_EQ(Problem(sizes).plan().size(), static_cast<size_t>(ctas * 8));
  }
  // The attention kernel has two CTAs per part: the plan is that of half as
  // many, and the other rows are 0.
  mla::runtime::KernelDescriptor pairs = decodeDescriptor();
  pairs.kernels[0].grid = mla::runtime::Expression(2);
  Problem halved(sizes, {}, pairs);
  sizes["ctas"] = 20;
  std::vector<double> rows = Problem(sizes).plan();
  EXPECT_TRUE(std::any_of(rows.begin(), rows.end(),
                          [](double word) { return word != 0; }));
  rows.resize(halved.plan().size());
  EXPECT_EQ(halved.plan(), rows);
  // The option is read.
  Problem invariant(sizes, {}, decodeDescriptor({{"batch_invariant", "yes"}}));
  EXPECT_NE(invariant.plan(), Problem(sizes).plan());
  // A program that only plans is none.
  mla::runtime::KernelDescriptor planner = decodeDescriptor();
  planner.kernels[0].phase = MLA_PHASE_PLAN;
  std::vector<ExpectedOutput> expected;
  expectFailure(findReference(planner)(halved.arguments, expected),
                "decode: expected a kernel of the launch phase");
}

TEST(Decode, PoisonIsEverywhereElse) {
  std::set<int64_t> lengths;
  bool pageIsShared = false, pageIsNone = false, isStale = false;
  for (uint64_t seed = 0; seed < 4; ++seed) {
    InputOptions options;
    options.seed = seed;
    Problem problem(smallSizes(), options);
    std::set<int64_t> read, pages;
    for (int64_t request = 0; request < 13; ++request) {
      int64_t length = problem.get("cache_seqlens", request);
      lengths.insert(length);
      length = std::min<int64_t>(std::max<int64_t>(length, 0), 12 * 16);
      bool hasRow = false;
      for (int64_t token = 0; token < length; ++token) {
        int64_t page = problem.get("block_table", request * 12 + token / 16);
        bool isPage = page >= 0 && page < 50;
        pageIsNone |= !isPage;
        if (!isPage)
          continue;
        if (token % 16 == 0)
          pageIsShared |= !pages.insert(page).second;
        read.insert(page * 16 + token % 16);
        hasRow = true;
      }
      // Pages that are none alone are as no pages.
      for (int64_t row = request * 6; row < request * 6 + 6; ++row) {
        EXPECT_EQ(problem.out()[row * 5] == 0, !hasRow);
        EXPECT_EQ(problem.lse()[row] == INFINITY, !hasRow);
      }
      for (int64_t slot = (length + 15) / 16; slot < 12; ++slot)
        isStale |= problem.get("block_table", request * 12 + slot) == INT_MIN;
    }
    EXPECT_LT(read.size(), 50u * 16);
    for (int64_t row = 0; row < 50 * 16; ++row)
      for (int64_t c = 0; c < 6; ++c)
        EXPECT_EQ(std::isnan(problem.tensor("k_cache").get(row * 6 + c)),
                  !read.count(row));
  }
  EXPECT_TRUE(pageIsShared);
  EXPECT_TRUE(pageIsNone);
  EXPECT_TRUE(isStale);
  for (int64_t length : {0, 1, 12 * 16})
    EXPECT_TRUE(lengths.count(length)) << length;
  EXPECT_LT(*lengths.begin(), 0);
  EXPECT_GT(*lengths.rbegin(), 12 * 16);
}

TEST(Decode, AContiguousCacheHasThePagesOfItsRequests) {
  // As pages that are the requests' own.
  Sizes sizes = smallSizes();
  sizes["num_pages"] = 13;
  sizes["max_pages"] = 1;
  InputOptions options;
  options.invalidShare = 0;
  Problem paged(sizes, options);
  for (int64_t request = 0; request < 13; ++request)
    paged.tensor("block_table").set(request, static_cast<double>(request));
  sizes.erase("num_pages");
  sizes.erase("max_pages");
  Form form;
  form.isPaged = false;
  Problem problem(sizes, options, decodeDescriptor({}, MLA_BF16, form));
  // All kinds of lengths; NaN where no request has tokens.
  std::set<int64_t> lengths;
  for (int64_t request = 0; request < 13; ++request) {
    int64_t length = problem.get("cache_seqlens", request);
    lengths.insert(length);
    for (int64_t token = 0; token < 16; ++token)
      EXPECT_EQ(
          std::isnan(problem.tensor("k_cache").get((request * 16 + token) * 6)),
          token >= length);
  }
  EXPECT_GT(lengths.size(), 5u);
  EXPECT_LT(*lengths.begin(), 0);
  EXPECT_GT(*lengths.rbegin(), 16);
  for (const char *name : {"q", "k_cache", "cache_seqlens"})
    paged.tensor(name) = problem.tensor(name);
  paged.compute();
  EXPECT_EQ(problem.out(), paged.out());
  EXPECT_EQ(problem.lse(), paged.lse());
  EXPECT_EQ(problem.plan(), paged.plan());
  // No row of a page is room for no token.
  sizes["page_size"] = 0;
  Problem empty(sizes, {}, decodeDescriptor({}, MLA_BF16, form));
  EXPECT_EQ(empty.lse()[0], INFINITY);
}

TEST(Decode, ColumnsOfTwoTensors) {
  Sizes sizes = smallSizes();
  sizes["d_rope"] = 2;
  Form form;
  form.hasRope = true;
  InputOptions options;
  options.scale = 1;
  Problem problem(sizes, options, decodeDescriptor({}, MLA_BF16, form));
  sizes.erase("d_rope");
  sizes["d_qk"] = 8;
  Problem joined(sizes, options);
  for (const char *name : {"block_table", "cache_seqlens"})
    joined.tensor(name) = problem.tensor(name);
  for (auto [first, second] :
       {std::pair("q", "q_rope"), std::pair("k_cache", "k_rope")}) {
    HostTensor &to = joined.tensor(first);
    for (int64_t at = 0; at < to.elements(); ++at)
      to.set(at, at % 8 < 6
                     ? problem.tensor(first).get(at / 8 * 6 + at % 8)
                     : problem.tensor(second).get(at / 8 * 2 + at % 8 - 6));
  }
  joined.compute();
  EXPECT_EQ(problem.out(), joined.out());
  EXPECT_EQ(problem.lse(), joined.lse());
  EXPECT_TRUE(std::isfinite(
      *std::max_element(problem.out().begin(), problem.out().end())));
  EXPECT_EQ(countFlops(problem.descriptor, problem.arguments),
            countFlops(joined.descriptor, joined.arguments));
  EXPECT_EQ(countBytes(problem.descriptor, problem.arguments),
            countBytes(joined.descriptor, joined.arguments));
}

TEST(Decode, LengthsOfBenchmarks) {
  Sizes sizes = smallSizes();
  sizes["num_pages"] = 13 * 12;
  Problem full(sizes, plain());
  std::set<int64_t> pages;
  for (int64_t request = 0; request < 13; ++request)
    EXPECT_EQ(full.get("cache_seqlens", request), 12 * 16);
  for (int64_t at = 0; at < 13 * 12; ++at)
    pages.insert(full.get("block_table", at));
  EXPECT_EQ(pages.size(), 13u * 12);
  EXPECT_EQ(*pages.begin(), 0);
  EXPECT_EQ(*pages.rbegin(), 13 * 12 - 1);

  InputOptions options = plain();
  options.extremes = {"ragged-lengths"};
  Problem ragged(sizes, options);
  std::set<int64_t> lengths;
  for (int64_t request = 0; request < 13; ++request)
    lengths.insert(ragged.get("cache_seqlens", request));
  EXPECT_GT(lengths.size(), 8u);
  EXPECT_GE(*lengths.begin(), 1);
  EXPECT_LE(*lengths.rbegin(), 12 * 16);
  options.files["cache_seqlens"] = "lengths.npy";
  std::vector<HostArgument> arguments = ragged.arguments;
  expectFailure(
      findOperatorHost("decode")->fill(ragged.descriptor, options, arguments),
      "extreme 'ragged-lengths': the argument 'cache_seqlens' is "
      "from a file");
}

TEST(Decode, Extremes) {
  for (const char *name : {"nan-q", "nan-kv"}) {
    InputOptions options;
    options.extremes = {name};
    Problem problem(smallSizes(), options);
    int64_t nans = 0;
    for (double lse : problem.lse())
      nans += std::isnan(lse);
    EXPECT_GT(nans, 0) << name;
    EXPECT_LT(nans, 13 * 2 * 3) << name;
  }
  InputOptions options;
  options.scale = 1;
  options.extremes = {"huge-scores"};
  Problem problem(smallSizes(), options);
  double least = 0, most = 0;
  for (double lse : problem.lse())
    if (std::isfinite(lse)) {
      least = std::fmin(least, lse);
      most = std::fmax(most, lse);
    }
  EXPECT_LT(least, -2e38);
  EXPECT_GT(most, 2e38);
}

TEST(Decode, Tolerances) {
  Sizes sizes = smallSizes();
  EXPECT_EQ(Problem(sizes).expected[0].tolerance.relative, 2.01 / 128);
  Problem f16(sizes, {}, decodeDescriptor({}, MLA_F16));
  EXPECT_EQ(f16.expected[0].tolerance.relative, 2.01 / 1024);
  EXPECT_EQ(f16.expected[1].tolerance.relative, 8.01 / 65536);
  // Words of a plan are equal or not.
  EXPECT_LT(f16.expected[2].tolerance.absolute, 1);
  EXPECT_EQ(f16.expected[2].tolerance.relative, 0);
}

TEST(Decode, EmptyShapes) {
  for (const char *name : {"b", "s_q", "max_pages"}) {
    Sizes sizes = smallSizes();
    sizes[name] = 0;
    Problem problem(sizes);
    for (double value : problem.out())
      EXPECT_EQ(value, 0);
    for (double value : problem.lse())
      EXPECT_EQ(value, INFINITY);
    EXPECT_EQ(problem.plan().size(), 4u * 8);
  }
  // Without pages every token has score -inf.
  Sizes sizes = smallSizes();
  sizes["num_pages"] = 0;
  Problem problem(sizes);
  for (int64_t row = 0; row < 13 * 2 * 3; ++row) {
    EXPECT_EQ(problem.lse()[row], INFINITY);
    EXPECT_EQ(problem.out()[row * 5], 0);
  }
}

TEST(Decode, OperationsAndBytes) {
  Problem problem = tiny(2, {1, 2, 7, 1}, {4, 3}, 3, {{"causal", "yes"}});
  // Queries see 2, 3 and 4 tokens of the one request, 1, 2 and 3 of the other.
  EXPECT_EQ(countFlops(problem.descriptor, problem.arguments),
            2 * 15 * (2 + 1));
  // Four rows and, behind a page that is none, one; q, the table, the lengths,
  // out, lse and the plan.
  EXPECT_EQ(countBytes(problem.descriptor, problem.arguments),
            5 * 2 * 2 + 6 * 2 * 2 + 4 * 4 + 2 * 4 + 6 * 2 + 6 * 4 + 8 * 4);
  problem.descriptor.options.clear();
  EXPECT_EQ(countFlops(problem.descriptor, problem.arguments),
            2 * 3 * 7 * (2 + 1));
  problem.arguments.erase(problem.arguments.begin());
  EXPECT_EQ(countFlops(problem.descriptor, problem.arguments), 0);
  EXPECT_EQ(countBytes(problem.descriptor, problem.arguments), 0);
}

TEST(Decode, MistakesAreNamed) {
  auto fails = [](int argument, mlaDType dtype, std::vector<int64_t> shape,
                  const std::string &error) {
    Problem problem(smallSizes());
    problem.arguments[argument].tensor = HostTensor(dtype, shape);
    expectFailure(
        findReference(problem.descriptor)(problem.arguments, problem.expected),
        error);
  };
  fails(0, MLA_BF16, {13, 2, 3}, "decode: 'q': expected rank 4, got 3");
  fails(
      1, MLA_BF16, {50, 16, 2, 6},
      "decode: expected k_cache with an h_kv that divides h_q, and the d_qk of "
      "q");
  fails(
      1, MLA_BF16, {50, 16, 1, 7},
      "decode: expected k_cache with an h_kv that divides h_q, and the d_qk of "
      "q");
  fails(2, MLA_I64, {13, 12}, "decode: expected block_table of i32");
  fails(3, MLA_I32, {12}, "decode: expected cache_seqlens of i32 [b]");
  fails(5, MLA_BF16, {13, 2, 3, 7}, "decode: expected d_v <= d_qk");
  fails(5, MLA_BF16, {13, 2, 4, 5},
        "decode: expected out of [b, s_q, h_q, d_v] with the sizes of q");
  Problem problem(smallSizes());
  problem.arguments.erase(problem.arguments.begin() + 2);
  expectFailure(
      findReference(problem.descriptor)(problem.arguments, problem.expected),
      "decode: expected k_cache of [b, ...] without block_table");
  Form form;
  form.hasRope = true;
  Sizes sizes = smallSizes();
  sizes["d_rope"] = 2;
  Problem parts(sizes, {}, decodeDescriptor({}, MLA_BF16, form));
  parts.arguments[3].tensor = HostTensor(MLA_BF16, {50, 16, 1, 3});
  auto run = [&] {
    return findReference(parts.descriptor)(parts.arguments, parts.expected);
  };
  expectFailure(run(), "decode: expected q_rope and k_rope with the sizes of q "
                       "and k_cache but for the last");
  parts.arguments.erase(parts.arguments.begin() + 3);
  expectFailure(run(), "decode: expected q_rope and k_rope, or neither");
}

} // namespace
