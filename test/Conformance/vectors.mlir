// Vectors by row through shared memory: "soft" reduces a product by row and sends
// f32, i32 and i1 vectors; "math" loads each by row or by column, and adds it to a
// product or selects by it.
//
// Anchored by: wgmma defines D in both roles. Chosen by the converter: which
// registers a reduction takes, who stores a vector where, and the maps of
// load_shared by row and by column. A row that is stored and loaded at one wrong
// place would still show: it is loaded by column too, and added to a D.

#schedule = #mla.schedule<"load-soft-math",
  roles = [<"math", warps = 4, registers = 216>, <"soft", warps = 4, registers = 216>,
           <"load", warps = 4, registers = 72>],
  table = [<"a" in ["load"]>, <"b" in ["load"]>, <"c" in ["load"]>,
           <"s" in ["soft"]>, <"stats" in ["soft"]>,
           <"dot" in ["math"]>, <"mix" in ["math"]>, <"out" in ["math"]>]>

func.func @vectors(%a: memref<64x64xbf16> {mla.name = "a"},
                   %b: memref<64x64xbf16> {mla.name = "b"},
                   %c: memref<64x64xbf16> {mla.name = "c"},
                   %out: memref<64x384xf32> {mla.name = "out"})
    attributes {mla.schedule = #schedule} {
  %c0 = arith.constant 0 : index
  %c64 = arith.constant 64 : index
  %c128 = arith.constant 128 : index
  %c192 = arith.constant 192 : index
  %c256 = arith.constant 256 : index
  %c320 = arith.constant 320 : index
  scf.forall (%i) in (1) {
    %at = tile.load %a[%c0, %c0] {tile.label = "a"} : memref<64x64xbf16> -> tensor<64x64xbf16>
    %bt = tile.load %b[%c0, %c0] {tile.label = "b"} : memref<64x64xbf16> -> tensor<64x64xbf16>
    %ct = tile.load %c[%c0, %c0] {tile.label = "c"} : memref<64x64xbf16> -> tensor<64x64xbf16>
    %s = tile.dot %at, %bt {tile.label = "s"} : tensor<64x64xbf16>, tensor<64x64xbf16> -> tensor<64x64xf32>
    // A tile for each way to travel, as a tile travels in one layout.
    %most = tile.reduce max %s dim 1 {tile.label = "stats"} : tensor<64x64xf32> -> tensor<64xf32>
    %sum = tile.reduce sum %s dim 1 {tile.label = "stats"} : tensor<64x64xf32> -> tensor<64xf32>
    %imost = arith.fptosi %most {tile.label = "stats"} : tensor<64xf32> to tensor<64xi32>
    %isum = arith.fptosi %sum {tile.label = "stats"} : tensor<64xf32> to tensor<64xi32>
    %zero = arith.constant dense<0.0> : tensor<64xf32>
    %positive = arith.cmpf ogt, %sum, %zero {tile.label = "stats"} : tensor<64xf32>
    %above = arith.cmpf ogt, %sum, %most {tile.label = "stats"} : tensor<64xf32>

    %d = tile.dot %at, %ct {tile.label = "dot"} : tensor<64x64xbf16>, tensor<64x64xbf16> -> tensor<64x64xf32>
    %mosts = tile.broadcast %most dim 1 : tensor<64xf32> -> tensor<64x64xf32>
    %d0 = arith.addf %d, %mosts {tile.label = "mix"} : tensor<64x64xf32>
    tile.store %d0, %out[%c0, %c0] {tile.label = "out"} : tensor<64x64xf32>, memref<64x384xf32>
    %sums = tile.broadcast %sum dim 0 : tensor<64xf32> -> tensor<64x64xf32>
    %d1 = arith.addf %d, %sums {tile.label = "mix"} : tensor<64x64xf32>
    tile.store %d1, %out[%c0, %c64] {tile.label = "out"} : tensor<64x64xf32>, memref<64x384xf32>
    %imosts = tile.broadcast %imost dim 0 : tensor<64xi32> -> tensor<64x64xi32>
    %fmosts = arith.sitofp %imosts {tile.label = "mix"} : tensor<64x64xi32> to tensor<64x64xf32>
    %d2 = arith.addf %d, %fmosts {tile.label = "mix"} : tensor<64x64xf32>
    tile.store %d2, %out[%c0, %c128] {tile.label = "out"} : tensor<64x64xf32>, memref<64x384xf32>
    %isums = tile.broadcast %isum dim 1 : tensor<64xi32> -> tensor<64x64xi32>
    %fsums = arith.sitofp %isums {tile.label = "mix"} : tensor<64x64xi32> to tensor<64x64xf32>
    %d3 = arith.addf %d, %fsums {tile.label = "mix"} : tensor<64x64xf32>
    tile.store %d3, %out[%c0, %c192] {tile.label = "out"} : tensor<64x64xf32>, memref<64x384xf32>
    %none = arith.constant dense<-99.0> : tensor<64x64xf32>
    %positives = tile.broadcast %positive dim 1 : tensor<64xi1> -> tensor<64x64xi1>
    %d4 = arith.select %positives, %d, %none {tile.label = "mix"} : tensor<64x64xi1>, tensor<64x64xf32>
    tile.store %d4, %out[%c0, %c256] {tile.label = "out"} : tensor<64x64xf32>, memref<64x384xf32>
    %aboves = tile.broadcast %above dim 0 : tensor<64xi1> -> tensor<64x64xi1>
    %d5 = arith.select %aboves, %d, %none {tile.label = "mix"} : tensor<64x64xi1>, tensor<64x64xf32>
    tile.store %d5, %out[%c0, %c320] {tile.label = "out"} : tensor<64x64xf32>, memref<64x384xf32>
  }
  return
}
