// Rows by index, from a column on of the second of two matrices whose rows are side
// by side. conformance.py fills in the text in braces: how many rows and columns, and
// which columns an MMA with the identity shows. Indices that are negative, past
// the end or extreme give zeros; rows that no index names hold NaN.
//
// Anchored by: wgmma reads the slot through its own swizzle and defines D, TMA
// writes the identity. Chosen by the converter: which thread loads which index,
// where it copies its 16 bytes, the count of arrivals.

#schedule = #mla.schedule<"gather-math",
  roles = [<"math", warps = 4, registers = 240>, <"gather", warps = 4, registers = 240>],
  table = [<"x" in ["gather"]>, <"k" in ["gather"]>, <"dot" in ["math"]>, <"out" in ["math"]>]>

!kv = memref<?x2x640xbf16, strided<[?, ?, 1]>>

func.func @gather(%kv: !kv {mla.name = "kv", mla.dims = ["rows", "", ""]},
                  %indices: memref<?x?xi32> {mla.name = "indices", mla.dims = ["ctas", "indices"]},
                  %x: memref<64x${rows}xbf16> {mla.name = "x"},
                  %out: memref<?x64x${n}xf32> {mla.name = "out", mla.dims = ["ctas", "", ""]})
    attributes {mla.schedule = #schedule} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %from = arith.constant ${from} : index
  %ctas = memref.dim %indices, %c0 : memref<?x?xi32>
  scf.forall (%i) in (%ctas) {
    %xt = tile.load %x[%c0, %c0] {tile.label = "x"} : memref<64x${rows}xbf16> -> tensor<64x${columns_x}xbf16>
    %eye = tile.view %xt [0, 0] : tensor<64x${columns_x}xbf16> -> tensor<64x${rows}xbf16>
    %rows = tile.load %indices[%i, %c0] pad -1 : i32 : memref<?x?xi32> -> tensor<${rows}xi32>
    %k = tile.gather %kv[%rows][%c1, %from] {tile.label = "k"} : !kv, tensor<${rows}xi32> -> tensor<${rows}x${columns}xbf16>
    %part = tile.view %k [0, ${at}] : tensor<${rows}x${columns}xbf16> -> tensor<${rows}x${n}xbf16>
    %d = tile.dot %eye, %part {tile.label = "dot"} : tensor<64x${rows}xbf16>, tensor<${rows}x${n}xbf16> -> tensor<64x${n}xf32>
    tile.store %d, %out[%i, %c0, %c0] {tile.label = "out"} : tensor<64x${n}xf32>, memref<?x64x${n}xf32>
  }
  return
}
