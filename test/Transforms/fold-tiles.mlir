// mla-fold-tiles canonicalizes a tile program.
// RUN: %mla-opt %s --mla-fold-tiles | FileCheck %s

// A grid with a single point stays; a loop with a single iteration and repeated
// loads of a size do not.
// CHECK-LABEL: func @grid
// CHECK:         scf.forall
// CHECK-NOT:     scf.for
// CHECK:         memref.dim
// CHECK-NOT:     memref.dim
// CHECK:         tile.store
func.func @grid(%x: memref<?x64xf32>, %out: memref<?x64xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  scf.forall (%i) in (1) {
    scf.for %j = %c0 to %c1 step %c1 {
      %n = memref.dim %x, %c0 : memref<?x64xf32>
      %m = memref.dim %x, %c0 : memref<?x64xf32>
      %k = arith.minsi %n, %m : index
      %t = tile.load %x[%k, %j] : memref<?x64xf32> -> tensor<16x64xf32>
      tile.store %t, %out[%i, %j] : tensor<16x64xf32>, memref<?x64xf32>
    }
  }
  return
}

// A program with roles is unchanged.
// CHECK-LABEL: func @roles
// CHECK:         cta.role
// CHECK:           scf.for
func.func @roles(%x: memref<?x64xf32>, %out: memref<?x64xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  scf.forall (%i) in (1) {
    cta.role "a" warps 4 registers 168 {
      scf.for %j = %c0 to %c1 step %c1 {
        %t = tile.load %x[%i, %j] : memref<?x64xf32> -> tensor<16x64xf32>
        tile.store %t, %out[%i, %j] : tensor<16x64xf32>, memref<?x64xf32>
      }
    }
  }
  return
}
