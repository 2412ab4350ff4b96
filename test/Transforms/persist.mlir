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

// A grid whose first tiles take longest: floor(n / 2) + 4 CTAs per SM, of which the first
// ones have two tiles in a row and the others one.
// CHECK-LABEL: func @chunks
// CHECK-SAME:    %[[M:[^:]*]]: memref<?xf32>, %[[N:[^:]*]]: index
// CHECK:         %[[HALF:.*]] = arith.divui %[[ITEMS:.*]], %{{.*}}
// CHECK:         %[[SMS:.*]] = tile.sm_count
// CHECK:         %[[MORE:.*]] = arith.muli %[[SMS]], %{{.*}}
// CHECK:         %[[SUM:.*]] = arith.addi %[[HALF]], %[[MORE]]
// CHECK:         %[[CTAS:.*]] = arith.minui %[[ITEMS]], %[[SUM]]
// CHECK:         scf.forall (%[[CTA:.*]]) in (%[[CTAS]]) {
// CHECK:           %[[FEWER:.*]] = arith.subi %[[ITEMS]], %[[CTAS]]
// CHECK:           %[[CHUNKS:.*]] = arith.ceildivui %[[FEWER]], %{{.*}}
// CHECK:           %[[IS:.*]] = arith.cmpi ult, %[[CTA]], %[[CHUNKS]]
// CHECK:           %[[LESS:.*]] = arith.minui %[[CTA]], %[[CHUNKS]]
// CHECK:           %[[BEFORE:.*]] = arith.muli %[[LESS]], %{{.*}}
// CHECK:           %[[FIRST:.*]] = arith.addi %[[CTA]], %[[BEFORE]]
// CHECK:           %[[COUNT:.*]] = arith.select %[[IS]], %{{.*}}, %{{.*}}
// CHECK:           %[[SUM:.*]] = arith.addi %[[FIRST]], %[[COUNT]]
// CHECK:           %[[END:.*]] = arith.minui %[[SUM]], %[[ITEMS]]
// CHECK:           scf.for %[[AT:.*]] = %[[FIRST]] to %[[END]] step %{{.*}} {
// CHECK-NEXT:        tile.load %[[M]][%[[AT]]]
// CHECK-NOT:     tile.longest_first
func.func @chunks(%m: memref<?xf32>, %n: index) attributes {mla.schedule = #persist} {
  scf.forall (%t) in (%n) {
    %v = tile.load %m[%t] : memref<?xf32> -> tensor<64xf32>
    tile.store %v, %m[%t] {tile.label = "x"} : tensor<64xf32>, memref<?xf32>
  } {tile.longest_first}
  return
}
