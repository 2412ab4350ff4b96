// Rings of one, two and three slots that a role fills from registers: matrices
// (stmatrix) and vectors by row, over as many iterations as each CTA reads from
// memory. Step t counts (t + 1) times; matrices are weighed by an operand of their
// own, vectors by a power of 8.
//
// Anchored by: wgmma. Chosen by the compiler: an arrival of each warp after its
// stores, the fences of the matrices, slots and phases.

#schedule = #mla.schedule<"rings",
  roles = [<"math", warps = 4, registers = 216>, <"soft", warps = 4, registers = 216>,
           <"load", warps = 4, registers = 72>],
  table = [<"q" in ["load"]>, <"x" in ["load"]>, <"y" in ["load"]>,
           <"s" in ["soft"]>, <"p1" in ["soft"]>, <"p2" in ["soft"]>, <"p3" in ["soft"]>,
           <"m1" in ["soft"]>, <"m2" in ["soft"]>, <"m3" in ["soft"]>,
           <"dot" in ["math"]>, <"mix" in ["math"]>, <"out" in ["math"]>],
  rings = [<"x", depth = 2>, <"p1", depth = 1>, <"p2", depth = 2>, <"p3", depth = 3>,
           <"m1", depth = 1>, <"m2", depth = 2>, <"m3", depth = 3>]>

func.func @rings_stored(%q: memref<64x64xbf16> {mla.name = "q"},
                        %x: memref<?x64x64xbf16> {mla.name = "x", mla.dims = ["tiles", "", ""]},
                        %y: memref<64x192xbf16> {mla.name = "y"},
                        %steps: memref<?xi32> {mla.name = "steps", mla.dims = ["ctas"]},
                        %out: memref<?x64x64xf32> {mla.name = "out", mla.dims = ["ctas", "", ""]})
    attributes {mla.schedule = #schedule} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %i1 = arith.constant 1 : i32
  %ctas = memref.dim %steps, %c0 : memref<?xi32>
  scf.forall (%i) in (%ctas) {
    %n32 = memref.load %steps[%i] : memref<?xi32>
    %n = arith.index_cast %n32 : i32 to index
    %qt = tile.load %q[%c0, %c0] {tile.label = "q"} : memref<64x64xbf16> -> tensor<64x64xbf16>
    %yt = tile.load %y[%c0, %c0] {tile.label = "y"} : memref<64x192xbf16> -> tensor<64x192xbf16>
    %y1 = tile.view %yt [0, 0] : tensor<64x192xbf16> -> tensor<64x64xbf16>
    %y2 = tile.view %yt [0, 64] : tensor<64x192xbf16> -> tensor<64x64xbf16>
    %y3 = tile.view %yt [0, 128] : tensor<64x192xbf16> -> tensor<64x64xbf16>
    %zero = arith.constant dense<0.0> : tensor<64x64xf32>
    %r = scf.for %t = %c0 to %n step %c1 iter_args(%acc = %zero) -> tensor<64x64xf32> {
      %tile = arith.addi %t, %i : index
      %xt = tile.load %x[%tile, %c0, %c0] {tile.label = "x"} : memref<?x64x64xbf16> -> tensor<64x64xbf16>
      %s = tile.dot %qt, %xt {tile.label = "s"} : tensor<64x64xbf16>, tensor<64x64xbf16> -> tensor<64x64xf32>
      %one = arith.constant dense<1.0> : tensor<64x64xf32>
      %s2 = arith.addf %s, %one : tensor<64x64xf32>
      %s3 = arith.subf %one, %s : tensor<64x64xf32>
      %p1 = arith.truncf %s {tile.label = "p1"} : tensor<64x64xf32> to tensor<64x64xbf16>
      %p2 = arith.truncf %s2 {tile.label = "p2"} : tensor<64x64xf32> to tensor<64x64xbf16>
      %p3 = arith.truncf %s3 {tile.label = "p3"} : tensor<64x64xf32> to tensor<64x64xbf16>
      %m1 = tile.reduce max %s dim 1 {tile.label = "m1"} : tensor<64x64xf32> -> tensor<64xf32>
      %m2 = tile.reduce max %s3 dim 1 {tile.label = "m2"} : tensor<64x64xf32> -> tensor<64xf32>
      %m3 = tile.reduce sum %s dim 1 {tile.label = "m3"} : tensor<64x64xf32> -> tensor<64xf32>

      %d1 = tile.dot %y1, %p1 {tile.label = "dot"} : tensor<64x64xbf16>, tensor<64x64xbf16> -> tensor<64x64xf32>
      %d2 = tile.dot %y2, %p2 acc %d1 : tensor<64x64xf32> {tile.label = "dot"} : tensor<64x64xbf16>, tensor<64x64xbf16> -> tensor<64x64xf32>
      %d3 = tile.dot %y3, %p3 acc %d2 : tensor<64x64xf32> {tile.label = "dot"} : tensor<64x64xbf16>, tensor<64x64xbf16> -> tensor<64x64xf32>
      %eight = arith.constant dense<8.0> : tensor<64x64xf32>
      %m1s = tile.broadcast %m1 dim 1 : tensor<64xf32> -> tensor<64x64xf32>
      %m2s = tile.broadcast %m2 dim 0 : tensor<64xf32> -> tensor<64x64xf32>
      %m3s = tile.broadcast %m3 dim 1 : tensor<64xf32> -> tensor<64x64xf32>
      %e1 = arith.mulf %m3s, %eight {tile.label = "mix"} : tensor<64x64xf32>
      %e2 = arith.addf %e1, %m2s {tile.label = "mix"} : tensor<64x64xf32>
      %e3 = arith.mulf %e2, %eight {tile.label = "mix"} : tensor<64x64xf32>
      %e4 = arith.addf %e3, %m1s {tile.label = "mix"} : tensor<64x64xf32>
      %e = arith.addf %e4, %d3 {tile.label = "mix"} : tensor<64x64xf32>
      %t32 = arith.index_cast %t : index to i32
      %w32 = arith.addi %t32, %i1 : i32
      %w = arith.sitofp %w32 : i32 to f32
      %ws = tensor.splat %w : tensor<64x64xf32>
      %wd = arith.mulf %e, %ws {tile.label = "mix"} : tensor<64x64xf32>
      %next = arith.addf %acc, %wd {tile.label = "mix"} : tensor<64x64xf32>
      scf.yield %next : tensor<64x64xf32>
    }
    tile.store %r, %out[%i, %c0, %c0] {tile.label = "out"} : tensor<64x64xf32>, memref<?x64x64xf32>
  }
  return
}
