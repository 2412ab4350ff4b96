// Tiles between memory and registers, without rings or MMAs: rows of f32 and
// bf16, added, reduced along both dimensions and both together, as f32 and i32,
// broadcast back and stored, also converted to bf16. Rows hang over the bound of
// the memref and over a smaller one that the program sets.
//
// Anchored by: threads that hold each other's elements would add them up wrongly.
// Chosen by the converter: which thread holds which element, the width of its
// accesses, the checks of rows, what lanes and warps exchange.

#schedule = #mla.schedule<"direct",
  roles = [<"all", warps = $warps, registers = 240>],
  table = [<"x" in ["all"], threads = $threads, vector = $vector>, <"y" in ["all"]>,
           <"out" in ["all"]>]>

!f32s = memref<?x${columns}xf32, strided<[?, 1]>>
!bf16s = memref<?x${columns}xbf16, strided<[?, 1]>>
!tile = tensor<${rows}x${columns}xf32>
!itile = tensor<${rows}x${columns}xi32>
!column = tensor<${columns}xf32>
!row = tensor<${rows}xf32>

func.func @direct(%x: !f32s {mla.name = "x", mla.dims = ["rows", ""]},
                  %y: !bf16s {mla.name = "y", mla.dims = ["rows", ""]},
                  %limit: memref<1xi32> {mla.name = "limit"},
                  %sums: !f32s {mla.name = "sums", mla.dims = ["rows", ""]},
                  %mosts: !bf16s {mla.name = "mosts", mla.dims = ["rows", ""]},
                  %by_row: memref<?xf32> {mla.name = "by_row", mla.dims = ["rows"]},
                  %by_column: !f32s {mla.name = "by_column", mla.dims = ["tiles", ""]},
                  %all: memref<?x2xi32> {mla.name = "all", mla.dims = ["tiles", ""]})
    attributes {mla.schedule = #schedule} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %size = arith.constant $rows : index
  %tiles = memref.dim %all, %c0 : memref<?x2xi32>
  %end_i32 = memref.load %limit[%c0] : memref<1xi32>
  %end = arith.index_cast %end_i32 : i32 to index
  scf.forall (%t) in (%tiles) {
    %r = arith.muli %t, %size : index
    %xt = tile.load %x[%r, %c0] bounds [%end] {tile.label = "x"} : !f32s -> !tile
    %yt = tile.load %y[%r, %c0] bounds [%end] {tile.label = "y"} : !bf16s -> tensor<${rows}x${columns}xbf16>
    %yf = arith.extf %yt : tensor<${rows}x${columns}xbf16> to !tile
    %s = arith.addf %xt, %yf : !tile

    %row_sum = tile.reduce sum %s dim 1 : !tile -> !row
    %column_sum = tile.reduce sum %s dim 0 : !tile -> !column
    %row_most = tile.reduce max %s dim 1 : !tile -> !row
    %column_most = tile.reduce max %s dim 0 : !tile -> !column
    tile.store %row_sum, %by_row[%r] bounds [%end] {tile.label = "out"} : !row, memref<?xf32>
    tile.store %column_sum, %by_column[%t, %c0] {tile.label = "out"} : !column, !f32s

    %rows_again = tile.broadcast %row_sum dim 1 : !row -> !tile
    %columns_again = tile.broadcast %column_sum dim 0 : !column -> !tile
    %o0 = arith.addf %s, %rows_again : !tile
    %o1 = arith.addf %o0, %columns_again : !tile
    tile.store %o1, %sums[%r, %c0] bounds [%end] {tile.label = "out"} : !tile, !f32s
    %row_mosts = tile.broadcast %row_most dim 1 : !row -> !tile
    %column_mosts = tile.broadcast %column_most dim 0 : !column -> !tile
    %o2 = arith.addf %s, %row_mosts : !tile
    %o3 = arith.addf %o2, %column_mosts : !tile
    %o4 = arith.truncf %o3 : !tile to tensor<${rows}x${columns}xbf16>
    tile.store %o4, %mosts[%r, %c0] bounds [%end] {tile.label = "out"} : tensor<${rows}x${columns}xbf16>, !bf16s

    %i = arith.fptosi %s : !tile to !itile
    %i_rows = tile.reduce sum %i dim 1 : !itile -> tensor<${rows}xi32>
    %i_sum = tile.reduce sum %i_rows dim 0 : tensor<${rows}xi32> -> tensor<i32>
    %i_columns = tile.reduce max %i dim 0 : !itile -> tensor<${columns}xi32>
    %i_most = tile.reduce max %i_columns dim 0 : tensor<${columns}xi32> -> tensor<i32>
    %i_sum1 = tile.broadcast %i_sum dim 0 : tensor<i32> -> tensor<1xi32>
    %i_most1 = tile.broadcast %i_most dim 0 : tensor<i32> -> tensor<1xi32>
    tile.store %i_sum1, %all[%t, %c0] {tile.label = "out"} : tensor<1xi32>, memref<?x2xi32>
    tile.store %i_most1, %all[%t, %c1] {tile.label = "out"} : tensor<1xi32>, memref<?x2xi32>
  }
  return
}
