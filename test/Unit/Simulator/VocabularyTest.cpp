//===- VocabularyTest.cpp - named barriers, elect, views, control flow ----===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "TestSupport.h"

using namespace mla;
using namespace mla::sim;

namespace {
class VocabularyTest : public SimulatorTest {
protected:
  /// "from" stores each of three rows of X into one buffer and arrives; "to"
  /// syncs, loads it and arrives for the next, under two named barriers.
  static Case makeMeetings() {
    Case test;
    test.parameters = "%X: memref<3x64xf32>, %out: memref<3x64xf32>";
    test.body = R"(
      %v = cta.buffer "v" at 0 : !vec
      %full = cta.named_barrier "full" id 1 threads 192
      %free = cta.named_barrier "free" id 2 threads 192
      cta.role "from" warps 4 registers 216 {
        scf.for %i = %c0 to %c3 step %c1 {
          %x = tile.load %X[%i, %c0] : memref<3x64xf32> -> !row
          cta.named_sync %free
          cta.store_shared %x to %v : !row, !vec
          cta.named_arrive %full
        }
      }
      cta.role "to" warps 2 registers 216 {
        cta.named_arrive %free
        scf.for %i = %c0 to %c3 step %c1 {
          cta.named_sync %full
          %y = cta.load_shared %v : !vec -> !col
          %more = arith.cmpi ult, %i, %c2 : index
          scf.if %more {
            cta.named_arrive %free
          }
          tile.store %y, %out[%i, %c0] : !col, memref<3x64xf32>
        }
      }
    )";
    test.arrays = {interp::f32({3, 64}, makeValues(192)), interp::out({3, 64})};
    test.results[1] = makeValues(192);
    return test;
  }
};
} // namespace

//===----------------------------------------------------------------------===//
// Named barriers
//===----------------------------------------------------------------------===//

TEST_F(VocabularyTest, NamedBarriers) {
  Case test = makeMeetings();
  expectRight(test);
  expectWrong(test.without("cta.named_sync %full"),
              {{"without knowing that their last write is done",
                "which nothing has written"},
               "cta.load_shared",
               "to"});
  expectWrong(test.without("cta.named_sync %free"),
              {{"while they may still be read",
                "again before the others have met there",
                "without knowing that the last meeting there is over"}});
  // An arrival carries what the role did before it, not what it does after.
  Case late =
      test.without("cta.named_arrive %full")
          .with("cta.store_shared", "cta.named_arrive %full\ncta.store_shared");
  expectWrong(late,
              {{"without knowing that their last write is done",
                "which nothing has written", "while they may still be read"}});
}

TEST_F(VocabularyTest, NamedBarrierCounts) {
  Case test = makeMeetings();
  expectWrong(
      test.with("\"full\" id 1 threads 192", "\"full\" id 1 threads 160"),
      {{"is one too many at barrier 1: 192 threads meet where 160 are "
        "expected"}});
  expectWrong(
      test.with("\"full\" id 1 threads 192", "\"full\" id 1 threads 224"),
      {{"arrives at barrier 1 again before the others have met there",
        "deadlock"}});
  expectWrong(test.with("threads 192\n      %free = cta.named_barrier \"free\" "
                        "id 2",
                        "threads 192\n      %free = cta.named_barrier \"free\" "
                        "id 1"),
              {{"arrives at barrier 1 again before",
                "without knowing that the last meeting there is over",
                "is one too many at"}});
  // Two declarations of one barrier have to agree.
  Case two = makeMeetings();
  two = two.with("cta.role \"to\"",
                 "%other = cta.named_barrier \"full\" id 1 threads 256\n"
                 "cta.role \"to\"")
            .with("cta.named_sync %full", "cta.named_sync %other");
  expectWrong(two,
              {{"expects 256 threads at barrier 1, where others expect 192",
                "expects 192 threads at barrier 1, where others expect "
                "256"}});
  // Nobody comes: the deadlock says who is missed.
  expectWrong(
      makeMeetings().with("cta.named_arrive %free\n        scf.for", "scf.for"),
      {{"deadlock"},
       "cta.named_sync",
       "",
       "waits for barrier 2, where 128 of 192 threads have arrived"});
}

TEST_F(VocabularyTest, MeetingsConcernWhoIsThere) {
  // "a" and "b" meet, then "c" and "d" at the same barrier: they learn nothing
  // of what "a" stored.
  Case test = makePassing(R"(
    %v = cta.buffer "v" at 0 : !vec
    %b1 = cta.named_barrier "x" id 1 threads 64
    %b2 = cta.named_barrier "turn" id 2 threads 64
    cta.role "a" warps 1 registers 24 {
      %x = tile.load %X[%c0] : memref<64xf32> -> !row
      cta.store_shared %x to %v : !row, !vec
      cta.named_sync %b1
    }
    cta.role "b" warps 1 registers 24 {
      cta.named_sync %b1
      cta.named_arrive %b2
    }
    cta.role "c" warps 1 registers 24 {
      cta.named_sync %b2
      cta.named_sync %b1
    }
    cta.role "d" warps 1 registers 24 {
      // meets
      %y = cta.load_shared %v : !vec -> !col
      tile.store %y, %out[%c0] : !col, memref<64xf32>
    }
  )");
  // "c" has heard of the first meeting, "b" having been there.
  expectRight(test.with("// meets",
                        "%one = cta.named_barrier \"x\" id 3 threads "
                        "64\ncta.named_sync %one")
                  .with("cta.named_sync %b2\n      cta.named_sync %b1",
                        "cta.named_sync %b2\n%one = cta.named_barrier \"x\" id "
                        "3 threads 64\ncta.named_sync %one"));
  // Without "b"'s word, who meets whom is a matter of luck.
  Case deaf = test.without("cta.named_arrive %b2")
                  .without("cta.named_sync %b2\n")
                  .with("// meets", "cta.named_sync %b1");
  expectWrong(deaf, {{"without knowing that the last meeting there is over",
                      "which nothing has written"}});
}

TEST_F(VocabularyTest, SyncOfAll) {
  Case test = makePassing(R"(
    %v = cta.buffer "v" at 0 : !vec
    cta.role "a" warps 1 registers 24 {
      %x = tile.load %X[%c0] : memref<64xf32> -> !row
      cta.store_shared %x to %v : !row, !vec
      cta.sync
    }
    cta.role "b" warps 2 registers 24 {
      cta.sync
      %y = cta.load_shared %v : !vec -> !col
      tile.store %y, %out[%c0] : !col, memref<64xf32>
    }
  )");
  expectRight(test);
  expectWrong(test.with("!vec\n      cta.sync", "!vec"),
              {{"deadlock"},
               "cta.sync",
               "",
               "role \"b\" of CTA [0] waits for barrier 0, where 64 of 96 "
               "threads have arrived"});
}

//===----------------------------------------------------------------------===//
// One lane
//===----------------------------------------------------------------------===//

TEST_F(VocabularyTest, Elect) {
  // A role of several warps copies for itself.
  Case test = makePassing(R"(
    %v = cta.buffer "v" at 0 : !vec
    %full = cta.mbarrier "full" count 1 at 256 : !b1
    cta.mbarrier_init %full : !b1
    cta.mbarrier_init_fence
    cta.sync
    cta.role "one" warps 4 registers 216 {
      cta.elect warp 2 {
        cta.arrive_expect %full[%i0] bytes 256 : !b1
        cta.bulk_load %X[%c0] to %v signals %full[%i0] : !b1 : memref<64xf32>, !vec
      }
      cta.mbarrier_wait %full[%i0] parity %i0 : !b1
      %y = cta.load_shared %v : !vec -> !col
      tile.store %y, %out[%c0] : !col, memref<64xf32>
    }
  )");
  expectRight(test);
  // Only the warp that waits knows.
  expectWrong(test.with("cta.mbarrier_wait %full[%i0] parity %i0 : !b1",
                        "cta.elect { cta.mbarrier_wait %full[%i0] parity %i0 : "
                        "!b1 }"),
              {{"without knowing that their last write is done"},
               "cta.load_shared",
               "one",
               "cta.bulk_load"});
  // One lane arrives once, a role of four warps four times.
  expectWrong(test.with("bytes 256 : !b1",
                        "bytes 256 : !b1\ncta.arrive %full[%i1] : !b1"),
              {{"expected an index in [0, 1) of mbarrier \"full\", got 1"}});
  expectRight(test.with("count 1 at", "count 5 at")
                  .with("cta.elect warp 2 {",
                        "cta.arrive %full[%i0] : !b1\ncta.elect warp 2 {"));
  expectRight(test.with("count 1 at", "count 2 at")
                  .with("cta.elect warp 2 {",
                        "cta.elect { cta.arrive %full[%i0] : !b1 }\n"
                        "cta.elect warp 2 {"));
  // What it stores, the other warps do not know of.
  expectWrong(
      test.without("cta.mbarrier_wait %full[%i0] parity %i0 : !b1"),
      {{"without knowing that their last write is done"}, "cta.load_shared"});
}

TEST_F(VocabularyTest, ElectGivesValues) {
  Case test;
  test.parameters = "%counter: memref<2xi32>, %out: memref<8x64xf32>";
  test.grid = "(%cta) in (8)";
  // Each CTA draws a row to write.
  test.body = R"(
    cta.role "one" warps 1 registers 216 {
      %old = cta.elect -> i32 {
        %0 = cta.atomic_add %i1, %counter[%c1] : memref<2xi32>
        cta.yield %0 : i32
      }
      %row = arith.index_cast %old : i32 to index
      %f = arith.sitofp %old : i32 to f32
      %x = tensor.splat %f : !row
      tile.store %x, %out[%row, %c0] : !row, memref<8x64xf32>
    }
  )";
  test.arrays = {interp::i32({2}, {5, 0}), interp::out({8, 64})};
  test.results[0] = {5, 8};
  for (size_t n = 0; n < 512; ++n)
    test.results[1].push_back(static_cast<double>(n / 64));
  expectRight(test);
  expectWrong(test.with("%counter[%c1]", "%counter[%c2]"),
              {{"expected an index in [0, 2) in dimension 0, got 2"},
               "cta.atomic_add",
               "one"});
}

//===----------------------------------------------------------------------===//
// Views, parts, buffers over slots
//===----------------------------------------------------------------------===//

TEST_F(VocabularyTest, ViewsAndParts) {
  // Two halves of a tile are filled apart, by rows and by columns, and read as
  // one and through views.
  for (bool rows : {true, false}) {
    Case test;
    test.parameters = "%X: memref<64x128xbf16>, %out: memref<64x128xbf16>, "
                      "%corner: memref<32x64xbf16>";
    std::string half = rows ? "32x128" : "64x64", at = rows ? "32, 0" : "0, 64",
                index = rows ? "%c32, %c0" : "%c0, %c64",
                dim = rows ? "0" : "1";
    test.before = "%c32 = arith.constant 32 : index\n";
    test.body =
        "%t = cta.buffer \"t\" at 1024 : !cta.buffer<64x128xbf16, #sw>\n"
        "%bar = cta.named_barrier \"b\" id 1 threads 128\n"
        "cta.role \"one\" warps 4 registers 216 {\n";
    std::string view = "!cta.buffer<" + half + "xbf16, #sw>",
                tile = "tensor<" + half + "xbf16, #cta.layout<acc>>";
    test.body +=
        "%a = cta.view %t [0, 0] : !cta.buffer<64x128xbf16, #sw> -> " + view +
        "\n%b = cta.view %t [" + at + "] : !cta.buffer<64x128xbf16, #sw> -> " +
        view + "\n%x = tile.load %X[%c0, %c0] : memref<64x128xbf16> -> " +
        tile + "\n%y = tile.load %X[" + index + "] : memref<64x128xbf16> -> " +
        tile + "\ncta.store_shared %x to %a : " + tile + ", " + view +
        "\ncta.store_shared %y to %b : " + tile + ", " + view +
        "\n%j = cta.join %a, %b dim " + dim + " : " + view + ", " + view +
        R"( -> !cta.buffer<64x128xbf16, #sw>
      cta.named_sync %bar
      %z = cta.load_shared %j : !cta.buffer<64x128xbf16, #sw> -> tensor<64x128xbf16, #cta.layout<acc>>
      tile.store %z, %out[%c0, %c0] : tensor<64x128xbf16, #cta.layout<acc>>, memref<64x128xbf16>
      %c = cta.view %j [32, 64] : !cta.buffer<64x128xbf16, #sw> -> !cta.buffer<32x64xbf16, #sw>
      %w = cta.load_shared %c : !cta.buffer<32x64xbf16, #sw> -> tensor<32x64xbf16, #cta.layout<acc>>
      tile.store %w, %corner[%c0, %c0] : tensor<32x64xbf16, #cta.layout<acc>>, memref<32x64xbf16>
    })";
    Doubles x = makeValues(64 * 128);
    test.arrays = {bf16({64, 128}, x),
                   bf16({64, 128}, Doubles(64 * 128, interp::kNaN)),
                   bf16({32, 64}, Doubles(32 * 64, interp::kNaN))};
    test.results[1] = x;
    for (size_t r = 32; r < 64; ++r)
      for (size_t c = 64; c < 128; ++c)
        test.results[2].push_back(x[r * 128 + c]);
    expectRight(test);
    // The other order is not how they lie.
    expectWrong(test.with("cta.join %a, %b", "cta.join %b, %a"),
                {{"expected parts that follow each other in shared memory"},
                 "cta.join"});
    // Part of a swizzle's block is no view.
    if (!rows)
      expectWrong(test.with("cta.view %j [32, 64]", "cta.view %j [32, 32]"),
                  {{"expected a view of whole rows, or one that starts at a "
                    "multiple of 8 rows and at a block of the swizzle"},
                   "cta.view"});
    expectWrong(test.with("cta.view %j [32, 64]", "cta.view %j [4, 64]"),
                {{"expected a view of whole rows"}, "cta.view"});
  }
}

TEST_F(VocabularyTest, ViewsOfPlainTiles) {
  Case test;
  test.parameters = "%X: memref<128xf32>, %out: memref<64xf32>";
  test.body = R"(
    %t = cta.buffer "t" at 0 : !cta.buffer<128xf32, #dense>
    %bar = cta.named_barrier "b" id 1 threads 128
    cta.role "one" warps 4 registers 216 {
      %x = tile.load %X[%c0] : memref<128xf32> -> tensor<128xf32, #cta.layout<row>>
      cta.store_shared %x to %t : tensor<128xf32, #cta.layout<row>>, !cta.buffer<128xf32, #dense>
      cta.named_sync %bar
      %v = cta.view %t [64] : !cta.buffer<128xf32, #dense> -> !vec
      %y = cta.load_shared %v : !vec -> !col
      tile.store %y, %out[%c0] : !col, memref<64xf32>
    }
  )";
  Doubles x = makeValues(128);
  test.arrays = {interp::f32({128}, x), interp::out({64})};
  test.results[1].assign(x.begin() + 64, x.end());
  expectRight(test);
  // Columns of a tile without a swizzle do not follow each other.
  Case columns = test.with(
      "%v = cta.view %t [64] : !cta.buffer<128xf32, #dense> -> !vec",
      "%t2 = cta.buffer \"t2\" aliases %t[0] : !cta.buffer<128xf32, #dense> : "
      "!cta.buffer<8x16xf32, #dense>\n%w = cta.view %t2 [0, 0] : "
      "!cta.buffer<8x16xf32, #dense> -> !cta.buffer<8x8xf32, #dense>\n"
      "%v = cta.view %t [64] : !cta.buffer<128xf32, #dense> -> !vec");
  expectWrong(columns, {{"expected a view of whole rows"}, "cta.view"});
}

TEST_F(VocabularyTest, BuffersOverSlots) {
  // P lies over a tile that a product has read, and is seen through the slot.
  Case test;
  test.parameters = "%X: memref<64x64xbf16>, %out: memref<64x64xbf16>";
  test.body = R"(
    %k = cta.ring "k" at 0 : !ring
    %bar = cta.named_barrier "b" id 1 threads 128
    %p = cta.buffer "p" aliases %k[8192] : !ring : !tile
    cta.role "one" warps 4 registers 216 {
      %x = tile.load %X[%c0, %c0] : memref<64x64xbf16> -> !bf
      %s = cta.slot %k[%i1] : !ring
      cta.store_shared %x to %s : !bf, !tile
      cta.fence_async
      cta.named_sync %bar
      %d = cta.descriptor %s : !tile -> !mn
      cta.mma_fence
      %f = cta.mma_async %d, %d : !mn, !mn -> !flight
      cta.mma_commit
      %r = cta.mma_wait %f pending 0 : !flight
      %y = arith.negf %x : !bf
      cta.store_shared %y to %p : !bf, !tile
      %z = cta.load_shared %s : !tile -> !bf
      tile.store %z, %out[%c0, %c0] : !bf, memref<64x64xbf16>
    }
  )";
  Doubles x = makeValues(64 * 64);
  test.arrays = {bf16({64, 64}, x),
                 bf16({64, 64}, Doubles(64 * 64, interp::kNaN))};
  for (double value : x)
    test.results[1].push_back(-value);
  // The product is one of all four warps, and each has waited for it: they need
  // no barrier between them.
  expectRight(test);
  Case early = test.without("%r = cta.mma_wait %f pending 0 : !flight")
                   .with("%z = cta.load_shared",
                         "%r = cta.mma_wait %f pending 0 : !flight\n"
                         "%z = cta.load_shared");
  expectWrong(early, {{"writes bytes [8192, ", "while they may still be read"},
                      "cta.store_shared",
                      "one",
                      "cta.mma_async"});
}
