// Windows of a tensor [planes, rows, 64]: tiles of planes by columns, and vectors
// of planes, at one row; planes end at a bound of each row, read from memory. Then
// elements by index, a row of a table each: page numbers of tokens.
//
// Anchored by: each element of the tensor is different, so that an element of a
// wrong place shows. Chosen by the converter: the strides of the dimensions that a
// tile spans, what lies past the bound.

#schedule = #mla.schedule<"window",
  roles = [<"all", warps = 4, registers = 128>],
  table = [<"x" in ["all"]>, <"v" in ["all"], threads = 32>, <"out" in ["all"]>]>

!x = memref<?x?x64xf32, strided<[?, ?, 1]>>

func.func @window(%x: !x {mla.name = "x", mla.dims = ["planes", "rows", ""]},
                  %ends: memref<?xi32> {mla.name = "ends", mla.dims = ["rows"]},
                  %table: memref<?x5xi32> {mla.name = "table", mla.dims = ["pages", ""]},
                  %tokens: memref<?x64xi32> {mla.name = "tokens", mla.dims = ["rows", ""]},
                  %out: !x {mla.name = "out", mla.dims = ["planes", "rows", ""]},
                  %first: memref<?x?xf32> {mla.name = "first", mla.dims = ["planes", "rows"]},
                  %pages: memref<?x64xi32> {mla.name = "pages", mla.dims = ["rows", ""]})
    attributes {mla.schedule = #schedule} {
  %c0 = arith.constant 0 : index
  %c2 = arith.constant 2 : index
  %c5 = arith.constant 5 : index
  %c16 = arith.constant 16 : index
  %rows = memref.dim %ends, %c0 : memref<?xi32>
  %planes = memref.dim %x, %c0 : !x
  scf.forall (%row) in (%rows) {
    %end_i32 = memref.load %ends[%row] : memref<?xi32>
    %end = arith.index_cast %end_i32 : i32 to index
    scf.for %p = %c0 to %planes step %c16 {
      %t = tile.load %x[%p, %row, %c0] dims [0, 2] bounds [%end] pad -1.0 : f32 {tile.label = "x"} : !x -> tensor<16x64xf32>
      tile.store %t, %out[%p, %row, %c0] dims [0, 2] {tile.label = "out"} : tensor<16x64xf32>, !x
      %v = tile.load %x[%p, %row, %c5] dims [0] bounds [%end] pad -2.0 : f32 {tile.label = "x"} : !x -> tensor<16xf32>
      tile.store %v, %first[%p, %row] dims [0] {tile.label = "out"} : tensor<16xf32>, memref<?x?xf32>
    }
    %i = tile.load %tokens[%row, %c0] {tile.label = "v"} : memref<?x64xi32> -> tensor<64xi32>
    %g = tile.gather %table[%i][%c2] : memref<?x5xi32>, tensor<64xi32> -> tensor<64xi32>
    tile.store %g, %pages[%row, %c0] {tile.label = "out"} : tensor<64xi32>, memref<?x64xi32>
  }
  return
}
