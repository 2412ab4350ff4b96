// REQUIRES: jit
// Causal attention with head dimensions 192 and 128 in one loop over tiles of 128 keys. A
// branch (scf.if) masks the tiles on the diagonal and at the end; others skip it. Blocks of
// queries at the end of a sequence take longest: they come first, and CTAs get several in a
// row. V of a tile is loaded after K of the next one, in the order of their use, and Q of the
// next block as soon as the last scores of this one are known.
//
// RUN: mla-jit run %s --device=interpreter --check --scale=0.0722 \
// RUN:   --sizes heads=2,s_q=300,s_kv=300 --sizes heads=1,s_q=130,s_kv=459
// RUN: mla-jit run %s --device=sim --seeds=2 --check --scale=0.0722 \
// RUN:   --sizes heads=2,s_q=300,s_kv=300 --sizes heads=1,s_q=130,s_kv=459 \
// RUN:   --sizes heads=1,s_q=1,s_kv=1 --sizes heads=134,s_q=129,s_kv=200
// RUN: mla-opt %s --mla-cta-pipeline | FileCheck %s
//
// CHECK:       scf.forall
// CHECK:       %[[Q_EMPTY:.*]] = cta.mbarrier "q.empty"
// CHECK:       cta.role "low"
// CHECK:         scf.for
// The steady state of the loop: the branch stands between the wait for the scores, while
// the MMA with V of the previous tile is in flight, and the softmax.
// CHECK:           scf.for
// CHECK:             cta.mma_async
// CHECK:             cta.mma_async
// CHECK:             cta.mma_wait {{.*}} pending 1
// CHECK:             scf.if %{{.*}} -> (tensor<64x128xf32, #cta.layout<acc>>) {
// CHECK:               tile.iota
// CHECK:               arith.select
// CHECK:             } else {
// CHECK-NEXT:          scf.yield
// CHECK:             tile.reduce max
// CHECK:             cta.mma_wait {{.*}} pending 0
// Its last iteration stands behind it and releases Q after the last scores.
// CHECK:           cta.mma_async
// CHECK:           cta.mma_async
// CHECK:           cta.mma_wait {{.*}} pending 1
// CHECK:           cta.arrive %[[Q_EMPTY]]
// CHECK:           tile.reduce max
// CHECK:         tile.store

#schedule = #mla.schedule<"causal" after ["persist"],
  roles = [
    <"low", warps = 4, registers = 232>,
    <"high", warps = 4, registers = 232>,
    <"producer", warps = 4, registers = 40>],
  table = [
    <"q" in ["producer"]>,
    <"k" in ["producer"], stage = 0, order = 1>,
    <"v" in ["producer"], stage = 1, order = 2>,
    <"qk" in ["low","high"], split = 0, stage = 0, order = 1>,
    <"qk.wait" in ["low","high"], split = 0, stage = 0, order = 3>,
    <"mask" in ["low","high"], split = 0, stage = 0, order = 3>,
    <"softmax" in ["low","high"], split = 0, stage = 0, order = 3>,
    <"p" in ["low","high"], split = 0, stage = 0, order = 5>,
    <"rescale" in ["low","high"], split = 0, stage = 1, order = 2>,
    <"pv" in ["low","high"], split = 0, stage = 1, order = 2>,
    <"pv.wait" in ["low","high"], split = 0, stage = 1, order = 4>,
    <"stats" in ["low","high"], split = 0>,
    <"out" in ["low","high"], split = 0>],
  rings = [<"q", depth = 1>, <"k", depth = 2>, <"v", depth = 2>]>

func.func @causal(
    %q: memref<?x?x192xbf16, strided<[?, ?, 1]>> {mla.name = "q", mla.dims = ["heads", "s_q", ""]},
    %k: memref<?x?x192xbf16, strided<[?, ?, 1]>> {mla.name = "k", mla.dims = ["heads", "s_kv", ""]},
    %v: memref<?x?x128xbf16, strided<[?, ?, 1]>> {mla.name = "v", mla.dims = ["heads", "s_kv", ""]},
    %scale: f32 {mla.name = "scale"},
    %out: memref<?x?x128xbf16, strided<[?, ?, 1]>> {mla.name = "out", mla.dims = ["heads", "s_q", ""]},
    %lse: memref<?x?xf32, strided<[?, 1]>> {mla.name = "lse", mla.dims = ["heads", "s_q"]})
    attributes {mla.operator = "dense_attention_causal", mla.schedule = #schedule} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %ck = arith.constant 128 : index
  %crows = arith.constant 128 : index
  %heads = memref.dim %q, %c0 : memref<?x?x192xbf16, strided<[?, ?, 1]>>
  %s_q = memref.dim %q, %c1 : memref<?x?x192xbf16, strided<[?, ?, 1]>>
  %s_kv = memref.dim %k, %c1 : memref<?x?x192xbf16, strided<[?, ?, 1]>>
  %diag = arith.subi %s_kv, %s_q : index
  %blocks = arith.ceildivui %s_q, %crows : index
  %log2e = arith.constant 1.44269504 : f32
  %scale_log2 = arith.mulf %scale, %log2e : f32
  scf.forall (%turned, %head) in (%blocks, %heads) {
    %last_block = arith.subi %blocks, %c1 : index
    %block = arith.subi %last_block, %turned : index
    %row = arith.muli %block, %crows : index
    %qt = tile.load %q[%head, %row, %c0] {tile.label = "q"} : memref<?x?x192xbf16, strided<[?, ?, 1]>> -> tensor<128x192xbf16>
    %o0 = arith.constant dense<0.0> : tensor<128x128xf32>
    %m0 = arith.constant dense<0xFF7FFFFF> : tensor<128xf32>
    %l0 = arith.constant dense<0.0> : tensor<128xf32>
    %end0 = arith.addi %row, %diag : index
    %end1 = arith.addi %end0, %crows : index
    %end = arith.minsi %end1, %s_kv : index
    %first1 = arith.addi %end0, %c1 : index
    %full = arith.minsi %first1, %s_kv : index
    %r:3 = scf.for %t = %c0 to %end step %ck iter_args(%o = %o0, %m = %m0, %l = %l0) -> (tensor<128x128xf32>, tensor<128xf32>, tensor<128xf32>) {
      %kt = tile.load %k[%head, %t, %c0] {tile.label = "k"} : memref<?x?x192xbf16, strided<[?, ?, 1]>> -> tensor<128x192xbf16>
      %vt = tile.load %v[%head, %t, %c0] {tile.label = "v"} : memref<?x?x128xbf16, strided<[?, ?, 1]>> -> tensor<128x128xbf16>
      %s = tile.dot %qt, %kt transpose_b {tile.label = "qk"} : tensor<128x192xbf16>, tensor<128x192xbf16> -> tensor<128x128xf32>
      %next = arith.addi %t, %ck : index
      %partial = arith.cmpi sgt, %next, %full : index
      %masked = scf.if %partial -> (tensor<128x128xf32>) {
        %seen = arith.subi %first1, %t : index
        %left = arith.subi %s_kv, %t : index
        %seen_i32 = arith.index_cast %seen : index to i32
        %left_i32 = arith.index_cast %left : index to i32
        %seens = tensor.splat %seen_i32 : tensor<128xi32>
        %lefts = tensor.splat %left_i32 : tensor<128xi32>
        %number = tile.iota : tensor<128xi32>
        %causal = arith.addi %number, %seens : tensor<128xi32>
        %limit = arith.minsi %causal, %lefts : tensor<128xi32>
        %key = tile.iota : tensor<128xi32>
        %limits = tile.broadcast %limit dim 1 : tensor<128xi32> -> tensor<128x128xi32>
        %key_numbers = tile.broadcast %key dim 0 : tensor<128xi32> -> tensor<128x128xi32>
        %inside = arith.cmpi slt, %key_numbers, %limits : tensor<128x128xi32>
        %none = arith.constant dense<0xFF800000> : tensor<128x128xf32>
        %chosen = arith.select %inside, %s, %none {tile.label = "mask"} : tensor<128x128xi1>, tensor<128x128xf32>
        scf.yield %chosen : tensor<128x128xf32>
      } else {
        scf.yield %s : tensor<128x128xf32>
      } {tile.label = "mask"}
      %p, %m1, %l1, %alpha = tile.online_softmax %masked, %m, %l scale %scale_log2 lazy 8.0 {tile.label = "softmax"} : tensor<128x128xf32>, tensor<128xf32>
      %pb = arith.truncf %p {tile.label = "p"} : tensor<128x128xf32> to tensor<128x128xbf16>
      %alphas = tile.broadcast %alpha dim 1 : tensor<128xf32> -> tensor<128x128xf32>
      %rescaled = arith.mulf %o, %alphas {tile.label = "rescale", tile.often_one} : tensor<128x128xf32>
      %o1 = tile.dot %pb, %vt acc %rescaled : tensor<128x128xf32> {tile.label = "pv"} : tensor<128x128xbf16>, tensor<128x128xbf16> -> tensor<128x128xf32>
      scf.yield %o1, %m1, %l1 : tensor<128x128xf32>, tensor<128xf32>, tensor<128xf32>
    } {tile.peel_last}
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
  } {tile.longest_first}
  return
}
