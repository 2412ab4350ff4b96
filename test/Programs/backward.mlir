// REQUIRES: jit
// The backward pass of attention with respect to K and V, over packed sequences: for
// 128 keys, a loop over tiles of 32 queries recomputes the weights P from the stored
// log-sum-exp and accumulates dV = P^T dO and dK = dS^T Q, with
// dS = P (dO V^T - delta). The tiles are computed transposed, keys by queries, so that
// P and dS are register operands of the second pair of MMAs. Bounds keep every access
// in its sequence; the next one may hold NaN.
//
// RUN: %python %S/backward.py --jit=mla-jit %s
// RUN: mla-opt %s --mla-cta-pipeline | FileCheck %s
//
// Four tiles travel through rings; P and dS do not.
// CHECK-COUNT-4: = cta.ring
// CHECK-NOT:     = cta.ring
// CHECK:         cta.role "low"
// CHECK-NOT:     cta.store_shared
// CHECK:         cta.role "producer"

#schedule = #mla.schedule<"backward",
  roles = [
    <"low", warps = 4, registers = 240>,
    <"high", warps = 4, registers = 240>,
    <"producer", warps = 4, registers = 24>],
  table = [
    <"k" in ["producer"]>, <"v" in ["producer"]>,
    <"q" in ["producer"]>, <"do" in ["producer"]>,
    <"lse" in ["low", "high"], order = 0>,
    <"delta" in ["low", "high"], order = 0>,
    <"s" in ["low", "high"], split = 0, order = 1>,
    <"dp" in ["low", "high"], split = 0, order = 1>,
    <"s.wait" in ["low", "high"], split = 0, order = 2>,
    <"p" in ["low", "high"], split = 0, order = 3>,
    <"dp.wait" in ["low", "high"], split = 0, order = 4>,
    <"dv" in ["low", "high"], split = 0, order = 5>,
    <"ds" in ["low", "high"], split = 0, order = 6>,
    <"dk" in ["low", "high"], split = 0, order = 7>,
    <"dv.wait" in ["low", "high"], split = 0, order = 8>,
    <"dk.wait" in ["low", "high"], split = 0, order = 9>,
    <"out" in ["low", "high"], split = 0>],
  rings = [<"q", depth = 2>, <"do", depth = 2>]>

!packed = memref<?x64xbf16, strided<[?, 1]>>
!stat = memref<?xf32>

func.func @backward(
    %q: !packed {mla.name = "q", mla.dims = ["tokens", ""]},
    %k: !packed {mla.name = "k", mla.dims = ["tokens", ""]},
    %v: !packed {mla.name = "v", mla.dims = ["tokens", ""]},
    %do: !packed {mla.name = "do", mla.dims = ["tokens", ""]},
    %lse: !stat {mla.name = "lse", mla.dims = ["tokens"]},
    %delta: !stat {mla.name = "delta", mla.dims = ["tokens"]},
    %starts: memref<?xi32> {mla.name = "starts", mla.dims = ["ends"]},
    %blocks: memref<?xi32> {mla.name = "blocks", mla.dims = ["blocks"]},
    %dk: !packed {mla.name = "dk", mla.dims = ["tokens", ""]},
    %dv: !packed {mla.name = "dv", mla.dims = ["tokens", ""]})
    attributes {mla.operator = "backward", mla.schedule = #schedule} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c32 = arith.constant 32 : index
  %c128 = arith.constant 128 : index
  %ends = memref.dim %starts, %c0 : memref<?xi32>
  %num_blocks = memref.dim %blocks, %c0 : memref<?xi32>
  %scale = arith.constant 0.125 : f32
  %scale_log2 = arith.constant 0.180336878 : f32
  // Block n of each sequence, of 128 keys; a sequence may have fewer. The last start is
  // the end of the last sequence.
  scf.forall (%block, %sequence) in (%num_blocks, %ends) {
    %next = arith.addi %sequence, %c1 : index
    %last = arith.subi %ends, %c1 : index
    %end_at = arith.minsi %next, %last : index
    %start_i32 = memref.load %starts[%sequence] : memref<?xi32>
    %end_i32 = memref.load %starts[%end_at] : memref<?xi32>
    %start = arith.index_cast %start_i32 : i32 to index
    %end = arith.index_cast %end_i32 : i32 to index
    %offset = arith.muli %block, %c128 : index
    %key = arith.addi %start, %offset : index
    // No iterations beyond the end of the sequence.
    %alive = arith.cmpi slt, %key, %end : index
    %stop = arith.select %alive, %end, %start : index

    %kt = tile.load %k[%key, %c0] bounds [%end] {tile.label = "k"} : !packed -> tensor<128x64xbf16>
    %vt = tile.load %v[%key, %c0] bounds [%end] {tile.label = "v"} : !packed -> tensor<128x64xbf16>
    %zero = arith.constant dense<0.0> : tensor<128x64xf32>
    %r:2 = scf.for %t = %start to %stop step %c32 iter_args(%dk0 = %zero, %dv0 = %zero) -> (tensor<128x64xf32>, tensor<128x64xf32>) {
      %qt = tile.load %q[%t, %c0] bounds [%end] {tile.label = "q"} : !packed -> tensor<32x64xbf16>
      %dot = tile.load %do[%t, %c0] bounds [%end] {tile.label = "do"} : !packed -> tensor<32x64xbf16>
      %l = tile.load %lse[%t] bounds [%end] {tile.label = "lse"} : !stat -> tensor<32xf32>
      %d = tile.load %delta[%t] bounds [%end] {tile.label = "delta"} : !stat -> tensor<32xf32>
      %s = tile.dot %kt, %qt transpose_b {tile.label = "s"} : tensor<128x64xbf16>, tensor<32x64xbf16> -> tensor<128x32xf32>
      %dp = tile.dot %vt, %dot transpose_b {tile.label = "dp"} : tensor<128x64xbf16>, tensor<32x64xbf16> -> tensor<128x32xf32>
      // P = exp(S / 8 - lse). Padding has S = lse = 0, and dO = delta = 0.
      %scales = tensor.splat %scale_log2 : tensor<128x32xf32>
      %scaled = arith.mulf %s, %scales {tile.label = "p"} : tensor<128x32xf32>
      %ls = tile.broadcast %l dim 0 : tensor<32xf32> -> tensor<128x32xf32>
      %exponent = arith.subf %scaled, %ls {tile.label = "p"} : tensor<128x32xf32>
      %p = math.exp2 %exponent {tile.label = "p"} : tensor<128x32xf32>
      %pb = arith.truncf %p {tile.label = "p"} : tensor<128x32xf32> to tensor<128x32xbf16>
      %dv1 = tile.dot %pb, %dot acc %dv0 : tensor<128x64xf32> {tile.label = "dv"} : tensor<128x32xbf16>, tensor<32x64xbf16> -> tensor<128x64xf32>
      %ds = tile.broadcast %d dim 0 : tensor<32xf32> -> tensor<128x32xf32>
      %difference = arith.subf %dp, %ds {tile.label = "ds"} : tensor<128x32xf32>
      %product = arith.mulf %p, %difference {tile.label = "ds"} : tensor<128x32xf32>
      %dsb = arith.truncf %product {tile.label = "ds"} : tensor<128x32xf32> to tensor<128x32xbf16>
      %dk1 = tile.dot %dsb, %qt acc %dk0 : tensor<128x64xf32> {tile.label = "dk"} : tensor<128x32xbf16>, tensor<32x64xbf16> -> tensor<128x64xf32>
      scf.yield %dk1, %dv1 : tensor<128x64xf32>, tensor<128x64xf32>
    }
    %scales = tensor.splat %scale : tensor<128x64xf32>
    %dks = arith.mulf %r#0, %scales : tensor<128x64xf32>
    %dkb = arith.truncf %dks : tensor<128x64xf32> to tensor<128x64xbf16>
    %dvb = arith.truncf %r#1 : tensor<128x64xf32> to tensor<128x64xbf16>
    tile.store %dkb, %dk[%key, %c0] bounds [%end] {tile.label = "out"} : tensor<128x64xbf16>, !packed
    tile.store %dvb, %dv[%key, %c0] bounds [%end] {tile.label = "out"} : tensor<128x64xbf16>, !packed
  }
  return
}
