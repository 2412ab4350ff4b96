// REQUIRES: jit
// Causal attention over packed sequences: windows end each tile at the end of its
// sequence, so that the next one, which may hold NaN, is neither read nor written.
// One loop has the full tiles, a second one the tile on the diagonal; both use the
// same rings.
//
// RUN: %python %S/packed_causal.py --jit=mla-jit %s
// RUN: mla-opt %s --mla-cta-pipeline | FileCheck %s
//
// CHECK:     scf.forall
// CHECK:       cta.ring "q"
// CHECK:       cta.ring "k"
// CHECK:       cta.ring "v"
// CHECK-NOT:   = cta.ring
// CHECK:       cta.role "math"
// CHECK:         tile.store %{{.*}} dims [0, 2] bounds{{ ?}}[%{{.*}}]
// CHECK:       cta.role "load"
// CHECK-COUNT-3: cta.gather_async

#schedule = #mla.schedule<"packed-causal",
  roles = [<"math", warps = 4, registers = 240>, <"load", warps = 4, registers = 56>],
  table = [
    <"q" in ["load"]>, <"k" in ["load"]>, <"v" in ["load"]>,
    <"qk" in ["math"], order = 1>, <"qk.wait" in ["math"], order = 3>,
    <"mask" in ["math"], order = 3>, <"softmax" in ["math"], order = 3>,
    <"p" in ["math"], order = 5>, <"rescale" in ["math"], stage = 1, order = 2>,
    <"pv" in ["math"], stage = 1, order = 2>,
    <"pv.wait" in ["math"], stage = 1, order = 4>,
    <"out" in ["math"]>],
  rings = [<"k", depth = 2>, <"v", depth = 2>]>

!packed = memref<?x?x64xbf16, strided<[?, ?, 1]>>

func.func @packed_causal(
    %q: !packed {mla.name = "q", mla.dims = ["tokens", "heads", ""]},
    %k: !packed {mla.name = "k", mla.dims = ["tokens", "heads", ""]},
    %v: !packed {mla.name = "v", mla.dims = ["tokens", "heads", ""]},
    %starts: memref<?xi32> {mla.name = "starts", mla.dims = ["ends"]},
    %blocks: memref<?xi32> {mla.name = "blocks", mla.dims = ["blocks"]},
    %out: !packed {mla.name = "out", mla.dims = ["tokens", "heads", ""]})
    attributes {mla.operator = "packed_causal", mla.schedule = #schedule} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c64 = arith.constant 64 : index
  %heads = memref.dim %q, %c1 : !packed
  %sequences_1 = memref.dim %starts, %c0 : memref<?xi32>
  %num_blocks = memref.dim %blocks, %c0 : memref<?xi32>
  %scale_log2 = arith.constant 0.180336878 : f32
  // Block n of each sequence, of 64 queries; a sequence may have fewer.
  scf.forall (%block, %sequence_1, %head) in (%num_blocks, %sequences_1, %heads) {
    // The last start is the end of the last sequence, and none of its own.
    %sequence = arith.addi %sequence_1, %c1 : index
    %last = arith.subi %sequences_1, %c1 : index
    %next = arith.minsi %sequence, %last : index
    %start_i32 = memref.load %starts[%sequence_1] : memref<?xi32>
    %end_i32 = memref.load %starts[%next] : memref<?xi32>
    %start = arith.index_cast %start_i32 : i32 to index
    %end = arith.index_cast %end_i32 : i32 to index
    %offset = arith.muli %block, %c64 : index
    %row = arith.addi %start, %offset : index
    %row_end = arith.addi %row, %c64 : index
    // Nothing to do past the end of the sequence.
    %alive = arith.cmpi slt, %row, %end : index
    %full = arith.select %alive, %row, %start : index
    %stop = arith.select %alive, %row_end, %start : index

    %qt = tile.load %q[%row, %head, %c0] dims [0, 2] bounds [%end] {tile.label = "q"} : !packed -> tensor<64x64xbf16>
    %o0 = arith.constant dense<0.0> : tensor<64x64xf32>
    %m0 = arith.constant dense<0xFF800000> : tensor<64xf32>
    %l0 = arith.constant dense<0.0> : tensor<64xf32>
    %f:3 = scf.for %t = %start to %full step %c64 iter_args(%o = %o0, %m = %m0, %l = %l0)
        -> (tensor<64x64xf32>, tensor<64xf32>, tensor<64xf32>) {
      %kt = tile.load %k[%t, %head, %c0] dims [0, 2] bounds [%end] {tile.label = "k"} : !packed -> tensor<64x64xbf16>
      %vt = tile.load %v[%t, %head, %c0] dims [0, 2] bounds [%end] {tile.label = "v"} : !packed -> tensor<64x64xbf16>
      %s = tile.dot %qt, %kt transpose_b {tile.label = "qk"} : tensor<64x64xbf16>, tensor<64x64xbf16> -> tensor<64x64xf32>
      %p, %m1, %l1, %alpha = tile.online_softmax %s, %m, %l scale %scale_log2 {tile.label = "softmax"} : tensor<64x64xf32>, tensor<64xf32>
      %pb = arith.truncf %p {tile.label = "p"} : tensor<64x64xf32> to tensor<64x64xbf16>
      %alphas = tile.broadcast %alpha dim 1 : tensor<64xf32> -> tensor<64x64xf32>
      %rescaled = arith.mulf %o, %alphas {tile.label = "rescale"} : tensor<64x64xf32>
      %o1 = tile.dot %pb, %vt acc %rescaled : tensor<64x64xf32> {tile.label = "pv"} : tensor<64x64xbf16>, tensor<64x64xbf16> -> tensor<64x64xf32>
      scf.yield %o1, %m1, %l1 : tensor<64x64xf32>, tensor<64xf32>, tensor<64xf32>
    }
    %r:3 = scf.for %t = %full to %stop step %c64 iter_args(%o = %f#0, %m = %f#1, %l = %f#2)
        -> (tensor<64x64xf32>, tensor<64xf32>, tensor<64xf32>) {
      %kt = tile.load %k[%t, %head, %c0] dims [0, 2] bounds [%end] {tile.label = "k"} : !packed -> tensor<64x64xbf16>
      %vt = tile.load %v[%t, %head, %c0] dims [0, 2] bounds [%end] {tile.label = "v"} : !packed -> tensor<64x64xbf16>
      %s = tile.dot %qt, %kt transpose_b {tile.label = "qk"} : tensor<64x64xbf16>, tensor<64x64xbf16> -> tensor<64x64xf32>
      %n = tile.iota : tensor<64xi32>
      %queries = tile.broadcast %n dim 1 : tensor<64xi32> -> tensor<64x64xi32>
      %keys = tile.broadcast %n dim 0 : tensor<64xi32> -> tensor<64x64xi32>
      %below = arith.cmpi sle, %keys, %queries : tensor<64x64xi32>
      %none = arith.constant dense<0xFF800000> : tensor<64x64xf32>
      %masked = arith.select %below, %s, %none {tile.label = "mask"} : tensor<64x64xi1>, tensor<64x64xf32>
      %p, %m1, %l1, %alpha = tile.online_softmax %masked, %m, %l scale %scale_log2 {tile.label = "softmax"} : tensor<64x64xf32>, tensor<64xf32>
      %pb = arith.truncf %p {tile.label = "p"} : tensor<64x64xf32> to tensor<64x64xbf16>
      %alphas = tile.broadcast %alpha dim 1 : tensor<64xf32> -> tensor<64x64xf32>
      %rescaled = arith.mulf %o, %alphas {tile.label = "rescale"} : tensor<64x64xf32>
      %o1 = tile.dot %pb, %vt acc %rescaled : tensor<64x64xf32> {tile.label = "pv"} : tensor<64x64xbf16>, tensor<64x64xbf16> -> tensor<64x64xf32>
      scf.yield %o1, %m1, %l1 : tensor<64x64xf32>, tensor<64xf32>, tensor<64xf32>
    }
    %one = arith.constant dense<1.0> : tensor<64xf32>
    %inverse = arith.divf %one, %r#2 : tensor<64xf32>
    %inverses = tile.broadcast %inverse dim 1 : tensor<64xf32> -> tensor<64x64xf32>
    %scaled = arith.mulf %r#0, %inverses : tensor<64x64xf32>
    %result = arith.truncf %scaled : tensor<64x64xf32> to tensor<64x64xbf16>
    tile.store %result, %out[%row, %head, %c0] dims [0, 2] bounds [%end] {tile.label = "out"} : tensor<64x64xbf16>, !packed
  }
  return
}
