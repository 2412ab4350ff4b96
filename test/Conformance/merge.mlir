// Rows of a tile that count through two dimensions of a memref: the accumulator of
// store.mlir, whose element (r, c) of matrix m is 65536 m + 256 r + c, stored as f32, i32
// and, halved, bf16, and the largest elements of its rows. Row r is head r mod ${by} of
// query r / ${by}; conformance.py fills in the number of heads, of which ${by} from
// ${first} on are written. The last tile hangs over the last query.
//
// Anchored by: wgmma defines D. Chosen by the converter: division of a row into query
// and head, the row checks. What hangs over would go into the next request, which
// nothing else may write.

#schedule = #mla.schedule<"load-math",
  roles = [<"math", warps = 4, registers = 240>, <"load", warps = 1, registers = 24>],
  table = [<"a" in ["load"]>, <"b" in ["load"]>, <"dot" in ["math"]>, <"out" in ["math"]>]>

!out = memref<?x3x${heads}x256xf32, strided<[?, ?, ?, 1]>>
!iout = memref<?x3x${heads}x256xi32, strided<[?, ?, ?, 1]>>
!bout = memref<?x3x2x${heads}x256xbf16, strided<[?, ?, ?, ?, 1]>>
!most = memref<?x3x${heads}xf32, strided<[?, ?, ?]>>
!imost = memref<?x3x2x${heads}xi32, strided<[?, ?, ?, ?]>>

func.func @merge(%a: memref<?x128x64xbf16> {mla.name = "a", mla.dims = ["requests", "", ""]},
                 %b: memref<64x256xbf16> {mla.name = "b"},
                 %out: !out {mla.name = "out", mla.dims = ["all", "", "", ""]},
                 %iout: !iout {mla.name = "iout", mla.dims = ["all", "", "", ""]},
                 %bout: !bout {mla.name = "bout", mla.dims = ["all", "", "", "", ""]},
                 %most: !most {mla.name = "most", mla.dims = ["all", "", ""]},
                 %imost: !imost {mla.name = "imost", mla.dims = ["all", "", "", ""]})
    attributes {mla.schedule = #schedule} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c64 = arith.constant 64 : index
  %c60 = arith.constant 60 : index
  %first = arith.constant ${first} : index
  %requests = memref.dim %a, %c0 : memref<?x128x64xbf16>
  scf.forall (%m, %t) in (%requests, 2) {
    %row = arith.muli %t, %c64 : index
    %at = tile.load %a[%m, %row, %c0] {tile.label = "a"} : memref<?x128x64xbf16> -> tensor<64x64xbf16>
    %bt = tile.load %b[%c0, %c0] {tile.label = "b"} : memref<64x256xbf16> -> tensor<64x256xbf16>
    %d = tile.dot %at, %bt {tile.label = "dot"} : tensor<64x64xbf16>, tensor<64x256xbf16> -> tensor<64x256xf32>
    %id = arith.fptosi %d : tensor<64x256xf32> to tensor<64x256xi32>
    %half = arith.constant dense<0.5> : tensor<64x256xf32>
    %hd = arith.mulf %d, %half : tensor<64x256xf32>
    %bd = arith.truncf %hd : tensor<64x256xf32> to tensor<64x256xbf16>
    %max = tile.reduce max %d dim 1 : tensor<64x256xf32> -> tensor<64xf32>
    %imax = arith.fptosi %max : tensor<64xf32> to tensor<64xi32>
    tile.store %d, %out[%m, %row, %first, %c0] merge [1, 2] by ${by} {tile.label = "out"} : tensor<64x256xf32>, !out
    tile.store %id, %iout[%m, %row, %first, %c0] merge [1, 2] by ${by} bounds [%c60] {tile.label = "out"} : tensor<64x256xi32>, !iout
    tile.store %bd, %bout[%m, %row, %c1, %first, %c0] merge [1, 3] by ${by} {tile.label = "out"} : tensor<64x256xbf16>, !bout
    tile.store %max, %most[%m, %row, %first] merge [1, 2] by ${by} {tile.label = "out"} : tensor<64xf32>, !most
    tile.store %imax, %imost[%m, %c0, %c1, %row] dims [1] merge [3, 1] {tile.label = "out"} : tensor<64xi32>, !imost
  }
  return
}
