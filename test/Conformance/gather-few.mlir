// Few rows by index, as operand B of an MMA whose columns they are: row r of D shows
// column ${at} + r of each row. conformance.py fills in how many rows. Below 32 of them,
// the last ones are in several warps, of which one copies. The second gather takes the
// rows of one request, in the second dimension. Indices that are negative, past the
// end or extreme give zeros; rows that no index names hold NaN.
//
// Anchored by: wgmma reads the slot through its own swizzle and defines D, TMA writes
// the identity. Chosen by the converter: which thread loads which index, where it
// copies its 16 bytes, which warps copy, the count of arrivals.

#schedule = #mla.schedule<"gather-math",
  roles = [<"math", warps = 4, registers = 240>, <"gather", warps = 4, registers = 240>],
  table = [<"x" in ["gather"]>, <"k" in ["gather"]>, <"own" in ["gather"]>,
           <"dot" in ["math"]>, <"out" in ["math"]>]>

!kv = memref<?x?x2x576xbf16, strided<[?, ?, ?, 1]>>
!kv5 = memref<?x5x2x576xbf16, strided<[?, ?, ?, 1]>>

func.func @gather_few(%kv: !kv {mla.name = "kv", mla.dims = ["requests", "capacity", "", ""]},
                      %q: !kv5 {mla.name = "q", mla.dims = ["all", "", "", ""]},
                      %indices: memref<?x?xi32> {mla.name = "indices", mla.dims = ["ctas", "indices"]},
                      %x: memref<64x576xbf16> {mla.name = "x"},
                      %out: memref<?x2x64x${rows}xf32> {mla.name = "out", mla.dims = ["ctas", "", "", ""]})
    attributes {mla.schedule = #schedule} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %ctas = memref.dim %indices, %c0 : memref<?x?xi32>
  scf.forall (%i) in (%ctas) {
    %eye = tile.load %x[%c0, %c0] {tile.label = "x"} : memref<64x576xbf16> -> tensor<64x576xbf16>
    %rows = tile.load %indices[%i, %c0] pad -1 : i32 : memref<?x?xi32> -> tensor<${rows}xi32>
    %k = tile.gather %q[%rows][%c0] {tile.label = "k"} : !kv5, tensor<${rows}xi32> -> tensor<${rows}x576xbf16>
    %d = tile.dot %eye, %k transpose_b {tile.label = "dot"} : tensor<64x576xbf16>, tensor<${rows}x576xbf16> -> tensor<64x${rows}xf32>
    tile.store %d, %out[%i, %c0, %c0, %c0] {tile.label = "out"} : tensor<64x${rows}xf32>, memref<?x2x64x${rows}xf32>
    %o = tile.gather %kv[%rows][%c1, %c1, %c0] dim 1 {tile.label = "own"} : !kv, tensor<${rows}xi32> -> tensor<${rows}x576xbf16>
    %d2 = tile.dot %eye, %o transpose_b {tile.label = "dot"} : tensor<64x576xbf16>, tensor<${rows}x576xbf16> -> tensor<64x${rows}xf32>
    tile.store %d2, %out[%i, %c1, %c0, %c0] {tile.label = "out"} : tensor<64x${rows}xf32>, memref<?x2x64x${rows}xf32>
  }
  return
}
