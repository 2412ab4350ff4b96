// TMA copies of boxes that lie inside, across the edges and outside of matrices of
// rank 2, 3 and 4, at starts that are read at run time, into rings of several slots:
// 64 rows of 128 columns in three slots, 24 rows in two, 8 rows in five. Products
// with the identity show the tiles.
//
// Anchored by: TMA places the elements and fills with zeros, wgmma reads them and
// defines D. Chosen by the converter: boxes, coordinates and their order, the start
// of each slot and of each block of 64 columns, the bytes that arrive.

#schedule = #mla.schedule<"load-math",
  roles = [<"math", warps = 4, registers = 240>, <"load", warps = 2, registers = 24>],
  table = [<"x" in ["load"]>, <"tall" in ["load"]>, <"low" in ["load"]>, <"flat" in ["load"]>,
           <"dot" in ["math"]>, <"out" in ["math"]>],
  rings = [<"tall", depth = 3>, <"low", depth = 2>, <"flat", depth = 5>]>

!m3 = memref<?x?x?xbf16, strided<[?, ?, 1]>>
!m4 = memref<2x?x3x?xbf16, strided<[?, ?, ?, 1]>>
!m2 = memref<?x?xbf16, strided<[?, 1]>>

func.func @copy(%x: memref<64x64xbf16> {mla.name = "x"},
                %a: !m3 {mla.name = "a", mla.dims = ["a0", "a1", "a2"]},
                %b: !m4 {mla.name = "b", mla.dims = ["", "b1", "", "b3"]},
                %c: !m2 {mla.name = "c", mla.dims = ["c0", "c1"]},
                %start: memref<?x3xi32> {mla.name = "start", mla.dims = ["starts", ""]},
                %out: memref<?x64x160xf32> {mla.name = "out", mla.dims = ["starts", "", ""]})
    attributes {mla.schedule = #schedule} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c2 = arith.constant 2 : index
  %c128 = arith.constant 128 : index
  %c152 = arith.constant 152 : index
  %starts = memref.dim %start, %c0 : memref<?x3xi32>
  scf.forall (%i) in (1) {
    %xt = tile.load %x[%c0, %c0] {tile.label = "x"} : memref<64x64xbf16> -> tensor<64x64xbf16>
    scf.for %t = %c0 to %starts step %c1 {
      %p32 = memref.load %start[%t, %c0] : memref<?x3xi32>
      %r32 = memref.load %start[%t, %c1] : memref<?x3xi32>
      %s32 = memref.load %start[%t, %c2] : memref<?x3xi32>
      %p = arith.index_cast %p32 : i32 to index
      %r = arith.index_cast %r32 : i32 to index
      %s = arith.index_cast %s32 : i32 to index
      %tall = tile.load %a[%p, %r, %s] {tile.label = "tall"} : !m3 -> tensor<64x128xbf16>
      %low = tile.load %b[%c1, %p, %r, %s] {tile.label = "low"} : !m4 -> tensor<24x64xbf16>
      %flat = tile.load %c[%r, %s] {tile.label = "flat"} : !m2 -> tensor<8x64xbf16>
      %d0 = tile.dot %xt, %tall {tile.label = "dot"} : tensor<64x64xbf16>, tensor<64x128xbf16> -> tensor<64x128xf32>
      tile.store %d0, %out[%t, %c0, %c0] {tile.label = "out"} : tensor<64x128xf32>, memref<?x64x160xf32>
      %d1 = tile.dot %xt, %low transpose_b {tile.label = "dot"} : tensor<64x64xbf16>, tensor<24x64xbf16> -> tensor<64x24xf32>
      tile.store %d1, %out[%t, %c0, %c128] {tile.label = "out"} : tensor<64x24xf32>, memref<?x64x160xf32>
      %d2 = tile.dot %xt, %flat transpose_b {tile.label = "dot"} : tensor<64x64xbf16>, tensor<8x64xbf16> -> tensor<64x8xf32>
      tile.store %d2, %out[%t, %c0, %c152] {tile.label = "out"} : tensor<64x8xf32>, memref<?x64x160xf32>
    }
  }
  return
}
