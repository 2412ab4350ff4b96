// Prefix sums of each row and ranks of its elements, as reductions of masked i32
// matrices along both dimensions, which are computed of a vector that is loaded
// once along the rows and once along the columns.
//
// Anchored by: a vector in the wrong one of its two layouts gives other sums.
// Chosen by the converter: which thread holds which element, what lanes and warps
// exchange.
#schedule = #mla.schedule<"sums",
  roles = [<"all", warps = $warps, registers = 240>],
  table = [<"x" in ["all"]>, <"out" in ["all"]>]>

!i32s = memref<?x?xi32>
!vector = tensor<${size}xi32>
!matrix = tensor<${size}x${size}xi32>

func.func @sums(%x: !i32s {mla.name = "x", mla.dims = ["rows", "n"]},
                %sums: !i32s {mla.name = "sums", mla.dims = ["rows", "n"]},
                %ranks: !i32s {mla.name = "ranks", mla.dims = ["rows", "n"]})
    attributes {mla.schedule = #schedule} {
  %c0 = arith.constant 0 : index
  %rows = memref.dim %x, %c0 : !i32s
  %zero = arith.constant dense<0> : !matrix
  %one = arith.constant dense<1> : !matrix
  scf.forall (%r) in (%rows) {
    %v = tile.load %x[%r, %c0] {tile.label = "x"} : !i32s -> !vector
    %i = tile.iota : !vector
    %j = tile.iota : !vector
    %at_row = tile.broadcast %i dim 1 : !vector -> !matrix
    %at_column = tile.broadcast %j dim 0 : !vector -> !matrix
    %rows_of = tile.broadcast %v dim 1 : !vector -> !matrix
    %columns_of = tile.broadcast %v dim 0 : !vector -> !matrix

    // The elements before each one: along dimension 0, over warps.
    %before = arith.cmpi slt, %at_row, %at_column : !matrix
    %kept = arith.select %before, %rows_of, %zero : tensor<${size}x${size}xi1>, !matrix
    %sum = tile.reduce sum %kept dim 0 : !matrix -> !vector
    tile.store %sum, %sums[%r, %c0] {tile.label = "out"} : !vector, !i32s

    // The smaller elements: along dimension 1.
    %smaller = arith.cmpi slt, %columns_of, %rows_of : !matrix
    %counted = arith.select %smaller, %one, %zero : tensor<${size}x${size}xi1>, !matrix
    %rank = tile.reduce sum %counted dim 1 : !matrix -> !vector
    tile.store %rank, %ranks[%r, %c0] {tile.label = "out"} : !vector, !i32s
  }
  return
}
