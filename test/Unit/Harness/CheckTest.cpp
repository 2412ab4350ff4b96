//===- CheckTest.cpp - the rule by which outputs are right ----------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "Sample.h"

#include "mla/Harness/Check.h"

#include <cmath>

using namespace mla::harness;

namespace {

constexpr Tolerance kTolerance = {1e-3, 1e-2, 1e-5};

HostTensor tensorWith(const std::vector<double> &values) {
  HostTensor tensor(MLA_F64, {static_cast<int64_t>(values.size())});
  for (size_t i = 0; i < values.size(); ++i)
    tensor.set(static_cast<int64_t>(i), values[i]);
  return tensor;
}

CheckResult check(const std::vector<double> &got,
                  const std::vector<double> &expected,
                  Tolerance tolerance = kTolerance) {
  return checkOutput(tensorWith(got), {"out", expected, tolerance});
}

TEST(Check, EqualPasses) {
  CheckResult result = check({1, -2, 0}, {1, -2, 0});
  EXPECT_TRUE(result.pass) << result.message;
  EXPECT_EQ(result.maxAbsolute, 0);
  EXPECT_EQ(result.message, "");
}

TEST(Check, AbsoluteOrRelativeIsEnough) {
  // Off by 0.0005 at 0.001: 50 % relative error, absolute error in bounds.
  EXPECT_TRUE(check({0.0015, 1}, {0.001, 1}).pass);
  // Off by 0.5 at 100: absolute error out of bounds, 0.5 % relative error.
  EXPECT_TRUE(check({100.5, 1}, {100, 1}, {1e-3, 1e-2, 0}).pass);
  // Neither.
  CheckResult result = check({1, 1.02}, {1, 1});
  EXPECT_FALSE(result.pass);
  EXPECT_EQ(result.failures, 1);
  EXPECT_EQ(result.worstIndex, std::vector<int64_t>{1});
  EXPECT_EQ(result.expected, 1);
  EXPECT_EQ(result.got, 1.02);
  EXPECT_NEAR(result.maxAbsolute, 0.02, 1e-12);
  EXPECT_EQ(result.message, "1 of 2 elements differ; worst at [1]: expected 1, "
                            "got 1.02");
}

TEST(Check, AbsoluteTolerancesMayDifferWithinAnOutput) {
  ExpectedOutput expected{"out", {0, 0, 0, 0}, {1e-3, 1e-2, 0}, {1e-3, 1}};
  EXPECT_TRUE(checkOutput(tensorWith({0, 0, 0.5, 0.5}), expected).pass);
  CheckResult result = checkOutput(tensorWith({0, 0.5, 0, 0.5}), expected);
  EXPECT_EQ(result.failures, 1);
  EXPECT_EQ(result.worstIndex, std::vector<int64_t>{1});
}

TEST(Check, AgainstZeroOnlyAbsoluteCounts) {
  EXPECT_TRUE(check({5e-4}, {0}, {1e-3, 1e-2, 0}).pass);
  EXPECT_FALSE(check({5e-3}, {0}, {1e-3, 1e-2, 0}).pass);
}

TEST(Check, InfinitiesAndNaNMustMatch) {
  EXPECT_TRUE(
      check({INFINITY, -INFINITY, NAN, 1}, {INFINITY, -INFINITY, NAN, 1}).pass);
  const double values[] = {INFINITY, -INFINITY, NAN, 1};
  for (double got : values)
    for (double expected : values) {
      bool same = got == expected || (std::isnan(got) && std::isnan(expected));
      EXPECT_EQ(check({got, 1}, {expected, 1}).pass, same)
          << got << " for " << expected;
    }
}

TEST(Check, TheWorstElementIsAMismatchOfKind) {
  CheckResult result = check({9, 1, NAN}, {1, 1, 1});
  EXPECT_EQ(result.failures, 2);
  EXPECT_EQ(result.worstIndex, std::vector<int64_t>{2});
}

TEST(Check, CosineCatchesASystematicError) {
  // Every element is within 1 %, but all are off in the same direction.
  std::vector<double> expected(1000, 1.0), got(1000, 1.009);
  CheckResult result = check(got, expected);
  EXPECT_EQ(result.failures, 0);
  EXPECT_FALSE(result.pass);
  EXPECT_NE(result.message.find("cosine"), std::string::npos);
  EXPECT_TRUE(check(got, expected, {1e-3, 1e-2, 0}).pass);
}

TEST(Check, AllZeroHasNoCosine) {
  EXPECT_TRUE(check({0, 0}, {0, 0}).pass);
  EXPECT_TRUE(check({}, {}).pass);
}

TEST(Check, SizesMustMatch) { EXPECT_FALSE(check({1}, {1, 2}).pass); }

TEST(Check, PaddingMustStayAsItWas) {
  HostTensor tensor(MLA_BF16, {2, 3}, 2);
  tensor.fillWithPoison();
  for (int64_t i = 0; i < 6; ++i)
    tensor.set(tensor.offsetOf(i), 1);
  ExpectedOutput expected{"out", std::vector<double>(6, 1.0), kTolerance};
  EXPECT_TRUE(checkOutput(tensor, expected).pass);
  tensor.set(3, 0);
  CheckResult result = checkOutput(tensor, expected);
  EXPECT_FALSE(result.pass);
  EXPECT_EQ(result.paddingWritten, 1);
  EXPECT_EQ(result.message, "1 elements of padding were written");
}

} // namespace
