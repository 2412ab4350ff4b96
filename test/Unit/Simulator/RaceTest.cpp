//===- RaceTest.cpp - shared memory between warps and roles ---------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "TestSupport.h"

using namespace mla;
using namespace mla::sim;

namespace {
class RaceTest : public SimulatorTest {
protected:
  /// One role stores a vector by rows and loads it by columns: each warp reads
  /// what all have written.
  static Case makeTurn() {
    return makePassing(R"(
      %v = cta.buffer "v" at 0 : !vec
      %bar = cta.named_barrier "bar" id 1 threads 128
      cta.role "one" warps 4 registers 216 {
        %x = tile.load %X[%c0] : memref<64xf32> -> !row
        cta.store_shared %x to %v : !row, !vec
        cta.named_sync %bar
        %y = cta.load_shared %v : !vec -> !col
        tile.store %y, %out[%c0] : !col, memref<64xf32>
      }
    )");
  }

  /// "from" stores a vector in each of three iterations, "to" loads it, under
  /// two mbarriers.
  static Case makeHandOver() {
    Case test;
    test.parameters = "%X: memref<3x64xf32>, %out: memref<3x64xf32>";
    test.body = R"(
      %v = cta.buffer "v" at 0 : !vec
      %full = cta.mbarrier "full" count 4 at 256 : !b1
      %free = cta.mbarrier "free" count 4 at 264 : !b1
      cta.mbarrier_init %full : !b1
      cta.mbarrier_init %free : !b1
      cta.mbarrier_init_fence
      cta.sync
      cta.role "from" warps 4 registers 216 {
        scf.for %i = %c0 to %c3 step %c1 {
          %n = arith.index_cast %i : index to i32
          %next = arith.addi %n, %i1 : i32
          %parity = arith.andi %next, %i1 : i32
          %x = tile.load %X[%i, %c0] : memref<3x64xf32> -> !row
          cta.mbarrier_wait %free[%i0] parity %parity : !b1
          cta.store_shared %x to %v : !row, !vec
          cta.arrive %full[%i0] : !b1
        }
      }
      cta.role "to" warps 4 registers 216 {
        scf.for %i = %c0 to %c3 step %c1 {
          %n = arith.index_cast %i : index to i32
          %parity = arith.andi %n, %i1 : i32
          cta.mbarrier_wait %full[%i0] parity %parity : !b1
          %y = cta.load_shared %v : !vec -> !col
          cta.arrive %free[%i0] : !b1
          tile.store %y, %out[%i, %c0] : !col, memref<3x64xf32>
        }
      }
    )";
    test.arrays = {interp::f32({3, 64}, makeValues(192)), interp::out({3, 64})};
    test.results[1] = makeValues(192);
    return test;
  }

  /// "gather" copies the rows that I names by cp.async, for each of the blocks;
  /// "math" loads them.
  static Case makeGather() {
    Case test;
    test.parameters = "%A: memref<?x64xbf16>, %I: memref<3x64xi32>, "
                      "%out: memref<3x64x64xbf16>";
    test.body = R"(
      %k = cta.ring "k" at 0 : !ring
      %full = cta.mbarrier "k.full" full(%k : !ring) count 128 at 16384 : !b2
      %free = cta.mbarrier "k.empty" empty(%k : !ring) count 4 at 16400 : !b2
      cta.mbarrier_init %full : !b2
      cta.mbarrier_init %free : !b2
      cta.sync
      cta.role "gather" warps 4 registers 56 {
        scf.for %i = %c0 to %c3 step %c1 {
          %count = arith.index_cast %i : index to i32
          %index = arith.remui %count, %i2 : i32
          %round = arith.divui %count, %i2 : i32
          %next = arith.addi %round, %i1 : i32
          %parity = arith.andi %next, %i1 : i32
          %rows = tile.load %I[%i, %c0] : memref<3x64xi32> -> tensor<64xi32, #cta.layout<gather>>
          cta.mbarrier_wait %free[%index] parity %parity : !b2
          %s = cta.slot %k[%index] : !ring
          cta.gather_async %A[%rows][%c0] to %s : memref<?x64xbf16>, tensor<64xi32, #cta.layout<gather>>, !tile
          cta.arrive_copies %full[%index] : !b2
        }
      }
      cta.role "math" warps 4 registers 216 {
        scf.for %i = %c0 to %c3 step %c1 {
          %count = arith.index_cast %i : index to i32
          %index = arith.remui %count, %i2 : i32
          %round = arith.divui %count, %i2 : i32
          %parity = arith.andi %round, %i1 : i32
          cta.mbarrier_wait %full[%index] parity %parity : !b2
          %t = cta.slot %k[%index] : !ring
          %x = cta.load_shared %t : !tile -> !bf
          cta.arrive %free[%index] : !b2
          tile.store %x, %out[%i, %c0, %c0] : !bf, memref<3x64x64xbf16>
        }
      }
    )";
    Doubles a = makeValues(100 * 64), rows(192), out(192 * 64);
    for (size_t n = 0; n < rows.size(); ++n) {
      // One in eight is no row.
      static constexpr int64_t kBad[] = {-1, 100, INT32_MAX, INT32_MIN};
      rows[n] = static_cast<double>(n % 8 == 3 ? kBad[n / 8 % 4]
                                               : int64_t(n * 37 % 100));
      for (size_t c = 0; n % 8 != 3 && c < 64; ++c)
        out[n * 64 + c] = a[static_cast<size_t>(rows[n]) * 64 + c];
    }
    test.arrays = {bf16({100, 64}, a), interp::i32({3, 64}, rows),
                   bf16({3, 64, 64}, Doubles(192 * 64, interp::kNaN))};
    test.results[2] = out;
    return test;
  }
};
} // namespace

TEST_F(RaceTest, WarpsOfOneRole) {
  Case test = makeTurn();
  expectRight(test);
  expectWrong(test.without("cta.named_sync %bar"),
              {{"reads bytes [64, 128) of shared memory without knowing that "
                "their last write is done"},
               "cta.load_shared",
               "one",
               "cta.store_shared (role \"one\" of CTA [0])"});
  // Its own rows each warp may read at once.
  Case rows = test.without("cta.named_sync %bar")
                  .with("!vec -> !col", "!vec -> !row")
                  .with("%y, %out[%c0] : !col", "%y, %out[%c0] : !row");
  expectRight(rows);
  // Nor may a warp write what another one may still read.
  llvm::StringRef again = "cta.store_shared %x to %v : !row, !vec\n";
  std::string load = "%y = cta.load_shared %v : !vec -> !col";
  expectWrong(test.with(load, load + "\n" + again.str()),
              {{"while they may still be read"},
               "cta.store_shared",
               "one",
               "cta.load_shared"});
  expectRight(test.with(load, load + "\ncta.named_sync %bar\n" + again.str()));
}

TEST_F(RaceTest, NeverWritten) {
  Case test = makeTurn().without("cta.store_shared %x to %v : !row, !vec");
  expectWrong(test,
              {{"reads bytes [0, 256) of shared memory, which nothing has "
                "written"},
               "cta.load_shared",
               "one"});
  // Half of it is.
  Case half = makeTurn()
                  .with("!vec -> !col",
                        "!cta.buffer<128xf32, #dense> -> tensor<128xf32, "
                        "#cta.layout<column>>")
                  .with("load_shared %v", "load_shared %w")
                  .with("%v = cta.buffer",
                        "%w = cta.buffer \"w\" at 0 : !cta.buffer<128xf32, "
                        "#dense>\n%v = cta.buffer")
                  .with("tile.store %y, %out[%c0] : !col",
                        "tile.store %x, %out[%c0] : !row");
  expectWrong(half, {{"reads bytes [256, 512) of shared memory, which nothing "
                      "has written"}});
}

TEST_F(RaceTest, BetweenRoles) {
  Case test = makeHandOver();
  expectRight(test);
  expectWrong(test.without("cta.mbarrier_wait %full[%i0] parity %parity : !b1"),
              {kNotThere, "cta.load_shared", "to"});
  // A store that is too early meets a read of the last vector, or an arrival
  // that is too early a phase that is not over.
  expectWrong(test.without("cta.mbarrier_wait %free[%i0] parity %parity : !b1"),
              {{"while they may still be read", "whose phase 0 expects 0 more",
                "counts on mbarrier \"full\"[0] without knowing that its phase "
                "0 is over",
                "deadlock"},
               "",
               ""});
  // The arrival before the store, the release before the load.
  Case early = test.without("cta.arrive %full[%i0] : !b1")
                   .with("cta.store_shared",
                         "cta.arrive %full[%i0] : !b1\ncta.store_shared");
  expectWrong(early, {kNotThere, "cta.load_shared", "to"});
  early = test.without("cta.arrive %free[%i0] : !b1")
              .with("%y = cta.load_shared",
                    "cta.arrive %free[%i0] : !b1\n%y = cta.load_shared");
  // The load may come before or after the next store.
  expectWrong(early, {{"while they may still be read",
                       "without knowing that their last write is done"}});
}

TEST_F(RaceTest, Gather) {
  Case test = makeGather();
  expectRight(test);
  expectWrong(
      test.without("cta.mbarrier_wait %free[%index] parity %parity : !b2"),
      {{"without knowing that their last write is done",
        "while they may still be read", "arrives 128 times on"},
       "",
       "gather"});
  expectWrong(
      test.without("cta.mbarrier_wait %full[%index] parity %parity : !b2"),
      {kNotThere, "cta.load_shared", "math"});
  expectWrong(test.without("cta.arrive_copies %full[%index] : !b2"),
              {{"deadlock"}, "", "", "still expects 128 arrivals"});
  expectWrong(test.with("count 128", "count 4"),
              {{"arrives 128 times on mbarrier \"k.full\"["},
               "cta.arrive_copies",
               "gather"});
  // An arrival of the warps says nothing of copies in flight.
  expectWrong(
      test.with("cta.arrive_copies", "cta.arrive").with("count 128", "count 4"),
      {{"without knowing that their last write is done"},
       "cta.load_shared",
       "math",
       "cta.gather_async"});
  // Copies that no arrival covers.
  expectWrong(
      test.with("cta.arrive_copies %full[%index] : !b2",
                "cta.arrive_copies %full[%index] : !b2\n%z = cta.slot "
                "%last[%index] : !ring\ncta.gather_async %A[%rows][%c0] to %z "
                ": memref<?x64xbf16>, tensor<64xi32, #cta.layout<gather>>, "
                "!tile")
          .with("%k = cta.ring",
                "%last = cta.ring \"last\" at 17408 : !ring\n%k = cta.ring"),
      {{"without knowing that their last write is done",
        "issues a copy that may be in flight when the CTA ends: nobody waits "
        "for it"},
       "",
       "gather",
       "cta.gather_async"});
}

TEST_F(RaceTest, SlotStoredWhileReadByAProduct) {
  // The tile is read by an MMA instead of a load; "from" may store again
  // once it is over.
  Case test;
  test.parameters = "%X: memref<2x64x64xbf16>, %out: memref<2x64x64xf32>";
  test.body = R"(
    %p = cta.buffer "p" at 0 : !tile
    %full = cta.mbarrier "full" count 4 at 8192 : !b1
    %free = cta.mbarrier "free" count 4 at 8200 : !b1
    cta.mbarrier_init %full : !b1
    cta.mbarrier_init %free : !b1
    cta.sync
    cta.role "from" warps 4 registers 96 {
      scf.for %i = %c0 to %c2 step %c1 {
        %n = arith.index_cast %i : index to i32
        %next = arith.addi %n, %i1 : i32
        %parity = arith.andi %next, %i1 : i32
        %x = tile.load %X[%i, %c0, %c0] : memref<2x64x64xbf16> -> !bf
        cta.mbarrier_wait %free[%i0] parity %parity : !b1
        cta.store_shared %x to %p : !bf, !tile
        cta.fence_async
        cta.arrive %full[%i0] : !b1
      }
    }
    cta.role "math" warps 4 registers 216 {
      scf.for %i = %c0 to %c2 step %c1 {
        %n = arith.index_cast %i : index to i32
        %parity = arith.andi %n, %i1 : i32
        cta.mbarrier_wait %full[%i0] parity %parity : !b1
        %d = cta.descriptor %p : !tile -> !mn
        cta.mma_fence
        %f = cta.mma_async %d, %d : !mn, !mn -> !flight
        cta.mma_commit
        %r = cta.mma_wait %f pending 0 : !flight
        cta.arrive %free[%i0] : !b1
        tile.store %r, %out[%i, %c0, %c0] : !acc, memref<2x64x64xf32>
      }
    }
  )";
  Doubles x = makeValues(2 * 64 * 64);
  test.arrays = {bf16({2, 64, 64}, x), interp::out({2, 64, 64})};
  for (size_t half : {0, 64 * 64}) {
    Doubles part(x.begin() + half, x.begin() + half + 64 * 64);
    llvm::append_range(test.results[1], multiply(part, part, 64, 64, 64));
  }
  expectRight(test);
  Case early = test.without("cta.arrive %free[%i0] : !b1")
                   .with("cta.mma_commit",
                         "cta.mma_commit\ncta.arrive %free[%i0] : !b1");
  expectWrong(early,
              {{"while they may still be read"},
               "cta.store_shared",
               "from",
               "cta.mma_async (role \"math\" of CTA [0], iteration [0])"});
  // A fence behind the arrival: it covers nothing that the other role reads.
  Case late = test.without("cta.fence_async")
                  .with("cta.arrive %full[%i0] : !b1",
                        "cta.arrive %full[%i0] : !b1\ncta.fence_async");
  expectWrong(late, {{"without cta.fence_async since"},
                     "cta.mma_async",
                     "math",
                     "cta.store_shared (role \"from\""});
}
