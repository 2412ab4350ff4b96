//===- CombineInputsTest.cpp - inputs of combine --------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "CombineProblem.h"

#include "mla/Harness/Check.h"

#include <climits>
#include <set>

using namespace mla::harness;
using namespace mla::harness::combine_test;

namespace {

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

} // namespace
