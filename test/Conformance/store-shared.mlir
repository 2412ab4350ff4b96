// Fragments of bf16 that one role stores into a swizzled slot (stmatrix) and
// another reads as operand A and B of MMAs, K-major and MN-major each, over
// several tiles, so that every slot of a ring of three is written.
//
// Anchored by: wgmma defines the fragment that is stored (D of the first MMA)
// and how the slot is read. Chosen by the converter: the addresses of stmatrix, and
// which registers go into one. With X the identity, X P shows P itself.

#schedule = #mla.schedule<"load-soft-math",
  roles = [<"math", warps = 4, registers = 216>, <"soft", warps = 4, registers = 216>,
           <"load", warps = 4, registers = 72>],
  table = [<"q" in ["load"]>, <"k" in ["load"]>, <"x" in ["load"]>, <"y" in ["load"]>,
           <"s" in ["soft"]>, <"p" in ["soft"]>,
           <"dot" in ["math"]>, <"out" in ["math"]>],
  rings = [<"p", depth = 3>]>

func.func @store_shared(%q: memref<64x64xbf16> {mla.name = "q"},
                        %k: memref<?x128x64xbf16> {mla.name = "k", mla.dims = ["tiles", "", ""]},
                        %x: memref<64x64xbf16> {mla.name = "x"},
                        %y: memref<64x128xbf16> {mla.name = "y"},
                        %out: memref<?x64x320xf32> {mla.name = "out", mla.dims = ["tiles", "", ""]})
    attributes {mla.schedule = #schedule} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c128 = arith.constant 128 : index
  %c192 = arith.constant 192 : index
  %c256 = arith.constant 256 : index
  %tiles = memref.dim %k, %c0 : memref<?x128x64xbf16>
  scf.forall (%i) in (1) {
    %qt = tile.load %q[%c0, %c0] {tile.label = "q"} : memref<64x64xbf16> -> tensor<64x64xbf16>
    %xt = tile.load %x[%c0, %c0] {tile.label = "x"} : memref<64x64xbf16> -> tensor<64x64xbf16>
    %yt = tile.load %y[%c0, %c0] {tile.label = "y"} : memref<64x128xbf16> -> tensor<64x128xbf16>
    scf.for %t = %c0 to %tiles step %c1 {
      %kt = tile.load %k[%t, %c0, %c0] {tile.label = "k"} : memref<?x128x64xbf16> -> tensor<128x64xbf16>
      %s = tile.dot %qt, %kt transpose_b {tile.label = "s"} : tensor<64x64xbf16>, tensor<128x64xbf16> -> tensor<64x128xf32>
      %p = arith.truncf %s {tile.label = "p"} : tensor<64x128xf32> to tensor<64x128xbf16>

      // B, MN-major.
      %xp = tile.dot %xt, %p {tile.label = "dot"} : tensor<64x64xbf16>, tensor<64x128xbf16> -> tensor<64x128xf32>
      tile.store %xp, %out[%t, %c0, %c0] {tile.label = "out"} : tensor<64x128xf32>, memref<?x64x320xf32>
      // A, K-major.
      %py = tile.dot %p, %yt transpose_b {tile.label = "dot"} : tensor<64x128xbf16>, tensor<64x128xbf16> -> tensor<64x64xf32>
      tile.store %py, %out[%t, %c0, %c128] {tile.label = "out"} : tensor<64x64xf32>, memref<?x64x320xf32>
      // B, K-major.
      %yp = tile.dot %yt, %p transpose_b {tile.label = "dot"} : tensor<64x128xbf16>, tensor<64x128xbf16> -> tensor<64x64xf32>
      tile.store %yp, %out[%t, %c0, %c192] {tile.label = "out"} : tensor<64x64xf32>, memref<?x64x320xf32>
      // A, MN-major: columns 64 to 128.
      %right = tile.view %p [0, 64] : tensor<64x128xbf16> -> tensor<64x64xbf16>
      %ptx = tile.dot %right, %xt transpose_a {tile.label = "dot"} : tensor<64x64xbf16>, tensor<64x64xbf16> -> tensor<64x64xf32>
      tile.store %ptx, %out[%t, %c0, %c256] {tile.label = "out"} : tensor<64x64xf32>, memref<?x64x320xf32>
    }
  }
  return
}
