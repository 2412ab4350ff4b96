// Vectors by gathered row through shared memory: "gather" sends its indices and what
// it computes of them (i32, f32, i1), and "math" loads them by row or by column;
// the other way, "math" computes indices by row, which "gather" loads and gathers by.
//
// Anchored by: wgmma defines D, and reads the gathered rows through its own swizzle.
// Chosen by the converter: the map of gathered rows in tile.load, store_shared and
// load_shared, which has to agree with the rows that the thread copies.

#schedule = #mla.schedule<"gather-math",
  roles = [<"math", warps = 4, registers = 240>, <"gather", warps = 4, registers = 240>],
  table = [<"x" in ["gather"]>, <"y" in ["gather"]>, <"k" in ["gather"]>, <"again" in ["gather"]>, <"index" in ["gather"]>,
           <"dot" in ["math"]>, <"mix" in ["math"]>, <"out" in ["math"]>]>

func.func @gather_vectors(%kv: memref<?x64xbf16> {mla.name = "kv", mla.dims = ["rows", ""]},
                          %indices: memref<?xi32> {mla.name = "indices", mla.dims = ["indices"]},
                          %x: memref<64x64xbf16> {mla.name = "x"},
                          %y: memref<64x64xbf16> {mla.name = "y"},
                          %out: memref<64x320xf32> {mla.name = "out"})
    attributes {mla.schedule = #schedule} {
  %c0 = arith.constant 0 : index
  %c64 = arith.constant 64 : index
  %c128 = arith.constant 128 : index
  %c192 = arith.constant 192 : index
  %c256 = arith.constant 256 : index
  %size = memref.dim %kv, %c0 : memref<?x64xbf16>
  %size32 = arith.index_cast %size : index to i32
  scf.forall (%i) in (1) {
    %xt = tile.load %x[%c0, %c0] {tile.label = "x"} : memref<64x64xbf16> -> tensor<64x64xbf16>
    %yt = tile.load %y[%c0, %c0] {tile.label = "y"} : memref<64x64xbf16> -> tensor<64x64xbf16>
    %rows = tile.load %indices[%c0] pad -1 : i32 : memref<?xi32> -> tensor<64xi32>
    %k = tile.gather %kv[%rows][%c0] {tile.label = "k"} : memref<?x64xbf16>, tensor<64xi32> -> tensor<64x64xbf16>
    %number = tile.iota : tensor<64xi32>
    %sum = arith.addi %rows, %number {tile.label = "index"} : tensor<64xi32>
    %fsum = arith.sitofp %sum {tile.label = "index"} : tensor<64xi32> to tensor<64xf32>
    %difference = arith.subi %rows, %number {tile.label = "index"} : tensor<64xi32>
    %sizes = tensor.splat %size32 : tensor<64xi32>
    %valid = arith.cmpi ult, %rows, %sizes {tile.label = "index"} : tensor<64xi32>
    %low = arith.cmpi slt, %rows, %number {tile.label = "index"} : tensor<64xi32>

    // D is K itself, as X is the identity.
    %d = tile.dot %xt, %k {tile.label = "dot"} : tensor<64x64xbf16>, tensor<64x64xbf16> -> tensor<64x64xf32>
    %fsums = tile.broadcast %fsum dim 1 : tensor<64xf32> -> tensor<64x64xf32>
    %d0 = arith.addf %d, %fsums {tile.label = "mix"} : tensor<64x64xf32>
    tile.store %d0, %out[%c0, %c0] {tile.label = "out"} : tensor<64x64xf32>, memref<64x320xf32>
    %differences = tile.broadcast %difference dim 0 : tensor<64xi32> -> tensor<64x64xi32>
    %fdifferences = arith.sitofp %differences {tile.label = "mix"} : tensor<64x64xi32> to tensor<64x64xf32>
    %d1 = arith.addf %d, %fdifferences {tile.label = "mix"} : tensor<64x64xf32>
    tile.store %d1, %out[%c0, %c64] {tile.label = "out"} : tensor<64x64xf32>, memref<64x320xf32>
    %none = arith.constant dense<-99.0> : tensor<64x64xf32>
    %valids = tile.broadcast %valid dim 0 : tensor<64xi1> -> tensor<64x64xi1>
    %d2 = arith.select %valids, %d, %none {tile.label = "mix"} : tensor<64x64xi1>, tensor<64x64xf32>
    tile.store %d2, %out[%c0, %c128] {tile.label = "out"} : tensor<64x64xf32>, memref<64x320xf32>
    %lows = tile.broadcast %low dim 1 : tensor<64xi1> -> tensor<64x64xi1>
    %d3 = arith.select %lows, %d, %none {tile.label = "mix"} : tensor<64x64xi1>, tensor<64x64xf32>
    tile.store %d3, %out[%c0, %c192] {tile.label = "out"} : tensor<64x64xf32>, memref<64x320xf32>

    // Y has one nonzero element per row, so the largest value of a row of E is an index.
    %e = tile.dot %yt, %xt {tile.label = "dot"} : tensor<64x64xbf16>, tensor<64x64xbf16> -> tensor<64x64xf32>
    %largest = tile.reduce max %e dim 1 {tile.label = "mix"} : tensor<64x64xf32> -> tensor<64xf32>
    %chosen = arith.fptosi %largest {tile.label = "mix"} : tensor<64xf32> to tensor<64xi32>
    %k2 = tile.gather %kv[%chosen][%c0] {tile.label = "again"} : memref<?x64xbf16>, tensor<64xi32> -> tensor<64x64xbf16>
    %d4 = tile.dot %xt, %k2 {tile.label = "dot"} : tensor<64x64xbf16>, tensor<64x64xbf16> -> tensor<64x64xf32>
    tile.store %d4, %out[%c0, %c256] {tile.label = "out"} : tensor<64x64xf32>, memref<64x320xf32>
  }
  return
}
