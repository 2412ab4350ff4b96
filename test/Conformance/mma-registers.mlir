// A from registers: P = Q K^T rounded to bf16 is the A operand of MMAs with V
// MN-major and K-major, of 64, 128 and 256 columns; also one k-step alone.
//
// Anchored by: wgmma defines both ends, D of the first MMA and A of the
// second. Chosen by the converter: the packing of pairs, f32 to bf16, and which
// four registers a k-step takes.

#schedule = #mla.schedule<"load-math",
  roles = [<"math", warps = 4, registers = 240>, <"load", warps = 1, registers = 24>],
  table = [<"q" in ["load"]>, <"k" in ["load"]>, <"v" in ["load"]>, <"w" in ["load"]>,
           <"dot" in ["math"]>, <"out" in ["math"]>]>

func.func @mma_registers(%q: memref<64x64xbf16> {mla.name = "q"},
                         %k: memref<128x64xbf16> {mla.name = "k"},
                         %v: memref<128x256xbf16> {mla.name = "v"},
                         %w: memref<64x128xbf16> {mla.name = "w"},
                         %out: memref<64x448xf32> {mla.name = "out"})
    attributes {mla.schedule = #schedule} {
  %c0 = arith.constant 0 : index
  %c256 = arith.constant 256 : index
  %c320 = arith.constant 320 : index
  scf.forall (%i) in (1) {
    %qt = tile.load %q[%c0, %c0] {tile.label = "q"} : memref<64x64xbf16> -> tensor<64x64xbf16>
    %kt = tile.load %k[%c0, %c0] {tile.label = "k"} : memref<128x64xbf16> -> tensor<128x64xbf16>
    %vt = tile.load %v[%c0, %c0] {tile.label = "v"} : memref<128x256xbf16> -> tensor<128x256xbf16>
    %wt = tile.load %w[%c0, %c0] {tile.label = "w"} : memref<64x128xbf16> -> tensor<64x128xbf16>

    %s = tile.dot %qt, %kt transpose_b {tile.label = "dot"} : tensor<64x64xbf16>, tensor<128x64xbf16> -> tensor<64x128xf32>
    %p = arith.truncf %s : tensor<64x128xf32> to tensor<64x128xbf16>
    %pv = tile.dot %p, %vt {tile.label = "dot"} : tensor<64x128xbf16>, tensor<128x256xbf16> -> tensor<64x256xf32>
    tile.store %pv, %out[%c0, %c0] {tile.label = "out"} : tensor<64x256xf32>, memref<64x448xf32>
    %pw = tile.dot %p, %wt transpose_b {tile.label = "dot"} : tensor<64x128xbf16>, tensor<64x128xbf16> -> tensor<64x64xf32>
    tile.store %pw, %out[%c0, %c256] {tile.label = "out"} : tensor<64x64xf32>, memref<64x448xf32>

    // One k-step.
    %k16 = tile.view %kt [48, 0] : tensor<128x64xbf16> -> tensor<16x64xbf16>
    %v16 = tile.view %vt [16, 128] : tensor<128x256xbf16> -> tensor<16x128xbf16>
    %s16 = tile.dot %qt, %k16 transpose_b {tile.label = "dot"} : tensor<64x64xbf16>, tensor<16x64xbf16> -> tensor<64x16xf32>
    %p16 = arith.truncf %s16 : tensor<64x16xf32> to tensor<64x16xbf16>
    %pv16 = tile.dot %p16, %v16 {tile.label = "dot"} : tensor<64x16xbf16>, tensor<16x128xbf16> -> tensor<64x128xf32>
    tile.store %pv16, %out[%c0, %c320] {tile.label = "out"} : tensor<64x128xf32>, memref<64x448xf32>
  }
  return
}
