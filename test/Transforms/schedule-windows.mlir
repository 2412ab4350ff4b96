// mla-schedule: tiles with bounds, branches, and consecutive loops.
// RUN: %mla-opt %s --mla-schedule -split-input-file | FileCheck %s

#s = #mla.schedule<"s", roles = [<"a", warps = 4, registers = 216>, <"b", warps = 4, registers = 216>,
                                <"load", warps = 4, registers = 24>],
  table = [<"k" in ["load"]>, <"x" in ["a", "b"], split = 1>, <"out" in ["a", "b"], split = 1>]>

// A bounded load that an MMA reads becomes a gather of the rows below the bound,
// which are a block if that is all of them.
// Parts of a tile keep the dimensions and bounds of its store.
// CHECK-LABEL: func @bounded
// CHECK-SAME:    %[[M:[^:]*]]: memref<?x8x64xbf16>, %[[OUT:[^:]*]]: memref<?x8x64xf32>, %[[END:[^:]*]]: index
// CHECK:         cta.role "a"
// CHECK:           tile.store %{{.*}}, %[[OUT]][%[[I:.*]], %[[I]], %[[C0:.*]]] dims [0, 2] bounds{{ ?}}[%[[END]]] {{.*}}: tensor<64x32xf32>
// CHECK:         cta.role "b"
// CHECK:           %[[AT:.*]] = arith.addi %[[C0]], %{{.*}} : index
// CHECK:           tile.store %{{.*}}, %[[OUT]][%[[I]], %[[I]], %[[AT]]] dims [0, 2] bounds{{ ?}}[%[[END]]]
// CHECK:         cta.role "load"
// CHECK:           %[[IOTA:.*]] = tile.iota
// CHECK:           %[[ROWS:.*]] = arith.addi %[[IOTA]]
// CHECK:           %[[SIZE:.*]] = memref.dim %[[M]]
// CHECK:           arith.minsi %[[END]], %[[SIZE]]
// CHECK:           %[[IN:.*]] = arith.cmpi slt, %[[ROWS]]
// CHECK:           %[[CHOSEN:.*]] = arith.select %[[IN]], %[[ROWS]]
// CHECK:           %[[WHOLE:.*]] = arith.cmpi sle
// CHECK:           %[[FIRST:.*]] = arith.index_cast %[[I]]
// CHECK:           %[[BLOCK:.*]] = arith.select %[[WHOLE]], %[[FIRST]]
// CHECK:           cta.gather_async %[[M]][%[[CHOSEN]]] [%[[I]], %[[C0]]] block %[[BLOCK]]
func.func @bounded(%m: memref<?x8x64xbf16>, %out: memref<?x8x64xf32>, %end: index) attributes {mla.schedule = #s} {
  %c0 = arith.constant 0 : index
  scf.forall (%i) in (8) {
    %k = tile.load %m[%i, %i, %c0] dims [0, 2] bounds [%end] {tile.label = "k"} : memref<?x8x64xbf16> -> tensor<64x64xbf16>
    %z = tile.dot %k, %k {tile.label = "x"} : tensor<64x64xbf16>, tensor<64x64xbf16> -> tensor<64x64xf32>
    tile.store %z, %out[%i, %i, %c0] dims [0, 2] bounds [%end] {tile.label = "out"} : tensor<64x64xf32>, memref<?x8x64xf32>
  }
  return
}

// -----

#s = #mla.schedule<"s", roles = [<"a", warps = 4, registers = 216>, <"load", warps = 4, registers = 24>],
  table = [<"k" in ["load"]>, <"v" in ["load"]>, <"x" in ["a"]>, <"out" in ["a"]>]>

// Rows along any dimension are copied by TMA; a bound makes them a gather along
// that dimension.
// CHECK-LABEL: func @dims
// CHECK-SAME:    %[[M:[^:]*]]: memref<?x?x8x64xbf16>, %{{[^:]*}}: memref<?x?x8x64xf32>, %[[END:[^:]*]]: index
// CHECK:         cta.role "load"
// CHECK:           cta.copy_async %[[M]][%[[I:.*]], %[[I]], %[[I]], %[[C0:.*]]] dims [1, 3] to
// CHECK:           %[[ONE:.*]] = arith.constant 1 : index
// CHECK:           memref.dim %[[M]], %[[ONE]]
// CHECK:           cta.gather_async %[[M]][%{{.*}}] [%[[I]], %[[I]], %[[C0]]] dim 1 block
func.func @dims(%m: memref<?x?x8x64xbf16>, %out: memref<?x?x8x64xf32>, %end: index) attributes {mla.schedule = #s} {
  %c0 = arith.constant 0 : index
  scf.forall (%i) in (8) {
    %k = tile.load %m[%i, %i, %i, %c0] dims [1, 3] {tile.label = "k"} : memref<?x?x8x64xbf16> -> tensor<64x64xbf16>
    %v = tile.load %m[%i, %i, %i, %c0] dims [1, 3] bounds [%end] {tile.label = "v"} : memref<?x?x8x64xbf16> -> tensor<64x64xbf16>
    %z = tile.dot %k, %v {tile.label = "x"} : tensor<64x64xbf16>, tensor<64x64xbf16> -> tensor<64x64xf32>
    tile.store %z, %out[%i, %i, %i, %c0] dims [1, 3] {tile.label = "out"} : tensor<64x64xf32>, memref<?x?x8x64xf32>
  }
  return
}

// -----

#s = #mla.schedule<"s", roles = [<"a", warps = 4, registers = 216>, <"load", warps = 1, registers = 24>],
  table = [<"k" in ["load"]>, <"x" in ["a"], order = 1>, <"x.wait" in ["a"], order = 3>,
           <"mask" in ["a"], stage = 1, order = 4>, <"out" in ["a"]>],
  rings = [<"k", depth = 2>]>

// The tiles of both loops share a ring. The branch has the place of its row, and
// contains only ops that it needs.
// CHECK-LABEL: func @loops
// CHECK:         cta.ring "k" : !cta.ring<2x64x64xbf16>
// CHECK-NOT:     cta.ring
// CHECK:         cta.role "a"
// CHECK:           scf.for
// CHECK:             cta.await
// CHECK-NOT:         tile.iota
// CHECK:             scf.if %{{.*}} -> (tensor<64x64xf32>) {
// CHECK:               tile.iota
// CHECK:             } else {
// CHECK:             } {cta.order = 4 : i64, cta.stage = 1 : i64}
// CHECK:           scf.for
// CHECK:             cta.await
// CHECK:           scf.if
// CHECK-NEXT:        tile.store
// CHECK:         cta.role "load"
// CHECK:           scf.for
// CHECK:             cta.copy_async
// CHECK:           scf.for
// CHECK:             cta.copy_async
// CHECK-NOT:     scf.if
// CHECK:         return
func.func @loops(%m: memref<?x64xbf16>, %out: memref<?x64xf32>, %n: index, %yes: i1) attributes {mla.schedule = #s} {
  %c0 = arith.constant 0 : index
  %c64 = arith.constant 64 : index
  %zero = arith.constant dense<0.0> : tensor<64x64xf32>
  scf.forall (%i) in (8) {
    %a = scf.for %j = %c0 to %i step %c64 iter_args(%s = %zero) -> tensor<64x64xf32> {
      %k = tile.load %m[%j, %c0] {tile.label = "k"} : memref<?x64xbf16> -> tensor<64x64xbf16>
      %z = tile.dot %k, %k {tile.label = "x"} : tensor<64x64xbf16>, tensor<64x64xbf16> -> tensor<64x64xf32>
      %y = scf.if %yes -> tensor<64x64xf32> {
        %r = tile.iota : tensor<64xi32>
        %f = arith.sitofp %r : tensor<64xi32> to tensor<64xf32>
        %fs = tile.broadcast %f dim 1 : tensor<64xf32> -> tensor<64x64xf32>
        %w = arith.addf %z, %fs : tensor<64x64xf32>
        scf.yield %w : tensor<64x64xf32>
      } else {
        scf.yield %z : tensor<64x64xf32>
      } {tile.label = "mask"}
      %t = arith.addf %y, %s {tile.label = "mask"} : tensor<64x64xf32>
      scf.yield %t : tensor<64x64xf32>
    }
    %b = scf.for %j = %i to %n step %c64 iter_args(%s = %a) -> tensor<64x64xf32> {
      %k = tile.load %m[%j, %c0] {tile.label = "k"} : memref<?x64xbf16> -> tensor<64x64xbf16>
      %z = tile.dot %k, %k {tile.label = "x"} : tensor<64x64xbf16>, tensor<64x64xbf16> -> tensor<64x64xf32>
      %t = arith.addf %z, %s {tile.label = "mask"} : tensor<64x64xf32>
      scf.yield %t : tensor<64x64xf32>
    }
    scf.if %yes {
      tile.store %b, %out[%i, %c0] {tile.label = "out"} : tensor<64x64xf32>, memref<?x64xf32>
    }
  }
  return
}
