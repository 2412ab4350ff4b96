// A gather with `block` keeps it through the schedule, gets a tensor map, which all
// gathers of the same box share, and signals the barrier that its threads arrive at.
// Arrivals are those of any gather: one per thread.
//
// RUN: sed 's/${request}//; s/${dim}//; s/${page}/128/' %S/../Conformance/gather-block.mlir > %t.mlir
// RUN: %mla-opt %t.mlir --mla-cta-pipeline > %t.cta
// RUN: FileCheck %s --input-file=%t.cta
// CHECK:         %[[MAP:.*]] = cta.tensor_map %arg0 box [1, 64, 1, 64] swizzle 128 : memref<?x128x2x192xbf16
// CHECK-NOT:     cta.tensor_map %arg0
// CHECK:         %[[FULL:.*]] = cta.mbarrier "k.full" full({{.*}}) count 128 at
// CHECK:         cta.role "gather"
// CHECK:           scf.for
// CHECK:             %[[FIRST:.*]] = memref.load %arg1
// CHECK:             cta.mbarrier_wait
// CHECK-NOT:         cta.arrive_expect
// CHECK:             cta.gather_async %arg0[%{{.*}}] [%{{.*}}, %{{.*}}] block %[[FIRST]] to %{{.*}} map %[[MAP]] signals %[[FULL]][%[[I:.*]]] :
// CHECK:             cta.gather_async %arg0[%{{.*}}] [%{{.*}}, %{{.*}}] block %[[FIRST]] to %{{.*}} map %[[MAP]] signals %[[FULL]][%[[I]]] :
// CHECK-NEXT:        cta.arrive_copies %[[FULL]][%[[I]]]
//
// It may signal no other barrier, nor that of another slot.
// RUN: sed 's/cta.verified, //' %t.cta > %t.again
// RUN: %mla-opt %t.again --mla-verify-async
// RUN: awk '/"k.empty"/ { other = $1 } /cta.gather_async/ { sub(/signals .[0-9]+/, "signals " other) } { print }' %t.again > %t.barrier
// RUN: not %mla-opt %t.barrier --mla-verify-async 2>&1 | FileCheck %s --check-prefix=BARRIER
// RUN: awk '/cta.gather_async/ { sub(/\[.[0-9]+\] : !cta.mbarrier/, "[%%c1_i32] : !cta.mbarrier") } { print }' %t.again > %t.index
// RUN: not %mla-opt %t.index --mla-verify-async 2>&1 | FileCheck %s --check-prefix=BARRIER
// BARRIER: error: 'cta.gather_async' op signals a barrier other than that of its slot (ring "k")
