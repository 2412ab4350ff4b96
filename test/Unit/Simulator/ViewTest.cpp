//===- ViewTest.cpp - views, and buffers over slots -----------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "TestSupport.h"

using namespace mla;
using namespace mla::sim;

namespace {
class ViewTest : public SimulatorTest {};
} // namespace

TEST_F(ViewTest, ViewsOfSwizzledTiles) {
  // Two halves of a tile, by rows or by columns, are filled apart. The whole
  // and a corner are read.
  for (bool rows : {true, false}) {
    Case test;
    test.parameters = "%X: memref<64x128xbf16>, %out: memref<64x128xbf16>, "
                      "%corner: memref<32x64xbf16>";
    std::string half = rows ? "32x128" : "64x64", at = rows ? "32, 0" : "0, 64",
                index = rows ? "%c32, %c0" : "%c0, %c64";
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
        R"(
      cta.named_sync %bar
      %z = cta.load_shared %t : !cta.buffer<64x128xbf16, #sw> -> tensor<64x128xbf16, #cta.layout<acc>>
      tile.store %z, %out[%c0, %c0] : tensor<64x128xbf16, #cta.layout<acc>>, memref<64x128xbf16>
      %c = cta.view %t [32, 64] : !cta.buffer<64x128xbf16, #sw> -> !cta.buffer<32x64xbf16, #sw>
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
    // A view starts at a block of the swizzle.
    if (!rows)
      expectWrong(test.with("cta.view %t [32, 64]", "cta.view %t [32, 32]"),
                  {{"expected a view of whole rows, or one that starts at a "
                    "multiple of 8 rows and at a block of the swizzle"},
                   "cta.view"});
    expectWrong(test.with("cta.view %t [32, 64]", "cta.view %t [4, 64]"),
                {{"expected a view of whole rows"}, "cta.view"});
  }
}

TEST_F(ViewTest, ViewsOfPlainTiles) {
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

TEST_F(ViewTest, BuffersOverSlots) {
  // P aliases a tile that an MMA has read, and is loaded through the slot.
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
  // All four warps execute the MMA, and each has waited for it: they need no
  // barrier between them.
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
