// KV rows through a table of pages: the pages of one request, gathered along the
// second dimension of the table, and rows that count through pages and the tokens of
// a page. conformance.py fills in the tokens per page. Slots past the end of the
// table give page 0; rows that are negative, past the end or extreme give zeros; rows
// that no index names hold NaN.
//
// Anchored by: wgmma reads the slot through its own swizzle and defines D, TMA
// writes the identity. Chosen by the converter: which thread loads which table entry
// and copies which row, division of a row index into page and token.

#schedule = #mla.schedule<"gather-math",
  roles = [<"math", warps = 4, registers = 240>, <"gather", warps = 4, registers = 240>],
  table = [<"x" in ["gather"]>, <"table" in ["gather"]>, <"k" in ["gather"]>, <"odd" in ["gather"]>,
           <"dot" in ["math"]>, <"out" in ["math"]>]>

!cache = memref<?x${page}x2x128xbf16, strided<[?, ?, ?, 1]>>

func.func @gather_pages(%cache: !cache {mla.name = "cache", mla.dims = ["pages", "", "", ""]},
                        %pages: memref<?x?xi32> {mla.name = "table", mla.dims = ["requests", "slots"]},
                        %rows: memref<64xi32> {mla.name = "rows"},
                        %x: memref<64x64xbf16> {mla.name = "x"},
                        %out: memref<?x64x128xf32> {mla.name = "out", mla.dims = ["requests", "", ""]})
    attributes {mla.schedule = #schedule} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c64 = arith.constant 64 : index
  %page = arith.constant dense<${page}> : tensor<64xi32>
  %requests = memref.dim %pages, %c0 : memref<?x?xi32>
  scf.forall (%i) in (%requests) {
    %eye = tile.load %x[%c0, %c0] {tile.label = "x"} : memref<64x64xbf16> -> tensor<64x64xbf16>
    %token = tile.iota : tensor<64xi32>
    %slot = arith.divui %token, %page : tensor<64xi32>
    %entry = tile.gather %pages[%slot][%i] dim 1 {tile.label = "table"} : memref<?x?xi32>, tensor<64xi32> -> tensor<64xi32>
    %first = arith.muli %entry, %page : tensor<64xi32>
    %at = arith.remui %token, %page : tensor<64xi32>
    %row = arith.addi %first, %at : tensor<64xi32>
    %k = tile.gather %cache[%row][%c1, %c64] {tile.label = "k"} : !cache, tensor<64xi32> -> tensor<64x64xbf16>
    %d = tile.dot %eye, %k {tile.label = "dot"} : tensor<64x64xbf16>, tensor<64x64xbf16> -> tensor<64x64xf32>
    tile.store %d, %out[%i, %c0, %c0] {tile.label = "out"} : tensor<64x64xf32>, memref<?x64x128xf32>
    %given = tile.load %rows[%c0] : memref<64xi32> -> tensor<64xi32>
    %k2 = tile.gather %cache[%given][%c1, %c64] {tile.label = "odd"} : !cache, tensor<64xi32> -> tensor<64x64xbf16>
    %d2 = tile.dot %eye, %k2 {tile.label = "dot"} : tensor<64x64xbf16>, tensor<64x64xbf16> -> tensor<64x64xf32>
    tile.store %d2, %out[%i, %c0, %c64] {tile.label = "out"} : tensor<64x64xf32>, memref<?x64x128xf32>
  }
  return
}
