//===- CombineTest.cpp - inputs and reference of combine ------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "Sample.h"

#include "mla/Harness/Check.h"
#include "mla/Harness/OperatorHost.h"

#include <climits>
#include <cmath>
#include <set>

using namespace mla::harness;

namespace {

mla::runtime::KernelDescriptor
combineDescriptor(const mla::runtime::OperatorOptions &options = {},
                  mlaDType partials = MLA_F32, mlaDType out = MLA_BF16) {
  mla::runtime::KernelDescriptor d;
  d.kernels.emplace_back().symbol = d.operatorName = "combine";
  d.options = options;
  addTensor(d, "partial_out", partials, {"splits", "rows", "d_v"});
  addTensor(d, "partial_lse", MLA_F32, {"splits", "rows"});
  addTensor(d, "num_splits", MLA_I32, {"rows"});
  d.arguments.back().optional = true;
  addTensor(d, "out", out, {"rows", "d_v"}, MLA_WRITE);
  addTensor(d, "lse", MLA_F32, {"rows"}, MLA_WRITE);
  return d;
}

/// Arguments of combine and their expected outputs.
struct Problem {
  mla::runtime::KernelDescriptor descriptor;
  std::vector<HostArgument> arguments;
  std::vector<ExpectedOutput> expected;

  Problem(int64_t splits, int64_t rows, int64_t columns,
          const InputOptions &inputs = {},
          mla::runtime::KernelDescriptor d = combineDescriptor())
      : descriptor(std::move(d)) {
    Sizes sizes = {{"splits", splits}, {"rows", rows}, {"d_v", columns}};
    Status status = makeArguments(descriptor, sizes, inputs, arguments);
    EXPECT_TRUE(status.ok()) << status.message();
    compute();
  }

  void compute() {
    Status status = findReference(descriptor)(arguments, expected);
    EXPECT_TRUE(status.ok()) << status.message();
    EXPECT_EQ(expected.size(), 2u);
  }

  HostTensor &tensor(const char *name) { return tensorOf(arguments, name); }
  int64_t rows() { return tensor("out").shape[0]; }
  int64_t columns() { return tensor("out").shape[1]; }
  int64_t splits() { return tensor("partial_lse").shape[0]; }
  double partialLse(int64_t split, int64_t row) {
    return tensor("partial_lse").get(split * rows() + row);
  }
  double partialOut(int64_t split, int64_t row, int64_t column) {
    HostTensor &partial = tensor("partial_out");
    return partial.get(
        partial.offsetOf((split * rows() + row) * columns() + column));
  }
  int64_t counted(int64_t row) {
    double count = tensor("num_splits").get(row);
    return static_cast<int64_t>(
        std::fmin(std::fmax(count, 0), static_cast<double>(splits())));
  }
  double out(int64_t row, int64_t column = 0) {
    return expected[0].values[row * columns() + column];
  }
  double lse(int64_t row) { return expected[1].values[row]; }
};

/// One row of three splits, of which two are valid: lse 0 and ln 3, out 4
/// and 8.
Problem tiny(const mla::runtime::OperatorOptions &options = {}) {
  Problem problem(3, 1, 1, {}, combineDescriptor(options));
  problem.tensor("num_splits").set(0, 2);
  const double lse[] = {0, std::log(3.0), NAN}, out[] = {4, 8, NAN};
  for (int split = 0; split < 3; ++split) {
    problem.tensor("partial_lse").set(split, lse[split]);
    problem.tensor("partial_out").set(split, out[split]);
  }
  problem.compute();
  return problem;
}

constexpr double kTight = 1e-6; // ln 3 is rounded to fp32

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
// Inputs
//===----------------------------------------------------------------------===//

TEST(Combine, PoisonIsWhereNothingMayBeRead) {
  Problem problem(16, 64, 3);
  int ordinary = 0, empty = 0, beyond = 0, far = 0, allEmpty = 0;
  for (int64_t row = 0; row < 64; ++row) {
    bool weighs = false;
    for (int64_t split = 0; split < 16; ++split) {
      double lse = problem.partialLse(split, row);
      bool counts = split < problem.counted(row);
      bool isEmpty = lse == -INFINITY;
      EXPECT_EQ(std::isnan(lse), !counts) << row << " " << split;
      for (int64_t c = 0; c < 3; ++c)
        EXPECT_EQ(std::isnan(problem.partialOut(split, row, c)),
                  !counts || isEmpty);
      beyond += !counts;
      empty += counts && isEmpty;
      far += std::fabs(lse) > 9e29 && !std::isinf(lse);
      ordinary += std::fabs(lse) < 9;
      weighs |= counts && !isEmpty;
    }
    allEmpty += !weighs && problem.counted(row) > 0;
    EXPECT_TRUE(std::isfinite(problem.out(row)));
    EXPECT_EQ(std::isinf(problem.lse(row)), !weighs);
  }
  EXPECT_GT(ordinary, 200);
  EXPECT_GT(empty, 20);
  EXPECT_GT(beyond, 200);
  EXPECT_GT(far, 10);
  EXPECT_GT(allEmpty, 1);
}

TEST(Combine, SmallShapesHaveEachCaseToo) {
  Problem problem(2, 8, 1);
  std::set<int64_t> counts;
  for (int64_t row = 0; row < 8; ++row)
    counts.insert(static_cast<int64_t>(problem.tensor("num_splits").get(row)));
  for (int64_t count : {-1, 0, 2, 3, INT_MIN, INT_MAX})
    EXPECT_TRUE(counts.count(count)) << count;
  // The second to last row may have no splits; without num_splits it has all.
  InputOptions inputs;
  inputs.leftOut = {"num_splits"};
  Problem all(8, 8, 1, inputs);
  int far = 0;
  for (int64_t split = 0; split < 8; ++split) {
    EXPECT_EQ(all.partialLse(split, 6), -INFINITY);
    far += all.partialLse(split, 0) == -1e30f;
  }
  EXPECT_EQ(all.lse(6), INFINITY);
  EXPECT_GT(far, 0);
}

TEST(Combine, PlusInfinityMarksEmptySplitsByOption) {
  Problem problem(16, 64, 1, {}, combineDescriptor({{"empty_split", "+inf"}}));
  int plus = 0, minus = 0;
  for (int64_t row = 0; row < 64; ++row)
    for (int64_t split = 0; split < problem.counted(row); ++split) {
      double lse = problem.partialLse(split, row);
      plus += lse == INFINITY;
      minus += lse == -INFINITY;
      EXPECT_EQ(std::isnan(problem.partialOut(split, row, 0)), std::isinf(lse));
    }
  EXPECT_GT(plus, 10);
  EXPECT_GT(minus, 10);
  for (double value : problem.expected[0].values)
    EXPECT_FALSE(std::isnan(value));
}

TEST(Combine, InputsToTimeAreAllValid) {
  InputOptions inputs;
  inputs.poison = false;
  inputs.invalidShare = 0;
  Problem problem(7, 9, 2, inputs);
  for (int64_t row = 0; row < 9; ++row) {
    EXPECT_EQ(problem.tensor("num_splits").get(row), 7);
    for (int64_t split = 0; split < 7; ++split)
      EXPECT_TRUE(std::fabs(problem.partialLse(split, row)) < 9 &&
                  std::fabs(problem.partialOut(split, row, 1)) < 1);
  }
}

//===----------------------------------------------------------------------===//
// Extremes
//===----------------------------------------------------------------------===//

Problem with(const char *extreme,
             const mla::runtime::OperatorOptions &options = {}) {
  InputOptions inputs;
  inputs.extremes = {extreme};
  return Problem(8, 200, 3, inputs, combineDescriptor(options));
}

int countNan(Problem &problem, bool lse) {
  int count = 0;
  for (int64_t row = 0; row < 200; ++row)
    for (int64_t c = 0; c < (lse ? 1 : 3); ++c)
      count += std::isnan(lse ? problem.lse(row) : problem.out(row, c));
  return count;
}

TEST(Combine, ExtremesOfLse) {
  for (const char *name : {"nan-lse", "infinite-lse"}) {
    Problem problem = with(name);
    int rows = countNan(problem, /*lse=*/true);
    EXPECT_GT(rows, 20) << name;
    EXPECT_LT(rows, 100) << name;
    EXPECT_EQ(countNan(problem, /*lse=*/false), 3 * rows) << name;
  }
  Problem empty = with("infinite-lse", {{"empty_split", "+inf"}});
  EXPECT_EQ(countNan(empty, /*lse=*/true), 0);
  EXPECT_EQ(countNan(empty, /*lse=*/false), 0);
  Problem huge = with("huge-lse");
  int low = 0, high = 0, ordinary = 0;
  for (int64_t row = 0; row < 200; ++row) {
    EXPECT_TRUE(std::isfinite(huge.out(row)));
    low += huge.lse(row) < -2e38;
    high += huge.lse(row) > 2e38 && !std::isinf(huge.lse(row));
    ordinary += std::fabs(huge.lse(row)) < 9;
  }
  EXPECT_GT(low, 20);
  EXPECT_GT(high, 20);
  EXPECT_GT(ordinary, 20);
}

TEST(Combine, NanInAPartialIsThatOfItsElement) {
  Problem problem = with("nan-partial");
  EXPECT_EQ(countNan(problem, /*lse=*/true), 0);
  int elements = countNan(problem, /*lse=*/false);
  EXPECT_GT(elements, 20);
  EXPECT_LT(elements, 100);
  InputOptions inputs;
  inputs.extremes = {"nan-partial"};
  inputs.files["partial_out"] = "/none.npy";
  std::vector<HostArgument> arguments;
  Sizes sizes = {{"splits", 1}, {"rows", 1}, {"d_v", 1}};
  EXPECT_FALSE(
      makeArguments(combineDescriptor(), sizes, inputs, arguments).ok());
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
