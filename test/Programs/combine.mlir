// REQUIRES: jit
// The reduction of split-KV partials: out = sum of w_i partial_i with
// w_i = 2^(log2 e (lse_i - lse)), over the splits of a row; a tile program over
// direct layouts, without rings or MMAs.
//
// A CTA has 64 columns of a row, and takes 32 splits an iteration: 4 tiles of 8
// rows, one row for each group of 16 threads, so that a thread has 4 loads of 16
// bytes in flight and 4 accumulators. The first tiles are loaded before anything
// that depends on the values of lse, so that one memory latency is exposed. A split
// with lse = -inf has weight 0, whatever its partial holds; splits from num_splits
// on are not read.
//
// RUN: %python %S/combine.py --jit=mla-jit %s
// RUN: mla-opt %s --mla-kernel-pipeline | FileCheck %s
// CHECK-LABEL: llvm.func @combine
// CHECK-COUNT-4: ld.global.nc.L1::no_allocate.v4.b32
// The reduction of lse needs no barrier: each warp has all of it.
// CHECK-NOT: llvm.ptr<3>
// CHECK-COUNT-10: nvvm.shfl.sync
// CHECK-COUNT-4: ld.global.nc.L1::no_allocate.v4.b32
// Across the two rows of a warp, then across warps.
// CHECK: nvvm.shfl.sync
// CHECK: llvm.store %{{.*}} {alignment = 16 : i64} : vector<4xf32>, !llvm.ptr<3>
// CHECK: llvm.store %{{.*}} {alignment = 8 : i64} : vector<4xbf16>, !llvm.ptr<1>

#schedule = #mla.schedule<"combine",
  roles = [<"reduce", warps = 4, registers = 64>],
  table = [
    <"partial" in ["reduce"], threads = 16, vector = 4>,
    <"weights" in ["reduce"]>,
    <"lse" in ["reduce"], threads = 32>,
    <"out" in ["reduce"]>]>

!partial = memref<?x?x512xf32, strided<[?, ?, 1]>>
!partial_lse = memref<?x?xf32, strided<[?, ?]>>
!out = memref<?x512xbf16, strided<[?, 1]>>
!tile = tensor<8x64xf32>
!rows = tensor<8xf32>

func.func @combine(
    %partial: !partial {mla.name = "partial_out", mla.dims = ["splits", "rows", ""]},
    %partial_lse: !partial_lse {mla.name = "partial_lse", mla.dims = ["splits", "rows"]},
    %num_splits: memref<?xi32> {mla.name = "num_splits", mla.dims = ["rows"]},
    %out: !out {mla.name = "out", mla.dims = ["rows", ""]},
    %lse: memref<?xf32> {mla.name = "lse", mla.dims = ["rows"]})
    attributes {mla.operator = "combine", mla.schedule = #schedule} {
  %c0 = arith.constant 0 : index
  %c8 = arith.constant 8 : index
  %c16 = arith.constant 16 : index
  %c24 = arith.constant 24 : index
  %c32 = arith.constant 32 : index
  %c64 = arith.constant 64 : index
  %splits = memref.dim %partial, %c0 : !partial
  %rows = memref.dim %out, %c0 : !out
  %log2e = arith.constant 1.44269504 : f32
  scf.forall (%row, %chunk) in (%rows, 8) {
    %column = arith.muli %chunk, %c64 : index
    %count = memref.load %num_splits[%row] : memref<?xi32>
    %counted = arith.index_cast %count : i32 to index
    %n = arith.minsi %counted, %splits : index

    // In flight from here on: the first tiles, and lse twice, as the weights of the
    // tiles' rows and as each warp reduces all of it.
    %p0 = tile.load %partial[%c0, %row, %column] dims [0, 2] bounds [%n] {tile.label = "partial"} : !partial -> !tile
    %p1 = tile.load %partial[%c8, %row, %column] dims [0, 2] bounds [%n] {tile.label = "partial"} : !partial -> !tile
    %p2 = tile.load %partial[%c16, %row, %column] dims [0, 2] bounds [%n] {tile.label = "partial"} : !partial -> !tile
    %p3 = tile.load %partial[%c24, %row, %column] dims [0, 2] bounds [%n] {tile.label = "partial"} : !partial -> !tile
    %l0 = tile.load %partial_lse[%c0, %row] dims [0] bounds [%n] pad 0xFF800000 : f32 {tile.label = "weights"} : !partial_lse -> !rows
    %l1 = tile.load %partial_lse[%c8, %row] dims [0] bounds [%n] pad 0xFF800000 : f32 {tile.label = "weights"} : !partial_lse -> !rows
    %l2 = tile.load %partial_lse[%c16, %row] dims [0] bounds [%n] pad 0xFF800000 : f32 {tile.label = "weights"} : !partial_lse -> !rows
    %l3 = tile.load %partial_lse[%c24, %row] dims [0] bounds [%n] pad 0xFF800000 : f32 {tile.label = "weights"} : !partial_lse -> !rows
    %all = tile.load %partial_lse[%c0, %row] dims [0] bounds [%n] pad 0xFF800000 : f32 {tile.label = "lse"} : !partial_lse -> tensor<256xf32>

    // The maximum, at least the lowest number: weights of a row without a split
    // that counts are 0, not NaN.
    %top = tile.reduce max %all dim 0 : tensor<256xf32> -> tensor<f32>
    %lowest = arith.constant dense<0xFF7FFFFF> : tensor<f32>
    %max = arith.maximumf %top, %lowest : tensor<f32>
    %maxes = tile.broadcast %max dim 0 : tensor<f32> -> tensor<256xf32>
    %differences = arith.subf %all, %maxes : tensor<256xf32>
    %log2es = tensor.splat %log2e : tensor<256xf32>
    %exponents = arith.mulf %differences, %log2es : tensor<256xf32>
    %weights = math.exp2 %exponents : tensor<256xf32>
    %sum = tile.reduce sum %weights dim 0 : tensor<256xf32> -> tensor<f32>

    // The first tiles: one element of the accumulator for several splits.
    %max_t = tile.broadcast %max dim 0 : tensor<f32> -> !rows
    %log2e_t = tensor.splat %log2e : !rows
    %none_t = arith.constant dense<0xFF800000> : !rows
    %zeros = arith.constant dense<0.0> : !tile
    %d0 = arith.subf %l0, %max_t : !rows
    %e0 = arith.mulf %d0, %log2e_t : !rows
    %w0 = math.exp2 %e0 : !rows
    %v0 = arith.cmpf une, %l0, %none_t : !rows
    %ws0 = tile.broadcast %w0 dim 1 : !rows -> !tile
    %vs0 = tile.broadcast %v0 dim 1 : tensor<8xi1> -> tensor<8x64xi1>
    %x0 = arith.select %vs0, %p0, %zeros : tensor<8x64xi1>, !tile
    %a0 = math.fma %x0, %ws0, %zeros : !tile
    %d1 = arith.subf %l1, %max_t : !rows
    %e1 = arith.mulf %d1, %log2e_t : !rows
    %w1 = math.exp2 %e1 : !rows
    %v1 = arith.cmpf une, %l1, %none_t : !rows
    %ws1 = tile.broadcast %w1 dim 1 : !rows -> !tile
    %vs1 = tile.broadcast %v1 dim 1 : tensor<8xi1> -> tensor<8x64xi1>
    %x1 = arith.select %vs1, %p1, %zeros : tensor<8x64xi1>, !tile
    %a1 = math.fma %x1, %ws1, %a0 : !tile
    %d2 = arith.subf %l2, %max_t : !rows
    %e2 = arith.mulf %d2, %log2e_t : !rows
    %w2 = math.exp2 %e2 : !rows
    %v2 = arith.cmpf une, %l2, %none_t : !rows
    %ws2 = tile.broadcast %w2 dim 1 : !rows -> !tile
    %vs2 = tile.broadcast %v2 dim 1 : tensor<8xi1> -> tensor<8x64xi1>
    %x2 = arith.select %vs2, %p2, %zeros : tensor<8x64xi1>, !tile
    %a2 = math.fma %x2, %ws2, %a1 : !tile
    %d3 = arith.subf %l3, %max_t : !rows
    %e3 = arith.mulf %d3, %log2e_t : !rows
    %w3 = math.exp2 %e3 : !rows
    %v3 = arith.cmpf une, %l3, %none_t : !rows
    %ws3 = tile.broadcast %w3 dim 1 : !rows -> !tile
    %vs3 = tile.broadcast %v3 dim 1 : tensor<8xi1> -> tensor<8x64xi1>
    %x3 = arith.select %vs3, %p3, %zeros : tensor<8x64xi1>, !tile
    %a3 = math.fma %x3, %ws3, %a2 : !tile

    // The others.
    %acc = scf.for %s = %c32 to %n step %c32 iter_args(%a = %a3) -> (!tile) {
      %s1 = arith.addi %s, %c8 : index
      %s2 = arith.addi %s, %c16 : index
      %s3 = arith.addi %s, %c24 : index
      %p0n = tile.load %partial[%s, %row, %column] dims [0, 2] bounds [%n] {tile.label = "partial"} : !partial -> !tile
      %p1n = tile.load %partial[%s1, %row, %column] dims [0, 2] bounds [%n] {tile.label = "partial"} : !partial -> !tile
      %p2n = tile.load %partial[%s2, %row, %column] dims [0, 2] bounds [%n] {tile.label = "partial"} : !partial -> !tile
      %p3n = tile.load %partial[%s3, %row, %column] dims [0, 2] bounds [%n] {tile.label = "partial"} : !partial -> !tile
      %l0n = tile.load %partial_lse[%s, %row] dims [0] bounds [%n] pad 0xFF800000 : f32 {tile.label = "weights"} : !partial_lse -> !rows
      %l1n = tile.load %partial_lse[%s1, %row] dims [0] bounds [%n] pad 0xFF800000 : f32 {tile.label = "weights"} : !partial_lse -> !rows
      %l2n = tile.load %partial_lse[%s2, %row] dims [0] bounds [%n] pad 0xFF800000 : f32 {tile.label = "weights"} : !partial_lse -> !rows
      %l3n = tile.load %partial_lse[%s3, %row] dims [0] bounds [%n] pad 0xFF800000 : f32 {tile.label = "weights"} : !partial_lse -> !rows
      %d0n = arith.subf %l0n, %max_t : !rows
      %e0n = arith.mulf %d0n, %log2e_t : !rows
      %w0n = math.exp2 %e0n : !rows
      %v0n = arith.cmpf une, %l0n, %none_t : !rows
      %ws0n = tile.broadcast %w0n dim 1 : !rows -> !tile
      %vs0n = tile.broadcast %v0n dim 1 : tensor<8xi1> -> tensor<8x64xi1>
      %x0n = arith.select %vs0n, %p0n, %zeros : tensor<8x64xi1>, !tile
      %a0n = math.fma %x0n, %ws0n, %a : !tile
      %d1n = arith.subf %l1n, %max_t : !rows
      %e1n = arith.mulf %d1n, %log2e_t : !rows
      %w1n = math.exp2 %e1n : !rows
      %v1n = arith.cmpf une, %l1n, %none_t : !rows
      %ws1n = tile.broadcast %w1n dim 1 : !rows -> !tile
      %vs1n = tile.broadcast %v1n dim 1 : tensor<8xi1> -> tensor<8x64xi1>
      %x1n = arith.select %vs1n, %p1n, %zeros : tensor<8x64xi1>, !tile
      %a1n = math.fma %x1n, %ws1n, %a0n : !tile
      %d2n = arith.subf %l2n, %max_t : !rows
      %e2n = arith.mulf %d2n, %log2e_t : !rows
      %w2n = math.exp2 %e2n : !rows
      %v2n = arith.cmpf une, %l2n, %none_t : !rows
      %ws2n = tile.broadcast %w2n dim 1 : !rows -> !tile
      %vs2n = tile.broadcast %v2n dim 1 : tensor<8xi1> -> tensor<8x64xi1>
      %x2n = arith.select %vs2n, %p2n, %zeros : tensor<8x64xi1>, !tile
      %a2n = math.fma %x2n, %ws2n, %a1n : !tile
      %d3n = arith.subf %l3n, %max_t : !rows
      %e3n = arith.mulf %d3n, %log2e_t : !rows
      %w3n = math.exp2 %e3n : !rows
      %v3n = arith.cmpf une, %l3n, %none_t : !rows
      %ws3n = tile.broadcast %w3n dim 1 : !rows -> !tile
      %vs3n = tile.broadcast %v3n dim 1 : tensor<8xi1> -> tensor<8x64xi1>
      %x3n = arith.select %vs3n, %p3n, %zeros : tensor<8x64xi1>, !tile
      %a3n = math.fma %x3n, %ws3n, %a2n : !tile
      scf.yield %a3n : !tile
    }

    // Each column once for the row, over the sum of weights; 0 without any.
    %total = tile.reduce sum %acc dim 0 : !tile -> tensor<64xf32>
    %zero = arith.constant dense<0.0> : tensor<f32>
    %one = arith.constant dense<1.0> : tensor<f32>
    %empty = arith.cmpf oeq, %sum, %zero : tensor<f32>
    %reciprocal = arith.divf %one, %sum : tensor<f32>
    %factor = arith.select %empty, %zero, %reciprocal : tensor<i1>, tensor<f32>
    %factors = tile.broadcast %factor dim 0 : tensor<f32> -> tensor<64xf32>
    %result = arith.mulf %total, %factors : tensor<64xf32>
    %rounded = arith.truncf %result : tensor<64xf32> to tensor<64xbf16>
    tile.store %rounded, %out[%row, %column] {tile.label = "out"} : tensor<64xbf16>, !out

    // One CTA of the row stores lse.
    %log = math.log2 %sum : tensor<f32>
    %ln2 = arith.constant dense<0.693147182> : tensor<f32>
    %log_e = arith.mulf %log, %ln2 : tensor<f32>
    %lse_e = arith.addf %max, %log_e : tensor<f32>
    %none = arith.constant dense<0xFF800000> : tensor<f32>
    %stored = arith.select %empty, %none, %lse_e : tensor<i1>, tensor<f32>
    %vector = tile.broadcast %stored dim 0 : tensor<f32> -> tensor<1xf32>
    %first = arith.cmpi eq, %chunk, %c0 : index
    %end = arith.select %first, %rows, %c0 : index
    tile.store %vector, %lse[%row] bounds [%end] {tile.label = "out.lse"} : tensor<1xf32>, memref<?xf32>
  }
  return
}
