//===- TileOpsTest.cpp - tile ops without memory access ---------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "TestSupport.h"

using namespace mla::interp;

namespace {
class TileOpsTest : public InterpreterTest {
protected:
  /// The tile %r of type `type` that `body` computes. `body` may use the
  /// constants %a [2, 3] = 1..6 and %v [3] = 1..3.
  Doubles compute(llvm::StringRef body, llvm::StringRef type,
                  std::vector<int64_t> shape,
                  ElementType element = ElementType::F32) {
    Array y(element, shape, -77);
    std::string zeros = "%c0";
    for (size_t d = 1; d < shape.size(); ++d)
      zeros += ", %c0";
    EXPECT_TRUE(
        run(("%y: memref<" + type + ">").str(),
            ("%a = arith.constant dense<[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]> : "
             "tensor<2x3xf32>\n"
             "%v = arith.constant dense<[1.0, 2.0, 3.0]> : tensor<3xf32>\n" +
             body + "\ntile.store %r, %y[" + zeros + "] : tensor<" + type +
             ">, memref<" + type + ">")
                .str(),
            {y}))
        << getError();
    return y.values();
  }
};
} // namespace

TEST_F(TileOpsTest, Splat) {
  EXPECT_EQ(compute("%s = arith.constant 2.5 : f32\n"
                    "%r = tensor.splat %s : tensor<2x2xf32>",
                    "2x2xf32", {2, 2}),
            Doubles(4, 2.5));
}

TEST_F(TileOpsTest, Iota) {
  EXPECT_EQ(
      compute("%r = tile.iota : tensor<4xi32>", "4xi32", {4}, ElementType::I32),
      (Doubles{0, 1, 2, 3}));
}

TEST_F(TileOpsTest, View) {
  EXPECT_EQ(compute("%r = tile.view %a [1, 1] : tensor<2x3xf32> -> "
                    "tensor<1x2xf32>",
                    "1x2xf32", {1, 2}),
            (Doubles{5, 6}));
  EXPECT_EQ(compute("%r = tile.view %a [0, 0] : tensor<2x3xf32> -> "
                    "tensor<2x2xf32>",
                    "2x2xf32", {2, 2}),
            (Doubles{1, 2, 4, 5}));
}

TEST_F(TileOpsTest, Concat) {
  EXPECT_EQ(compute("%r = tile.concat %a, %a dim 0 : tensor<2x3xf32>, "
                    "tensor<2x3xf32> -> tensor<4x3xf32>",
                    "4x3xf32", {4, 3}),
            (Doubles{1, 2, 3, 4, 5, 6, 1, 2, 3, 4, 5, 6}));
  EXPECT_EQ(compute("%w = tile.view %a [0, 1] : tensor<2x3xf32> -> "
                    "tensor<2x1xf32>\n%r = tile.concat %a, %w dim 1 : "
                    "tensor<2x3xf32>, tensor<2x1xf32> -> tensor<2x4xf32>",
                    "2x4xf32", {2, 4}),
            (Doubles{1, 2, 3, 2, 4, 5, 6, 5}));
}

TEST_F(TileOpsTest, Transpose) {
  EXPECT_EQ(compute("%r = tile.transpose %a : tensor<2x3xf32> -> "
                    "tensor<3x2xf32>",
                    "3x2xf32", {3, 2}),
            (Doubles{1, 4, 2, 5, 3, 6}));
}

TEST_F(TileOpsTest, Broadcast) {
  EXPECT_EQ(compute("%r = tile.broadcast %v dim 1 : tensor<3xf32> -> "
                    "tensor<3x2xf32>",
                    "3x2xf32", {3, 2}),
            (Doubles{1, 1, 2, 2, 3, 3}));
  EXPECT_EQ(compute("%r = tile.broadcast %v dim 0 : tensor<3xf32> -> "
                    "tensor<2x3xf32>",
                    "2x3xf32", {2, 3}),
            (Doubles{1, 2, 3, 1, 2, 3}));
}

TEST_F(TileOpsTest, Fold) {
  EXPECT_EQ(compute("%r = tile.fold %a : tensor<2x3xf32> -> tensor<2x1xf32>",
                    "2x1xf32", {2, 1}),
            (Doubles{6, 15}));
  EXPECT_EQ(compute("%t = tile.concat %a, %a dim 1 : tensor<2x3xf32>, "
                    "tensor<2x3xf32> -> tensor<2x6xf32>\n"
                    "%r = tile.fold %t : tensor<2x6xf32> -> tensor<2x3xf32>",
                    "2x3xf32", {2, 3}),
            (Doubles{2, 4, 6, 8, 10, 12}));
}

TEST_F(TileOpsTest, Reduce) {
  EXPECT_EQ(compute("%r = tile.reduce max %a dim 1 : tensor<2x3xf32> -> "
                    "tensor<2xf32>",
                    "2xf32", {2}),
            (Doubles{3, 6}));
  EXPECT_EQ(compute("%r = tile.reduce sum %a dim 0 : tensor<2x3xf32> -> "
                    "tensor<3xf32>",
                    "3xf32", {3}),
            (Doubles{5, 7, 9}));
}

TEST_F(TileOpsTest, ReduceIntegers) {
  llvm::StringRef values =
      "%i = arith.constant dense<[[-5, -2], [2147483647, 1]]> : "
      "tensor<2x2xi32>\n";
  EXPECT_EQ(compute((values + "%r = tile.reduce max %i dim 1 : tensor<2x2xi32> "
                              "-> tensor<2xi32>")
                        .str(),
                    "2xi32", {2}, ElementType::I32),
            (Doubles{-2, INT32_MAX}));
  EXPECT_EQ(compute((values + "%r = tile.reduce sum %i dim 1 : tensor<2x2xi32> "
                              "-> tensor<2xi32>")
                        .str(),
                    "2xi32", {2}, ElementType::I32),
            (Doubles{-7, INT32_MIN}));
}

TEST_F(TileOpsTest, ReduceOfMinusInfinityAndNaN) {
  Doubles result = compute(
      "%i = arith.constant dense<[[0xFF800000, 0xFF800000], "
      "[0x7FC00000, 1.0]]> : tensor<2x2xf32>\n"
      "%r = tile.reduce max %i dim 1 : tensor<2x2xf32> -> tensor<2xf32>",
      "2xf32", {2});
  EXPECT_EQ(result[0], -kInf);
  EXPECT_TRUE(std::isnan(result[1]));
}

/// [1 2 3; 4 5 6] [1 2; 3 4; 5 6], with each operand transposed or not.
TEST_F(TileOpsTest, DotTransposes) {
  llvm::StringRef operands = R"(
    %at = arith.constant dense<[[1.0, 4.0], [2.0, 5.0], [3.0, 6.0]]> : tensor<3x2xf32>
    %b = arith.constant dense<[[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]> : tensor<3x2xf32>
    %bt = arith.constant dense<[[1.0, 3.0, 5.0], [2.0, 4.0, 6.0]]> : tensor<2x3xf32>
)";
  Doubles product{22, 28, 49, 64};
  for (llvm::StringRef op :
       {"%a, %b : tensor<2x3xf32>, tensor<3x2xf32>",
        "%a, %bt transpose_b : tensor<2x3xf32>, tensor<2x3xf32>",
        "%at, %b transpose_a : tensor<3x2xf32>, tensor<3x2xf32>",
        "%at, %bt transpose_a transpose_b : tensor<3x2xf32>, tensor<2x3xf32>"})
    EXPECT_EQ(
        compute(
            (operands + "%r = tile.dot " + op + " -> tensor<2x2xf32>").str(),
            "2x2xf32", {2, 2}),
        product)
        << op.str();
}

TEST_F(TileOpsTest, DotAccumulatesAndKeepsAcc) {
  llvm::StringRef body = R"(
    %b = arith.constant dense<1.0> : tensor<3x1xf32>
    %acc = arith.constant dense<[[100.0], [200.0]]> : tensor<2x1xf32>
    %d = tile.dot %a, %b acc %acc : tensor<2x1xf32> {tile.label = "pv"} : tensor<2x3xf32>, tensor<3x1xf32> -> tensor<2x1xf32>
    %r = arith.addf %d, %acc : tensor<2x1xf32>)";
  EXPECT_EQ(compute(body, "2x1xf32", {2, 1}), (Doubles{206, 415}));
}

TEST_F(TileOpsTest, DotSumsInOrderInFloat) {
  // 2^24 + 1 rounds to 2^24 in fp32: in ascending order the ones are lost, and
  // adding -2^24 gives 0. NaN * 0 and inf * 0 are not skipped.
  llvm::StringRef body = R"(
    %x = arith.constant dense<[[16777216.0, 1.0, 1.0, -16777216.0, 1.0], [0.0, 0.0, 0.0, 0.0, 0.0]]> : tensor<2x5xf32>
    %one = arith.constant dense<[[1.0, 1.0], [1.0, 1.0], [1.0, 1.0], [1.0, 1.0], [1.0, 0x7F800000]]> : tensor<5x2xf32>
    %r = tile.dot %x, %one : tensor<2x5xf32>, tensor<5x2xf32> -> tensor<2x2xf32>)";
  Doubles result = compute(body, "2x2xf32", {2, 2});
  EXPECT_EQ(result[0], 1);
  EXPECT_EQ(result[1], kInf);
  EXPECT_EQ(result[2], 0);
  EXPECT_TRUE(std::isnan(result[3]));
}

TEST_F(TileOpsTest, DotOfOddSizesOverBlocks) {
  // n = 131 and k = 67 exceed a block and are not multiples of it.
  Array a(ElementType::BF16, {3, 67}, 0.0),
      b(ElementType::BF16, {131, 67}, 0.0);
  for (int n = 0; n < 3 * 67; ++n)
    a.set(n, n % 7 - 3);
  for (int n = 0; n < 131 * 67; ++n)
    b.set(n, n % 11 - 5);
  Array y = out({3, 131});
  ASSERT_TRUE(run("%a: memref<3x67xbf16>, %b: memref<131x67xbf16>, "
                  "%y: memref<3x131xf32>",
                  R"(
    %ta = tile.load %a[%c0, %c0] : memref<3x67xbf16> -> tensor<3x67xbf16>
    %tb = tile.load %b[%c0, %c0] : memref<131x67xbf16> -> tensor<131x67xbf16>
    %r = tile.dot %ta, %tb transpose_b : tensor<3x67xbf16>, tensor<131x67xbf16> -> tensor<3x131xf32>
    tile.store %r, %y[%c0, %c0] : tensor<3x131xf32>, memref<3x131xf32>)",
                  {a, b, y}))
      << getError();
  for (int i = 0; i < 3; ++i)
    for (int j = 0; j < 131; ++j) {
      double sum = 0;
      for (int k = 0; k < 67; ++k)
        sum += a.get(i * 67 + k) * b.get(j * 67 + k);
      ASSERT_EQ(y.get(i * 131 + j), sum) << i << ", " << j;
    }
}

TEST_F(TileOpsTest, LazyOnlineSoftmax) {
  // Threshold 2, scale 0.5: 4 in units of scores. Rows: above the maximum by
  // less than 4, by exactly 4, by more; first tile all -inf; first tile partly
  // -inf; NaN.
  llvm::StringRef body = R"(
    %s = arith.constant dense<[[1.0, 3.0], [5.0, 1.0], [1.0, 7.0], [0xFF800000, 0xFF800000], [0xFF800000, -3.0], [0x7FC00000, 1.0]]> : tensor<6x2xf32>
    %m = arith.constant dense<[1.0, 1.0, 1.0, -3.40282347e38, -3.40282347e38, 1.0]> : tensor<6xf32>
    %l = arith.constant dense<[4.0, 4.0, 4.0, 0.0, 0.0, 4.0]> : tensor<6xf32>
    %half = arith.constant 0.5 : f32
    %w, %nm, %nl, %c = tile.online_softmax %s, %m, %l scale %half lazy 2.0 : tensor<6x2xf32>, tensor<6xf32>
    %z = arith.constant dense<0.0> : tensor<6xf32>
)";
  auto result = [&](llvm::StringRef value) {
    Doubles all = compute(
        (body + "%r = arith.addf " + value + ", %z : tensor<6xf32>").str(),
        "6xf32", {6});
    EXPECT_TRUE(std::isnan(all.back())) << value.str();
    all.pop_back();
    return all;
  };
  double lowest = std::numeric_limits<float>::lowest();
  EXPECT_EQ(result("%nm"), (Doubles{1, 1, 7, lowest, -3}));
  EXPECT_EQ(result("%nl"), (Doubles{7, 9, 1.625, 0, 1}));
  EXPECT_EQ(result("%c"), (Doubles{1, 1, 0.125, 1, 0}));
}

TEST_F(TileOpsTest, OnlineSoftmax) {
  // Rows: ordinary; all -inf after a finite maximum; first tile all -inf; first
  // tile partly -inf; scores of large magnitude; scores that overflow when
  // scaled by 2.
  llvm::StringRef body = R"(
    %s = arith.constant dense<[[0.5, 1.0], [0xFF800000, 0xFF800000], [0xFF800000, 0xFF800000], [0xFF800000, 1.5], [-1.0e31, -1.1e31], [3.0e38, -3.0e38]]> : tensor<6x2xf32>
    %m = arith.constant dense<[0.5, 1.5, 0xFF800000, 0xFF800000, 0xFF800000, 2.0e38]> : tensor<6xf32>
    %l = arith.constant dense<[4.0, 5.0, 0.0, 0.0, 0.0, 1.0]> : tensor<6xf32>
    %two = arith.constant 2.0 : f32
    %w, %nm, %nl, %c = tile.online_softmax %s, %m, %l scale %two : tensor<6x2xf32>, tensor<6xf32>
)";
  auto result = [&](llvm::StringRef value) {
    return compute((body +
                    "%z = arith.constant dense<0.0> : tensor<6xf32>\n"
                    "%r = arith.addf " +
                    value + ", %z : tensor<6xf32>")
                       .str(),
                   "6xf32", {6});
  };
  double none = -INFINITY;
  EXPECT_EQ(result("%nm"),
            (Doubles{1, 1.5, none, 1.5, double(-1e31f), double(3e38f)}));
  EXPECT_EQ(result("%nl"), (Doubles{3.5, 5, 0, 1, 1, 1}));
  EXPECT_EQ(result("%c"), (Doubles{0.5, 1, 0, 0, 0, 0}));
  EXPECT_EQ(compute((body + "%z = arith.constant dense<0.0> : tensor<6x2xf32>\n"
                            "%r = arith.addf %w, %z : tensor<6x2xf32>")
                        .str(),
                    "6x2xf32", {6, 2}),
            (Doubles{0.5, 1, 0, 0, 0, 0, 0, 1, 1, 0, 1, 0}));
}

TEST_F(TileOpsTest, OnlineSoftmaxDetectsEmptyRowsByPosition) {
  // All scores are -inf. The first position is 5: valid in rows whose limit is
  // larger. The largest i32 is valid in no row.
  double lowest = std::numeric_limits<float>::lowest();
  EXPECT_EQ(
      compute("%s = arith.constant dense<0xFF800000> : tensor<4x2xf32>\n"
              "%m = arith.constant dense<0xFF800000> : tensor<4xf32>\n"
              "%l = arith.constant dense<0.0> : tensor<4xf32>\n"
              "%one = arith.constant 1.0 : f32\n"
              "%p = arith.constant dense<[2147483647, 5]> : tensor<2xi32>\n"
              "%b = arith.constant dense<[6, 5, -2147483648, 2147483647]> : "
              "tensor<4xi32>\n"
              "%w, %nm, %nl, %c = tile.online_softmax %s, %m, %l valid %p : "
              "tensor<2xi32> below %b : tensor<4xi32> scale %one : "
              "tensor<4x2xf32>, tensor<4xf32>\n"
              "%r = arith.addf %nm, %nl : tensor<4xf32>",
              "4xf32", {4}),
      (Doubles{lowest, -INFINITY, -INFINITY, lowest}));
}

TEST_F(TileOpsTest, Min) {
  EXPECT_EQ(compute("%i = arith.constant dense<[3, -7, 2147483647]> : "
                    "tensor<3xi32>\n"
                    "%n = tile.min %i : tensor<3xi32> -> tensor<2xi32>\n"
                    "%r = arith.sitofp %n : tensor<2xi32> to tensor<2xf32>",
                    "2xf32", {2}),
            (Doubles{-7, -7}));
}

TEST_F(TileOpsTest, OnlineSoftmaxDetectsEmptyRows) {
  // All scores are -inf; the maximum is finite if a column is valid.
  auto max = [&](llvm::StringRef valid) {
    return compute(("%s = arith.constant dense<0xFF800000> : tensor<1x2xf32>\n"
                    "%m = arith.constant dense<0xFF800000> : tensor<1xf32>\n"
                    "%l = arith.constant dense<0.0> : tensor<1xf32>\n"
                    "%one = arith.constant 1.0 : f32\n"
                    "%f = arith.constant dense<" +
                    valid +
                    "> : tensor<2xi1>\n"
                    "%w, %nm, %nl, %c = tile.online_softmax %s, %m, %l valid "
                    "%f : tensor<2xi1> scale %one : tensor<1x2xf32>, "
                    "tensor<1xf32>\n"
                    "%r = arith.addf %nm, %nl : tensor<1xf32>")
                       .str(),
                   "1xf32", {1});
  };
  EXPECT_EQ(max("[false, false]"), Doubles{-INFINITY});
  EXPECT_EQ(max("[false, true]"),
            Doubles{double(std::numeric_limits<float>::lowest())});
}
