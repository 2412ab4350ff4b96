// tile.iota by row and by column, comparisons, selects and integers on fragments:
// out is 1000 row + column + D inside a triangle and the marks of a comparison
// outside it.
//
// Anchored by: wgmma defines where D's elements lie, and D is 10^6 row + column too.
// Chosen by the converter: the coordinates that tile.iota computes.

#schedule = #mla.schedule<"load-math",
  roles = [<"math", warps = 4, registers = 240>, <"load", warps = 1, registers = 24>],
  table = [<"a" in ["load"]>, <"b" in ["load"]>, <"dot" in ["math"]>, <"mix" in ["math"]>, <"out" in ["math"]>]>

func.func @iota(%a: memref<64x64xbf16> {mla.name = "a"},
                %b: memref<64x128xbf16> {mla.name = "b"},
                %limit: memref<?xi32> {mla.name = "limit", mla.dims = ["ctas"]},
                %out: memref<?x64x128xf32> {mla.name = "out", mla.dims = ["ctas", "", ""]})
    attributes {mla.schedule = #schedule} {
  %c0 = arith.constant 0 : index
  %ctas = memref.dim %limit, %c0 : memref<?xi32>
  scf.forall (%i) in (%ctas) {
    %l = memref.load %limit[%i] : memref<?xi32>
    %at = tile.load %a[%c0, %c0] {tile.label = "a"} : memref<64x64xbf16> -> tensor<64x64xbf16>
    %bt = tile.load %b[%c0, %c0] {tile.label = "b"} : memref<64x128xbf16> -> tensor<64x128xbf16>
    %d = tile.dot %at, %bt {tile.label = "dot"} : tensor<64x64xbf16>, tensor<64x128xbf16> -> tensor<64x128xf32>
    %row = tile.iota : tensor<64xi32>
    %column = tile.iota : tensor<128xi32>
    %rows = tile.broadcast %row dim 1 : tensor<64xi32> -> tensor<64x128xi32>
    %columns = tile.broadcast %column dim 0 : tensor<128xi32> -> tensor<64x128xi32>
    %limits = tensor.splat %l : tensor<64x128xi32>
    %thousand = arith.constant dense<1000> : tensor<64x128xi32>
    %scaled = arith.muli %rows, %thousand {tile.label = "mix"} : tensor<64x128xi32>
    %number = arith.addi %scaled, %columns {tile.label = "mix"} : tensor<64x128xi32>
    %fnumber = arith.sitofp %number {tile.label = "mix"} : tensor<64x128xi32> to tensor<64x128xf32>
    %end = arith.addi %rows, %limits {tile.label = "mix"} : tensor<64x128xi32>
    %inside = arith.cmpi sle, %columns, %end {tile.label = "mix"} : tensor<64x128xi32>
    %sum = arith.addf %d, %fnumber {tile.label = "mix"} : tensor<64x128xf32>
    %less = arith.cmpf olt, %d, %fnumber {tile.label = "mix"} : tensor<64x128xf32>
    %bits = arith.extui %less {tile.label = "mix"} : tensor<64x128xi1> to tensor<64x128xi32>
    %fbits = arith.sitofp %bits {tile.label = "mix"} : tensor<64x128xi32> to tensor<64x128xf32>
    %minus = arith.negf %fbits {tile.label = "mix"} : tensor<64x128xf32>
    %chosen = arith.select %inside, %sum, %minus {tile.label = "mix"} : tensor<64x128xi1>, tensor<64x128xf32>
    tile.store %chosen, %out[%i, %c0, %c0] {tile.label = "out"} : tensor<64x128xf32>, memref<?x64x128xf32>
  }
  return
}
