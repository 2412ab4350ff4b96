// mla-swap-ab: products are computed as their transposes, if the schedule
// requests it.
// RUN: %mla-opt %s --mla-swap-ab | FileCheck %s
// The pass is idempotent.
// RUN: %mla-opt %s --mla-swap-ab --mla-swap-ab | FileCheck %s

// All passes.
// RUN: %mla-opt %S/Inputs/sparse_prefill.mlir --mla-cta-pipeline=schedule=swapped | FileCheck %s --check-prefix=WHOLE
// WHOLE:     cta.verified

#s = #mla.schedule<"s" after ["swap-ab"], roles = [<"r", warps = 4, registers = 128>],
  table = [<"x" in ["r"]>]>
#plain = #mla.schedule<"s", roles = [<"r", warps = 4, registers = 128>],
  table = [<"x" in ["r"]>]>

// CHECK-LABEL: func @attention
// CHECK-SAME:    mla.rewritten = ["swap-ab"]
// CHECK:         scf.forall
// Carried matrices are transposed, vectors are unchanged.
// CHECK:           %[[ZERO:.*]] = arith.constant dense<0.000000e+00> : tensor<128x16xf32>
// CHECK:           scf.for {{.*}} iter_args(%[[ACC:.*]] = %[[ZERO]], %[[M:.*]] = %{{.*}}) -> (tensor<128x16xf32>, tensor<16xf32>)
// CHECK:             %[[S:.*]] = tile.dot %[[K:.*]], %[[Q:.*]] transpose_b {tile.label = "qk"} : tensor<64x192xbf16>, tensor<16x192xbf16> -> tensor<64x16xf32>
// Broadcasts and reductions change their dimension.
// CHECK:             %[[VALID:.*]] = tile.broadcast %{{.*}} dim 1 : tensor<64xi1> -> tensor<64x16xi1>
// CHECK:             %[[MASK:.*]] = arith.select %[[VALID]], %[[S]], %{{.*}} : tensor<64x16xi1>, tensor<64x16xf32>
// CHECK:             %[[MAX:.*]] = tile.reduce {{.*}}max %[[MASK]] dim 0 : tensor<64x16xf32> -> tensor<16xf32>
// CHECK:             %[[P:.*]] = arith.truncf %[[MASK]] {tile.label = "p"} : tensor<64x16xf32> to tensor<64x16xbf16>
// CHECK:             %[[MAXS:.*]] = tile.broadcast %[[MAX]] dim 0 : tensor<16xf32> -> tensor<128x16xf32>
// CHECK:             %[[R:.*]] = arith.mulf %[[ACC]], %[[MAXS]] : tensor<128x16xf32>
// An operand that is a product itself is transposed back, with its label.
// CHECK:             %[[PT:.*]] = tile.transpose %[[P]] {tile.label = "p"} : tensor<64x16xbf16> -> tensor<16x64xbf16>
// CHECK:             tile.dot %{{.*}}, %[[PT]] acc %[[R]] : tensor<128x16xf32> transpose_a transpose_b {tile.label = "pv"} : tensor<64x128xbf16>, tensor<16x64xbf16> -> tensor<128x16xf32>
// So is a tile that is stored.
// CHECK:           %[[OUT:.*]] = arith.truncf %{{.*}} : tensor<128x16xf32> to tensor<128x16xbf16>
// CHECK:           %[[OUTT:.*]] = tile.transpose %[[OUT]] : tensor<128x16xbf16> -> tensor<16x128xbf16>
// CHECK:           tile.store %[[OUTT]]
func.func @attention(%q: memref<16x192xbf16>, %kv: memref<?x192xbf16>, %idx: memref<?xi32>,
                     %out: memref<16x128xbf16>, %none: tensor<64xi32>, %m: tensor<16xf32>,
                     %n: index) attributes {mla.schedule = #s} {
  %c0 = arith.constant 0 : index
  %c64 = arith.constant 64 : index
  %zero = arith.constant dense<0.0> : tensor<16x128xf32>
  %inf = arith.constant dense<0xFF800000> : tensor<16x64xf32>
  scf.forall (%t) in (1) {
    %qt = tile.load %q[%c0, %c0] {tile.label = "q"} : memref<16x192xbf16> -> tensor<16x192xbf16>
    %o:2 = scf.for %i = %c0 to %n step %c64 iter_args(%acc = %zero, %max = %m)
        -> (tensor<16x128xf32>, tensor<16xf32>) {
      %rows = tile.load %idx[%i] : memref<?xi32> -> tensor<64xi32>
      %k = tile.gather %kv[%rows][%c0] {tile.label = "k"} : memref<?x192xbf16>, tensor<64xi32> -> tensor<64x192xbf16>
      %v = tile.view %k [0, 0] : tensor<64x192xbf16> -> tensor<64x128xbf16>
      %s = tile.dot %qt, %k transpose_b {tile.label = "qk"} : tensor<16x192xbf16>, tensor<64x192xbf16> -> tensor<16x64xf32>
      %valid = arith.cmpi ult, %rows, %none : tensor<64xi32>
      %valids = tile.broadcast %valid dim 0 : tensor<64xi1> -> tensor<16x64xi1>
      %mask = arith.select %valids, %s, %inf : tensor<16x64xi1>, tensor<16x64xf32>
      %new = tile.reduce max %mask dim 1 : tensor<16x64xf32> -> tensor<16xf32>
      %p = arith.truncf %mask {tile.label = "p"} : tensor<16x64xf32> to tensor<16x64xbf16>
      %news = tile.broadcast %new dim 1 : tensor<16xf32> -> tensor<16x128xf32>
      %r = arith.mulf %acc, %news : tensor<16x128xf32>
      %d = tile.dot %p, %v acc %r : tensor<16x128xf32> {tile.label = "pv"} : tensor<16x64xbf16>, tensor<64x128xbf16> -> tensor<16x128xf32>
      scf.yield %d, %new : tensor<16x128xf32>, tensor<16xf32>
    }
    %b = arith.truncf %o#0 : tensor<16x128xf32> to tensor<16x128xbf16>
    tile.store %b, %out[%c0, %c0] {tile.label = "out"} : tensor<16x128xbf16>, memref<16x128xbf16>
  }
  return
}

// All combinations of transposed operands; splats and constants that are added.
// CHECK-LABEL: func @ways
// CHECK-SAME:    %[[A:[^:]*]]: tensor<64x128xbf16>, %[[B:[^:]*]]: tensor<128x64xbf16>
// CHECK:         tile.dot %[[B]], %[[A]] transpose_a transpose_b : tensor<128x64xbf16>, tensor<64x128xbf16> -> tensor<64x64xf32>
// CHECK:         tile.dot %[[A]], %[[A]] transpose_b : tensor<64x128xbf16>, tensor<64x128xbf16> -> tensor<64x64xf32>
// CHECK:         tile.dot %[[A]], %[[A]] transpose_a : tensor<64x128xbf16>, tensor<64x128xbf16> -> tensor<128x128xf32>
// CHECK:         tile.dot %[[A]], %[[B]] : tensor<64x128xbf16>, tensor<128x64xbf16> -> tensor<64x64xf32>
func.func @ways(%a: tensor<64x128xbf16>, %b: tensor<128x64xbf16>, %f: f32,
                %out: memref<128x128xf32>) attributes {mla.schedule = #s} {
  %c0 = arith.constant 0 : index
  scf.forall (%t) in (1) {
    %0 = tile.dot %a, %b : tensor<64x128xbf16>, tensor<128x64xbf16> -> tensor<64x64xf32>
    %1 = tile.dot %a, %a transpose_b : tensor<64x128xbf16>, tensor<64x128xbf16> -> tensor<64x64xf32>
    %2 = tile.dot %a, %a transpose_a : tensor<64x128xbf16>, tensor<64x128xbf16> -> tensor<128x128xf32>
    %3 = tile.dot %b, %a transpose_a transpose_b : tensor<128x64xbf16>, tensor<64x128xbf16> -> tensor<64x64xf32>
    %s = tensor.splat %f : tensor<64x64xf32>
    %x = arith.addf %0, %s : tensor<64x64xf32>
    %y = arith.addf %1, %x : tensor<64x64xf32>
    %z = arith.addf %3, %y : tensor<64x64xf32>
    tile.store %z, %out[%c0, %c0] : tensor<64x64xf32>, memref<128x128xf32>
    tile.store %2, %out[%c0, %c0] : tensor<128x128xf32>, memref<128x128xf32>
  }
  return
}

// A schedule without the request: products are unchanged.
// CHECK-LABEL: func @plain
// CHECK-SAME:    %[[A:[^:]*]]: tensor<64x64xbf16>, %[[B:[^:]*]]: tensor<64x64xbf16>
// CHECK:         tile.dot %[[A]], %[[B]] :
func.func @plain(%a: tensor<64x64xbf16>, %b: tensor<64x64xbf16>, %out: memref<64x64xf32>)
    attributes {mla.schedule = #plain} {
  %c0 = arith.constant 0 : index
  scf.forall (%t) in (1) {
    %0 = tile.dot %a, %b : tensor<64x64xbf16>, tensor<64x64xbf16> -> tensor<64x64xf32>
    tile.store %0, %out[%c0, %c0] : tensor<64x64xf32>, memref<64x64xf32>
  }
  return
}

// A mask that is computed from vectors by row and column is computed transposed, with its
// label.
// CHECK-LABEL: func @mask
// CHECK:         %[[S:.*]] = tile.dot
// CHECK:         %[[P:.*]] = tile.broadcast %{{.*}} dim 1 : tensor<64xi32> -> tensor<64x16xi32>
// CHECK:         %[[L:.*]] = tile.broadcast %{{.*}} dim 0 : tensor<16xi32> -> tensor<64x16xi32>
// CHECK:         %[[F:.*]] = arith.cmpi slt, %[[P]], %[[L]] {tile.label = "mask"} : tensor<64x16xi32>
// CHECK:         arith.select %[[F]], %[[S]], %{{.*}} : tensor<64x16xi1>, tensor<64x16xf32>
func.func @mask(%a: tensor<16x64xbf16>, %b: tensor<64x64xbf16>, %positions: tensor<64xi32>,
                %limits: tensor<16xi32>, %out: memref<16x64xf32>) attributes {mla.schedule = #s} {
  %c0 = arith.constant 0 : index
  %inf = arith.constant dense<0xFF800000> : tensor<16x64xf32>
  scf.forall (%t) in (1) {
    %p = tile.broadcast %positions dim 0 : tensor<64xi32> -> tensor<16x64xi32>
    %l = tile.broadcast %limits dim 1 : tensor<16xi32> -> tensor<16x64xi32>
    %f = arith.cmpi slt, %p, %l {tile.label = "mask"} : tensor<16x64xi32>
    %s = tile.dot %a, %b transpose_b : tensor<16x64xbf16>, tensor<64x64xbf16> -> tensor<16x64xf32>
    %m = arith.select %f, %s, %inf : tensor<16x64xi1>, tensor<16x64xf32>
    tile.store %m, %out[%c0, %c0] : tensor<16x64xf32>, memref<16x64xf32>
  }
  return
}
