// mla-reduce-across-warps: partial results of the warps of a role are exchanged
// through a ring.
// RUN: %mla-opt %s --mla-reduce-across-warps | FileCheck %s
// RUN: %mla-opt %s --mla-assign-layouts --mla-reduce-across-warps | FileCheck %s --check-prefix=LAYOUT

// The rings precede the first role, and have unique names.
// CHECK-LABEL: func @twice
// CHECK:         %[[RING0:.*]] = cta.ring "m.warps" : !cta.ring<1x64xf32>
// CHECK:         %[[RING1:.*]] = cta.ring "m.warps.1" : !cta.ring<1x64xf32>
// CHECK:         %[[RING2:.*]] = cta.ring "reduce.warps" : !cta.ring<1x64xf32>
// CHECK:         cta.role "math"
// CHECK:           scf.for
// New ops have the stage and order of the reduction.
// CHECK:             %[[PART:.*]] = cta.reduce_warp max %[[X:.*]] {cta.order = 3 : i64, cta.stage = 1 : i64} : tensor<64x16xf32> -> tensor<64xf32>
// CHECK:             %[[SLOT:.*]] = cta.acquire %[[RING0]] {cta.order = 3 : i64, cta.stage = 1 : i64}
// CHECK:             cta.store_shared %[[PART]] to %[[SLOT]]
// CHECK:             %[[ALL:.*]] = cta.await %[[RING0]] {cta.order = 3 : i64, cta.stage = 1 : i64}
// CHECK:             %[[V0:.*]] = cta.view %[[ALL]] [0]
// CHECK:             %[[M0:.*]] = cta.load_shared %[[V0]]
// CHECK:             cta.view %[[ALL]] [16]
// CHECK:             cta.view %[[ALL]] [32]
// CHECK:             %[[V3:.*]] = cta.view %[[ALL]] [48]
// CHECK:             %[[M3:.*]] = cta.load_shared %[[V3]]
// CHECK:             arith.maximumf %[[M0]]
// CHECK:             arith.maximumf
// CHECK:             %[[MAX:.*]] = arith.maximumf %{{.*}}, %[[M3]] {cta.order = 3 : i64, cta.stage = 1 : i64}
// CHECK:             tile.broadcast %[[MAX]] dim 0
// CHECK:             cta.acquire %[[RING1]]
// CHECK:           cta.reduce_warp sum
// CHECK:           cta.acquire %[[RING2]]
// CHECK-COUNT-3:   arith.addf
// A reduction within rows needs no ring.
// CHECK:           tile.reduce {{.*}}sum %{{.*}} dim 1
// LAYOUT-LABEL: func @twice
// LAYOUT:         cta.reduce_warp {{.*}} : tensor<64x16xf32, #cta.layout<acc>> -> tensor<64xf32, #cta.layout<warp_column>>
// LAYOUT:         cta.load_shared {{.*}} -> tensor<16xf32, #cta.layout<column>>
// LAYOUT:         tile.store %{{.*}} : tensor<16xf32, #cta.layout<column>>
func.func @twice(%n: index, %out: memref<16xf32>, %rows: memref<64xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  scf.forall (%i) in (8) {
    cta.role "math" warps 4 registers 128 {
      %x = arith.constant dense<1.0> : tensor<64x16xf32>
      %y = scf.for %t = %c0 to %n step %c1 iter_args(%a = %x) -> (tensor<64x16xf32>) {
        %m = tile.reduce max %a dim 0 {tile.label = "m", cta.stage = 1, cta.order = 3} : tensor<64x16xf32> -> tensor<16xf32>
        %b = tile.broadcast %m dim 0 : tensor<16xf32> -> tensor<64x16xf32>
        %m2 = tile.reduce max %b dim 0 {tile.label = "m"} : tensor<64x16xf32> -> tensor<16xf32>
        %b2 = tile.broadcast %m2 dim 0 : tensor<16xf32> -> tensor<64x16xf32>
        scf.yield %b2 : tensor<64x16xf32>
      }
      %s = tile.reduce sum %y dim 0 : tensor<64x16xf32> -> tensor<16xf32>
      tile.store %s, %out[%c0] : tensor<16xf32>, memref<16xf32>
      %r = tile.reduce sum %y dim 1 : tensor<64x16xf32> -> tensor<64xf32>
      tile.store %r, %rows[%c0] : tensor<64xf32>, memref<64xf32>
    }
  }
  return
}

// Direct layouts: each warp reduces its part, then every thread reduces all partial
// results. A reduction within warps needs no exchange.
// LAYOUT-LABEL: func @direct
// LAYOUT:         cta.ring "c.warps" : !cta.ring<1x4x32xf32>
// LAYOUT:         cta.ring "reduce.warps" : !cta.ring<1x8x2xf32>
// LAYOUT:         %[[PART:.*]] = cta.reduce_warp sum %{{.*}} dim 0 : {{.*}} -> tensor<4x32xf32, #cta.direct<threads = [4, 8], strides = [32, 1], vector = 4>>
// LAYOUT:         cta.store_shared %[[PART]]
// LAYOUT:         %[[ALL:.*]] = cta.load_shared {{.*}} -> tensor<4x32xf32, #cta.direct<threads = [1, 8], strides = [1, 1], vector = 4>>
// LAYOUT:         tile.reduce{{.*}} sum %[[ALL]] dim 0
// LAYOUT:         tile.reduce{{.*}} dim 1 {{.*}}: tensor<64x32xf32
// LAYOUT:         cta.reduce_warp max %{{.*}} dim 1 : {{.*}} -> tensor<8x2xf32, #cta.direct<threads = [2, 2], strides = [64, 32], vector = 1>>
func.func @direct(%x: memref<?x32xf32>, %y: memref<?x64xf32>, %out: memref<?xf32>) {
  %c0 = arith.constant 0 : index
  scf.forall (%i) in (8) {
    cta.role "all" warps 4 registers 64 {
      %t = tile.load %x[%i, %c0] : memref<?x32xf32> -> tensor<64x32xf32>
      %c = tile.reduce sum %t dim 0 {tile.label = "c"} : tensor<64x32xf32> -> tensor<32xf32>
      tile.store %c, %out[%i] : tensor<32xf32>, memref<?xf32>
      %r = tile.reduce sum %t dim 1 : tensor<64x32xf32> -> tensor<64xf32>
      tile.store %r, %out[%i] : tensor<64xf32>, memref<?xf32>
      %u = tile.load %y[%i, %c0] {cta.threads = 64, cta.vector = 1} : memref<?x64xf32> -> tensor<8x64xf32>
      %m = tile.reduce max %u dim 1 : tensor<8x64xf32> -> tensor<8xf32>
      tile.store %m, %out[%i] : tensor<8xf32>, memref<?xf32>
    }
  }
  return
}

// A program without roles is unchanged.
// CHECK-LABEL: func @tiles
// CHECK-NOT:     cta.
// CHECK:         tile.reduce {{.*}} dim 0
func.func @tiles(%x: tensor<64x16xf32>) -> tensor<16xf32> {
  %0 = tile.reduce max %x dim 0 : tensor<64x16xf32> -> tensor<16xf32>
  return %0 : tensor<16xf32>
}
