// What MMAs with A and B swapped need of a tile D of 128 rows and ${n} columns: reductions
// down its columns, vectors by column stored and broadcast, its transpose through
// shared memory to an MMA of another role (of 128 rows, A MN-major), and its
// transpose to memory in bf16 and f32, some of whose rows lie outside.
//
// Anchored by: wgmma defines D and reads its transpose, TMA writes the operands.
// Chosen by the converter: the registers of the second 64 rows, which lanes and
// warps share a column, the exchange between warps, the lanes that store a column,
// stmatrix.trans and its addresses, movmatrix and the trade of its columns, the
// byte offset of each 64 rows of A.

#schedule = #mla.schedule<"transposed",
  roles = [<"math", warps = 4, registers = 216>, <"next", warps = 4, registers = 216>,
           <"load", warps = 4, registers = 72>],
  table = [<"a" in ["load"]>, <"b" in ["load"]>, <"v" in ["load"]>, <"dot" in ["math"]>,
           <"max" in ["math"]>, <"sum" in ["math"]>, <"p" in ["math"]>,
           <"out" in ["math"]>, <"next" in ["next"]>, <"onext" in ["next"]>]>

func.func @transposed(%a: memref<128x64xbf16> {mla.name = "a"},
                      %b: memref<${n}x64xbf16> {mla.name = "b"},
                      %v: memref<128x128xbf16> {mla.name = "v"},
                      %bout: memref<?x128xbf16> {mla.name = "bout", mla.dims = ["rows", ""]},
                      %wide: memref<?x128xf32> {mla.name = "wide", mla.dims = ["rows", ""]},
                      %vectors: memref<3x${n}xf32> {mla.name = "vectors"},
                      %next: memref<128x${n}xf32> {mla.name = "next"})
    attributes {mla.schedule = #schedule} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c2 = arith.constant 2 : index
  scf.forall (%i) in (1) {
    %at = tile.load %a[%c0, %c0] {tile.label = "a"} : memref<128x64xbf16> -> tensor<128x64xbf16>
    %bt = tile.load %b[%c0, %c0] {tile.label = "b"} : memref<${n}x64xbf16> -> tensor<${n}x64xbf16>
    %vt = tile.load %v[%c0, %c0] {tile.label = "v"} : memref<128x128xbf16> -> tensor<128x128xbf16>
    %d = tile.dot %at, %bt transpose_b {tile.label = "dot"} : tensor<128x64xbf16>, tensor<${n}x64xbf16> -> tensor<128x${n}xf32>
    %max = tile.reduce max %d dim 0 {tile.label = "max"} : tensor<128x${n}xf32> -> tensor<${n}xf32>
    %sum = tile.reduce sum %d dim 0 {tile.label = "sum"} : tensor<128x${n}xf32> -> tensor<${n}xf32>
    tile.store %max, %vectors[%c0, %c0] {tile.label = "out"} : tensor<${n}xf32>, memref<3x${n}xf32>
    tile.store %sum, %vectors[%c1, %c0] {tile.label = "out"} : tensor<${n}xf32>, memref<3x${n}xf32>
    %dt = tile.transpose %d {tile.label = "sum"} : tensor<128x${n}xf32> -> tensor<${n}x128xf32>
    tile.store %dt, %wide[%c0, %c0] {tile.label = "out"} : tensor<${n}x128xf32>, memref<?x128xf32>
    // Of rows too, in the same registers.
    %most = tile.reduce max %d dim 1 {tile.label = "max"} : tensor<128x${n}xf32> -> tensor<128xf32>
    %mosts = tile.broadcast %most dim 1 : tensor<128xf32> -> tensor<128x${n}xf32>
    %below = arith.subf %d, %mosts {tile.label = "sum"} : tensor<128x${n}xf32>
    %least = tile.reduce sum %below dim 0 {tile.label = "sum"} : tensor<128x${n}xf32> -> tensor<${n}xf32>
    tile.store %least, %vectors[%c2, %c0] {tile.label = "out"} : tensor<${n}xf32>, memref<3x${n}xf32>
    // P = (D - max by column) / 2, exact in bf16.
    %maxs = tile.broadcast %max dim 0 : tensor<${n}xf32> -> tensor<128x${n}xf32>
    %s = arith.subf %d, %maxs {tile.label = "p"} : tensor<128x${n}xf32>
    %half = arith.constant dense<0.5> : tensor<128x${n}xf32>
    %h = arith.mulf %s, %half {tile.label = "p"} : tensor<128x${n}xf32>
    %p = arith.truncf %h {tile.label = "p"} : tensor<128x${n}xf32> to tensor<128x${n}xbf16>
    %pt = tile.transpose %p {tile.label = "p"} : tensor<128x${n}xbf16> -> tensor<${n}x128xbf16>
    tile.store %pt, %bout[%c0, %c0] {tile.label = "out"} : tensor<${n}x128xbf16>, memref<?x128xbf16>
    %o = tile.dot %vt, %pt transpose_a transpose_b {tile.label = "next"} : tensor<128x128xbf16>, tensor<${n}x128xbf16> -> tensor<128x${n}xf32>
    %sums = tile.broadcast %sum dim 0 : tensor<${n}xf32> -> tensor<128x${n}xf32>
    %r = arith.addf %o, %sums {tile.label = "next"} : tensor<128x${n}xf32>
    tile.store %r, %next[%c0, %c0] {tile.label = "onext"} : tensor<128x${n}xf32>, memref<128x${n}xf32>
  }
  return
}
