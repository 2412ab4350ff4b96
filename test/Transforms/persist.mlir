// mla-persist: each CTA computes every N-th output tile, N = number of CTAs, if the
// schedule requests it.
// RUN: %mla-opt %s --mla-persist | FileCheck %s
// The pass is idempotent.
// RUN: %mla-opt %s --mla-persist --mla-persist | FileCheck %s

// All passes: counts of slots and phases continue from tile to tile.
// RUN: %mla-opt %S/Inputs/sparse_prefill.mlir --mla-cta-pipeline=schedule=seesaw | FileCheck %s --check-prefix=WHOLE
// WHOLE:       cta.verified
// WHOLE:       %[[SMS:.*]] = tile.sm_count
// WHOLE:       %[[CTAS:.*]] = arith.minui %{{.*}}, %[[SMS]]
// WHOLE:       scf.forall (%[[CTA:.*]]) in (%[[CTAS]])
// WHOLE:       cta.role "producer"
// WHOLE-NEXT:    scf.for %{{.*}} = %[[CTA]] to %{{.*}} step %[[CTAS]] iter_args
// WHOLE:           cta.mbarrier_wait
// WHOLE:           scf.for

#persist = #mla.schedule<"s" after ["persist"], roles = [<"r", warps = 4, registers = 128>],
  table = [<"x" in ["r"]>]>
#plain = #mla.schedule<"s", roles = [<"r", warps = 4, registers = 128>],
  table = [<"x" in ["r"]>]>

// CHECK-LABEL: func @two
// CHECK-SAME:    %[[M:[^:]*]]: memref<?x?xf32>, %[[N:[^:]*]]: index
// CHECK-DAG:     %[[ITEMS0:.*]] = arith.muli %{{.*}}, %[[N]]
// CHECK-DAG:     %[[ITEMS:.*]] = arith.muli %[[ITEMS0]], %[[TWO:.*]] : index
// No more CTAs than tiles.
// CHECK:         %[[SMS:.*]] = tile.sm_count
// CHECK:         %[[CTAS:.*]] = arith.minui %[[ITEMS]], %[[SMS]]
// CHECK:         scf.forall (%[[CTA:.*]]) in (%[[CTAS]]) {
// CHECK-NEXT:      scf.for %[[ITEM:.*]] = %[[CTA]] to %[[ITEMS]] step %[[CTAS]] {
// The last dimension varies fastest.
// CHECK-NEXT:        %[[H:.*]] = arith.remui %[[ITEM]], %[[TWO]]
// CHECK-NEXT:        %[[T:.*]] = arith.divui %[[ITEM]], %[[TWO]]
// CHECK-NEXT:        tile.load %[[M]][%[[T]], %[[H]]]
func.func @two(%m: memref<?x?xf32>, %n: index) attributes {mla.schedule = #persist} {
  scf.forall (%t, %h) in (%n, 2) {
    %v = tile.load %m[%t, %h] : memref<?x?xf32> -> tensor<64xf32>
    tile.store %v, %m[%t, %h] {tile.label = "x"} : tensor<64xf32>, memref<?x?xf32>
  }
  return
}

// A schedule without the request: the grid is unchanged.
// CHECK-LABEL: func @plain
// CHECK:         scf.forall (%{{.*}}, %{{.*}}) in (%{{.*}}, 2) {
// CHECK-NEXT:      tile.load
func.func @plain(%m: memref<?x?xf32>, %n: index) attributes {mla.schedule = #plain} {
  scf.forall (%t, %h) in (%n, 2) {
    %v = tile.load %m[%t, %h] : memref<?x?xf32> -> tensor<64xf32>
    tile.store %v, %m[%t, %h] {tile.label = "x"} : tensor<64xf32>, memref<?x?xf32>
  }
  return
}

// A grid whose first tiles take longest: every second turn goes from the last CTA to the
// first, and the loop ends in front of a last turn that has no tile for the CTA.
// CHECK-LABEL: func @snake
// CHECK-SAME:    %[[M:[^:]*]]: memref<?xf32>, %[[N:[^:]*]]: index
// CHECK:         %[[CTAS:.*]] = arith.minui
// CHECK:         scf.forall (%[[CTA:.*]]) in (%[[CTAS]]) {
// CHECK-NEXT:      %[[TURNS:.*]] = arith.divui %[[ITEMS:.*]], %[[CTAS]]
// CHECK-NEXT:      %[[FULL:.*]] = arith.muli %[[TURNS]], %[[CTAS]]
// CHECK-NEXT:      %[[REST:.*]] = arith.subi %[[ITEMS]], %[[FULL]]
// CHECK:           %[[ODD:.*]] = arith.cmpi eq
// CHECK:           %[[LAST:.*]] = arith.subi %[[CTAS]], %{{.*}}
// CHECK-NEXT:      %[[MIRRORED:.*]] = arith.subi %[[LAST]], %[[CTA]]
// CHECK-NEXT:      %[[PLACE:.*]] = arith.select %[[ODD]], %[[MIRRORED]], %[[CTA]]
// CHECK-NEXT:      %[[HAS:.*]] = arith.cmpi ult, %[[PLACE]], %[[REST]]
// CHECK-NEXT:      %[[NEXT:.*]] = arith.addi %[[FULL]], %[[CTAS]]
// CHECK-NEXT:      %[[END:.*]] = arith.select %[[HAS]], %[[NEXT]], %[[FULL]]
// CHECK-NEXT:      scf.for %[[AT:.*]] = %[[CTA]] to %[[END]] step %[[CTAS]] {
// CHECK-NEXT:        %[[TURN:.*]] = arith.divui %[[AT]], %[[CTAS]]
// CHECK-NEXT:        %[[FIRST:.*]] = arith.muli %[[TURN]], %[[CTAS]]
// CHECK-NEXT:        %[[MINE:.*]] = arith.subi %[[AT]], %[[FIRST]]
// CHECK:             %[[BACK:.*]] = arith.subi %{{.*}}, %[[MINE]]
// CHECK-NEXT:        %[[HERE:.*]] = arith.select %{{.*}}, %[[BACK]], %[[MINE]]
// CHECK-NEXT:        %[[POINT:.*]] = arith.addi %[[FIRST]], %[[HERE]]
// CHECK-NEXT:        tile.load %[[M]][%[[POINT]]]
// CHECK-NOT:     tile.longest_first
func.func @snake(%m: memref<?xf32>, %n: index) attributes {mla.schedule = #persist} {
  scf.forall (%t) in (%n) {
    %v = tile.load %m[%t] : memref<?xf32> -> tensor<64xf32>
    tile.store %v, %m[%t] {tile.label = "x"} : tensor<64xf32>, memref<?xf32>
  } {tile.longest_first}
  return
}
