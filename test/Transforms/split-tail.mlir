// mla-split-tail: the columns of K that V does not use are gathered separately, if
// the schedule has a row for them.
// RUN: %mla-opt %s -allow-unregistered-dialect --mla-split-tail -split-input-file | FileCheck %s
// The pass is idempotent.
// RUN: %mla-opt %s -allow-unregistered-dialect --mla-split-tail --mla-split-tail -split-input-file | FileCheck %s

// The tail becomes a ring, and the whole pipeline verifies the program.
// RUN: %mla-opt %S/Inputs/sparse_prefill.mlir --mla-cta-pipeline=schedule=seesaw | FileCheck %s --check-prefix=WHOLE
// WHOLE: cta.verified
// WHOLE: cta.ring "k.1.r.t" {{.*}} !cta.ring<1x64x64xbf16

#tail = #mla.schedule<"s" after ["split-tail"], roles = [<"r", warps = 4, registers = 128>],
  table = [<"k" in ["r"]>, <"k.t" in ["r"]>]>

// CHECK-LABEL: func @tail
// CHECK:         %[[T:.*]] = tile.gather %{{.*}} [%{{.*}}, %{{.*}}] {tile.label = "k.t"} {{.*}} -> tensor<64x64xbf16>
// CHECK:         %[[H:.*]] = tile.gather %{{.*}} [%{{.*}}, %{{.*}}] {tile.label = "k"} {{.*}} -> tensor<64x512xbf16>
// CHECK:         %[[QT:.*]] = tile.view %[[Q:.*]] [0, 512]
// CHECK:         %[[S:.*]] = tile.dot %[[QT]], %[[T]] transpose_b {tile.label = "qk.t"}
// CHECK:         %[[QH:.*]] = tile.view %[[Q]] [0, 0]
// CHECK:         tile.dot %[[QH]], %[[H]] acc %[[S]]{{.*}} transpose_b {tile.label = "qk"}
// CHECK:         tile.view %[[H]] [0, 0]
func.func @tail(%m: memref<?x1x576xbf16>, %rows: tensor<64xi32>, %q: tensor<64x576xbf16>, %p: tensor<64x64xbf16>)
    attributes {mla.schedule = #tail} {
  %c0 = arith.constant 0 : index
  scf.forall (%t) in (8) {
    %k = tile.gather %m[%rows] [%c0, %c0] {tile.label = "k"} : memref<?x1x576xbf16>, tensor<64xi32> -> tensor<64x576xbf16>
    %s = tile.dot %q, %k transpose_b {tile.label = "qk"} : tensor<64x576xbf16>, tensor<64x576xbf16> -> tensor<64x64xf32>
    %v = tile.view %k [0, 0] : tensor<64x576xbf16> -> tensor<64x512xbf16>
    %o = tile.dot %p, %v : tensor<64x64xbf16>, tensor<64x512xbf16> -> tensor<64x512xf32>
    "test.use"(%s, %o) : (tensor<64x64xf32>, tensor<64x512xf32>) -> ()
  }
  return
}

// Unchanged: tiles whose columns V uses entirely, through a view or directly, and
// a tile whose tail has no row in the schedule.
// CHECK-LABEL: func @no_tail
// CHECK-SAME:    mla.rewritten = ["split-tail"]
// CHECK:         tile.gather {{.*}} -> tensor<64x512xbf16>
// CHECK:         tile.gather {{.*}} -> tensor<64x256xbf16>
// CHECK:         tile.gather {{.*}} -> tensor<64x576xbf16>
// CHECK-NOT:     tile.gather
func.func @no_tail(%m: memref<?x1x576xbf16>, %rows: tensor<64xi32>, %p: tensor<64x64xbf16>)
    attributes {mla.schedule = #tail} {
  %c0 = arith.constant 0 : index
  scf.forall (%t) in (8) {
    %k = tile.gather %m[%rows] [%c0, %c0] {tile.label = "k"} : memref<?x1x576xbf16>, tensor<64xi32> -> tensor<64x512xbf16>
    %v = tile.view %k [0, 0] : tensor<64x512xbf16> -> tensor<64x512xbf16>
    %l = tile.gather %m[%rows] [%c0, %c0] {tile.label = "k"} : memref<?x1x576xbf16>, tensor<64xi32> -> tensor<64x256xbf16>
    %o = tile.dot %p, %l : tensor<64x64xbf16>, tensor<64x256xbf16> -> tensor<64x256xf32>
    %k2 = tile.gather %m[%rows] [%c0, %c0] {tile.label = "other"} : memref<?x1x576xbf16>, tensor<64xi32> -> tensor<64x576xbf16>
    %v2 = tile.view %k2 [0, 0] : tensor<64x576xbf16> -> tensor<64x512xbf16>
    "test.use"(%v, %o, %v2) : (tensor<64x512xbf16>, tensor<64x256xf32>, tensor<64x512xbf16>) -> ()
  }
  return
}

// -----

#tail = #mla.schedule<"s" after ["split-tail"], roles = [<"r", warps = 4, registers = 128>],
  table = [<"k" in ["r"]>, <"k.t" in ["r"]>]>

// A tile of two gathers side by side: they are its head and its tail.
// CHECK-LABEL: func @two
// CHECK:         %[[T:.*]] = tile.gather %{{.*}} {tile.label = "k.t"} {{.*}} -> tensor<64x64xbf16>
// CHECK:         %[[H:.*]] = tile.gather %{{.*}} {tile.label = "k"} {{.*}} -> tensor<64x512xbf16>
// CHECK-NOT:     tile.gather
// CHECK-NOT:     tile.concat
// CHECK:         %[[S:.*]] = tile.dot %{{.*}}, %[[T]] transpose_b {tile.label = "qk.t"}
// CHECK:         tile.dot %{{.*}}, %[[H]] acc %[[S]]{{.*}} transpose_b {tile.label = "qk"}
func.func @two(%m: memref<?x512xbf16>, %n: memref<?x64xbf16>, %rows: tensor<64xi32>, %q: tensor<64x576xbf16>, %p: tensor<64x64xbf16>)
    attributes {mla.schedule = #tail} {
  %c0 = arith.constant 0 : index
  scf.forall (%t) in (8) {
    %a = tile.gather %m[%rows] [%c0] : memref<?x512xbf16>, tensor<64xi32> -> tensor<64x512xbf16>
    %b = tile.gather %n[%rows] [%c0] : memref<?x64xbf16>, tensor<64xi32> -> tensor<64x64xbf16>
    %k = tile.concat %a, %b dim 1 {tile.label = "k"} : tensor<64x512xbf16>, tensor<64x64xbf16> -> tensor<64x576xbf16>
    %s = tile.dot %q, %k transpose_b {tile.label = "qk"} : tensor<64x576xbf16>, tensor<64x576xbf16> -> tensor<64x64xf32>
    %v = tile.view %k [0, 0] : tensor<64x576xbf16> -> tensor<64x512xbf16>
    %o = tile.dot %p, %v : tensor<64x64xbf16>, tensor<64x512xbf16> -> tensor<64x512xf32>
    "test.use"(%s, %o) : (tensor<64x64xf32>, tensor<64x512xf32>) -> ()
  }
  return
}
