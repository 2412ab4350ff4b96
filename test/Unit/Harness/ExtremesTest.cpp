//===- ExtremesTest.cpp - extreme inputs, and what is right for them ------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "Sample.h"

#include "mla/Harness/Check.h"

#include <cfloat>
#include <cmath>

using namespace mla::harness;

namespace {

using Values = std::vector<double>;

constexpr int64_t kQueries = 200;

/// Arguments with an extreme, and their expected outputs.
struct Problem {
  std::vector<HostArgument> arguments;
  Values out, maxLogits, lse;

  explicit Problem(const InputOptions &options) {
    arguments = makeSparsePrefill(sizes(), options);
    std::vector<ExpectedOutput> expected;
    Status status = sparsePrefillReference(arguments, expected);
    EXPECT_TRUE(status.ok()) << status.message();
    out = expected[0].values;
    maxLogits = expected[1].values;
    lse = expected[2].values;
  }

  static Sizes sizes() {
    Sizes sizes = sparsePrefillSizes();
    sizes["s_q"] = kQueries;
    return sizes;
  }

  HostTensor &tensor(const char *name) { return tensorOf(arguments, name); }

  /// Whether `count` consecutive elements of a tensor include a NaN.
  bool hasNan(const char *name, int64_t first, int64_t count) {
    for (int64_t i = first; i < first + count; ++i)
      if (std::isnan(tensor(name).get(i)))
        return true;
    return false;
  }

  /// The valid entries of a query.
  std::vector<int64_t> tokens(int64_t query) {
    std::vector<int64_t> found;
    for (int64_t t = 0; t < tensor("topk_length").get(query); ++t) {
      double index = tensor("indices").get(query * 21 + t);
      if (index >= 0 && index < 40)
        found.push_back(static_cast<int64_t>(index));
    }
    return found;
  }
};

InputOptions with(const char *extreme) {
  InputOptions options;
  options.seed = 3;
  options.extremes = {extreme};
  return options;
}

void expectAllNan(const Problem &problem, int64_t row, bool nan) {
  EXPECT_EQ(std::isnan(problem.maxLogits[row]), nan) << row;
  EXPECT_EQ(std::isnan(problem.lse[row]), nan) << row;
  for (int64_t c = 0; c < 17; ++c)
    EXPECT_EQ(std::isnan(problem.out[row * 17 + c]), nan) << row << " " << c;
}

TEST(Extremes, NanInQIsThatOfItsHeadAlone) {
  Problem problem(with("nan-q"));
  int heads = 0;
  for (int64_t row = 0; row < kQueries * 6; ++row) {
    bool nan = problem.hasNan("q", row * 24, 24);
    heads += nan;
    // Without a valid entry q does not count.
    expectAllNan(problem, row, nan && !problem.tokens(row / 6).empty());
  }
  EXPECT_TRUE(problem.hasNan("q", 5 * 24, 24));
  EXPECT_GT(heads, 200);
  EXPECT_LT(heads, 400);
}

TEST(Extremes, NanInKvIsThatOfTheQueriesThatNameTheRow) {
  Problem problem(with("nan-kv"));
  int queries = 0;
  for (int64_t query = 0; query < kQueries; ++query) {
    bool nan = false;
    for (int64_t token : problem.tokens(query))
      nan |= problem.hasNan("kv", token * 24, 24);
    queries += nan;
    for (int64_t head = 0; head < 6; ++head)
      expectAllNan(problem, query * 6 + head, nan);
  }
  EXPECT_GT(queries, 0);
  EXPECT_LT(queries, kQueries);
}

TEST(Extremes, NanInASinkIsThatOfTheOutputAlone) {
  Problem problem(with("nan-sink"));
  EXPECT_TRUE(problem.hasNan("attn_sink", 5, 1));
  EXPECT_FALSE(
      problem.hasNan("attn_sink", 0, 6) && problem.hasNan("attn_sink", 0, 1) &&
      problem.hasNan("attn_sink", 1, 1) && problem.hasNan("attn_sink", 2, 1));
  for (int64_t row = 0; row < kQueries * 6; ++row) {
    bool nan = problem.hasNan("attn_sink", row % 6, 1) &&
               !problem.tokens(row / 6).empty();
    EXPECT_FALSE(std::isnan(problem.maxLogits[row]));
    EXPECT_FALSE(std::isnan(problem.lse[row]));
    for (int64_t c = 0; c < 17; ++c)
      EXPECT_EQ(std::isnan(problem.out[row * 17 + c]), nan) << row;
  }
}

TEST(Extremes, HugeScoresCount) {
  InputOptions options = with("huge-scores");
  options.scale = 1;
  Problem problem(options);
  const double sizes[] = {-1e31, 1e31, -3e38, 3e38, 0};
  for (int64_t row = 0; row < kQueries * 6; ++row) {
    double size = sizes[(row / 6 + row % 6) % 5];
    std::vector<int64_t> tokens = problem.tokens(row / 6);
    if (size == 0 || tokens.empty())
      continue;
    // bf16 has 8 bits.
    EXPECT_NEAR(problem.maxLogits[row] / size, 1, 1. / 256);
    EXPECT_NEAR(problem.lse[row] / size, 1, 1. / 256);
    double sink = problem.tensor("attn_sink").get(row % 6);
    if (sink == INFINITY || size > 0)
      continue;
    // All scores are equal up to fp32: weights of a sink, which is far above
    // them, or equal ones.
    double sum = 0;
    for (int64_t token : tokens)
      sum += problem.tensor("kv").get(token * 24 + 1);
    EXPECT_NEAR(problem.out[row * 17 + 1],
                std::isinf(sink) ? sum / static_cast<double>(tokens.size()) : 0,
                1e-6);
  }
}

TEST(Extremes, ScoresThatOverflow) {
  Problem problem(with("overflowing-scores"));
  int lowest = 0, mixed = 0, infinite = 0;
  for (int64_t row = 0; row < kQueries * 6; ++row) {
    int64_t kind = (row / 6 + row % 6) % 3;
    std::vector<int64_t> tokens = problem.tokens(row / 6);
    size_t overflowing = 0;
    for (int64_t token : tokens)
      overflowing += token % 2 == 0;
    if (kind == 2 || overflowing == 0)
      continue;
    if (kind == 1) {
      ++infinite;
      EXPECT_EQ(problem.maxLogits[row], INFINITY);
      EXPECT_TRUE(std::isnan(problem.lse[row]));
      EXPECT_TRUE(std::isnan(problem.out[row * 17]));
    } else if (overflowing == tokens.size()) {
      ++lowest;
      EXPECT_EQ(problem.maxLogits[row], -INFINITY);
      EXPECT_EQ(problem.lse[row], -INFINITY);
      if (problem.tensor("attn_sink").get(row % 6) == -INFINITY)
        EXPECT_TRUE(std::isnan(problem.out[row * 17]));
      else
        EXPECT_EQ(problem.out[row * 17], 0);
    } else {
      ++mixed;
      EXPECT_LT(std::fabs(problem.maxLogits[row]), 1);
      EXPECT_LT(std::fabs(problem.lse[row]), 10);
      EXPECT_TRUE(std::isfinite(problem.out[row * 17]));
    }
  }
  EXPECT_GT(infinite, 0);
  EXPECT_GT(mixed, 0);
  EXPECT_GT(lowest, 0);
}

TEST(Extremes, NoneMeansNone) {
  InputOptions none;
  none.seed = 3;
  Problem problem(none);
  for (const Values *values : {&problem.out, &problem.maxLogits, &problem.lse})
    for (double value : *values)
      EXPECT_FALSE(std::isnan(value));
}

TEST(Extremes, MistakesAreNamed) {
  Sizes sizes = Problem::sizes();
  std::vector<HostArgument> arguments;
  auto fails = [&](const mla::runtime::KernelDescriptor &descriptor,
                   const InputOptions &options, const std::string &error) {
    expectFailure(makeArguments(descriptor, sizes, options, arguments), error);
  };
  fails(sparsePrefillDescriptor(/*optional=*/false), with("nan-sink"),
        "extreme 'nan-sink': the kernel has no argument 'attn_sink'");
  auto other = sparsePrefillDescriptor();
  other.operatorName = "other";
  fails(other, with("nan-q"),
        "extreme 'nan-q': the operator 'other' has no such inputs; it has: "
        "none");
  fails(sparsePrefillDescriptor(), with("huge-lse"),
        "extreme 'huge-lse': the operator 'sparse_prefill' has no such inputs; "
        "it has: nan-q, nan-kv, nan-sink, huge-scores, overflowing-scores");
}

//===----------------------------------------------------------------------===//
// Tolerances
//===----------------------------------------------------------------------===//

/// The largest absolute tolerance of an output.
double largestTolerance(const InputOptions &options, const char *name) {
  Sizes sizes = {{"s_q", 16}, {"s_kv", 300}, {"topk", 100}, {"h_q", 16},
                 {"h_kv", 1}, {"d_qk", 576}, {"d_v", 512}};
  auto arguments = makeSparsePrefill(sizes, options);
  std::vector<ExpectedOutput> expected;
  EXPECT_TRUE(sparsePrefillReference(arguments, expected).ok());
  double largest = 0;
  for (const ExpectedOutput &output : expected)
    if (output.name == name)
      for (size_t i = 0; i < output.values.size(); ++i)
        largest = std::fmax(largest, output.absoluteAt(i));
  return largest;
}

TEST(Tolerances, AreFlashMlasForItsInputs) {
  for (uint64_t seed : {0, 1, 2}) {
    InputOptions options;
    options.seed = seed;
    EXPECT_EQ(largestTolerance(options, "out"), 8e-4);
    EXPECT_EQ(largestTolerance(options, "max_logits"), 1e-6);
    EXPECT_EQ(largestTolerance(options, "lse"), 1e-6);
  }
}

TEST(Tolerances, GrowWithTheInputs) {
  InputOptions options;
  options.magnitude = 1;
  EXPECT_NEAR(largestTolerance(options, "out"), 6e-3, 1e-3);
  EXPECT_NEAR(largestTolerance(options, "max_logits"), 5e-5, 1e-5);
  // Smaller inputs do not have to be more exact.
  options.magnitude = 0.01f;
  EXPECT_EQ(largestTolerance(options, "out"), 8e-4);
}

TEST(Tolerances, OfAHeadDoNotDependOnOthers) {
  InputOptions options = with("huge-scores");
  options.scale = 1;
  Sizes sizes = sparsePrefillSizes();
  auto arguments = makeSparsePrefill(sizes, options);
  std::vector<ExpectedOutput> expected;
  ASSERT_TRUE(sparsePrefillReference(arguments, expected).ok());
  const ExpectedOutput &logits = expected[1];
  int ordinary = 0;
  for (int64_t row = 0; row < 9 * 6; ++row)
    if ((row / 6 + row % 6) % 5 == 4) {
      ++ordinary;
      EXPECT_LT(logits.absoluteAt(row), 1e-4);
    }
  EXPECT_GT(ordinary, 5);
}

//===----------------------------------------------------------------------===//
// Scales
//===----------------------------------------------------------------------===//

TEST(Scale, IsTheOneThatIsCompiledIn) {
  auto arguments = makeSparsePrefill();
  findArgument(arguments, "scale")->number = 0.25;
  std::vector<ExpectedOutput> asArgument, asConstant, none;
  ASSERT_TRUE(sparsePrefillReference(arguments, asArgument).ok());
  arguments.erase(arguments.begin() + 5);
  mla::runtime::KernelDescriptor descriptor = sparsePrefillDescriptor();
  descriptor.constants = {{"scale", 0.25}};
  ASSERT_TRUE(findReference(descriptor)(arguments, asConstant).ok());
  for (size_t i = 0; i < asArgument.size(); ++i)
    EXPECT_EQ(asArgument[i].values, asConstant[i].values);
  expectFailure(sparsePrefillReference(arguments, none),
                "sparse_prefill: expected 'scale' as a scalar argument or a "
                "constant of the kernel, got neither");
}

} // namespace
