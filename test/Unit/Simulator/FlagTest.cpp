//===- FlagTest.cpp - CTAs that take turns --------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "TestSupport.h"

using namespace mla;
using namespace mla::sim;

namespace {
class FlagTest : public SimulatorTest {
protected:
  /// Four CTAs update one row, in the order of their numbers: each subtracts it
  /// from a row of its own.
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
        %next = arith.addi %me, %i1 : i32
        cta.elect {
          cta.store_release %next, %turns[%c1] : memref<2xi32>
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

  /// The same by bulk copies, the sum in a buffer: the first CTA starts from
  /// zeros.
  static Case makeBulkTurns() {
    Case test = makeTurns();
    test.body = R"(
      %v = cta.buffer "v" at 0 : !vec
      %bar = cta.named_barrier "bar" id 1 threads 128
      %full = cta.mbarrier "full" count 1 at 256 : !b1
      cta.mbarrier_init %full : !b1
      cta.mbarrier_init_fence
      cta.sync
      cta.role "one" warps 4 registers 216 {
        %me = arith.index_cast %cta : index to i32
        %x = tile.load %X[%cta, %c0] : memref<4x64xf32> -> !row
        cta.elect {
          scf.while : () -> () {
            %turn = cta.load_acquire %turns[%c1] : memref<2xi32>
            %not = arith.cmpi ne, %turn, %me : i32
            scf.condition(%not)
          } do {
            scf.yield
          }
          cta.fence_async global // acquired
          cta.arrive_expect %full[%i0] bytes 256 : !b1
          cta.bulk_load %out[%c0] to %v signals %full[%i0] : !b1 : memref<64xf32>, !vec
        }
        cta.mbarrier_wait %full[%i0] parity %i0 : !b1
        %sum = cta.load_shared %v : !vec -> !row
        %new = arith.subf %x, %sum : !row
        cta.named_sync %bar // loaded
        cta.store_shared %new to %v : !row, !vec
        cta.fence_async // stored
        cta.named_sync %bar // stored
        %next = arith.addi %me, %i1 : i32
        cta.elect {
          cta.bulk_store %v to %out[%c0] : !vec, memref<64xf32>
          cta.bulk_commit
          cta.bulk_wait 0
          cta.store_release %next, %turns[%c1] : memref<2xi32>
        }
      }
    )";
    return test;
  }
};

const Blame kRace = {{"of a memref without knowing that their last write is "
                      "done"},
                     "tile.load",
                     "one",
                     "tile.store"};
} // namespace

TEST_F(FlagTest, TakesTurns) {
  Case test = makeTurns();
  expectRight(test);
  Blame race = kRace;
  race.op = race.note = "";
  race.messages.push_back("while they may still be read");
  // It takes its turn at once. Then nobody has read what the last one wrote.
  race.messages.push_back("writes a flag without having read what was last "
                          "written there");
  expectWrong(test.with("cta.load_acquire %turns[%c1] : memref<2xi32>",
                        "arith.addi %me, %i0 : i32"),
              race);
  // The next turn begins before the update.
  expectWrong(
      test.with("%next = arith.addi %me, %i1 : i32", "")
          .with("cta.store_release %next, %turns[%c1] : memref<2xi32>", "")
          .with("%sum = tile.load",
                "%next = arith.addi %me, %i1 : i32\ncta.elect {\n"
                "cta.store_release %next, %turns[%c1] : memref<2xi32>\n}\n"
                "%sum = tile.load"),
      race);
  // A turn that never comes polls until the limit.
  expectWrong(test.with("arith.index_cast %cta : index to i32",
                        "arith.addi %i1, %i1 : i32"),
              {{"step limit of 20000 exceeded"}});
  for (const char *op : {"cta.load_acquire", "cta.store_release"}) {
    std::string value = op[4] == 'l' ? " %turns" : " %next, %turns";
    expectWrong(
        test.with(op + value + "[%c1]", op + value + "[%c2]"),
        {{"expected an index in [0, 2) in dimension 0, got 2"}, op, "one"});
  }
}

TEST_F(FlagTest, AReleaseCoversWhatTheWarpKnows) {
  // The row is written by another role: a barrier has to stand between.
  Case test = makeTurns().with("cta.role \"one\"", R"(
      %bar = cta.named_barrier "bar" id 1 threads 160
      cta.role "store" warps 4 registers 216 {
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
        cta.named_arrive %bar
      }
      cta.role "one")");
  size_t one = test.body.find("cta.role \"one\"");
  test.body =
      test.body.substr(0, one) + R"(cta.role "one" warps 1 registers 24 {
        %me = arith.index_cast %cta : index to i32
        %next = arith.addi %me, %i1 : i32
        cta.named_sync %bar
        cta.elect {
          cta.store_release %next, %turns[%c1] : memref<2xi32>
        }
      })";
  expectRight(test);
  expectWrong(
      test.with("threads 160", "threads 32").without("cta.named_arrive %bar"),
      {{"of a memref without knowing that their last write is done",
        "of a memref while they may still be read",
        "writes a flag without having read what was last written there"}});
}

TEST_F(FlagTest, BulkCopiesInTurns) {
  Case test = makeBulkTurns();
  expectRight(test);
  // The copy of the next CTA reads through the async proxy.
  expectWrong(test.without("cta.fence_async global // acquired"),
              {{"through the async proxy without cta.fence_async global since "
                "they were written"},
               "cta.bulk_load",
               "one",
               "cta.bulk_store"});
  expectWrong(
      test.with("cta.fence_async global // acquired", "cta.fence_async"),
      {{"without cta.fence_async global since"}, "cta.bulk_load"});
  expectWrong(test.with("cta.fence_async // stored", "cta.fence_async global"),
              {{"without cta.fence_async since"}, "cta.bulk_store"});
  // To have been read is not to be in memory.
  expectWrong(test.with("cta.bulk_wait 0\n", "cta.bulk_wait 0 read\n"),
              {{"of a memref without knowing that their last write is done"},
               "",
               "one",
               "cta.bulk_store"});
}

TEST_F(FlagTest, GenericStoresNeedAFenceForBulkLoads) {
  Case test =
      makeBulkTurns()
          .with(
              R"(          cta.bulk_store %v to %out[%c0] : !vec, memref<64xf32>
          cta.bulk_commit
          cta.bulk_wait 0
)",
              "")
          .with("cta.named_sync %bar // stored",
                "tile.store %new, %out[%c0] : !row, memref<64xf32>\n"
                "cta.named_sync %bar");
  expectRight(test);
  expectWrong(test.without("cta.fence_async global // acquired"),
              {{"without cta.fence_async global since"},
               "cta.bulk_load",
               "one",
               "tile.store"});
}

TEST_F(FlagTest, FlagsAreNothingElse) {
  Case test = makeTurns();
  expectWrong(test.with("%next = arith.addi",
                        "%f = memref.load %turns[%c0] : memref<2xi32>\n"
                        "%next = arith.addi"),
              {{"accesses a memref of flags, expected cta.load_acquire or "
                "cta.store_release"},
               "memref.load"});
}
