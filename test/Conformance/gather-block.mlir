// Gathers with a block: tiles of 64 rows of one page, copied by TMA, and in between
// tiles of any rows, which cp.async copies into the same slots, each filled by two
// gathers. conformance.py fills in the tokens per page, or, for a cache without pages,
// the request whose tokens they are. Rows that are negative, past the end or extreme
// give zeros; rows that no index names hold NaN.
//
// Anchored by: wgmma reads the slot through its own swizzle and defines D, TMA writes
// the identity. Chosen by the converter: the coordinates of a block, the bytes that
// its barrier expects, and that both kinds of copies complete a phase.

#schedule = #mla.schedule<"gather-math",
  roles = [<"math", warps = 4, registers = 240>, <"gather", warps = 4, registers = 240>],
  table = [<"x" in ["gather"]>, <"k" in ["gather"]>, <"dot" in ["math"]>, <"out" in ["math"]>],
  rings = [<"k", depth = 2>]>

!cache = memref<?x${page}x2x192xbf16, strided<[?, ?, ?, 1]>>

func.func @gather_block(%cache: !cache {mla.name = "cache", mla.dims = ["pages", "", "", ""]},
                        %first: memref<?xi32> {mla.name = "first", mla.dims = ["tiles"]},
                        %rows: memref<?x64xi32> {mla.name = "rows", mla.dims = ["tiles", ""]},
                        %x: memref<64x64xbf16> {mla.name = "x"},
                        %out: memref<?x64x128xf32> {mla.name = "out", mla.dims = ["tiles", "", ""]})
    attributes {mla.schedule = #schedule} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c2 = arith.constant 2 : index
  %c64 = arith.constant 64 : index
  %c128 = arith.constant 128 : index
  %tiles = memref.dim %first, %c0 : memref<?xi32>
  scf.forall (%all) in (1) {
    %eye = tile.load %x[%c0, %c0] {tile.label = "x"} : memref<64x64xbf16> -> tensor<64x64xbf16>
    scf.for %i = %c0 to %tiles step %c1 {
      %block = memref.load %first[%i] : memref<?xi32>
      %given = tile.load %rows[%i, %c0] : memref<?x64xi32> -> tensor<64xi32>
      %left = tile.gather %cache[%given][${request}%c1, %c64] ${dim}block %block : !cache, tensor<64xi32> -> tensor<64x64xbf16>
      %right = tile.gather %cache[%given][${request}%c1, %c128] ${dim}block %block : !cache, tensor<64xi32> -> tensor<64x64xbf16>
      %k = tile.concat %left, %right dim 1 {tile.label = "k"} : tensor<64x64xbf16>, tensor<64x64xbf16> -> tensor<64x128xbf16>
      %d = tile.dot %eye, %k {tile.label = "dot"} : tensor<64x64xbf16>, tensor<64x128xbf16> -> tensor<64x128xf32>
      tile.store %d, %out[%i, %c0, %c0] {tile.label = "out"} : tensor<64x128xf32>, memref<?x64x128xf32>
    }
  }
  return
}
