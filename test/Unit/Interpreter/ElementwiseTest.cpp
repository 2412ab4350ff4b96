//===- ElementwiseTest.cpp - elementwise arith and math ---------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "TestSupport.h"

using namespace mla::interp;

namespace {
class ElementwiseTest : public InterpreterTest {
protected:
  /// Evaluates `expression` with operands %a, %b and %c.
  double evaluate(llvm::StringRef expression, ElementType resultType,
                  llvm::ArrayRef<Argument> operands) {
    std::string parameters;
    for (auto [n, operand] : llvm::enumerate(operands))
      parameters += "%" + std::string(1, 'a' + n) + ": " +
                    stringify(operand.elementType).str() + ", ";
    std::string type = stringify(resultType).str();
    Array result(resultType, {}, 0.0);
    std::vector<Argument> arguments(operands.begin(), operands.end());
    arguments.push_back(result);
    EXPECT_TRUE(run(parameters + "%out: memref<" + type + ">",
                    ("%r = " + expression + "\n%t = tensor.splat %r : tensor<" +
                     type + ">\ntile.store %t, %out[] : tensor<" + type +
                     ">, memref<" + type + ">")
                        .str(),
                    arguments))
        << expression.str() << ": " << getError();
    return result.get(0);
  }

  double onFloats(llvm::StringRef op, std::vector<float> values) {
    std::vector<Argument> operands;
    for (float value : values)
      operands.push_back(scalar(value));
    const char *names[] = {"%a", "%a, %b", "%a, %b, %c"};
    return evaluate((op + " " + names[values.size() - 1] + " : f32").str(),
                    ElementType::F32, operands);
  }

  double onInts(llvm::StringRef op, int64_t a, int64_t b,
                ElementType type = ElementType::I32) {
    return evaluate((op + " %a, %b : " + stringify(type)).str(), type,
                    {Argument::integer(type, a), Argument::integer(type, b)});
  }

  double convert(llvm::StringRef op, Argument from, ElementType to) {
    return evaluate(
        (op + " %a : " + stringify(from.elementType) + " to " + stringify(to))
            .str(),
        to, {from});
  }

  bool compare(llvm::StringRef predicate, float a, float b) {
    return evaluate(("arith.cmpf " + predicate + ", %a, %b : f32").str(),
                    ElementType::I1, {scalar(a), scalar(b)}) != 0;
  }

  bool compare(llvm::StringRef predicate, int64_t a, int64_t b) {
    return evaluate(("arith.cmpi " + predicate + ", %a, %b : i32").str(),
                    ElementType::I1,
                    {Argument::integer(ElementType::I32, a),
                     Argument::integer(ElementType::I32, b)}) != 0;
  }
};
} // namespace

TEST_F(ElementwiseTest, FloatArithmetic) {
  EXPECT_EQ(onFloats("arith.addf", {1.5f, 2}), 3.5);
  EXPECT_EQ(onFloats("arith.subf", {1.5f, 2}), -0.5);
  EXPECT_EQ(onFloats("arith.mulf", {1.5f, 2}), 3);
  EXPECT_EQ(onFloats("arith.divf", {1, 0}), kInf);
  EXPECT_EQ(onFloats("arith.negf", {1.5f}), -1.5);
  EXPECT_EQ(onFloats("math.exp2", {-3}), 0.125);
  EXPECT_EQ(onFloats("math.exp2", {-kInf}), 0);
  EXPECT_FLOAT_EQ(onFloats("math.exp", {1}), 2.7182818f);
  EXPECT_FLOAT_EQ(onFloats("math.log", {2}), 0.69314718f);
  EXPECT_EQ(onFloats("math.log", {0}), -kInf);
  EXPECT_EQ(onFloats("math.log2", {8}), 3);
  EXPECT_FLOAT_EQ(onFloats("math.log1p", {1}), 0.69314718f);
  EXPECT_EQ(onFloats("math.sqrt", {9}), 3);
  EXPECT_EQ(onFloats("math.rsqrt", {16}), 0.25);
  EXPECT_FLOAT_EQ(onFloats("math.tanh", {1}), 0.76159416f);
  EXPECT_EQ(onFloats("math.absf", {-2}), 2);
  EXPECT_EQ(onFloats("math.powf", {2, 10}), 1024);
  EXPECT_EQ(onFloats("math.fma", {2, 3, 4}), 10);
}

TEST_F(ElementwiseTest, FusedMultiplyAddRoundsOnce) {
  float x = 1 + 0x1p-12f;
  EXPECT_EQ(onFloats("math.fma", {x, x, -(1 + 0x1p-11f)}), 0x1p-24);
}

TEST_F(ElementwiseTest, MaximaAndNaN) {
  EXPECT_EQ(onFloats("arith.maximumf", {1, 2}), 2);
  EXPECT_EQ(onFloats("arith.minimumf", {1, 2}), 1);
  EXPECT_TRUE(std::isnan(onFloats("arith.maximumf", {kNaN, 2})));
  EXPECT_TRUE(std::isnan(onFloats("arith.minimumf", {1, kNaN})));
  EXPECT_EQ(onFloats("arith.maxnumf", {kNaN, 2}), 2);
  EXPECT_EQ(onFloats("arith.minnumf", {1, kNaN}), 1);
  EXPECT_FALSE(std::signbit(onFloats("arith.maximumf", {-0.0f, 0.0f})));
  EXPECT_TRUE(std::signbit(onFloats("arith.minimumf", {0.0f, -0.0f})));
}

TEST_F(ElementwiseTest, FloatComparisons) {
  EXPECT_TRUE(compare("oeq", 0.0f, -0.0f));
  EXPECT_TRUE(compare("ogt", 2.0f, 1.0f));
  EXPECT_TRUE(compare("oge", 1.0f, 1.0f));
  EXPECT_TRUE(compare("olt", -kInf, 1.0f));
  EXPECT_FALSE(compare("ole", 2.0f, 1.0f));
  EXPECT_TRUE(compare("one", 2.0f, 1.0f));
  EXPECT_FALSE(compare("one", kNaN, 1.0f));
  EXPECT_TRUE(compare("ord", 1.0f, 1.0f));
  for (const char *predicate :
       {"ueq", "ugt", "uge", "ult", "ule", "une", "uno", "true"})
    EXPECT_TRUE(compare(predicate, kNaN, 1.0f)) << predicate;
  for (const char *predicate :
       {"oeq", "ogt", "oge", "olt", "ole", "ord", "false"})
    EXPECT_FALSE(compare(predicate, kNaN, 1.0f)) << predicate;
  EXPECT_FALSE(compare("ugt", 1.0f, 2.0f));
  EXPECT_TRUE(compare("une", 1.0f, 2.0f));
}

TEST_F(ElementwiseTest, IntegerArithmetic) {
  EXPECT_EQ(onInts("arith.addi", INT32_MAX, 1), INT32_MIN);
  EXPECT_EQ(onInts("arith.subi", INT32_MIN, 1), INT32_MAX);
  EXPECT_EQ(onInts("arith.muli", 1 << 20, 1 << 12), 0);
  EXPECT_EQ(onInts("arith.divsi", -7, 2), -3);
  EXPECT_EQ(onInts("arith.remsi", -7, 2), -1);
  EXPECT_EQ(onInts("arith.floordivsi", -7, 2), -4);
  EXPECT_EQ(onInts("arith.ceildivsi", -7, 2), -3);
  EXPECT_EQ(onInts("arith.ceildivsi", 7, 2), 4);
  EXPECT_EQ(onInts("arith.floordivsi", -6, 2), -3);
  EXPECT_EQ(onInts("arith.divui", -2, 2), INT32_MAX);
  EXPECT_EQ(onInts("arith.remui", -1, 16), 15);
  EXPECT_EQ(onInts("arith.ceildivui", 65, 64), 2);
  EXPECT_EQ(onInts("arith.minsi", -1, 1), -1);
  EXPECT_EQ(onInts("arith.maxsi", -1, 1), 1);
  EXPECT_EQ(onInts("arith.minui", -1, 1), 1);
  EXPECT_EQ(onInts("arith.maxui", -1, 1), -1);
}

TEST_F(ElementwiseTest, IntegerBits) {
  EXPECT_EQ(onInts("arith.andi", 12, 10), 8);
  EXPECT_EQ(onInts("arith.ori", 12, 10), 14);
  EXPECT_EQ(onInts("arith.xori", 12, -1), -13);
  EXPECT_EQ(onInts("arith.shli", 1, 31), INT32_MIN);
  EXPECT_EQ(onInts("arith.shrsi", -8, 1), -4);
  EXPECT_EQ(onInts("arith.shrui", -8, 1), 0x7ffffffc);
  EXPECT_EQ(onInts("arith.addi", 127, 1, ElementType::I8), -128);
}

TEST_F(ElementwiseTest, IntegerComparisons) {
  for (const char *predicate : {"ne", "slt", "sle", "ugt", "uge"})
    EXPECT_TRUE(compare(predicate, int64_t(-1), int64_t(1))) << predicate;
  for (const char *predicate : {"eq", "sgt", "sge", "ult", "ule"})
    EXPECT_FALSE(compare(predicate, int64_t(-1), int64_t(1))) << predicate;
}

TEST_F(ElementwiseTest, IntegerConversions) {
  Argument minus1 = Argument::integer(ElementType::I32, -1);
  Argument yes = Argument::integer(ElementType::I1, 1);
  EXPECT_EQ(convert("arith.index_cast", minus1, ElementType::Index), -1);
  EXPECT_EQ(convert("arith.index_castui", minus1, ElementType::Index),
            4294967295.0);
  EXPECT_EQ(convert("arith.extsi", minus1, ElementType::I64), -1);
  EXPECT_EQ(convert("arith.extui", minus1, ElementType::I64), 4294967295.0);
  EXPECT_EQ(convert("arith.extui", yes, ElementType::I32), 1);
  EXPECT_EQ(convert("arith.extsi", yes, ElementType::I32), -1);
  Argument wide = Argument::integer(ElementType::I32, 0x12380);
  EXPECT_EQ(convert("arith.trunci", wide, ElementType::I8), -128);
}

TEST_F(ElementwiseTest, FloatConversions) {
  Argument minus3 = Argument::integer(ElementType::I32, -3);
  EXPECT_EQ(convert("arith.sitofp", minus3, ElementType::F32), -3);
  EXPECT_EQ(convert("arith.uitofp", minus3, ElementType::F32), 4294967296.0);
  EXPECT_EQ(convert("arith.fptosi", scalar(-2.75f), ElementType::I32), -2);
  EXPECT_EQ(convert("arith.fptoui", scalar(2.75f), ElementType::I32), 2);
  EXPECT_EQ(convert("arith.bitcast", scalar(1), ElementType::I32), 0x3f800000);
  Argument half = Argument::floating(ElementType::BF16, 0.5f);
  EXPECT_EQ(convert("arith.bitcast", half, ElementType::I16), 0x3f00);
  EXPECT_EQ(convert("arith.extf", half, ElementType::F32), 0.5);
  Argument e4m3 = Argument::floating(ElementType::F8E4M3FN, -0x1.cp-6f);
  EXPECT_EQ(convert("arith.extf", e4m3, ElementType::F32), -0x1.cp-6);
  EXPECT_EQ(convert("arith.extf", e4m3, ElementType::BF16), -0x1.cp-6);
}

TEST_F(ElementwiseTest, RoundsToNearestEven) {
  // bf16 has 8 significant bits: ties between 1 and 1 + 2^-7 go to even.
  auto bf16 = [&](float x) {
    return convert("arith.truncf", scalar(x), ElementType::BF16);
  };
  EXPECT_EQ(bf16(1 + 0x1p-8f), 1);
  EXPECT_EQ(bf16(1 + 0x1p-8f + 0x1p-20f), 1 + 0x1p-7);
  EXPECT_EQ(bf16(1 + 3 * 0x1p-8f), 1 + 0x1p-6);
  EXPECT_EQ(bf16(3.4e38f), kInf);
  EXPECT_TRUE(std::isnan(bf16(kNaN)));
  EXPECT_EQ(convert("arith.truncf", scalar(65504), ElementType::F16), 65504);
  EXPECT_EQ(convert("arith.truncf", scalar(65520), ElementType::F16), kInf);
  // The smallest f16 is 2^-24; half of it is a tie, which rounds to the even 0.
  EXPECT_EQ(convert("arith.truncf", scalar(0x1p-25f), ElementType::F16), 0);
  EXPECT_EQ(convert("arith.truncf", scalar(0x1.8p-25f), ElementType::F16),
            0x1p-24);
  EXPECT_EQ(convert("arith.truncf", scalar(-7e4f), ElementType::F16), -kInf);
  EXPECT_TRUE(
      std::isnan(convert("arith.truncf", scalar(kNaN), ElementType::F16)));
  EXPECT_EQ(convert("arith.truncf", scalar(1.0625f), ElementType::F8E4M3FN), 1);
  EXPECT_EQ(convert("arith.truncf", scalar(448), ElementType::F8E4M3FN), 448);
}

TEST_F(ElementwiseTest, ArithmeticInBF16RoundsEachResult) {
  Argument one = Argument::floating(ElementType::BF16, 1);
  Argument small = Argument::floating(ElementType::BF16, 0x1p-9f);
  EXPECT_EQ(
      evaluate("arith.addf %a, %b : bf16", ElementType::BF16, {one, small}), 1);
}

TEST_F(ElementwiseTest, SelectOnScalars) {
  for (int condition : {0, 1})
    EXPECT_EQ(evaluate("arith.select %a, %b, %c : f32", ElementType::F32,
                       {Argument::integer(ElementType::I1, condition),
                        scalar(1), scalar(2)}),
              condition ? 1 : 2);
}

TEST_F(ElementwiseTest, TilesAreElementwise) {
  Array x = f32({2, 2}, {1, -2, 3, kNaN}), y = out({2, 2});
  ASSERT_TRUE(run("%x: memref<2x2xf32>, %y: memref<2x2xf32>", R"(
    %t = tile.load %x[%c0, %c0] : memref<2x2xf32> -> tensor<2x2xf32>
    %zero = arith.constant dense<0.0> : tensor<2x2xf32>
    %ramp = arith.constant dense<[[10.0, 20.0], [30.0, 40.0]]> : tensor<2x2xf32>
    %m = arith.cmpf ogt, %t, %zero : tensor<2x2xf32>
    %s = arith.addf %t, %ramp : tensor<2x2xf32>
    %r = arith.select %m, %s, %zero : tensor<2x2xi1>, tensor<2x2xf32>
    tile.store %r, %y[%c0, %c0] : tensor<2x2xf32>, memref<2x2xf32>)",
                  {x, y}))
      << getError();
  EXPECT_EQ(y.values(), (Doubles{11, 0, 33, 0}));
}

TEST_F(ElementwiseTest, SelectOfTilesByScalar) {
  Array y = out({2});
  ASSERT_TRUE(run("%c: i1, %y: memref<2xf32>", R"(
    %a = arith.constant dense<1.0> : tensor<2xf32>
    %b = arith.constant dense<2.0> : tensor<2xf32>
    %r = arith.select %c, %a, %b : tensor<2xf32>
    tile.store %r, %y[%c0] : tensor<2xf32>, memref<2xf32>)",
                  {Argument::integer(ElementType::I1, 0), y}))
      << getError();
  EXPECT_EQ(y.values(), (Doubles{2, 2}));
}
