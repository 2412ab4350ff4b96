//===- GridTest.cpp - global memory between CTAs --------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "TestSupport.h"

using namespace mla;
using namespace mla::sim;

namespace {
class GridTest : public SimulatorTest {
protected:
  /// Each of four CTAs leaves a row; the last one adds them up.
  static Case makeCombine() {
    Case test;
    test.parameters = "%X: memref<4x64xf32>, %part: memref<4x64xf32>, "
                      "%counter: memref<1xi32>, %out: memref<64xf32>";
    test.grid = "(%cta) in (4)";
    test.body = R"(
      cta.role "one" warps 1 registers 216 {
        cta.launch_wait
        %x = tile.load %X[%cta, %c0] : memref<4x64xf32> -> !row
        %y = arith.addf %x, %x : !row
        tile.store %y, %part[%cta, %c0] : !row, memref<4x64xf32>
        cta.fence_gpu // before
        %old = cta.elect -> i32 {
          %0 = cta.atomic_add %i1, %counter[%c0] : memref<1xi32>
          cta.yield %0 : i32
        }
        %last = arith.cmpi eq, %old, %i3 : i32
        scf.if %last {
          cta.fence_gpu // after
          %zero = arith.constant dense<0.0> : !row
          %four = arith.constant 4 : index
          %sum = scf.for %i = %c0 to %four step %c1 iter_args(%s = %zero) -> !row {
            %p = tile.load %part[%i, %c0] : memref<4x64xf32> -> !row
            %n = arith.addf %s, %p : !row
            scf.yield %n : !row
          }
          tile.store %sum, %out[%c0] : !row, memref<64xf32>
        }
        cta.launch_dependents
      }
    )";
    Doubles x = makeValues(4 * 64);
    test.arrays = {interp::f32({4, 64}, x), interp::out({4, 64}),
                   interp::i32({1}, {0}), interp::out({64})};
    test.results[2] = {4};
    test.results[3] = Doubles(64);
    for (size_t n = 0; n < x.size(); ++n)
      test.results[3][n % 64] += 2 * x[n];
    return test;
  }

  /// Four CTAs add to one row, in turn.
  static Case makeTurns() {
    Case test;
    test.parameters = "%X: memref<4x64xf32>, %turns: memref<2xi32>, %out: "
                      "memref<64xf32>";
    test.grid = "(%cta) in (4)";
    test.body = R"(
      cta.role "one" warps 1 registers 216 {
        %me = arith.index_cast %cta : index to i32
        %x = tile.load %X[%cta, %c0] : memref<4x64xf32> -> !row
        scf.while : () -> () {
          %turn = cta.load_acquire %turns[%c1] : memref<2xi32>
          %not = arith.cmpi ne, %turn, %me : i32
          scf.condition(%not)
        } do {
          scf.yield
        }
        %sum = tile.load %out[%c0] : memref<64xf32> -> !row
        %new = arith.subf %x, %sum : !row
        tile.store %new, %out[%c0] : !row, memref<64xf32>
        cta.fence_gpu
        cta.elect {
          %old = cta.atomic_add %i1, %turns[%c1] : memref<2xi32>
        }
      }
    )";
    Doubles x = makeValues(4 * 64);
    test.arrays = {interp::f32({4, 64}, x), interp::i32({2}, {9, 0}),
                   interp::f32({64}, Doubles(64, 1))};
    test.results[1] = {9, 4};
    for (size_t c = 0; c < 64; ++c) {
      double sum = 1;
      for (size_t r = 0; r < 4; ++r)
        sum = x[r * 64 + c] - sum;
      test.results[2].push_back(sum);
    }
    return test;
  }
};
const Blame kRace = {{"of a memref without knowing that their last write is "
                      "done"},
                     "tile.load",
                     "one",
                     "tile.store"};
} // namespace

TEST_F(GridTest, LastCombines) {
  Case test = makeCombine();
  expectRight(test);
  expectWrong(test.without("cta.fence_gpu // before"), kRace);
  expectWrong(test.without("cta.fence_gpu // after"), kRace);
  // A fence before the store covers nothing of it.
  expectWrong(test.without("cta.fence_gpu // before")
                  .with("tile.store %y", "cta.fence_gpu\ntile.store %y"),
              kRace);
  // One too early, not all have arrived.
  expectWrong(test.with("arith.cmpi eq, %old, %i3", "arith.cmpi eq, %old, %i2"),
              {{"of a memref without knowing that their last write is done",
                "of a memref while they may still be read"}});
}

TEST_F(GridTest, WarpsOfTheRoleThatAnnounces) {
  // The fence is one warp's: the others' stores are covered if a barrier stands
  // before it.
  Case test = makeCombine()
                  .with("%x = tile.load", "%x0 = tile.load")
                  .with("%y = arith.addf %x, %x : !row", "")
                  .with("tile.store %y, %part[%cta, %c0] : !row, "
                        "memref<4x64xf32>",
                        "cta.named_sync %bar")
                  .with("cta.role \"one\"", R"(
      %bar = cta.named_barrier "bar" id 1 threads 160
      cta.role "store" warps 4 registers 216 {
        %x = tile.load %X[%cta, %c0] : memref<4x64xf32> -> !row
        %y = arith.addf %x, %x : !row
        tile.store %y, %part[%cta, %c0] : !row, memref<4x64xf32>
        cta.named_arrive %bar
      }
      cta.role "one")");
  expectRight(test);
  Blame blame = kRace;
  blame.note = "tile.store (role \"store\"";
  expectWrong(
      test.with("threads 160", "threads 32").without("cta.named_arrive %bar"),
      blame);
}

TEST_F(GridTest, TakesTurns) {
  Case test = makeTurns();
  expectRight(test);
  Blame race = kRace;
  race.op = race.note = "";
  race.messages.push_back("while they may still be read");
  expectWrong(test.without("cta.fence_gpu"), race);
  // It takes its turn at once.
  expectWrong(test.with("cta.load_acquire %turns[%c1] : memref<2xi32>",
                        "arith.addi %me, %i0 : i32"),
              race);
  // Whose turn never comes polls until the limit.
  expectWrong(test.with("arith.index_cast %cta : index to i32",
                        "arith.addi %i1, %i1 : i32"),
              {{"step limit of 20000 exceeded"}});
  expectWrong(test.with("%turns[%c1] : memref<2xi32>\n          %not",
                        "%turns[%c2] : memref<2xi32>\n          %not"),
              {{"expected an index in [0, 2) in dimension 0, got 2"},
               "cta.load_acquire",
               "one"});
}

TEST_F(GridTest, OutputsLeftUnwritten) {
  Case test;
  test.parameters = "%out: memref<3x4xf32>";
  test.grid = "(%cta) in (3)";
  test.body = R"(
    cta.role "one" warps 1 registers 24 {
      %x = arith.constant dense<1.0> : tensor<4xf32, #cta.layout<row>>
      tile.store %x, %out[%cta, %c0] : tensor<4xf32, #cta.layout<row>>, memref<3x4xf32>
    }
  )";
  test.arrays = {interp::out({3, 4})};
  test.results[0] = Doubles(12, 1);
  expectRight(test);
  expectWrong(test.with("%out[%cta, %c0]", "%out[%cta, %c1]"),
              {{"leaves argument 0 unwritten at [0, 0]"}, "func.func"});
  test.grid = "(%cta) in (2)";
  expectWrong(test, {{"leaves argument 0 unwritten at [2, 0]"}, "func.func"});
  test.grid = "(%cta) in (0)";
  expectWrong(test, {{"leaves argument 0 unwritten at [0, 0]"}, "func.func"});
  // Padding is nobody's.
  test.grid = "(%cta) in (3)";
  test.parameters = "%out: memref<3x4xf32, strided<[?, 1]>>";
  test = test.with("memref<3x4xf32>", "memref<3x4xf32, strided<[?, 1]>>");
  test.arrays = {interp::out({3, 6})};
  test.arrays[0].shape = {3, 4};
  test.arrays[0].strides = {6, 1};
  test.results.clear();
  expectRight(test);
}

TEST_F(GridTest, TheGridFollowsTheDevice) {
  Case test;
  test.parameters = "%out: memref<?x4xf32>";
  test.before = "%sms = tile.sm_count\n";
  test.grid = "(%cta) in (%sms)";
  test.body = R"(
    cta.role "one" warps 1 registers 24 {
      %x = arith.constant dense<1.0> : tensor<4xf32, #cta.layout<row>>
      tile.store %x, %out[%cta, %c0] : tensor<4xf32, #cta.layout<row>>, memref<?x4xf32>
    }
  )";
  ASSERT_TRUE(parse(test));
  for (int64_t sms : {1, 5, 132}) {
    std::vector<Array> arrays = {interp::out({sms, 4})};
    Options options;
    options.sms = sms;
    EXPECT_TRUE(simulate(arrays, {}, options));
    EXPECT_EQ(arrays[0].values(), Doubles(sms * 4, 1));
    options.sms = sms - 1;
    EXPECT_FALSE(simulate(arrays, {}, options));
    expectBlame({{"leaves argument 0 unwritten"}, "func.func"});
  }
}

/// A workspace may have gaps, but who reads them is told.
TEST_F(GridTest, WorkspacesAreReadWhereTheyAreWritten) {
  Case writer;
  writer.parameters = "%part: memref<12xf32>";
  writer.body = R"(
    cta.role "one" warps 1 registers 24 {
      %x = arith.constant dense<1.0> : tensor<4xf32, #cta.layout<row>>
      tile.store %x, %part[%c2] : tensor<4xf32, #cta.layout<row>>, memref<12xf32>
    }
  )";
  Case reader;
  reader.parameters = "%part: memref<12xf32>, %out: memref<4xf32>";
  reader.body = R"(
    cta.role "one" warps 1 registers 24 {
      %x = tile.load %part[%c2] : memref<12xf32> -> tensor<4xf32, #cta.layout<row>>
      tile.store %x, %out[%c0] : tensor<4xf32, #cta.layout<row>>, memref<4xf32>
    }
  )";
  Case scalar = reader;
  scalar.body = R"(
    cta.role "one" warps 1 registers 24 {
      %f = memref.load %part[%c64] : memref<12xf32>
      %x = tensor.splat %f : tensor<4xf32, #cta.layout<row>>
      tile.store %x, %out[%c0] : tensor<4xf32, #cta.layout<row>>, memref<4xf32>
    }
  )";
  scalar = scalar.with("%c64", "%c1");
  llvm::BitVector written(12);
  std::vector<Array> arrays = {interp::out({12})};
  interp::Argument part = arrays[0];
  part.written = &written;
  std::vector<Array> none, outs = {interp::out({4})};
  interp::Argument out = outs[0];
  ASSERT_TRUE(parse(writer));
  EXPECT_TRUE(simulate(none, {part}, Options()));
  EXPECT_EQ(written.count(), 4u);
  EXPECT_EQ(written.find_first(), 2);
  ASSERT_TRUE(parse(reader));
  EXPECT_TRUE(simulate(none, {part, out}, Options()));
  EXPECT_EQ(outs[0].values(), Doubles(4, 1));
  ASSERT_TRUE(parse(reader.with("%part[%c2]", "%part[%c3]")));
  EXPECT_FALSE(simulate(none, {part, out}, Options()));
  expectBlame({{"reads element 6 of a workspace, which no kernel has written"},
               "tile.load",
               "one"});
  ASSERT_TRUE(parse(scalar));
  EXPECT_FALSE(simulate(none, {part, out}, Options()));
  expectBlame({{"reads element 1 of a workspace, which no kernel has written"},
               "memref.load",
               "one"});
}

TEST_F(GridTest, TwoCtasWriteOneElement) {
  Case test;
  test.parameters = "%out: memref<8xf32>";
  test.grid = "(%cta) in (2)";
  test.body = R"(
    cta.role "one" warps 1 registers 24 {
      %x = arith.constant dense<1.0> : tensor<5xf32, #cta.layout<row>>
      %at = arith.muli %cta, %c3 : index
      tile.store %x, %out[%at] : tensor<5xf32, #cta.layout<row>>, memref<8xf32>
    }
  )";
  test.arrays = {interp::out({8})};
  expectWrong(test, {{"writes bytes [12, ", "some of which another CTA writes"},
                     "tile.store",
                     "",
                     "the other write"});
  // Where the CTAs run together it is a race.
  test = test.with("%at =", "%unused = cta.load_acquire %count[%c0] : "
                            "memref<1xi32>\n%at =");
  test.parameters += ", %count: memref<1xi32>";
  test.arrays.push_back(interp::i32({1}, {0}));
  expectWrong(test, {{"of a memref without knowing that their last write is "
                      "done"},
                     "tile.store",
                     "one",
                     "tile.store"});
}

TEST_F(GridTest, LoadsOutsideTheGrid) {
  Case test;
  test.parameters = "%X: memref<3xf32>, %out: memref<2x64xf32>";
  test.before = "%x = memref.load %X[%c1] : memref<3xf32>\n"
                "%x2 = arith.addf %x, %x : f32\n";
  test.grid = "(%cta) in (2)";
  test.body = R"(
    cta.role "one" warps 4 registers 216 {
      %t = tensor.splat %x2 : !row
      tile.store %t, %out[%cta, %c0] : !row, memref<2x64xf32>
    }
  )";
  test.arrays = {interp::f32({3}, {1, 5, 7}), interp::out({2, 64})};
  test.results[1] = Doubles(128, 10);
  expectRight(test);
  test.before = "%x2 = memref.load %out[%c1, %c0] : memref<2x64xf32>\n";
  expectWrong(test,
              {{"reads outside the grid what the grid writes"}, "memref.load"});
}

TEST_F(GridTest, ReadsOfWhatAnotherCtaWrites) {
  // CTA 1 reads what CTA 0 writes, in each way there is.
  for (const char *read :
       {"%y = tile.load %out[%c0] : memref<64xf32> -> !row",
        "%y = memref.load %out[%c0] : memref<64xf32>",
        "%rows = arith.constant dense<0> : tensor<64xi32, "
        "#cta.layout<gather>>\n"
        "%t = cta.buffer \"t\" at 0 : !tile\n"
        "cta.gather_async %out2[%rows][%c0] to %t : memref<1x64xbf16>, "
        "tensor<64xi32, #cta.layout<gather>>, !tile"}) {
    SCOPED_TRACE(read);
    Case test;
    test.parameters = "%out: memref<64xf32>, %out2: memref<1x64xbf16>";
    test.grid = "(%cta) in (2)";
    test.body = R"(
      cta.role "one" warps 4 registers 216 {
        %first = arith.cmpi eq, %cta, %c0 : index
        scf.if %first {
          %x = arith.constant dense<1.0> : !row
          tile.store %x, %out[%c0] : !row, memref<64xf32>
          %z = arith.constant dense<1.0> : tensor<1x64xbf16, #cta.layout<acc>>
          tile.store %z, %out2[%c0, %c0] : tensor<1x64xbf16, #cta.layout<acc>>, memref<1x64xbf16>
        } else {
)" + std::string(read) +
                R"(
        }
      }
    )";
    test.arrays = {interp::out({64}), bf16({1, 64}, Doubles(64))};
    expectWrong(test, {{"of a memref without knowing that their last write is "
                        "done",
                        "of a memref while they may still be read",
                        "issues a copy that may be in flight"}});
  }
}
