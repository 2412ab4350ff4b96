// The map of an accumulator, made visible: A holds (row, 1, tile), B (256, column,
// 65536), so element (r, c) of tile t of D is 65536 t + 256 r + c. It is stored as
// f32, i32 and, halved, bf16, whose rounding shows too; its largest element of each
// row is stored as f32 and i32. Tiles hang over the last row of their matrix.
//
// Anchored by: wgmma defines D. Chosen by the converter: the addresses of tile.store
// by accumulator and by row, the row checks, the numbers of the CTAs. What hangs
// over would go into the next matrix, which nothing else may write.

#schedule = #mla.schedule<"load-math",
  roles = [<"math", warps = 4, registers = 240>, <"load", warps = 1, registers = 24>],
  table = [<"a" in ["load"]>, <"b" in ["load"]>, <"dot" in ["math"]>, <"out" in ["math"]>]>

!strided = memref<?x?x256xf32, strided<[?, ?, 1]>>
!istrided = memref<?x?x256xi32, strided<[?, ?, 1]>>
!bstrided = memref<?x?x256xbf16, strided<[?, ?, 1]>>

func.func @store(%a: memref<?x?x64xbf16> {mla.name = "a", mla.dims = ["used", "rows", ""]},
                 %b: memref<64x256xbf16> {mla.name = "b"},
                 %out: !strided {mla.name = "out", mla.dims = ["all", "rows", ""]},
                 %iout: !istrided {mla.name = "iout", mla.dims = ["all", "rows", ""]},
                 %bout: !bstrided {mla.name = "bout", mla.dims = ["all", "rows", ""]},
                 %most: memref<?x?xf32> {mla.name = "most", mla.dims = ["all", "rows"]},
                 %imost: memref<?x1x?xi32> {mla.name = "imost", mla.dims = ["all", "", "rows"]})
    attributes {mla.schedule = #schedule} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c64 = arith.constant 64 : index
  %used = memref.dim %a, %c0 : memref<?x?x64xbf16>
  %rows = memref.dim %a, %c1 : memref<?x?x64xbf16>
  %tiles = arith.ceildivui %rows, %c64 : index
  scf.forall (%m, %t) in (%used, %tiles) {
    %row = arith.muli %t, %c64 : index
    %at = tile.load %a[%m, %row, %c0] {tile.label = "a"} : memref<?x?x64xbf16> -> tensor<64x64xbf16>
    %bt = tile.load %b[%c0, %c0] {tile.label = "b"} : memref<64x256xbf16> -> tensor<64x256xbf16>
    %d = tile.dot %at, %bt {tile.label = "dot"} : tensor<64x64xbf16>, tensor<64x256xbf16> -> tensor<64x256xf32>
    %id = arith.fptosi %d : tensor<64x256xf32> to tensor<64x256xi32>
    %half = arith.constant dense<0.5> : tensor<64x256xf32>
    %hd = arith.mulf %d, %half : tensor<64x256xf32>
    %bd = arith.truncf %hd : tensor<64x256xf32> to tensor<64x256xbf16>
    %max = tile.reduce max %d dim 1 : tensor<64x256xf32> -> tensor<64xf32>
    %imax = arith.fptosi %max : tensor<64xf32> to tensor<64xi32>
    tile.store %d, %out[%m, %row, %c0] {tile.label = "out"} : tensor<64x256xf32>, !strided
    tile.store %id, %iout[%m, %row, %c0] {tile.label = "out"} : tensor<64x256xi32>, !istrided
    tile.store %bd, %bout[%m, %row, %c0] {tile.label = "out"} : tensor<64x256xbf16>, !bstrided
    tile.store %max, %most[%m, %row] {tile.label = "out"} : tensor<64xf32>, memref<?x?xf32>
    tile.store %imax, %imost[%m, %c0, %row] {tile.label = "out"} : tensor<64xi32>, memref<?x1x?xi32>
  }
  return
}
