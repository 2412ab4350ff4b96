//===- ErrorTest.cpp - errors of the interpreter ----------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "TestSupport.h"

using namespace mla::interp;

namespace {
class ErrorTest : public InterpreterTest {
protected:
  /// Runs a body, line 4 of the text, and expects the error `message` there.
  void expectError(llvm::StringRef parameters, llvm::StringRef body,
                   llvm::ArrayRef<Argument> arguments, const char *message,
                   const Options &options = {}) {
    EXPECT_FALSE(run(parameters, body, arguments, options)) << body.str();
    EXPECT_NE(getError().find(message), std::string::npos)
        << getError() << "\nexpected: " << message;
    EXPECT_NE(getError().find("\"test\":4:"), std::string::npos) << getError();
  }

  /// Calls an empty function with these parameters.
  void expectRefused(llvm::StringRef parameters,
                     llvm::ArrayRef<Argument> arguments, const char *message) {
    EXPECT_FALSE(run(parameters, "", arguments));
    EXPECT_NE(getError().find(message), std::string::npos)
        << getError() << "\nexpected: " << message;
  }
};
} // namespace

TEST_F(ErrorTest, UnsupportedOps) {
  expectError("", "%m = memref.alloc() : memref<2xf32>", {},
              "'memref.alloc' op is not supported by the interpreter");
  expectError("%x: f32", "%y = math.sin %x : f32", {scalar(1)},
              "'math.sin' op is not supported by the interpreter");
  expectError("%x: f32", "%y = arith.truncf %x downward : f32 to bf16",
              {scalar(1)},
              "'arith.truncf' op is not supported by the interpreter");
  // Detected before execution.
  expectError("%x: f32",
              "scf.for %i = %c0 to %c0 step %c1 { %y = math.sin %x : f32 }",
              {scalar(1)}, "'math.sin' op is not supported");
}

TEST_F(ErrorTest, UnsupportedTypes) {
  expectError("", "%x = arith.constant 1.0 : f64", {},
              "'arith.constant' op has a value of type 'f64'");
  expectError("%x: i32", "%y = arith.trunci %x : i32 to i7",
              {Argument::integer(ElementType::I32, 1)}, "i7");
}

TEST_F(ErrorTest, FunctionsWithResults) {
  EXPECT_FALSE(runModule("func.func @f(%x: f32) -> f32 { return %x : f32 }",
                         {scalar(1)}));
  EXPECT_NE(getError().find("expected a function without results, got 1"),
            std::string::npos);
  EXPECT_FALSE(runModule("func.func private @f(%x: f32)", {scalar(1)}));
  EXPECT_NE(getError().find("expected a function with a body"),
            std::string::npos);
}

TEST_F(ErrorTest, WrongArguments) {
  Array x = f32({2, 3}, Doubles(6, 0));
  expectRefused("%x: f32, %y: f32", {scalar(1)}, "expected 2 arguments, got 1");
  expectRefused("%x: f32", {x}, "argument 0: expected 'f32', got an array");
  expectRefused("%x: memref<2x3xf32>", {scalar(1)},
                "argument 0: expected 'memref<2x3xf32>', got a scalar");
  expectRefused("%x: memref<2x3xbf16>", {x},
                "argument 0: expected element type 'bf16', got f32");
  expectRefused("%x: i32", {scalar(1)}, "expected element type 'i32', got f32");
  expectRefused("%x: memref<?xf32>", {x},
                "argument 0: expected rank 1, got 2 sizes and 2 strides");
  expectRefused("%x: memref<?x4xf32>", {x},
                "argument 0: expected 'memref<?x4xf32>', got size 3 in "
                "dimension 1");
  Argument null = Argument::array(ElementType::F32, nullptr, {2, 3});
  expectRefused("%x: memref<2x3xf32>", {null},
                "argument 0: expected an address, got null");
}

TEST_F(ErrorTest, WrongStrides) {
  Array x = f32({2, 3}, Doubles(6, 0));
  x.shape = {2, 2};
  x.strides = {3, 1};
  expectRefused("%a: f32, %x: memref<?x2xf32> {mla.name = \"kv\"}",
                {scalar(1), x},
                "argument 1 (kv): expected stride 2 in dimension 0, got 3");
  // The stride of a dimension of size 1 is ignored.
  x.shape = {1, 2};
  EXPECT_TRUE(run("%x: memref<?x2xf32>", "", {x})) << getError();
}

TEST_F(ErrorTest, ScalarLoadsOutside) {
  Array x = f32({2, 3}, Doubles(6, 0));
  for (int64_t at : {-1, 3})
    expectError("%x: memref<?x?xf32>, %i: index",
                "%v = memref.load %x[%c1, %i] : memref<?x?xf32>",
                {x, index(at)},
                "'memref.load' op expected an index in [0, 3) in dimension 1");
  expectError("%x: memref<?x?xf32>, %i: index",
              "%v = memref.dim %x, %i : memref<?x?xf32>", {x, index(2)},
              "'memref.dim' op expected a dimension in [0, 2), got 2");
}

TEST_F(ErrorTest, UndefinedArithmetic) {
  Argument zero = Argument::integer(ElementType::I32, 0);
  Argument min = Argument::integer(ElementType::I32, INT32_MIN);
  Argument minus1 = Argument::integer(ElementType::I32, -1);
  for (const char *op : {"divsi", "divui", "remsi", "remui", "ceildivsi"})
    expectError("%a: i32, %b: i32",
                (llvm::Twine("%c = arith.") + op + " %a, %b : i32").str(),
                {min, zero}, "division by zero");
  expectError("%a: i32, %b: i32", "%c = arith.divsi %a, %b : i32",
              {min, minus1}, "overflow in signed division");
  expectError("%a: i32, %b: i32", "%c = arith.shli %a, %b : i32",
              {zero, Argument::integer(ElementType::I32, 32)}, "shift by");
  for (float value : {kNaN, 2147483648.0f, -kInf})
    expectError("%a: f32", "%c = arith.fptosi %a : f32 to i32", {scalar(value)},
                "outside the integer's range");
}

TEST_F(ErrorTest, NonPositiveSteps) {
  expectError("%n: index", "scf.for %i = %c0 to %c1 step %n {}", {index(0)},
              "'scf.for' op expected a positive step, got 0");
  expectError("%n: index", "scf.forall (%i) = (0) to (1) step (%n) {}",
              {index(-1)}, "'scf.forall' op expected a positive step, got -1");
}

TEST_F(ErrorTest, StepLimit) {
  // Two constants, the loop, two ops and a yield per iteration, the return.
  llvm::StringRef body = "scf.for %i = %c0 to %n step %c1 { %x = arith.addi "
                         "%i, %i : index %y = arith.addi %i, %i : index }";
  EXPECT_TRUE(run("%n: index", body, {index(10)}, {1, 34})) << getError();
  expectError("%n: index", body, {index(10)},
              "'arith.addi' op step limit of 31 exceeded", {1, 31});
  // An empty loop is limited too.
  expectError("%n: index", "scf.for %i = %c0 to %n step %c1 {}",
              {index(INT64_MAX)}, "step limit of 1000 exceeded", {1, 1000});
}

TEST_F(ErrorTest, UnsupportedConstants) {
  expectError("", "%x = arith.constant dense_resource<blob> : tensor<2xi32>",
              {}, "'arith.constant' op has a value of a kind");
}

TEST_F(ErrorTest, LowestPointIsReportedForAnyThreadCount) {
  Array x = i32({3}, {0, 0, 0});
  for (unsigned threads : {1, 4})
    for (int repeat = 0; repeat < 20; ++repeat)
      expectError("%x: memref<3xi32>",
                  "scf.forall (%i) in (100) { %v = memref.load %x[%i] : "
                  "memref<3xi32> }",
                  {x}, "in dimension 0, got 3", {threads, 0});
}

TEST_F(ErrorTest, SharedOutputs) {
  const char *text = R"(func.func @f(%x: tensor<4xf32>) {
    %r = scf.forall (%i) in (4) shared_outs(%o = %x) -> tensor<4xf32> {
      %s = tensor.extract_slice %o[0] [4] [1] : tensor<4xf32> to tensor<4xf32>
      scf.forall.in_parallel {
        tensor.parallel_insert_slice %s into %o[0] [4] [1] : tensor<4xf32> into tensor<4xf32>
      }
    }
    return
  })";
  EXPECT_FALSE(runModule(text, {scalar(1)}));
  EXPECT_NE(getError().find("not supported"), std::string::npos) << getError();
}
