// The columns of a tile D of 128 rows and ${n} columns, as rows in memory that count
// through queries of ${heads} heads: packed, as f32, and their maxima. Rows may begin
// inside a query, and end past the last one.
//
// Anchored by: wgmma defines D, TMA writes the operands. Chosen by the converter: which
// lane stores which column after movmatrix, division of a row into query and head, the
// lanes that store a maximum.

#schedule = #mla.schedule<"transposed",
  roles = [<"math", warps = 4, registers = 216>, <"load", warps = 4, registers = 72>],
  table = [<"a" in ["load"]>, <"b" in ["load"]>, <"dot" in ["math"]>, <"out" in ["math"]>]>

!bout = memref<5x${heads}x128xbf16, strided<[?, ?, 1]>>
!wide = memref<5x${heads}x128xf32, strided<[?, ?, 1]>>
!most = memref<5x${heads}xf32, strided<[?, ?]>>

func.func @merge_transposed(%a: memref<128x64xbf16> {mla.name = "a"},
                            %b: memref<${n}x64xbf16> {mla.name = "b"},
                            %bout: !bout {mla.name = "bout"},
                            %wide: !wide {mla.name = "wide"},
                            %most: !most {mla.name = "most"})
    attributes {mla.schedule = #schedule} {
  %c0 = arith.constant 0 : index
  %c2 = arith.constant 2 : index
  %start = arith.constant ${start} : index
  scf.forall (%i) in (1) {
    %at = tile.load %a[%c0, %c0] {tile.label = "a"} : memref<128x64xbf16> -> tensor<128x64xbf16>
    %bt = tile.load %b[%c0, %c0] {tile.label = "b"} : memref<${n}x64xbf16> -> tensor<${n}x64xbf16>
    %d = tile.dot %at, %bt transpose_b {tile.label = "dot"} : tensor<128x64xbf16>, tensor<${n}x64xbf16> -> tensor<128x${n}xf32>
    %max = tile.reduce max %d dim 0 : tensor<128x${n}xf32> -> tensor<${n}xf32>
    tile.store %max, %most[%c2, %c0] merge [0, 1] {tile.label = "out"} : tensor<${n}xf32>, !most
    %dt = tile.transpose %d : tensor<128x${n}xf32> -> tensor<${n}x128xf32>
    tile.store %dt, %wide[%start, %c0, %c0] merge [0, 1] {tile.label = "out"} : tensor<${n}x128xf32>, !wide
    %p = arith.truncf %d : tensor<128x${n}xf32> to tensor<128x${n}xbf16>
    %pt = tile.transpose %p : tensor<128x${n}xbf16> -> tensor<${n}x128xbf16>
    tile.store %pt, %bout[%c0, %c0, %c0] merge [0, 1] {tile.label = "out"} : tensor<${n}x128xbf16>, !bout
  }
  return
}
