// A grid of three dimensions, one of them a size divided upwards: each CTA stores its
// numbers. No ring, no MMA, one role.
//
// Anchored by: nothing but the numbers of the CTAs. Chosen by the converter: how a
// CTA's number becomes the coordinates of the forall.

#schedule = #mla.schedule<"math",
  roles = [<"math", warps = 4, registers = 240>],
  table = [<"out" in ["math"]>]>

func.func @grid(%n: memref<?x?xi32> {mla.name = "n", mla.dims = ["first", "second"]},
                %out: memref<?x3x?x8xi32> {mla.name = "out", mla.dims = ["first", "", "rows", ""]})
    attributes {mla.schedule = #schedule} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c2 = arith.constant 2 : index
  %c64 = arith.constant 64 : index
  %first = memref.dim %n, %c0 : memref<?x?xi32>
  %rows = memref.dim %out, %c2 : memref<?x3x?x8xi32>
  %tiles = arith.ceildivui %rows, %c64 : index
  %c100 = arith.constant 100 : index
  scf.forall (%i, %j, %k) in (%first, 3, %tiles) {
    %row = arith.muli %k, %c64 : index
    %ij = arith.muli %i, %c100 : index
    %ij1 = arith.addi %ij, %j : index
    %ij100 = arith.muli %ij1, %c100 : index
    %ijk = arith.addi %ij100, %k : index
    %number = arith.index_cast %ijk : index to i32
    %extra = memref.load %n[%i, %c1] : memref<?x?xi32>
    %sum = arith.addi %number, %extra : i32
    %t = tensor.splat %sum : tensor<64x8xi32>
    tile.store %t, %out[%i, %j, %row, %c0] {tile.label = "out"} : tensor<64x8xi32>, memref<?x3x?x8xi32>
  }
  return
}
