// Reductions by row of products of 8, 72 and 256 columns: the largest element, also
// where all are negative, and the sum; rows of -inf.
//
// Anchored by: wgmma defines D. Chosen by the converter: which registers of which
// lanes are of one row, and the row that a lane stores.

#schedule = #mla.schedule<"load-math",
  roles = [<"math", warps = 4, registers = 240>, <"load", warps = 1, registers = 24>],
  table = [<"a" in ["load"]>, <"b" in ["load"]>, <"dot" in ["math"]>, <"out" in ["math"]>]>

func.func @reduce(%a: memref<64x64xbf16> {mla.name = "a"},
                  %b: memref<256x64xbf16> {mla.name = "b"},
                  %limit: memref<1xi32> {mla.name = "limit"},
                  %out: memref<7x64xf32> {mla.name = "out"})
    attributes {mla.schedule = #schedule} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c2 = arith.constant 2 : index
  %c3 = arith.constant 3 : index
  %c4 = arith.constant 4 : index
  %c5 = arith.constant 5 : index
  %c6 = arith.constant 6 : index
  %l = memref.load %limit[%c0] : memref<1xi32>
  scf.forall (%i) in (1) {
    %at = tile.load %a[%c0, %c0] {tile.label = "a"} : memref<64x64xbf16> -> tensor<64x64xbf16>
    %bt = tile.load %b[%c0, %c0] {tile.label = "b"} : memref<256x64xbf16> -> tensor<256x64xbf16>
    %b8 = tile.view %bt [8, 0] : tensor<256x64xbf16> -> tensor<8x64xbf16>
    %d8 = tile.dot %at, %b8 transpose_b {tile.label = "dot"} : tensor<64x64xbf16>, tensor<8x64xbf16> -> tensor<64x8xf32>
    %max8 = tile.reduce max %d8 dim 1 : tensor<64x8xf32> -> tensor<64xf32>
    %sum8 = tile.reduce sum %d8 dim 1 : tensor<64x8xf32> -> tensor<64xf32>
    tile.store %max8, %out[%c0, %c0] {tile.label = "out"} : tensor<64xf32>, memref<7x64xf32>
    tile.store %sum8, %out[%c1, %c0] {tile.label = "out"} : tensor<64xf32>, memref<7x64xf32>
    %b72 = tile.view %bt [64, 0] : tensor<256x64xbf16> -> tensor<72x64xbf16>
    %d72 = tile.dot %at, %b72 transpose_b {tile.label = "dot"} : tensor<64x64xbf16>, tensor<72x64xbf16> -> tensor<64x72xf32>
    %max72 = tile.reduce max %d72 dim 1 : tensor<64x72xf32> -> tensor<64xf32>
    %sum72 = tile.reduce sum %d72 dim 1 : tensor<64x72xf32> -> tensor<64xf32>
    tile.store %max72, %out[%c2, %c0] {tile.label = "out"} : tensor<64xf32>, memref<7x64xf32>
    tile.store %sum72, %out[%c3, %c0] {tile.label = "out"} : tensor<64xf32>, memref<7x64xf32>
    %d256 = tile.dot %at, %bt transpose_b {tile.label = "dot"} : tensor<64x64xbf16>, tensor<256x64xbf16> -> tensor<64x256xf32>
    %max256 = tile.reduce max %d256 dim 1 : tensor<64x256xf32> -> tensor<64xf32>
    %sum256 = tile.reduce sum %d256 dim 1 : tensor<64x256xf32> -> tensor<64xf32>
    tile.store %max256, %out[%c4, %c0] {tile.label = "out"} : tensor<64xf32>, memref<7x64xf32>
    tile.store %sum256, %out[%c5, %c0] {tile.label = "out"} : tensor<64xf32>, memref<7x64xf32>
    // Columns from `limit` on do not count; nor do elements of 0 or more.
    %column = tile.iota : tensor<72xi32>
    %limits = tensor.splat %l : tensor<72xi32>
    %inside = arith.cmpi slt, %column, %limits : tensor<72xi32>
    %insides = tile.broadcast %inside dim 0 : tensor<72xi1> -> tensor<64x72xi1>
    %zero = arith.constant dense<0.0> : tensor<64x72xf32>
    %negative = arith.cmpf olt, %d72, %zero : tensor<64x72xf32>
    %counts = arith.andi %insides, %negative : tensor<64x72xi1>
    %none = arith.constant dense<0xFF800000> : tensor<64x72xf32>
    %masked = arith.select %counts, %d72, %none : tensor<64x72xi1>, tensor<64x72xf32>
    %maxm = tile.reduce max %masked dim 1 : tensor<64x72xf32> -> tensor<64xf32>
    tile.store %maxm, %out[%c6, %c0] {tile.label = "out"} : tensor<64xf32>, memref<7x64xf32>
  }
  return
}
