// Accumulation into a fragment that is not the result of an MMA: values by row, by column and
// constants, and then several MMAs. The vectors are loaded at
// run-time starts that lie partly or wholly outside their memref.
//
// Anchored by: wgmma defines where an accumulator's element lies, as it adds to it
// there. Chosen by the converter: the maps of tile.load by row and by column,
// tile.broadcast along both dimensions, padding and its bounds.

#schedule = #mla.schedule<"load-math",
  roles = [<"math", warps = 4, registers = 240>, <"load", warps = 1, registers = 24>],
  table = [<"a" in ["load"]>, <"b" in ["load"]>, <"mix" in ["math"]>, <"dot" in ["math"]>,
           <"out" in ["math"]>]>

func.func @mma_acc(%a: memref<64x64xbf16> {mla.name = "a"},
                   %b: memref<64x128xbf16> {mla.name = "b"},
                   %row: memref<?xf32> {mla.name = "row", mla.dims = ["rows"]},
                   %irow: memref<?xi32> {mla.name = "irow", mla.dims = ["rows"]},
                   %column: memref<2x?xf32> {mla.name = "column", mla.dims = ["", "columns"]},
                   %icolumn: memref<?xi32> {mla.name = "icolumn", mla.dims = ["columns"]},
                   %start: memref<?x2xi32> {mla.name = "start", mla.dims = ["starts", ""]},
                   %out: memref<?x64x128xf32> {mla.name = "out", mla.dims = ["starts", "", ""]})
    attributes {mla.schedule = #schedule} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %starts = memref.dim %start, %c0 : memref<?x2xi32>
  scf.forall (%i) in (%starts) {
    %r32 = memref.load %start[%i, %c0] : memref<?x2xi32>
    %s32 = memref.load %start[%i, %c1] : memref<?x2xi32>
    %r = arith.index_cast %r32 : i32 to index
    %s = arith.index_cast %s32 : i32 to index
    %at = tile.load %a[%c0, %c0] {tile.label = "a"} : memref<64x64xbf16> -> tensor<64x64xbf16>
    %bt = tile.load %b[%c0, %c0] {tile.label = "b"} : memref<64x128xbf16> -> tensor<64x128xbf16>
    %x = tile.load %row[%r] pad 7.5 : f32 : memref<?xf32> -> tensor<64xf32>
    %ix = tile.load %irow[%r] pad -3 : i32 : memref<?xi32> -> tensor<64xi32>
    %y = tile.load %column[%c1, %s] : memref<2x?xf32> -> tensor<128xf32>
    %iy = tile.load %icolumn[%s] pad -5 : i32 : memref<?xi32> -> tensor<128xi32>
    %xs = tile.broadcast %x dim 1 : tensor<64xf32> -> tensor<64x128xf32>
    %ys = tile.broadcast %y dim 0 : tensor<128xf32> -> tensor<64x128xf32>
    %ixs = tile.broadcast %ix dim 1 : tensor<64xi32> -> tensor<64x128xi32>
    %iys = tile.broadcast %iy dim 0 : tensor<128xi32> -> tensor<64x128xi32>
    %ints = arith.muli %ixs, %iys {tile.label = "mix"} : tensor<64x128xi32>
    %fints = arith.sitofp %ints {tile.label = "mix"} : tensor<64x128xi32> to tensor<64x128xf32>
    %floats = arith.mulf %xs, %ys {tile.label = "mix"} : tensor<64x128xf32>
    %sum = arith.addf %floats, %fints {tile.label = "mix"} : tensor<64x128xf32>
    %half = arith.constant dense<0.5> : tensor<64x128xf32>
    %acc = arith.addf %sum, %half {tile.label = "mix"} : tensor<64x128xf32>
    %d0 = tile.dot %at, %bt acc %acc : tensor<64x128xf32> {tile.label = "dot"} : tensor<64x64xbf16>, tensor<64x128xbf16> -> tensor<64x128xf32>
    %d1 = tile.dot %at, %bt acc %d0 : tensor<64x128xf32> transpose_a {tile.label = "dot"} : tensor<64x64xbf16>, tensor<64x128xbf16> -> tensor<64x128xf32>
    tile.store %d1, %out[%i, %c0, %c0] {tile.label = "out"} : tensor<64x128xf32>, memref<?x64x128xf32>
  }
  return
}
