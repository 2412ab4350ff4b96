//===- ControlTest.cpp - loops, branches and the grid -----------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "TestSupport.h"

using namespace mla::interp;

namespace {
class ControlTest : public InterpreterTest {};
} // namespace

TEST_F(ControlTest, ForCarriesTilesAndScalars) {
  // Fibonacci in a tile and the trip count in a scalar; the carries swap.
  const char *body = R"(
    %i0 = arith.constant 0 : i32
    %i1 = arith.constant 1 : i32
    %a0 = arith.constant dense<0> : tensor<2xi32>
    %b0 = arith.constant dense<1> : tensor<2xi32>
    %a, %b, %t = scf.for %i = %c0 to %n step %c1 iter_args(%x = %a0, %w = %b0, %z = %i0) -> (tensor<2xi32>, tensor<2xi32>, i32) {
      %s = arith.addi %x, %w : tensor<2xi32>
      %u = arith.addi %z, %i1 : i32
      scf.yield %w, %s, %u : tensor<2xi32>, tensor<2xi32>, i32
    }
    %ts = tensor.splat %t : tensor<1xi32>
    %c2 = arith.constant 2 : index
    tile.store %a, %y[%c0] : tensor<2xi32>, memref<3xi32>
    tile.store %ts, %y[%c2] : tensor<1xi32>, memref<3xi32>)";
  std::pair<int64_t, Doubles> cases[] = {{-1, {0, 0, 0}},
                                         {0, {0, 0, 0}},
                                         {1, {1, 1, 1}},
                                         {2, {1, 1, 2}},
                                         {10, {55, 55, 10}}};
  for (auto &[trips, expected] : cases) {
    Array y = i32({3}, {7, 7, 7});
    ASSERT_TRUE(run("%n: index, %y: memref<3xi32>", body, {index(trips), y}))
        << getError();
    EXPECT_EQ(y.values(), expected) << trips;
  }
}

TEST_F(ControlTest, ForCountsBySteps) {
  const char *body = R"(
    %zero = arith.constant 0 : i32
    %lo = arith.constant -3 : i32
    %hi = arith.constant 6 : i32
    %step = arith.constant 4 : i32
    %s = scf.for %i = %lo to %hi step %step iter_args(%x = %zero) -> (i32) : i32 {
      %c10 = arith.constant 10 : i32
      %t = arith.muli %x, %c10 : i32
      %u = arith.addi %t, %i : i32
      scf.yield %u : i32
    }
    %r = tensor.splat %s : tensor<1xi32>
    tile.store %r, %y[%c0] : tensor<1xi32>, memref<1xi32>)";
  Array y = i32({1}, {0});
  ASSERT_TRUE(run("%y: memref<1xi32>", body, {y})) << getError();
  EXPECT_EQ(y.values(), (Doubles{(-3 * 10 + 1) * 10 + 5}));
}

TEST_F(ControlTest, IfGivesResults) {
  const char *body = R"(
    %a = arith.constant dense<1.0> : tensor<1xf32>
    %r, %s = scf.if %c -> (tensor<1xf32>, f32) {
      %one = arith.constant 10.0 : f32
      scf.yield %a, %one : tensor<1xf32>, f32
    } else {
      %b = arith.addf %a, %a : tensor<1xf32>
      %two = arith.constant 20.0 : f32
      scf.yield %b, %two : tensor<1xf32>, f32
    }
    %t = tensor.splat %s : tensor<1xf32>
    %u = arith.addf %r, %t : tensor<1xf32>
    tile.store %u, %y[%c0] : tensor<1xf32>, memref<1xf32>)";
  for (int condition : {0, 1}) {
    Array y = out({1});
    ASSERT_TRUE(run("%c: i1, %y: memref<1xf32>", body,
                    {Argument::integer(ElementType::I1, condition), y}))
        << getError();
    EXPECT_EQ(y.get(0), condition ? 11 : 22);
  }
}

TEST_F(ControlTest, IfWithoutElse) {
  for (int condition : {0, 1}) {
    Array y = f32({1}, {5});
    ASSERT_TRUE(run("%c: i1, %y: memref<1xf32>", R"(
      scf.if %c {
        %a = arith.constant dense<1.0> : tensor<1xf32>
        tile.store %a, %y[%c0] : tensor<1xf32>, memref<1xf32>
      })",
                    {Argument::integer(ElementType::I1, condition), y}))
        << getError();
    EXPECT_EQ(y.get(0), condition ? 1 : 5);
  }
}

TEST_F(ControlTest, ForallVisitsEachPointOnce) {
  // Adds 10 i + j to y[i, j]; the second dimension is 1, 3, 5.
  const char *body = R"(
    %c3 = arith.constant 3 : index
    scf.forall (%i, %j) = (0, 1) to (%n, 6) step (1, 2) {
      %c10 = arith.constant 10 : index
      %t = arith.muli %i, %c10 : index
      %u = arith.addi %t, %j : index
      %v = arith.index_cast %u : index to i32
      %s = tensor.splat %v : tensor<1xi32>
      %old = tile.load %y[%i, %j] : memref<4x6xi32> -> tensor<1xi32>
      %new = arith.addi %old, %s : tensor<1xi32>
      tile.store %new, %y[%i, %j] : tensor<1xi32>, memref<4x6xi32>
    })";
  for (unsigned threads : {0, 1, 3, 64})
    for (int64_t n : {0, 1, 4}) {
      Array y(ElementType::I32, {4, 6}, 0.0);
      ASSERT_TRUE(run("%n: index, %y: memref<4x6xi32>", body, {index(n), y},
                      {threads, 0}))
          << getError();
      for (int i = 0; i < 4; ++i)
        for (int j = 0; j < 6; ++j)
          EXPECT_EQ(y.get(i * 6 + j), i < n && j % 2 ? 10 * i + j : 0);
    }
}

TEST_F(ControlTest, ForallsRunOneAfterTheOther) {
  const char *body = R"(
    scf.forall (%i) in (8) {
      %one = arith.constant dense<1.0> : tensor<1xf32>
      tile.store %one, %y[%i] : tensor<1xf32>, memref<8xf32>
    }
    scf.forall (%i) in (8) {
      %all = tile.load %y[%c0] : memref<8xf32> -> tensor<8xf32>
      %s = tile.reduce sum %all dim 0 : tensor<8xf32> -> tensor<f32>
      tile.store %s, %z[] : tensor<f32>, memref<f32>
    })";
  Array y = out({8}), z = out({});
  ASSERT_TRUE(run("%y: memref<8xf32>, %z: memref<f32>", body, {y, z}, {4, 0}))
      << getError();
  EXPECT_EQ(z.get(0), 8);
}

TEST_F(ControlTest, AffineApply) {
  Array y = i32({1}, {0});
  for (int64_t n : {-7, 0, 5}) {
    ASSERT_TRUE(run("%n: index, %y: memref<1xi32>", R"(
      %r = affine.apply affine_map<(d0)[s0] -> (d0 floordiv 2 * 100 + (d0 mod 4) * 10 + d0 ceildiv 2 - s0)>(%n)[%c1]
      %v = arith.index_cast %r : index to i32
      %t = tensor.splat %v : tensor<1xi32>
      tile.store %t, %y[%c0] : tensor<1xi32>, memref<1xi32>)",
                    {index(n), y}))
        << getError();
    int64_t expected = n == -7  ? -400 + 10 - 3 - 1
                       : n == 5 ? 200 + 10 + 3 - 1
                                : -1;
    EXPECT_EQ(y.get(0), expected);
  }
}
