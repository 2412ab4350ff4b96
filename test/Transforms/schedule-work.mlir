// mla-schedule: a grid whose CTAs work through a list. Loads of the bounds of the loop
// over the list move into each role that uses them, and the grid is marked, so that each
// role also reads the number of its CTA itself: a value in front of the roles needs a
// register of which even the smallest role has one.
// RUN: %mla-opt %s --mla-schedule | FileCheck %s
// RUN: mla-opt %s --mla-kernel-pipeline | FileCheck %s --check-prefix=KERNEL

#s = #mla.schedule<"s",
  roles = [<"math", warps = 4, registers = 240>, <"load", warps = 4, registers = 24>],
  table = [<"q" in ["load"]>, <"k" in ["load"]>, <"qk" in ["math"]>, <"out" in ["math"]>],
  rings = [<"k", depth = 2>]>

// CHECK-LABEL: func @list
// CHECK-SAME:    %[[LIST:[^:]*]]: memref<?x2xi32>
// CHECK:         scf.forall (%[[I:.*]]) in
// The value that bounds no loop stays in front.
// CHECK:           memref.load %{{.*}}[%[[I]]] : memref<?xi32>
// CHECK-NOT:       memref.load
// CHECK:           cta.role "math"
// CHECK:             %[[FIRST:.*]] = memref.load %[[LIST]][%[[I]], %{{.*}}]
// CHECK:             %[[END:.*]] = memref.load %[[LIST]][%[[I]], %{{.*}}]
// CHECK-NOT:         memref.load
// CHECK:             scf.for %{{.*}} = {{.*}} : i32
// CHECK:               scf.for
// CHECK:           cta.role "load"
// CHECK-COUNT-2:     memref.load %[[LIST]][%[[I]], %{{.*}}]
// CHECK:             scf.for
// CHECK:         } {cta.loaded_work}
//
// KERNEL-LABEL:   llvm.func @list
// KERNEL-COUNT-2: mov.u32 $0, %ctaid.x;
// KERNEL-NOT:     mov.u32 $0, %ctaid.x;
// KERNEL-LABEL:   llvm.func @no_list
// KERNEL-NOT:     mov.u32 $0, %ctaid.x;
func.func @list(%list: memref<?x2xi32> {mla.name = "list", mla.dims = ["n", ""]},
                %base: memref<?xi32> {mla.name = "base", mla.dims = ["n"]},
                %q: memref<?x64xbf16> {mla.name = "q", mla.dims = ["rows", ""]},
                %k: memref<?x64xbf16> {mla.name = "k", mla.dims = ["rows", ""]},
                %out: memref<?x64xf32> {mla.name = "out", mla.dims = ["rows", ""]})
    attributes {mla.schedule = #s} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c64 = arith.constant 64 : index
  %one = arith.constant 1 : i32
  %zero = arith.constant dense<0.0> : tensor<64x64xf32>
  %n = memref.dim %list, %c0 : memref<?x2xi32>
  %rows = memref.dim %k, %c0 : memref<?x64xbf16>
  scf.forall (%i) in (%n) {
    %first = memref.load %list[%i, %c0] : memref<?x2xi32>
    %end = memref.load %list[%i, %c1] : memref<?x2xi32>
    %start = memref.load %base[%i] : memref<?xi32>
    scf.for %item = %first to %end step %one : i32 {
      %at_i32 = arith.addi %item, %start : i32
      %at = arith.index_cast %at_i32 : i32 to index
      %qt = tile.load %q[%at, %c0] {tile.label = "q"} : memref<?x64xbf16> -> tensor<64x64xbf16>
      %r = scf.for %j = %c0 to %rows step %c64 iter_args(%acc = %zero) -> tensor<64x64xf32> {
        %kt = tile.load %k[%j, %c0] {tile.label = "k"} : memref<?x64xbf16> -> tensor<64x64xbf16>
        %s = tile.dot %qt, %kt acc %acc : tensor<64x64xf32> transpose_b {tile.label = "qk"}
            : tensor<64x64xbf16>, tensor<64x64xbf16> -> tensor<64x64xf32>
        scf.yield %s : tensor<64x64xf32>
      }
      tile.store %r, %out[%at, %c0] {tile.label = "out"} : tensor<64x64xf32>, memref<?x64xf32>
    }
  }
  return
}

// A loop without an inner one, for example over tokens: its bound stays in front of the
// roles, which all use it anyway.
// CHECK-LABEL: func @no_list
// CHECK:         scf.forall
// CHECK-COUNT-1:   memref.load
// CHECK-NOT:       memref.load
// CHECK-NOT:     cta.loaded_work
func.func @no_list(%ends: memref<?xi32> {mla.name = "ends", mla.dims = ["n"]},
                   %q: memref<?x64xbf16> {mla.name = "q", mla.dims = ["rows", ""]},
                   %k: memref<?x64xbf16> {mla.name = "k", mla.dims = ["rows", ""]},
                   %out: memref<?x64xf32> {mla.name = "out", mla.dims = ["rows", ""]})
    attributes {mla.schedule = #s} {
  %c0 = arith.constant 0 : index
  %c64 = arith.constant 64 : index
  %zero = arith.constant dense<0.0> : tensor<64x64xf32>
  %n = memref.dim %ends, %c0 : memref<?xi32>
  scf.forall (%i) in (%n) {
    %end_i32 = memref.load %ends[%i] : memref<?xi32>
    %end = arith.index_cast %end_i32 : i32 to index
    %qt = tile.load %q[%i, %c0] {tile.label = "q"} : memref<?x64xbf16> -> tensor<64x64xbf16>
    %r = scf.for %j = %c0 to %end step %c64 iter_args(%acc = %zero) -> tensor<64x64xf32> {
      %kt = tile.load %k[%j, %c0] {tile.label = "k"} : memref<?x64xbf16> -> tensor<64x64xbf16>
      %s = tile.dot %qt, %kt acc %acc : tensor<64x64xf32> transpose_b {tile.label = "qk"}
          : tensor<64x64xbf16>, tensor<64x64xbf16> -> tensor<64x64xf32>
      scf.yield %s : tensor<64x64xf32>
    }
    tile.store %r, %out[%i, %c0] {tile.label = "out"} : tensor<64x64xf32>, memref<?x64xf32>
  }
  return
}
