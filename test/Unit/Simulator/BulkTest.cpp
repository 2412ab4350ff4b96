//===- BulkTest.cpp - bulk copies and groups of stores --------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "TestSupport.h"

using namespace mla;
using namespace mla::sim;

namespace {
class BulkTest : public SimulatorTest {
protected:
  /// One role stores X, then -X, from the same tile.
  static Case makeStores() {
    Case test;
    test.parameters = "%X: memref<64xf32>, %out: memref<2x64xf32>";
    test.body = R"(
      %v = cta.buffer "v" at 0 : !vec
      %bar = cta.named_barrier "bar" id 1 threads 128
      cta.role "one" warps 4 registers 216 {
        %x = tile.load %X[%c0] : memref<64xf32> -> !row
        cta.store_shared %x to %v : !row, !vec
        cta.fence_async
        cta.named_sync %bar
        cta.elect {
          cta.bulk_store %v to %out[%c0, %c0] : !vec, memref<2x64xf32>
          cta.bulk_commit
          cta.bulk_wait 0 read
        }
        cta.named_sync %bar // empty
        %y = arith.negf %x : !row
        cta.store_shared %y to %v : !row, !vec
        cta.fence_async // second
        cta.named_sync %bar // second
        cta.elect {
          cta.bulk_store %v to %out[%c1, %c0] : !vec, memref<2x64xf32>
          cta.bulk_commit // second
          cta.bulk_wait 0 // end
        }
      }
    )";
    Doubles x = makeValues(64);
    test.arrays = {interp::f32({64}, x), interp::out({2, 64})};
    test.results[1] = x;
    for (double value : x)
      test.results[1].push_back(-value);
    return test;
  }

  /// Loads 64 elements of X, of rows of 48, from [row, column] on.
  static Case makeLoad(int64_t row, int64_t column) {
    Case test;
    test.parameters = "%X: memref<?x?xf32, strided<[?, 1]>>, %out: "
                      "memref<64xf32>, %row: index, %column: index";
    test.body = R"(
      %v = cta.buffer "v" at 16 : !vec
      %full = cta.mbarrier "full" count 1 at 512 : !b1
      cta.mbarrier_init %full : !b1
      cta.mbarrier_init_fence
      cta.sync
      cta.role "one" warps 1 registers 216 {
        cta.arrive_expect %full[%i0] bytes 256 : !b1
        cta.bulk_load %X[%row, %column] to %v signals %full[%i0] : !b1 : memref<?x?xf32, strided<[?, 1]>>, !vec
        cta.mbarrier_wait %full[%i0] parity %i0 : !b1
        %y = cta.load_shared %v : !vec -> !row
        tile.store %y, %out[%c0] : !row, memref<64xf32>
      }
    )";
    Doubles x = makeValues(3 * 48);
    test.arrays = {interp::f32({3, 48}, x), interp::out({64})};
    test.scalars = {interp::index(row), interp::index(column)};
    for (int64_t n = 0; n < 64; ++n) {
      auto at = static_cast<size_t>(row * 48 + column + n);
      test.results[1].push_back(at < x.size() ? x[at] : 0);
    }
    return test;
  }
};
} // namespace

TEST_F(BulkTest, Groups) {
  Case test = makeStores();
  expectRight(test);
  const Blame still = {{"writes bytes [0, ", "while they may still be read"},
                       "cta.store_shared",
                       "one",
                       "cta.bulk_store (role \"one\" of CTA [0])"};
  expectWrong(test.without("cta.bulk_wait 0 read"), still);
  expectWrong(test.with("cta.bulk_wait 0 read", "cta.bulk_wait 1 read"), still);
  // A store that has been written has been read.
  expectRight(test.with("cta.bulk_wait 0 read", "cta.bulk_wait 0"));
  // The other warps know of it from the barrier.
  expectWrong(test.without("cta.named_sync %bar // empty"), still);
  // Groups belong to a thread.
  expectWrong(test.with("cta.bulk_wait 0 read",
                        "}\ncta.elect warp 1 {\ncta.bulk_wait 0 read"),
              still);
  // A store that is not committed is in no group.
  expectWrong(test.with("cta.bulk_commit\n", "\n"), still);
}

TEST_F(BulkTest, OlderGroups) {
  // Two groups; the first is waited for, and only its tile is free.
  Case test;
  test.parameters = "%X: memref<64xf32>, %out: memref<2x64xf32>";
  test.body = R"(
    %v = cta.buffer "v" at 0 : !vec
    %w = cta.buffer "w" at 256 : !vec
    cta.role "one" warps 1 registers 216 {
      %x = tile.load %X[%c0] : memref<64xf32> -> !row
      cta.store_shared %x to %v : !row, !vec
      cta.store_shared %x to %w : !row, !vec
      cta.fence_async
      cta.elect {
        cta.bulk_store %v to %out[%c0, %c0] : !vec, memref<2x64xf32>
        cta.bulk_commit
        cta.bulk_store %w to %out[%c1, %c0] : !vec, memref<2x64xf32>
        cta.bulk_commit
        cta.bulk_wait 1 read
      }
      cta.store_shared %x to %v : !row, !vec // first
      cta.elect { cta.bulk_wait 0 }
    }
  )";
  Doubles x = makeValues(64);
  test.arrays = {interp::f32({64}, x), interp::out({2, 64})};
  test.results[1] = x;
  llvm::append_range(test.results[1], x);
  expectRight(test);
  expectWrong(test.with("to %v : !row, !vec // first", "to %w : !row, !vec"),
              {{"writes bytes [256, 512)", "while they may still be read"},
               "cta.store_shared",
               "one",
               "cta.bulk_store"});
}

TEST_F(BulkTest, StoresReadThroughTheAsyncProxy) {
  Case test = makeStores();
  const Blame unfenced = {{"without cta.fence_async since"},
                          "cta.bulk_store",
                          "one",
                          "cta.store_shared"};
  expectWrong(test.with("cta.fence_async\n", "\n"), unfenced);
  expectWrong(test.without("cta.fence_async // second"), unfenced);
  expectWrong(
      test.without("cta.named_sync %bar // second"),
      {{"without knowing that their last write is done"}, "cta.bulk_store"});
}

TEST_F(BulkTest, EndsInFlight) {
  Case test = makeStores();
  const Blame blame = {{"issues a bulk store that may read shared memory when "
                        "the CTA ends: nobody waits for it"},
                       "cta.role",
                       "one"};
  expectWrong(test.without("cta.bulk_wait 0 // end"), blame);
  expectWrong(test.without("cta.bulk_commit // second"), blame);
  // At the end of the kernel the results are in memory.
  expectRight(test.with("cta.bulk_wait 0 // end", "cta.bulk_wait 0 read"));
}

TEST_F(BulkTest, ResultsAreReadBack) {
  Case test = makeStores();
  test = test.with("cta.bulk_wait 0 // end",
                   "cta.bulk_wait 0 // end\n}\ncta.named_sync %bar\n"
                   "%z = tile.load %out[%c1, %c0] : memref<2x64xf32> -> !row\n"
                   "tile.store %z, %back[%c0] : !row, memref<64xf32>\n"
                   "cta.elect {");
  test.parameters += ", %back: memref<64xf32>";
  test.arrays.push_back(interp::out({64}));
  Doubles &out = test.results[1];
  test.results[2].assign(out.begin() + 64, out.end());
  expectRight(test);
  expectWrong(test.with("cta.bulk_wait 0 // end", "cta.bulk_wait 0 read"),
              {{"of a memref without knowing that their last write is done"},
               "tile.load",
               "one",
               "cta.bulk_store"});
  // So are those of a store by another bulk copy.
  Case twice =
      makeStores().with("%v to %out[%c1, %c0]", "%v to %out[%c0, %c0]");
  expectWrong(twice, {{"of a memref without knowing that their last write is "
                       "done"},
                      "cta.bulk_store",
                      "one",
                      "cta.bulk_store"});
}

TEST_F(BulkTest, StoreAsync) {
  // A tile's elements outside the memref are dropped.
  Case test;
  test.parameters = "%X: memref<64x64xbf16>, %out: memref<104x72xbf16>";
  test.before = "%c8 = arith.constant 8 : index\n"
                "%map = cta.tensor_map %out box [64, 64] swizzle 128 : "
                "memref<104x72xbf16>\n";
  test.body = R"(
    %t = cta.buffer "t" at 0 : !tile
    %bar = cta.named_barrier "bar" id 1 threads 128
    cta.role "one" warps 4 registers 216 {
      %x = tile.load %X[%c0, %c0] : memref<64x64xbf16> -> !bf
      cta.store_shared %x to %t : !bf, !tile
      cta.fence_async
      cta.named_sync %bar
      cta.elect warp 3 {
        scf.for %i = %c0 to %c2 step %c1 {
          %row = arith.muli %i, %c64 : index
          cta.store_async %t to %out[%row, %c0] map %map : !tile, memref<104x72xbf16>
          cta.store_async %t to %out[%row, %c64] map %map : !tile, memref<104x72xbf16>
        }
        cta.bulk_commit
        cta.bulk_wait 0
      }
    }
  )";
  Doubles x = makeValues(64 * 64);
  test.arrays = {bf16({64, 64}, x),
                 bf16({104, 72}, Doubles(104 * 72, interp::kNaN))};
  for (size_t r = 0; r < 104; ++r)
    for (size_t c = 0; c < 72; ++c)
      test.results[1].push_back(x[r % 64 * 64 + c % 64]);
  expectRight(test);
  expectWrong(test.without("cta.fence_async"),
              {{"without cta.fence_async since"}, "cta.store_async", "one"});
  expectWrong(
      test.with("box [64, 64]", "box [64, 32]"),
      {{"expected a tensor map whose box fits the tile"}, "cta.store_async"});
  // Boxes that overlap, in no order.
  expectWrong(test.with("%out[%row, %c64]", "%out[%row, %c8]"),
              {{"of a memref without knowing that their last write is done"},
               "cta.store_async",
               "one",
               "cta.store_async"});
}

TEST_F(BulkTest, Loads) {
  expectRight(makeLoad(0, 0));
  // Into the next row, where rows follow each other.
  expectRight(makeLoad(0, 44));
  expectRight(makeLoad(1, 32));
  expectWrong(makeLoad(2, 0),
              {{"reaches beyond the memref: expected at most 48 elements, got "
                "64"},
               "cta.bulk_load",
               "one"});
  expectWrong(
      makeLoad(3, 0),
      {{"expected an index in [0, 3) in dimension 0, got 3"}, "cta.bulk_load"});
  expectWrong(makeLoad(0, -4),
              {{"expected an index in [0, 48) in dimension 1, got -4"},
               "cta.bulk_load"});
  expectWrong(makeLoad(0, 2),
              {{"expected an address that is a multiple of 16 bytes"},
               "cta.bulk_load"});
  Case padded = makeLoad(0, 0);
  padded.arrays[0].shape = {3, 40};
  padded.arrays[0].strides = {48, 1};
  expectWrong(padded,
              {{"expected at most 40 elements, got 64"}, "cta.bulk_load"});
  expectWrong(makeLoad(0, 0).with("\"v\" at 16", "\"v\" at 24"),
              {{"expected a place in shared memory that is a multiple of 16 "
                "bytes, got byte 24"},
               "cta.bulk_load"});
}

TEST_F(BulkTest, LoadsOfWhatTheKernelWrites) {
  // The row that is loaded is one that the role has just written.
  Case test = makeStores();
  test = test.with("%v = cta.buffer",
                   "%full = cta.mbarrier \"full\" count 1 at 1024 : !b1\n"
                   "cta.mbarrier_init %full : !b1\n"
                   "cta.mbarrier_init_fence\ncta.sync\n"
                   "%w = cta.buffer \"w\" at 512 : !vec\n%v = cta.buffer")
             .with("cta.bulk_wait 0 // end",
                   "cta.bulk_wait 0 // end\n"
                   "cta.arrive_expect %full[%i0] bytes 256 : !b1\n"
                   "cta.bulk_load %out[%c1, %c0] to %w signals %full[%i0] : "
                   "!b1 : memref<2x64xf32>, !vec\n"
                   "cta.mbarrier_wait %full[%i0] parity %i0 : !b1");
  expectRight(test);
  expectWrong(test.with("cta.bulk_wait 0 // end", "cta.bulk_wait 0 read"),
              {{"of a memref without knowing that their last write is done"},
               "cta.bulk_load",
               "one",
               "cta.bulk_store"});
}
