//===- ErrorTest.cpp - what the simulator refuses to run ------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "TestSupport.h"

using namespace mla;
using namespace mla::sim;

namespace {
class ErrorTest : public SimulatorTest {
protected:
  /// Stores ones.
  static Case makeOnes() {
    Case test;
    test.parameters =
        "%out: memref<?x64xf32> {mla.name = \"out\"}, %scale: f32";
    test.body = R"(
      cta.role "one" warps 1 registers 24 {
        %x = tensor.splat %scale : !row
        tile.store %x, %out[%cta, %c0] : !row, memref<?x64xf32>
      }
    )";
    test.grid = "(%cta) in (3)";
    test.arrays = {interp::out({3, 64})};
    test.scalars = {interp::scalar(2)};
    test.results[0] = Doubles(192, 2);
    return test;
  }

  /// Runs a module that must be refused.
  void expectRefused(const std::string &text, const char *message,
                     std::vector<interp::Argument> arguments = {}) {
    ASSERT_TRUE(parse(text));
    std::vector<Array> none;
    EXPECT_FALSE(simulate(none, arguments, Options()));
    ASSERT_EQ(errors.size(), 1u) << llvm::join(errors, "\n");
    EXPECT_NE(errors.front().find(message), std::string::npos)
        << errors.front() << "\nexpected: " << message;
  }
};
} // namespace

TEST_F(ErrorTest, LevelsAbove) {
  Case test = makeOnes();
  expectRight(test);
  test.attributes = "";
  expectWrong(test, {{"'func.func' op expected a verified cta program; run "
                      "--mla-cta-pipeline first"}});
  // A tile program, even if it says that it is verified.
  test.attributes = "cta.verified";
  test.body = "%x = tensor.splat %scale : tensor<64xf32>\n"
              "tile.store %x, %out[%cta, %c0] : tensor<64xf32>, "
              "memref<?x64xf32>";
  expectWrong(test,
              {{"expected roles; run --mla-schedule first"}, "scf.forall"});
  expectRefused("func.func @f() attributes {cta.verified} { return }",
                "'func.func' op expected one scf.forall");
  expectRefused("func.func private @f() attributes {cta.verified}",
                "'func.func' op expected a function with a body");
}

TEST_F(ErrorTest, RingsWithoutBarriers) {
  // The cta level before --mla-materialize-barriers.
  Case test = makeOnes();
  test.body = "%r = cta.ring \"r\" at 0 : !ring\n" + test.body;
  expectRight(test);
  expectWrong(test.with("%x = tensor.splat",
                        "%s = cta.acquire %r : !ring\n%x = tensor.splat"),
              {{"'cta.acquire' op is not supported by the simulator"}});
  expectWrong(test.with("\"r\" at 0", "\"r\""),
              {{"expected a place in shared memory; run --mla-stage-shared "
                "first"},
               "cta.ring",
               "all"});
  Case buffer = makeOnes();
  buffer.body = "%b = cta.buffer \"b\" : !vec\n" + buffer.body;
  expectWrong(buffer, {{"expected a place in shared memory"}, "cta.buffer"});
}

TEST_F(ErrorTest, OpsAndTypesOfOtherKinds) {
  Case test = makeOnes();
  expectWrong(
      test.with("%x = tensor.splat", "%m = memref.alloc() : memref<2xf32>\n"
                                     "%x = tensor.splat"),
      {{"'memref.alloc' op is not allowed in a role of a cta program"}});
  expectWrong(test.with("%x = tensor.splat",
                        "%d = arith.constant 1.0 : f64\n%x = tensor.splat"),
              {{"has a value of type 'f64'"}});
}

TEST_F(ErrorTest, Arguments) {
  Case test = makeOnes();
  ASSERT_TRUE(parse(test));
  struct Call {
    std::vector<interp::Argument> scalars;
    const char *message;
  };
  for (const Call &call :
       {Call{{}, "expected 2 arguments, got 1"},
        Call{{interp::scalar(1), interp::scalar(1)},
             "expected 2 arguments, got 3"},
        Call{{interp::index(1)},
             "argument 1: expected element type 'f32', got index"}}) {
    std::vector<Array> arrays = test.arrays;
    EXPECT_FALSE(simulate(arrays, call.scalars, Options()));
    ASSERT_EQ(errors.size(), 1u);
    EXPECT_NE(errors.front().find(call.message), std::string::npos)
        << errors.front();
  }
  std::vector<Array> narrow = {interp::out({3, 63})};
  EXPECT_FALSE(simulate(narrow, test.scalars, Options()));
  EXPECT_NE(errors.front().find("argument 0 (out): expected "
                                "'memref<?x64xf32>', got size 63"),
            std::string::npos)
      << errors.front();
}

TEST_F(ErrorTest, Warps) {
  expectWrong(makeOnes().with("cta.role",
                              "cta.role \"more\" warps 32 registers 24 {}\n"
                              "cta.role"),
              {{"expected roles of at most 32 warps, got 33"}, "scf.forall"});
}

TEST_F(ErrorTest, TypesOfTiles) {
  Case test = makeOnes();
  expectWrong(test.with("%x = tensor.splat",
                        "%b = cta.buffer \"b\" at 0 : !cta.buffer<64xf64>\n"
                        "%x = tensor.splat"),
              {{"has a value of type '!cta.buffer<64xf64>', whose elements are "
                "not supported"},
               "cta.buffer"});
  Case plain = test.with("%x = tensor.splat",
                         "%b = cta.buffer \"b\" at 0 : !vec\n"
                         "%y = arith.constant dense<1.0> : tensor<64xf32>\n"
                         "cta.store_shared %y to %b : tensor<64xf32>, !vec\n"
                         "%x = tensor.splat");
  expectWrong(plain, {{"expected a fragment with a layout; run "
                       "--mla-assign-layouts first"},
                      "cta.store_shared",
                      "one"});
}

TEST_F(ErrorTest, SharedBytes) {
  Case test = makeOnes();
  test.attributes = "cta.verified, cta.shared_bytes = 232449 : i64";
  expectWrong(test, {{"expected cta.shared_bytes in [0, 232448], got 232449"}});
}

TEST_F(ErrorTest, Limits) {
  Case test = makeOnes();
  Options options;
  options.memoryLimit = 100'000;
  expectWrongUnder(test,
                   {{"to simulate 1 CTAs at a time on 1 threads, the "
                     "limit is 100000"},
                    "scf.forall"},
                   {options});
  // CTAs that communicate have to run together.
  options.memoryLimit = 2'000'000;
  std::vector<Array> arrays = test.arrays;
  EXPECT_TRUE(simulate(arrays, test.scalars, options));
  Case together = test;
  together.parameters += ", %n: memref<1xi32>";
  together.arrays.insert(together.arrays.begin() + 1, interp::i32({1}, {0}));
  together.parameters =
      "%out: memref<?x64xf32>, %n: memref<1xi32>, %scale: f32";
  together = together.with("%x = tensor.splat",
                           "%o = cta.load_acquire %n[%c0] : memref<1xi32>\n"
                           "%x = tensor.splat");
  together.results.clear();
  expectRight(together);
  expectWrongUnder(together,
                   {{"to simulate 3 CTAs at a time on 1 threads, the "
                     "limit is 2000000"}},
                   {options});
  test.grid = "(%cta) in (1000000000000)";
  expectWrongUnder(test,
                   {{"has 1000000000000 CTAs, too many for the memory "
                     "limit of 2000000"},
                    "scf.forall"},
                   {options});
  test = makeOnes();
  options.memoryLimit = 0;
  options.stepLimit = 3;
  expectWrongUnder(test,
                   {{"step limit of 3 exceeded (role \"one\" of CTA [0])"}},
                   {options});
  options.stepLimit = 0;
  arrays = test.arrays;
  ASSERT_TRUE(parse(test));
  EXPECT_TRUE(simulate(arrays, test.scalars, options));
}

TEST_F(ErrorTest, LowestCtaIsReportedWhateverTheThreads) {
  Case test = makeOnes();
  test.grid = "(%cta) in (40)";
  test.arrays = {interp::out({40, 64})};
  test = test.with("%x = tensor.splat",
                   "%v = memref.load %out[%cta, %cta] : memref<?x64xf32>\n"
                   "%w = memref.load %few[%cta] : memref<7xi32>\n"
                   "%x = tensor.splat");
  test.parameters = "%out: memref<?x64xf32>, %few: memref<7xi32>, %scale: f32";
  test.arrays.push_back(interp::i32({7}, Doubles(7)));
  std::vector<Options> all(8);
  for (size_t n = 0; n < all.size(); ++n) {
    all[n].threads = n % 4 ? 4 : 1;
    all[n].seed = n;
  }
  // The output is read, so that all CTAs run together; and apart.
  Case apart =
      test.without("%v = memref.load %out[%cta, %cta] : memref<?x64xf32>");
  expectWrongUnder(apart,
                   {{"expected an index in [0, 7) in dimension 0, got 7 "
                     "(role \"one\" of CTA [7])"}},
                   all);
  expectWrongUnder(test, {{"expected an index in [0, 7) in dimension 0"}}, all);
}

TEST_F(ErrorTest, ThreadsDoNotChangeResults) {
  Case test = makeOnes();
  test.grid = "(%cta) in (64)";
  ASSERT_TRUE(parse(test));
  for (unsigned threads : {0u, 1u, 3u, 8u}) {
    Options options;
    options.threads = threads;
    std::vector<Array> arrays = {interp::out({64, 64})};
    ASSERT_TRUE(simulate(arrays, test.scalars, options))
        << llvm::join(errors, "\n");
    EXPECT_EQ(arrays[0].values(), Doubles(64 * 64, 2));
  }
}
