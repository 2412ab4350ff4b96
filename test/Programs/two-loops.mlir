// REQUIRES: jit
// The attention of dense-attention.mlir in two loops, over full tiles of KV rows and then
// over masked ones. Both loops use the same rings for K and V: the second continues with
// the slot and phase after the last of the first.
//
// RUN: mla-jit run %s --device=interpreter --check --scale=0.0884 \
// RUN:   --sizes heads=1,s_q=130,s_kv=700 --sizes heads=1,s_q=5,s_kv=1
// RUN: mla-jit run %s --device=sim --seeds=4 --check --scale=0.0884 \
// RUN:   --sizes heads=2,s_q=130,s_kv=700 --sizes heads=1,s_q=5,s_kv=330 \
// RUN:   --sizes heads=1,s_q=64,s_kv=128 --sizes heads=1,s_q=64,s_kv=1
// RUN: mla-opt %s --mla-cta-pipeline | FileCheck %s
// CHECK: cta.shared_bytes = 98384 : i64
// CHECK: cta.ring "q" at 0 : !cta.ring<1x
// CHECK-NEXT: cta.ring "k" at {{.*}} : !cta.ring<2x
// CHECK-NEXT: cta.ring "v" at {{.*}} : !cta.ring<2x
// CHECK-NOT: cta.ring "

#schedule = #mla.schedule<"two-loops",
  roles = [
    <"low", warps = 4, registers = 224>,
    <"high", warps = 4, registers = 224>,
    <"producer", warps = 4, registers = 56>],
  table = [
    <"q" in ["producer"]>,
    <"k" in ["producer"]>,
    <"v" in ["producer"]>,
    <"qk" in ["low", "high"], split = 0, stage = 0, order = 1>,
    <"qk.wait" in ["low", "high"], split = 0, stage = 0, order = 3>,
    <"mask" in ["low", "high"], split = 0, stage = 1>,
    <"softmax" in ["low", "high"], split = 0, stage = 1>,
    <"p" in ["low", "high"], split = 0, stage = 1>,
    <"rescale" in ["low", "high"], split = 0, stage = 1>,
    <"pv" in ["low", "high"], split = 0, stage = 1>,
    <"pv.wait" in ["low", "high"], split = 0, stage = 1, order = 2>,
    <"stats" in ["low", "high"], split = 0>,
    <"out" in ["low", "high"], split = 0>],
  rings = [<"k", depth = 2>, <"v", depth = 2>]>

func.func @two_loops(
    %q: memref<?x?x128xbf16, strided<[?, ?, 1]>> {mla.name = "q", mla.dims = ["heads", "s_q", ""]},
    %k: memref<?x?x128xbf16, strided<[?, ?, 1]>> {mla.name = "k", mla.dims = ["heads", "s_kv", ""]},
    %v: memref<?x?x128xbf16, strided<[?, ?, 1]>> {mla.name = "v", mla.dims = ["heads", "s_kv", ""]},
    %scale: f32 {mla.name = "scale"},
    %out: memref<?x?x128xbf16, strided<[?, ?, 1]>> {mla.name = "out", mla.dims = ["heads", "s_q", ""]},
    %lse: memref<?x?xf32, strided<[?, 1]>> {mla.name = "lse", mla.dims = ["heads", "s_q"]})
    attributes {mla.operator = "dense_attention", mla.schedule = #schedule} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c64 = arith.constant 64 : index
  %c128 = arith.constant 128 : index
  %heads = memref.dim %q, %c0 : memref<?x?x128xbf16, strided<[?, ?, 1]>>
  %s_q = memref.dim %q, %c1 : memref<?x?x128xbf16, strided<[?, ?, 1]>>
  %s_kv = memref.dim %k, %c1 : memref<?x?x128xbf16, strided<[?, ?, 1]>>
  %blocks = arith.ceildivui %s_q, %c128 : index
  %log2e = arith.constant 1.44269504 : f32
  %scale_log2 = arith.mulf %scale, %log2e : f32
  scf.forall (%head, %block) in (%heads, %blocks) {
    // Half of the tiles are full for sure; the others are masked, as on a diagonal.
    %pairs = arith.divui %s_kv, %c128 : index
    %full = arith.muli %pairs, %c64 : index
    %row = arith.muli %block, %c128 : index
    %qt = tile.load %q[%head, %row, %c0] {tile.label = "q"} : memref<?x?x128xbf16, strided<[?, ?, 1]>> -> tensor<128x128xbf16>
    %o0 = arith.constant dense<0.0> : tensor<128x128xf32>
    %m0 = arith.constant dense<0xFF800000> : tensor<128xf32>
    %l0 = arith.constant dense<0.0> : tensor<128xf32>
    %f:3 = scf.for %t = %c0 to %full step %c64 iter_args(%o = %o0, %m = %m0, %l = %l0)
        -> (tensor<128x128xf32>, tensor<128xf32>, tensor<128xf32>) {
      %kt = tile.load %k[%head, %t, %c0] {tile.label = "k"} : memref<?x?x128xbf16, strided<[?, ?, 1]>> -> tensor<64x128xbf16>
      %vt = tile.load %v[%head, %t, %c0] {tile.label = "v"} : memref<?x?x128xbf16, strided<[?, ?, 1]>> -> tensor<64x128xbf16>
      %s = tile.dot %qt, %kt transpose_b {tile.label = "qk"} : tensor<128x128xbf16>, tensor<64x128xbf16> -> tensor<128x64xf32>
      %p, %m1, %l1, %alpha = tile.online_softmax %s, %m, %l scale %scale_log2 {tile.label = "softmax"} : tensor<128x64xf32>, tensor<128xf32>
      %pb = arith.truncf %p {tile.label = "p"} : tensor<128x64xf32> to tensor<128x64xbf16>
      %alphas = tile.broadcast %alpha dim 1 : tensor<128xf32> -> tensor<128x128xf32>
      %rescaled = arith.mulf %o, %alphas {tile.label = "rescale"} : tensor<128x128xf32>
      %o1 = tile.dot %pb, %vt acc %rescaled : tensor<128x128xf32> {tile.label = "pv"} : tensor<128x64xbf16>, tensor<64x128xbf16> -> tensor<128x128xf32>
      scf.yield %o1, %m1, %l1 : tensor<128x128xf32>, tensor<128xf32>, tensor<128xf32>
    }
    %r:3 = scf.for %t = %full to %s_kv step %c64 iter_args(%o = %f#0, %m = %f#1, %l = %f#2)
        -> (tensor<128x128xf32>, tensor<128xf32>, tensor<128xf32>) {
      %kt = tile.load %k[%head, %t, %c0] {tile.label = "k"} : memref<?x?x128xbf16, strided<[?, ?, 1]>> -> tensor<64x128xbf16>
      %vt = tile.load %v[%head, %t, %c0] {tile.label = "v"} : memref<?x?x128xbf16, strided<[?, ?, 1]>> -> tensor<64x128xbf16>
      %left = arith.subi %s_kv, %t : index
      %left_i32 = arith.index_cast %left : index to i32
      %limit = tensor.splat %left_i32 : tensor<64xi32>
      %key = tile.iota : tensor<64xi32>
      %inside = arith.cmpi slt, %key, %limit : tensor<64xi32>
      %s = tile.dot %qt, %kt transpose_b {tile.label = "qk"} : tensor<128x128xbf16>, tensor<64x128xbf16> -> tensor<128x64xf32>
      %insides = tile.broadcast %inside dim 0 : tensor<64xi1> -> tensor<128x64xi1>
      %none = arith.constant dense<0xFF800000> : tensor<128x64xf32>
      %masked = arith.select %insides, %s, %none {tile.label = "mask"} : tensor<128x64xi1>, tensor<128x64xf32>
      %p, %m1, %l1, %alpha = tile.online_softmax %masked, %m, %l valid %inside : tensor<64xi1> scale %scale_log2 {tile.label = "softmax"} : tensor<128x64xf32>, tensor<128xf32>
      %pb = arith.truncf %p {tile.label = "p"} : tensor<128x64xf32> to tensor<128x64xbf16>
      %alphas = tile.broadcast %alpha dim 1 : tensor<128xf32> -> tensor<128x128xf32>
      %rescaled = arith.mulf %o, %alphas {tile.label = "rescale"} : tensor<128x128xf32>
      %o1 = tile.dot %pb, %vt acc %rescaled : tensor<128x128xf32> {tile.label = "pv"} : tensor<128x64xbf16>, tensor<64x128xbf16> -> tensor<128x128xf32>
      scf.yield %o1, %m1, %l1 : tensor<128x128xf32>, tensor<128xf32>, tensor<128xf32>
    }
    %ln2 = arith.constant dense<0.693147182> : tensor<128xf32>
    %log = math.log2 %r#2 : tensor<128xf32>
    %scales = tensor.splat %scale : tensor<128xf32>
    %logit = arith.mulf %r#1, %scales : tensor<128xf32>
    %log_e = arith.mulf %log, %ln2 : tensor<128xf32>
    %lse_e = arith.addf %logit, %log_e : tensor<128xf32>
    tile.store %lse_e, %lse[%head, %row] {tile.label = "stats"} : tensor<128xf32>, memref<?x?xf32, strided<[?, 1]>>
    %one = arith.constant dense<1.0> : tensor<128xf32>
    %inverse = arith.divf %one, %r#2 : tensor<128xf32>
    %inverses = tile.broadcast %inverse dim 1 : tensor<128xf32> -> tensor<128x128xf32>
    %scaled = arith.mulf %r#0, %inverses : tensor<128x128xf32>
    %result = arith.truncf %scaled : tensor<128x128xf32> to tensor<128x128xbf16>
    tile.store %result, %out[%head, %row, %c0] {tile.label = "out"} : tensor<128x128xbf16>, memref<?x?x128xbf16, strided<[?, ?, 1]>>
  }
  return
}
