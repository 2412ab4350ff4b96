//===- GridTest.cpp - what the CTAs of a grid read and write --------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "TestSupport.h"

using namespace mla;
using namespace mla::sim;

namespace {
class GridTest : public SimulatorTest {};
} // namespace

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
  // Padding need not be written.
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

/// A workspace may have unwritten elements, but reading one is an error.
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
  test = test.with("%at =", "%unused = cta.load_acquire %flag[%c0] : "
                            "memref<1xi32>\n%at =");
  test.parameters += ", %flag: memref<1xi32>";
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
