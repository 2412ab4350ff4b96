// Sums of blocks of 8 and 24 columns of products of 72 columns, by row.
//
// Anchored by: wgmma defines D. Chosen by the converter: which registers of a thread
// are of one column modulo 8 or 24.

#schedule = #mla.schedule<"load-math",
  roles = [<"math", warps = 4, registers = 240>, <"load", warps = 1, registers = 24>],
  table = [<"a" in ["load"]>, <"b" in ["load"]>, <"dot" in ["math"]>, <"out" in ["math"]>]>

func.func @fold(%a: memref<64x64xbf16> {mla.name = "a"},
                %b: memref<72x64xbf16> {mla.name = "b"},
                %eight: memref<64x8xf32> {mla.name = "eight"},
                %more: memref<64x24xf32> {mla.name = "more"})
    attributes {mla.schedule = #schedule} {
  %c0 = arith.constant 0 : index
  scf.forall (%i) in (1) {
    %at = tile.load %a[%c0, %c0] {tile.label = "a"} : memref<64x64xbf16> -> tensor<64x64xbf16>
    %bt = tile.load %b[%c0, %c0] {tile.label = "b"} : memref<72x64xbf16> -> tensor<72x64xbf16>
    %d = tile.dot %at, %bt transpose_b {tile.label = "dot"} : tensor<64x64xbf16>, tensor<72x64xbf16> -> tensor<64x72xf32>
    %f8 = tile.fold %d : tensor<64x72xf32> -> tensor<64x8xf32>
    tile.store %f8, %eight[%c0, %c0] {tile.label = "out"} : tensor<64x8xf32>, memref<64x8xf32>
    %f24 = tile.fold %d : tensor<64x72xf32> -> tensor<64x24xf32>
    tile.store %f24, %more[%c0, %c0] {tile.label = "out"} : tensor<64x24xf32>, memref<64x24xf32>
  }
  return
}
