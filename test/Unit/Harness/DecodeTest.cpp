//===- DecodeTest.cpp - inputs and reference of decode --------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "Sample.h"

#include "mla/Harness/OperatorHost.h"

#include <algorithm>
#include <climits>
#include <cmath>
#include <set>

using namespace mla::harness;

namespace {

/// Which optional tensors a kernel has.
struct Form {
  bool hasSink = false, isPaged = true, hasRope = false;
};

/// A kernel with one CTA per part of the plan.
mla::runtime::KernelDescriptor
decodeDescriptor(const mla::runtime::OperatorOptions &options = {},
                 mlaDType dtype = MLA_BF16, Form form = {}) {
  mla::runtime::KernelDescriptor d;
  d.kernels.emplace_back().symbol = d.operatorName = "decode";
  d.options = options;
  const char *pages = form.isPaged ? "num_pages" : "b";
  addTensor(d, "q", dtype, {"b", "s_q", "h_q", "d_qk"});
  if (form.hasRope)
    addTensor(d, "q_rope", dtype, {"b", "s_q", "h_q", "d_rope"});
  addTensor(d, "k_cache", dtype, {pages, "page_size", "h_kv", "d_qk"});
  if (form.hasRope)
    addTensor(d, "k_rope", dtype, {pages, "page_size", "h_kv", "d_rope"});
  if (form.isPaged)
    addTensor(d, "block_table", MLA_I32, {"b", "max_pages"});
  addTensor(d, "cache_seqlens", MLA_I32, {"b"});
  mla::runtime::ArgumentDescriptor scale;
  scale.name = "scale";
  scale.isTensor = false;
  d.arguments.push_back(scale);
  if (form.hasSink)
    addTensor(d, "attn_sink", MLA_F32, {"h_q"});
  addTensor(d, "out", dtype, {"b", "s_q", "h_q", "d_v"}, MLA_WRITE);
  addTensor(d, "lse", MLA_F32, {"b", "s_q", "h_q"}, MLA_WRITE);
  addTensor(d, "plan", MLA_I32, {"ctas", "plan_words"}, MLA_WRITE);
  return d;
}

/// Arguments of decode with what is expected of them.
struct Problem {
  mla::runtime::KernelDescriptor descriptor;
  std::vector<HostArgument> arguments;
  std::vector<ExpectedOutput> expected;

  explicit Problem(Sizes sizes, const InputOptions &inputs = {},
                   mla::runtime::KernelDescriptor d = decodeDescriptor())
      : descriptor(std::move(d)) {
    Status status = makeArguments(descriptor, sizes, inputs, arguments);
    EXPECT_TRUE(status.ok()) << status.message();
    compute();
  }

  void compute() {
    Status status = findReference(descriptor)(arguments, expected);
    EXPECT_TRUE(status.ok()) << status.message();
    ASSERT_EQ(expected.size(), 3u);
  }

  HostTensor &tensor(const char *name) { return tensorOf(arguments, name); }
  void set(const char *name, const std::vector<double> &values) {
    for (size_t i = 0; i < values.size(); ++i)
      tensor(name).set(static_cast<int64_t>(i), values[i]);
  }
  int64_t get(const char *name, int64_t at) {
    return static_cast<int64_t>(tensor(name).get(at));
  }
  const std::vector<double> &out() { return expected[0].values; }
  const std::vector<double> &lse() { return expected[1].values; }
  const std::vector<double> &plan() { return expected[2].values; }
};

InputOptions plain() {
  InputOptions options;
  options.scale = 1;
  options.poison = false;
  options.invalidShare = 0;
  return options;
}

constexpr double kTight = 1e-12;

/// Requests of one head, d_qk = 2, d_v = 1, scale = 1, three pages of two
/// tokens, at most two a request. Row r of the cache is (r, 1 + r), and q is
/// (1, 0): the logit and the value of a row are both its number.
Problem tiny(int64_t requests, const std::vector<double> &table,
             const std::vector<double> &lengths, int64_t queries = 1,
             const mla::runtime::OperatorOptions &options = {}) {
  Problem problem({{"ctas", 1},
                   {"plan_words", 8},
                   {"b", requests},
                   {"s_q", queries},
                   {"h_q", 1},
                   {"h_kv", 1},
                   {"d_qk", 2},
                   {"d_v", 1},
                   {"num_pages", 3},
                   {"page_size", 2},
                   {"max_pages", 2}},
                  plain(), decodeDescriptor(options));
  for (int row = 0; row < 6; ++row) {
    problem.tensor("k_cache").set(2 * row, row);
    problem.tensor("k_cache").set(2 * row + 1, 1 + row);
  }
  for (int64_t query = 0; query < requests * queries; ++query) {
    problem.tensor("q").set(2 * query, 1);
    problem.tensor("q").set(2 * query + 1, 0);
  }
  problem.set("block_table", table);
  problem.set("cache_seqlens", lengths);
  problem.compute();
  return problem;
}

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

Sizes smallSizes() {
  return {{"ctas", 4},       {"plan_words", 8}, {"b", 13},        {"s_q", 2},
          {"h_q", 3},        {"h_kv", 1},       {"d_qk", 6},      {"d_v", 5},
          {"num_pages", 50}, {"page_size", 16}, {"max_pages", 12}};
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
