// Rings of one, two and three slots, filled by TMA and by gathers, read by two roles,
// over as many iterations as each CTA reads from memory: none, fewer than slots, many.
// Step t of ring j counts (t + 1) times, by a part of A of its own, so that a slot
// that is read twice, missed, or read out of turn shows.
//
// Anchored by: TMA and wgmma. Chosen by the compiler: counts of arrivals (one and
// the bytes for TMA, one of each thread for gathers, one of each warp for releases),
// slots and phases.

#schedule = #mla.schedule<"rings",
  roles = [<"low", warps = 4, registers = 144>, <"high", warps = 4, registers = 144>,
           <"gather", warps = 4, registers = 96>, <"load", warps = 1, registers = 24>],
  table = [<"a" in ["load"]>, <"x1" in ["load"]>, <"x2" in ["load"]>, <"x3" in ["load"]>,
           <"g1" in ["gather"]>, <"g2" in ["gather"]>, <"g3" in ["gather"]>,
           <"dot" in ["low", "high"], split = 0>, <"mix" in ["low", "high"], split = 0>,
           <"out" in ["low", "high"], split = 0>],
  rings = [<"x1", depth = 1>, <"x2", depth = 2>, <"x3", depth = 3>,
           <"g1", depth = 1>, <"g2", depth = 2>, <"g3", depth = 3>]>

func.func @rings(%a: memref<128x384xbf16> {mla.name = "a"},
                 %x: memref<?x64x64xbf16> {mla.name = "x", mla.dims = ["tiles", "", ""]},
                 %kv: memref<?x64xbf16> {mla.name = "kv", mla.dims = ["rows", ""]},
                 %indices: memref<?x64xi32> {mla.name = "indices", mla.dims = ["tiles", ""]},
                 %steps: memref<?xi32> {mla.name = "steps", mla.dims = ["ctas"]},
                 %out: memref<?x128x64xf32> {mla.name = "out", mla.dims = ["ctas", "", ""]})
    attributes {mla.schedule = #schedule} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c2 = arith.constant 2 : index
  %c3 = arith.constant 3 : index
  %i1 = arith.constant 1 : i32
  %ctas = memref.dim %steps, %c0 : memref<?xi32>
  scf.forall (%i) in (%ctas) {
    %n32 = memref.load %steps[%i] : memref<?xi32>
    %n = arith.index_cast %n32 : i32 to index
    %at = tile.load %a[%c0, %c0] {tile.label = "a"} : memref<128x384xbf16> -> tensor<128x384xbf16>
    %a0 = tile.view %at [0, 0] : tensor<128x384xbf16> -> tensor<128x64xbf16>
    %a1 = tile.view %at [0, 64] : tensor<128x384xbf16> -> tensor<128x64xbf16>
    %a2 = tile.view %at [0, 128] : tensor<128x384xbf16> -> tensor<128x64xbf16>
    %a3 = tile.view %at [0, 192] : tensor<128x384xbf16> -> tensor<128x64xbf16>
    %a4 = tile.view %at [0, 256] : tensor<128x384xbf16> -> tensor<128x64xbf16>
    %a5 = tile.view %at [0, 320] : tensor<128x384xbf16> -> tensor<128x64xbf16>
    %zero = arith.constant dense<0.0> : tensor<128x64xf32>
    %r = scf.for %t = %c0 to %n step %c1 iter_args(%acc = %zero) -> tensor<128x64xf32> {
      %t3 = arith.muli %t, %c3 : index
      %first = arith.addi %t3, %i : index
      %second = arith.addi %first, %c1 : index
      %third = arith.addi %first, %c2 : index
      %x0 = tile.load %x[%first, %c0, %c0] {tile.label = "x1"} : memref<?x64x64xbf16> -> tensor<64x64xbf16>
      %r0 = tile.load %indices[%first, %c0] : memref<?x64xi32> -> tensor<64xi32>
      %g0 = tile.gather %kv[%r0][%c0] {tile.label = "g1"} : memref<?x64xbf16>, tensor<64xi32> -> tensor<64x64xbf16>
      %x1 = tile.load %x[%second, %c0, %c0] {tile.label = "x2"} : memref<?x64x64xbf16> -> tensor<64x64xbf16>
      %r1 = tile.load %indices[%second, %c0] : memref<?x64xi32> -> tensor<64xi32>
      %g1 = tile.gather %kv[%r1][%c0] {tile.label = "g2"} : memref<?x64xbf16>, tensor<64xi32> -> tensor<64x64xbf16>
      %x2 = tile.load %x[%third, %c0, %c0] {tile.label = "x3"} : memref<?x64x64xbf16> -> tensor<64x64xbf16>
      %r2 = tile.load %indices[%third, %c0] : memref<?x64xi32> -> tensor<64xi32>
      %g2 = tile.gather %kv[%r2][%c0] {tile.label = "g3"} : memref<?x64xbf16>, tensor<64xi32> -> tensor<64x64xbf16>
      %d0 = tile.dot %a0, %x0 {tile.label = "dot"} : tensor<128x64xbf16>, tensor<64x64xbf16> -> tensor<128x64xf32>
      %d1 = tile.dot %a1, %x1 acc %d0 : tensor<128x64xf32> {tile.label = "dot"} : tensor<128x64xbf16>, tensor<64x64xbf16> -> tensor<128x64xf32>
      %d2 = tile.dot %a2, %x2 acc %d1 : tensor<128x64xf32> {tile.label = "dot"} : tensor<128x64xbf16>, tensor<64x64xbf16> -> tensor<128x64xf32>
      %d3 = tile.dot %a3, %g0 acc %d2 : tensor<128x64xf32> {tile.label = "dot"} : tensor<128x64xbf16>, tensor<64x64xbf16> -> tensor<128x64xf32>
      %d4 = tile.dot %a4, %g1 acc %d3 : tensor<128x64xf32> {tile.label = "dot"} : tensor<128x64xbf16>, tensor<64x64xbf16> -> tensor<128x64xf32>
      %d5 = tile.dot %a5, %g2 acc %d4 : tensor<128x64xf32> {tile.label = "dot"} : tensor<128x64xbf16>, tensor<64x64xbf16> -> tensor<128x64xf32>
      %t32 = arith.index_cast %t : index to i32
      %w32 = arith.addi %t32, %i1 : i32
      %w = arith.sitofp %w32 : i32 to f32
      %ws = tensor.splat %w : tensor<128x64xf32>
      %wd = arith.mulf %d5, %ws {tile.label = "mix"} : tensor<128x64xf32>
      %next = arith.addf %acc, %wd {tile.label = "mix"} : tensor<128x64xf32>
      scf.yield %next : tensor<128x64xf32>
    }
    tile.store %r, %out[%i, %c0, %c0] {tile.label = "out"} : tensor<128x64xf32>, memref<?x128x64xf32>
  }
  return
}
