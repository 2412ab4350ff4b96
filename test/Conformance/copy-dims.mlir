// Tiles of rows along the second dimension of a memref of rank 4: by TMA, and with a
// bound, where a tile that ends below it is a block copied by TMA and others are
// gathered. The tiles are wider than the memref. Products with the identity show them.
//
// Anchored by: TMA and cp.async place the elements and fill with zeros, wgmma reads
// them and defines D. Chosen by the converter: boxes, coordinates and their order, which
// rows and columns a gather reads, and which tiles are blocks.

#schedule = #mla.schedule<"load-math",
  roles = [<"math", warps = 4, registers = 216>, <"load", warps = 4, registers = 64>],
  table = [<"x" in ["load"]>, <"whole" in ["load"]>, <"bounded" in ["load"]>,
           <"dot" in ["math"]>, <"out" in ["math"]>],
  rings = [<"whole", depth = 2>, <"bounded", depth = 2>]>

!m4 = memref<?x?x3x96xbf16, strided<[?, ?, ?, 1]>>

func.func @copy_dims(%x: memref<64x64xbf16> {mla.name = "x"},
                     %a: !m4 {mla.name = "a", mla.dims = ["a0", "a1", "", ""]},
                     %start: memref<?x4xi32> {mla.name = "start", mla.dims = ["starts", ""]},
                     %out: memref<?x64x256xf32> {mla.name = "out", mla.dims = ["starts", "", ""]})
    attributes {mla.schedule = #schedule} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c2 = arith.constant 2 : index
  %c3 = arith.constant 3 : index
  %c128 = arith.constant 128 : index
  %starts = memref.dim %start, %c0 : memref<?x4xi32>
  scf.forall (%i) in (1) {
    %xt = tile.load %x[%c0, %c0] {tile.label = "x"} : memref<64x64xbf16> -> tensor<64x64xbf16>
    scf.for %t = %c0 to %starts step %c1 {
      %o32 = memref.load %start[%t, %c0] : memref<?x4xi32>
      %r32 = memref.load %start[%t, %c1] : memref<?x4xi32>
      %h32 = memref.load %start[%t, %c2] : memref<?x4xi32>
      %e32 = memref.load %start[%t, %c3] : memref<?x4xi32>
      %o = arith.index_cast %o32 : i32 to index
      %r = arith.index_cast %r32 : i32 to index
      %h = arith.index_cast %h32 : i32 to index
      %e = arith.index_cast %e32 : i32 to index
      %whole = tile.load %a[%o, %r, %h, %c0] dims [1, 3] {tile.label = "whole"} : !m4 -> tensor<64x128xbf16>
      %bounded = tile.load %a[%o, %r, %h, %c0] dims [1, 3] bounds [%e] {tile.label = "bounded"} : !m4 -> tensor<64x128xbf16>
      %d0 = tile.dot %xt, %whole {tile.label = "dot"} : tensor<64x64xbf16>, tensor<64x128xbf16> -> tensor<64x128xf32>
      tile.store %d0, %out[%t, %c0, %c0] {tile.label = "out"} : tensor<64x128xf32>, memref<?x64x256xf32>
      %d1 = tile.dot %xt, %bounded {tile.label = "dot"} : tensor<64x64xbf16>, tensor<64x128xbf16> -> tensor<64x128xf32>
      tile.store %d1, %out[%t, %c0, %c128] {tile.label = "out"} : tensor<64x128xf32>, memref<?x64x256xf32>
    }
  }
  return
}
