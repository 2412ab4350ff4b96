//===- CombineTest.cpp - the reference of combine -------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "CombineProblem.h"

#include "mla/Harness/Check.h"

#include <climits>
#include <set>

using namespace mla::harness;
using namespace mla::harness::combine_test;

namespace {

TEST(Combine, ByHand) {
  Problem problem = tiny();
  EXPECT_EQ(problem.expected[0].name, "out");
  EXPECT_EQ(problem.expected[1].name, "lse");
  EXPECT_NEAR(problem.out(0), 7, kTight);
  EXPECT_NEAR(problem.lse(0), std::log(4.0), kTight);
}

TEST(Combine, NumSplitsIsClamped) {
  Problem problem = tiny();
  HostTensor &count = problem.tensor("num_splits");
  for (int split : {0, -1, INT_MIN}) {
    count.set(0, split);
    problem.compute();
    EXPECT_EQ(problem.out(0), 0);
    EXPECT_EQ(problem.lse(0), INFINITY);
  }
  problem.tensor("partial_lse").set(2, std::log(4.0));
  problem.tensor("partial_out").set(2, 1);
  for (int split : {3, 4, INT_MAX}) {
    count.set(0, split);
    problem.compute();
    EXPECT_NEAR(problem.out(0), 4, kTight);
    EXPECT_NEAR(problem.lse(0), std::log(8.0), kTight);
  }
  // Without num_splits all splits are valid.
  findArgument(problem.arguments, "num_splits")->leftOut = true;
  problem.compute();
  EXPECT_NEAR(problem.out(0), 4, kTight);
}

TEST(Combine, Options) {
  // To base 2, an lse of ln 3 is one of 2^(ln 3).
  double third = std::exp2(std::log(3.0));
  Problem base2 = tiny({{"lse_base", "2"}});
  EXPECT_NEAR(base2.out(0), (4 + 8 * third) / (1 + third), kTight);
  EXPECT_NEAR(base2.lse(0), std::log2(1 + third), kTight);
  Problem empty = tiny({{"empty_lse", "-inf"}});
  EXPECT_NEAR(empty.lse(0), std::log(4.0), kTight);
  empty.tensor("num_splits").set(0, 0);
  empty.compute();
  EXPECT_EQ(empty.lse(0), -INFINITY);
  EXPECT_EQ(empty.out(0), 0);
  std::vector<ExpectedOutput> expected;
  expectFailure(findReference(combineDescriptor({{"empty_split", "0"}}))(
                    empty.arguments, expected),
                "combine: option 'empty_split': expected one of -inf, +inf, "
                "got '0'");
}

TEST(Combine, EmptySplitsWeighNothing) {
  for (const char *option : {"-inf", "+inf"}) {
    Problem problem = tiny({{"empty_split", option}});
    HostTensor &lse = problem.tensor("partial_lse");
    bool plusIsEmpty = std::string(option) == "+inf";
    for (double value : {-double(INFINITY), double(INFINITY)}) {
      lse.set(0, value);
      problem.tensor("partial_out").set(0, NAN);
      problem.compute();
      if (value < 0 || plusIsEmpty) {
        EXPECT_EQ(problem.out(0), 8);
        EXPECT_NEAR(problem.lse(0), std::log(3.0), kTight);
      } else {
        EXPECT_TRUE(std::isnan(problem.out(0)));
        EXPECT_TRUE(std::isnan(problem.lse(0)));
      }
    }
    // All of them.
    lse.set(0, -INFINITY);
    lse.set(1, plusIsEmpty ? INFINITY : -INFINITY);
    problem.compute();
    EXPECT_EQ(problem.out(0), 0);
    EXPECT_EQ(problem.lse(0), INFINITY);
  }
}

TEST(Combine, AnyFiniteLseCounts) {
  Problem problem = tiny();
  HostTensor &lse = problem.tensor("partial_lse");
  auto expect = [&](double first, double second, double out, double sum) {
    lse.set(0, first);
    lse.set(1, second);
    problem.compute();
    EXPECT_EQ(problem.out(0), out) << first << " " << second;
    EXPECT_NEAR(problem.lse(0), sum, kTight * std::fabs(sum))
        << first << " " << second;
  };
  expect(1e30, -1e30, 4, 1e30);
  expect(-1e30, 1e30, 8, 1e30);
  expect(-3e38, -3e38, 6, -3e38);
  expect(3e38, 3e38, 6, 3e38);
  expect(-3e38, 3e38, 8, 3e38);
  expect(-1e30, 0, 8, 0);
}

TEST(Combine, NanStaysInItsRowOrElement) {
  Problem problem(4, 3, 2, [] {
    InputOptions inputs;
    inputs.poison = false;
    inputs.invalidShare = 0;
    return inputs;
  }());
  problem.tensor("partial_lse").set(1 * 3 + 0, NAN);           // split 1, row 0
  problem.tensor("partial_out").set((2 * 3 + 1) * 2 + 1, NAN); // column 1
  problem.compute();
  EXPECT_TRUE(std::isnan(problem.lse(0)));
  EXPECT_TRUE(std::isnan(problem.out(0, 0)) && std::isnan(problem.out(0, 1)));
  EXPECT_FALSE(std::isnan(problem.lse(1)));
  EXPECT_FALSE(std::isnan(problem.out(1, 0)));
  EXPECT_TRUE(std::isnan(problem.out(1, 1)));
  EXPECT_FALSE(std::isnan(problem.lse(2) + problem.out(2, 0)));
}

TEST(Combine, AnyOrderOfStorage) {
  Problem problem(4, 5, 6);
  std::vector<ExpectedOutput> expected = problem.expected;
  // Rows outermost, as a decode kernel may write them.
  auto transpose = [](HostTensor &tensor, std::vector<int64_t> strides) {
    HostTensor from = tensor;
    tensor.strides = std::move(strides);
    for (int64_t i = 0; i < from.elements(); ++i)
      tensor.set(tensor.offsetOf(i), from.get(from.offsetOf(i)));
  };
  transpose(problem.tensor("partial_out"), {6, 4 * 6, 1});
  transpose(problem.tensor("partial_lse"), {1, 4});
  problem.compute();
  for (int output = 0; output < 2; ++output)
    EXPECT_EQ(problem.expected[output].values, expected[output].values);
}

TEST(Combine, EmptyShapes) {
  for (int64_t zero = 0; zero < 3; ++zero) {
    Problem problem(zero == 0 ? 0 : 2, zero == 1 ? 0 : 5, zero == 2 ? 0 : 3);
    for (double value : problem.expected[0].values)
      EXPECT_EQ(value, 0);
    if (zero == 0)
      for (double value : problem.expected[1].values)
        EXPECT_EQ(value, INFINITY);
  }
}

//===----------------------------------------------------------------------===//
// Tolerances, counts, errors
//===----------------------------------------------------------------------===//

/// Computes as a kernel does: in fp32, with one rounding at the end.
void computeInFloat(Problem &problem) {
  HostTensor &out = problem.tensor("out"), &lse = problem.tensor("lse");
  for (int64_t row = 0; row < problem.rows(); ++row) {
    std::vector<int64_t> weighing;
    float max = -INFINITY, sum = 0;
    for (int64_t split = 0; split < problem.counted(row); ++split)
      if (problem.partialLse(split, row) != -INFINITY) {
        weighing.push_back(split);
        max =
            std::fmax(max, static_cast<float>(problem.partialLse(split, row)));
      }
    for (int64_t split : weighing)
      sum += std::exp(static_cast<float>(problem.partialLse(split, row)) - max);
    lse.set(row, weighing.empty() ? INFINITY : max + std::log(sum));
    for (int64_t c = 0; c < problem.columns(); ++c) {
      float total = 0;
      for (int64_t split : weighing)
        total +=
            std::exp(static_cast<float>(problem.partialLse(split, row)) - max) *
            static_cast<float>(problem.partialOut(split, row, c));
      out.set(row * problem.columns() + c, weighing.empty() ? 0 : total / sum);
    }
  }
}

TEST(Combine, OneRoundingPasses) {
  for (mlaDType dtype : {MLA_BF16, MLA_F16})
    for (mlaDType partials : {MLA_F32, MLA_BF16, MLA_F16}) {
      Problem problem(256, 40, 8, {}, combineDescriptor({}, partials, dtype));
      computeInFloat(problem);
      for (const ExpectedOutput &output : problem.expected) {
        CheckResult result =
            checkOutput(problem.tensor(output.name.c_str()), output);
        EXPECT_TRUE(result.pass) << result.message;
      }
    }
}

TEST(Combine, TwoRoundingsFail) {
  Problem problem(16, 8, 64);
  computeInFloat(problem);
  HostTensor &out = problem.tensor("out");
  // The adjacent bf16, in row 0, whose values are finite.
  out.data<uint16_t>()[5] += 1;
  CheckResult result = checkOutput(out, problem.expected[0]);
  EXPECT_FALSE(result.pass);
  EXPECT_EQ(result.failures, 1);
  EXPECT_EQ(result.worstIndex, (std::vector<int64_t>{0, 5}));
}

TEST(Combine, OutputsThatOverflowAreInfinite) {
  Problem problem = tiny();
  problem.descriptor = combineDescriptor({}, MLA_F32, MLA_F16);
  problem.tensor("out") = HostTensor(MLA_F16, {1, 1});
  problem.tensor("partial_out").set(1, 1e6);
  problem.compute();
  EXPECT_EQ(problem.out(0), INFINITY);
}

TEST(Combine, OperationsAndBytes) {
  Problem problem(4, 5, 6);
  EXPECT_EQ(countFlops(problem.descriptor, problem.arguments), 2 * 4 * 5 * 6);
  for (int64_t row = 0; row < 5; ++row)
    problem.tensor("num_splits").set(row, static_cast<double>(row) * 2 - 1);
  // -1, 1, 3, 5 and 7 of 4 are 12 splits of 6 x 4 + 4 bytes; then num_splits,
  // out and lse.
  EXPECT_EQ(countBytes(problem.descriptor, problem.arguments),
            12 * 28 + 5 * 4 + 5 * 6 * 2 + 5 * 4);
  problem.arguments.erase(problem.arguments.begin());
  EXPECT_EQ(countFlops(problem.descriptor, problem.arguments), 0);
  EXPECT_EQ(countBytes(problem.descriptor, problem.arguments), 0);
}

TEST(Combine, MistakesAreNamed) {
  auto fails = [](int argument, mlaDType dtype, std::vector<int64_t> shape,
                  const std::string &error) {
    Problem problem(2, 3, 4);
    problem.arguments[argument].tensor = HostTensor(dtype, std::move(shape));
    expectFailure(
        findReference(problem.descriptor)(problem.arguments, problem.expected),
        error);
  };
  fails(0, MLA_F32, {2, 3}, "combine: 'partial_out': expected rank 3, got 2");
  fails(0, MLA_I32, {2, 3, 4},
        "combine: expected floating-point partial_out and out");
  fails(
      1, MLA_F32, {3, 3},
      "combine: expected partial_lse of f32 [splits, rows], with the sizes of "
      "partial_out");
  fails(1, MLA_BF16, {2, 3}, "expected partial_lse of f32");
  fails(2, MLA_I32, {4}, "combine: expected num_splits of i32 [rows]");
  fails(3, MLA_BF16, {3, 5},
        "combine: expected out of [rows, d_v], with the sizes of partial_out");
}

} // namespace
