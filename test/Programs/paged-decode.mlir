// REQUIRES: jit
// Decode over a paged cache: a 1-D gather looks up the page of each KV row in the
// request's table, and the producer gathers the rows. Pages have 16 rows. KV rows past
// the length of the request are out of bounds.
//
// RUN: %python %S/paged_decode.py --jit=mla-jit %s
// RUN: mla-opt %s --mla-cta-pipeline | FileCheck %s
//
// CHECK: cta.role "load"
// CHECK: %[[PAGES:.*]] = tile.gather %{{.*}}[%{{.*}}] [%{{.*}}] : {{.*}} -> tensor<64xi32, #cta.layout<gather>>
// CHECK: cta.gather_async

#schedule = #mla.schedule<"paged-decode",
  roles = [<"math", warps = 4, registers = 240>, <"load", warps = 4, registers = 56>],
  table = [
    <"q" in ["load"]>, <"k" in ["load"]>,
    <"qk" in ["math"]>, <"mask" in ["math"]>, <"softmax" in ["math"]>,
    <"p" in ["math"]>, <"rescale" in ["math"]>, <"pv" in ["math"]>, <"out" in ["math"]>],
  rings = [<"k", depth = 2>]>

!table = memref<?x?xi32, strided<[?, ?]>>

func.func @paged_decode(
    %q: memref<?x64x64xbf16> {mla.name = "q", mla.dims = ["batch", "", ""]},
    %cache: memref<?x64xbf16> {mla.name = "cache", mla.dims = ["rows", ""]},
    %table: !table {mla.name = "table", mla.dims = ["pages", "batch"]},
    %lengths: memref<?xi32> {mla.name = "lengths", mla.dims = ["batch"]},
    %out: memref<?x64x64xbf16> {mla.name = "out", mla.dims = ["batch", "", ""]})
    attributes {mla.operator = "paged_decode", mla.schedule = #schedule} {
  %c0 = arith.constant 0 : index
  %c64 = arith.constant 64 : index
  %batch = memref.dim %q, %c0 : memref<?x64x64xbf16>
  %scale_log2 = arith.constant 0.180336878 : f32
  scf.forall (%request) in (%batch) {
    %length_i32 = memref.load %lengths[%request] : memref<?xi32>
    %length = arith.index_cast %length_i32 : i32 to index
    %qt = tile.load %q[%request, %c0, %c0] {tile.label = "q"} : memref<?x64x64xbf16> -> tensor<64x64xbf16>
    %o0 = arith.constant dense<0.0> : tensor<64x64xf32>
    %m0 = arith.constant dense<0xFF800000> : tensor<64xf32>
    %l0 = arith.constant dense<0.0> : tensor<64xf32>
    %r:3 = scf.for %t = %c0 to %length step %c64 iter_args(%o = %o0, %m = %m0, %l = %l0)
        -> (tensor<64x64xf32>, tensor<64xf32>, tensor<64xf32>) {
      %t_i32 = arith.index_cast %t : index to i32
      %first = tensor.splat %t_i32 : tensor<64xi32>
      %n = tile.iota : tensor<64xi32>
      %key = arith.addi %n, %first : tensor<64xi32>
      %four = arith.constant dense<4> : tensor<64xi32>
      %fifteen = arith.constant dense<15> : tensor<64xi32>
      %none = arith.constant dense<-1> : tensor<64xi32>
      %slot = arith.shrui %key, %four : tensor<64xi32>
      %page = tile.gather %table[%slot][%request] : !table, tensor<64xi32> -> tensor<64xi32>
      %start = arith.shli %page, %four : tensor<64xi32>
      %within = arith.andi %key, %fifteen : tensor<64xi32>
      %row = arith.addi %start, %within : tensor<64xi32>
      %end = tensor.splat %length_i32 : tensor<64xi32>
      %valid = arith.cmpi slt, %key, %end : tensor<64xi32>
      %rows = arith.select %valid, %row, %none : tensor<64xi1>, tensor<64xi32>
      %k = tile.gather %cache[%rows][%c0] {tile.label = "k"} : memref<?x64xbf16>, tensor<64xi32> -> tensor<64x64xbf16>
      %s = tile.dot %qt, %k transpose_b {tile.label = "qk"} : tensor<64x64xbf16>, tensor<64x64xbf16> -> tensor<64x64xf32>
      %left = arith.subi %length, %t : index
      %cut = arith.cmpi slt, %left, %c64 : index
      %masked = scf.if %cut -> (tensor<64x64xf32>) {
        %left_i32 = arith.index_cast %left : index to i32
        %limit = tensor.splat %left_i32 : tensor<64xi32>
        %column = tile.iota : tensor<64xi32>
        %inside = arith.cmpi slt, %column, %limit : tensor<64xi32>
        %insides = tile.broadcast %inside dim 0 : tensor<64xi1> -> tensor<64x64xi1>
        %nothing = arith.constant dense<0xFF800000> : tensor<64x64xf32>
        %chosen = arith.select %insides, %s, %nothing {tile.label = "mask"} : tensor<64x64xi1>, tensor<64x64xf32>
        scf.yield %chosen : tensor<64x64xf32>
      } else {
        scf.yield %s : tensor<64x64xf32>
      } {tile.label = "mask"}
      %p, %m1, %l1, %alpha = tile.online_softmax %masked, %m, %l scale %scale_log2 {tile.label = "softmax"} : tensor<64x64xf32>, tensor<64xf32>
      %pb = arith.truncf %p {tile.label = "p"} : tensor<64x64xf32> to tensor<64x64xbf16>
      %alphas = tile.broadcast %alpha dim 1 : tensor<64xf32> -> tensor<64x64xf32>
      %rescaled = arith.mulf %o, %alphas {tile.label = "rescale"} : tensor<64x64xf32>
      %o1 = tile.dot %pb, %k acc %rescaled : tensor<64x64xf32> {tile.label = "pv"} : tensor<64x64xbf16>, tensor<64x64xbf16> -> tensor<64x64xf32>
      scf.yield %o1, %m1, %l1 : tensor<64x64xf32>, tensor<64xf32>, tensor<64xf32>
    }
    %one = arith.constant dense<1.0> : tensor<64xf32>
    %inverse = arith.divf %one, %r#2 : tensor<64xf32>
    %inverses = tile.broadcast %inverse dim 1 : tensor<64xf32> -> tensor<64x64xf32>
    %scaled = arith.mulf %r#0, %inverses : tensor<64x64xf32>
    %result = arith.truncf %scaled : tensor<64x64xf32> to tensor<64x64xbf16>
    tile.store %result, %out[%request, %c0, %c0] {tile.label = "out"} : tensor<64x64xbf16>, memref<?x64x64xbf16>
  }
  return
}
