//===- MemoryTest.cpp - loads, stores and gathers ---------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "TestSupport.h"

using namespace mla::interp;

namespace {
class MemoryTest : public InterpreterTest {
protected:
  /// Loads a 2x3 tile at (i, j) from the 2x3 array 1..6, with padding `pad`.
  Doubles load(int64_t i, int64_t j, llvm::StringRef pad = "") {
    Array x = f32({2, 3}, {1, 2, 3, 4, 5, 6}), y = out({2, 3});
    EXPECT_TRUE(run("%x: memref<2x3xf32>, %y: memref<2x3xf32>, %i: index, "
                    "%j: index",
                    ("%t = tile.load %x[%i, %j] " + pad +
                     " : memref<2x3xf32> -> tensor<2x3xf32>\n"
                     "tile.store %t, %y[%c0, %c0] : tensor<2x3xf32>, "
                     "memref<2x3xf32>")
                        .str(),
                    {x, y, index(i), index(j)}))
        << getError();
    return y.values();
  }

  /// Stores the 2x2 tile 1..4 at (i, j) to a 2x2 array of zeros; returns the
  /// array.
  Doubles store(int64_t i, int64_t j) {
    Array y = f32({2, 2}, {0, 0, 0, 0});
    EXPECT_TRUE(run("%y: memref<2x2xf32>, %i: index, %j: index", R"(
        %t = arith.constant dense<[[1.0, 2.0], [3.0, 4.0]]> : tensor<2x2xf32>
        tile.store %t, %y[%i, %j] : tensor<2x2xf32>, memref<2x2xf32>)",
                    {y, index(i), index(j)}))
        << getError();
    return y.values();
  }
};
} // namespace

TEST_F(MemoryTest, LoadInside) {
  EXPECT_EQ(load(0, 0), (Doubles{1, 2, 3, 4, 5, 6}));
}

TEST_F(MemoryTest, LoadPadsOutside) {
  EXPECT_EQ(load(1, 1), (Doubles{5, 6, 0, 0, 0, 0}));
  EXPECT_EQ(load(-1, -1), (Doubles{0, 0, 0, 0, 1, 2}));
  EXPECT_EQ(load(0, 2, "pad -1.5 : f32"),
            (Doubles{3, -1.5, -1.5, 6, -1.5, -1.5}));
  for (int64_t far : {int64_t(3), int64_t(-3), INT64_MAX, INT64_MIN}) {
    EXPECT_EQ(load(far, 0), Doubles(6, 0)) << far;
    EXPECT_EQ(load(0, far), Doubles(6, 0)) << far;
  }
}

TEST_F(MemoryTest, LoadOfFewerDimensions) {
  // One row of the last dimension, with row indices inside and outside.
  Array x = i32({2, 1, 3}, {1, 2, 3, 4, 5, 6});
  for (int64_t row : {-1, 1, 2}) {
    Array y = i32({4}, {7, 7, 7, 7});
    ASSERT_TRUE(run("%x: memref<?x1x?xi32>, %y: memref<4xi32>, %r: index", R"(
        %t = tile.load %x[%r, %c0, %c1] pad -1 : i32 : memref<?x1x?xi32> -> tensor<4xi32>
        tile.store %t, %y[%c0] : tensor<4xi32>, memref<4xi32>)",
                    {x, y, index(row)}))
        << getError();
    EXPECT_EQ(y.values(), row == 1 ? (Doubles{5, 6, -1, -1}) : Doubles(4, -1));
  }
}

TEST_F(MemoryTest, StoreSkipsOutside) {
  EXPECT_EQ(store(0, 0), (Doubles{1, 2, 3, 4}));
  EXPECT_EQ(store(1, 1), (Doubles{0, 0, 0, 1}));
  EXPECT_EQ(store(-1, -1), (Doubles{4, 0, 0, 0}));
  EXPECT_EQ(store(0, INT64_MAX), Doubles(4, 0));
  EXPECT_EQ(store(INT64_MIN, 0), Doubles(4, 0));
}

TEST_F(MemoryTest, StridesAreHonoured) {
  // The transpose of every second column of a 2x6 array, and a column.
  Array x = f32({2, 6}, {0, 1, 2, 3, 4, 5, 10, 11, 12, 13, 14, 15});
  Array y = f32({3, 4}, Doubles(12, -1));
  x.shape = {3, 2};
  x.strides = {2, 6};
  y.shape = {3, 2};
  y.strides = {4, 1};
  ASSERT_TRUE(run("%x: memref<?x?xf32, strided<[?, ?]>>, "
                  "%y: memref<3x2xf32, strided<[4, 1]>>",
                  R"(
      %t = tile.load %x[%c0, %c0] : memref<?x?xf32, strided<[?, ?]>> -> tensor<3x2xf32>
      tile.store %t, %y[%c0, %c0] : tensor<3x2xf32>, memref<3x2xf32, strided<[4, 1]>>)",
                  {x, y}))
      << getError();
  EXPECT_EQ(y.values(), (Doubles{0, 10, -1, -1, 2, 12, -1, -1, 4, 14, -1, -1}));
}

TEST_F(MemoryTest, EveryElementTypeRoundTrips) {
  for (ElementType type :
       {ElementType::I1, ElementType::I8, ElementType::I16, ElementType::I32,
        ElementType::I64, ElementType::F8E4M3FN, ElementType::F16,
        ElementType::BF16, ElementType::F32}) {
    std::string name = stringify(type).str();
    Array x(type, {3}, Doubles{0, -1, type == ElementType::I1 ? 0.0 : 5.0});
    Array y(type, {3}, 0.0);
    ASSERT_TRUE(run("%x: memref<3x" + name + ">, %y: memref<3x" + name + ">",
                    "%t = tile.load %x[%c0] : memref<3x" + name +
                        "> -> tensor<3x" + name +
                        ">\ntile.store %t, %y[%c0] : tensor<3x" + name +
                        ">, memref<3x" + name + ">",
                    {x, y}))
        << getError();
    EXPECT_EQ(y.values(), x.values()) << name;
  }
}

TEST_F(MemoryTest, GatherRowsByIndex) {
  // The second of two heads; row indices 2 (twice), -1, 3 and the extremes of
  // i32.
  Array x = f32({3, 2, 2}, {0, 0, 1, 2, 0, 0, 3, 4, 0, 0, 5, 6});
  Array rows = i32({6}, {2, -1, 0, 3, 2, double(INT32_MIN)});
  Array y = out({6, 2});
  ASSERT_TRUE(run("%x: memref<?x2x2xf32>, %i: memref<6xi32>, "
                  "%y: memref<6x2xf32>",
                  R"(
      %r = tile.load %i[%c0] : memref<6xi32> -> tensor<6xi32>
      %t = tile.gather %x[%r][%c1, %c0] : memref<?x2x2xf32>, tensor<6xi32> -> tensor<6x2xf32>
      tile.store %t, %y[%c0, %c0] : tensor<6x2xf32>, memref<6x2xf32>)",
                  {x, rows, y}))
      << getError();
  EXPECT_EQ(y.values(), (Doubles{5, 6, 0, 0, 1, 2, 0, 0, 5, 6, 0, 0}));
}

TEST_F(MemoryTest, GatherCountsThroughLeadingDimensions) {
  // Pages of two rows; rows 1, 2, -1, 3, past the end and an extreme.
  Array x = f32({2, 2, 2}, {1, 2, 3, 4, 5, 6, 7, 8});
  Array rows = i32({6}, {1, 2, -1, 3, 4, double(INT32_MIN)});
  Array y = out({6, 2});
  ASSERT_TRUE(run("%x: memref<?x2x2xf32>, %i: memref<6xi32>, "
                  "%y: memref<6x2xf32>",
                  R"(
      %r = tile.load %i[%c0] : memref<6xi32> -> tensor<6xi32>
      %t = tile.gather %x[%r][%c0] : memref<?x2x2xf32>, tensor<6xi32> -> tensor<6x2xf32>
      tile.store %t, %y[%c0, %c0] : tensor<6x2xf32>, memref<6x2xf32>)",
                  {x, rows, y}))
      << getError();
  EXPECT_EQ(y.values(), (Doubles{3, 4, 5, 6, 0, 0, 7, 8, 0, 0, 0, 0}));
}

TEST_F(MemoryTest, GatherGoesAlongAnotherDimension) {
  // The second row of a table; columns 2, 0, -1 and 3.
  Array x = f32({2, 3}, {1, 2, 3, 4, 5, 6});
  Array columns = i32({4}, {2, 0, -1, 3}), y = out({4});
  ASSERT_TRUE(run("%x: memref<?x?xf32>, %i: memref<4xi32>, %y: memref<4xf32>",
                  R"(
      %r = tile.load %i[%c0] : memref<4xi32> -> tensor<4xi32>
      %t = tile.gather %x[%r][%c1] dim 1 : memref<?x?xf32>, tensor<4xi32> -> tensor<4xf32>
      tile.store %t, %y[%c0] : tensor<4xf32>, memref<4xf32>)",
                  {x, columns, y}))
      << getError();
  EXPECT_EQ(y.values(), (Doubles{6, 4, 0, 0}));
}

TEST_F(MemoryTest, GatherPadsColumnsOutside) {
  Array x = f32({2, 2}, {1, 2, 3, 4}), rows = i32({1}, {1}), y = out({1, 2});
  ASSERT_TRUE(run("%x: memref<?x2xf32>, %i: memref<1xi32>, %y: memref<1x2xf32>",
                  R"(
      %r = tile.load %i[%c0] : memref<1xi32> -> tensor<1xi32>
      %t = tile.gather %x[%r][%c1] : memref<?x2xf32>, tensor<1xi32> -> tensor<1x2xf32>
      tile.store %t, %y[%c0, %c0] : tensor<1x2xf32>, memref<1x2xf32>)",
                  {x, rows, y}))
      << getError();
  EXPECT_EQ(y.values(), (Doubles{4, 0}));
}

TEST_F(MemoryTest, EmptyArraysNeedNoAddress) {
  Argument x = Argument::array(ElementType::F32, nullptr, {0, 2});
  Array y = out({2, 2});
  ASSERT_TRUE(run("%x: memref<?x2xf32>, %y: memref<2x2xf32>", R"(
      %t = tile.load %x[%c0, %c0] : memref<?x2xf32> -> tensor<2x2xf32>
      tile.store %t, %y[%c0, %c0] : tensor<2x2xf32>, memref<2x2xf32>)",
                  {x, y}))
      << getError();
  EXPECT_EQ(y.values(), Doubles(4, 0));
}

TEST_F(MemoryTest, ScalarLoadAndDim) {
  Array x = i32({2, 3}, {1, 2, 3, 4, 5, 6}), y = i32({2}, {0, 0});
  ASSERT_TRUE(run("%x: memref<?x?xi32>, %y: memref<2xi32>", R"(
      %n = memref.dim %x, %c1 : memref<?x?xi32>
      %last = arith.subi %n, %c1 : index
      %v = memref.load %x[%c1, %last] : memref<?x?xi32>
      %w = arith.index_cast %n : index to i32
      %tv = tensor.splat %v : tensor<1xi32>
      %tw = tensor.splat %w : tensor<1xi32>
      tile.store %tv, %y[%c0] : tensor<1xi32>, memref<2xi32>
      tile.store %tw, %y[%c1] : tensor<1xi32>, memref<2xi32>)",
                  {x, y}))
      << getError();
  EXPECT_EQ(y.values(), (Doubles{6, 3}));
}
