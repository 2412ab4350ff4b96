//===- ExpressionTest.cpp - integers that a launch evaluates --------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "Sample.h"

using namespace mla::runtime;

namespace {

const std::vector<std::string> kNames = {"a", "b", "out.0"};
/// The values of kNames, and the number of SMs.
const int64_t kSizes[] = {10, 4, 0};
constexpr int64_t kSms = 78;

int64_t valueOf(const std::string &text) {
  Expression expression;
  Status status = Expression::parse(text, kNames, expression);
  EXPECT_TRUE(status.ok()) << status.message();
  int64_t value = -1;
  status = expression.evaluate(kSizes, kSms, value);
  EXPECT_TRUE(status.ok()) << status.message();
  return value;
}

TEST(Expression, HasTheValueOfItsText) {
  EXPECT_EQ(valueOf("7"), 7);
  EXPECT_EQ(valueOf("a"), 10);
  EXPECT_EQ(valueOf("sms"), 78);
  EXPECT_EQ(valueOf("out.0"), 0);
  EXPECT_EQ(valueOf("a + b * 3"), 22);
  EXPECT_EQ(valueOf(" ( a+b )*3 "), 42);
  EXPECT_EQ(valueOf("min(a, b) + max(a, b) * 100"), 1004);
  EXPECT_EQ(valueOf("floordiv(a, b)"), 2);
  EXPECT_EQ(valueOf("ceildiv(a, b)"), 3);
  EXPECT_EQ(valueOf("ceildiv(8, b)"), 2);
  EXPECT_EQ(valueOf("ceildiv(0, b)"), 0);
  EXPECT_EQ(valueOf("ceildiv(9223372036854775807, 2)"), int64_t(1) << 62);
  EXPECT_EQ(valueOf("min(a * ceildiv(b, 3), sms)"), 20);
}

TEST(Expression, KnowsWhatItIsOf) {
  Expression expression;
  ASSERT_TRUE(Expression::parse("a * 2 + out.0", kNames, expression).ok());
  EXPECT_EQ(expression.sizes(), (std::vector<int>{0, 2}));
  EXPECT_FALSE(expression.usesSms());
  EXPECT_FALSE(expression.isConstant());
  ASSERT_TRUE(Expression::parse("min(2, sms)", kNames, expression).ok());
  EXPECT_TRUE(expression.usesSms());
  EXPECT_TRUE(Expression(3).isConstant());
  EXPECT_EQ(Expression().text(), "1");
}

TEST(Expression, MalformedTextIsRefused) {
  auto expectRefused = [](const std::string &text, const std::string &error) {
    Expression expression;
    expectFailure(Expression::parse(text, kNames, expression),
                  MLA_INVALID_PACKAGE,
                  "expression '" + text + "': expected " + error);
  };
  expectRefused("", "a constant, a name or '(', got the end");
  expectRefused("a +", "a constant, a name or '(', got the end");
  expectRefused("a b", "an operator, got 'b'");
  expectRefused("a - b", "an operator, got '- b'");
  expectRefused("(a", "')', got the end");
  expectRefused("min(a)", "',', got ')'");
  expectRefused("min a", "'(', got 'a'");
  expectRefused("-1", "a constant, a name or '(', got '-1'");
  expectRefused("c", "the name of a size of an argument, got 'c'");
  expectRefused("9223372036854775808", "a constant below 2^63");
  expectRefused("floordiv(a, 0)", "a divisor above 0, got '0)'");
  std::string deep(1000, '(');
  Expression expression;
  expectFailure(Expression::parse(deep, kNames, expression),
                MLA_INVALID_PACKAGE, "expected at most 64 levels of brackets");
  std::string wide = "a";
  for (int i = 0; i < 40; ++i)
    wide += " + a";
  expectFailure(Expression::parse(wide, kNames, expression),
                MLA_INVALID_PACKAGE,
                "expected at most 64 constants, names and operators");
}

TEST(Expression, FaultsOfValuesAreNamed) {
  auto expectFault = [](const std::string &text, const std::string &error) {
    Expression expression;
    ASSERT_TRUE(Expression::parse(text, kNames, expression).ok());
    int64_t value = 0;
    expectFailure(expression.evaluate(kSizes, kSms, value),
                  MLA_INVALID_ARGUMENT,
                  "expression '" + text + "': expected " + error);
  };
  expectFault("ceildiv(a, out.0)", "a divisor above 0, got 0");
  expectFault("floordiv(a, out.0 * b)", "a divisor above 0, got 0");
  expectFault("9223372036854775807 + a", "values below 2^63, got more");
  expectFault("a * 922337203685477581", "values below 2^63, got more");
}

TEST(Expression, NamesThatItCanSpell) {
  EXPECT_TRUE(isExpressionName("s_q"));
  EXPECT_TRUE(isExpressionName("out.0"));
  for (const char *name : {"", "2x", "a b", "sms", "min", "ceildiv", "a-b"})
    EXPECT_FALSE(isExpressionName(name)) << name;
}

} // namespace
