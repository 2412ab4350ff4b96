// The built-in schedules, and a schedule written on the operator, place
// mla.sparse_prefill; the operator goes through all passes with each.
// DEFINE: %{tile} = --mla-choose-schedule=schedule=shared-p --mla-tile --mla-decompose-softmax --canonicalize --cse
// DEFINE: %{tile-split} = --mla-choose-schedule=schedule=split-columns --mla-tile --mla-decompose-softmax --canonicalize --cse
// DEFINE: %{tile-seesaw} = --mla-choose-schedule=schedule=seesaw --mla-tile --mla-pair-tiles --mla-split-width --mla-split-tail --mla-persist --mla-decompose-softmax --mla-split-sums --canonicalize --cse
// DEFINE: %{tile-swapped} = --mla-choose-schedule=schedule=swapped --mla-tile --mla-split-width --mla-decompose-softmax --mla-defer-sums --mla-swap-ab --canonicalize --cse
// DEFINE: %{lower} = --mla-schedule --mla-reduce-across-warps --mla-assign-layouts --mla-pipeline --canonicalize --cse --mla-stage-shared \
// DEFINE:   --mla-materialize-barriers --mla-wgmma-descriptors --mla-insert-async-fences --mla-insert-mma-sync \
// DEFINE:   --canonicalize --cse --mla-verify-async
// RUN: %mla-opt %S/Inputs/sparse_prefill.mlir %{tile} --mla-schedule | FileCheck %s --check-prefix=SHARED
// RUN: %mla-opt %S/Inputs/sparse_prefill.mlir %{tile-split} --mla-schedule | FileCheck %s --check-prefix=SPLIT
// RUN: %mla-opt %s %{tile} --mla-schedule | FileCheck %s --check-prefix=USER
// RUN: %mla-opt %S/Inputs/sparse_prefill.mlir %{tile} %{lower} | FileCheck %s --check-prefix=VERIFIED
// RUN: %mla-opt %S/Inputs/sparse_prefill.mlir %{tile-split} %{lower} | FileCheck %s --check-prefix=VERIFIED
// RUN: %mla-opt %S/Inputs/sparse_prefill.mlir %{tile-seesaw} %{lower} | FileCheck %s --check-prefix=VERIFIED
// RUN: %mla-opt %S/Inputs/sparse_prefill.mlir %{tile-swapped} %{lower} | FileCheck %s --check-prefix=VERIFIED
// RUN: %mla-opt %S/Inputs/sparse_prefill.mlir %{tile-swapped} --mla-schedule | FileCheck %s --check-prefix=SWAPPED
// RUN: %mla-opt %S/Inputs/sparse_prefill.mlir %{tile-seesaw} --mla-schedule | FileCheck %s --check-prefix=SEESAW
// RUN: %mla-opt %s %{tile} %{lower} | FileCheck %s --check-prefix=VERIFIED

// VERIFIED-LABEL: func @sparse_prefill
// VERIFIED-SAME:    cta.verified

// One role computes scores and weights, and sends P and the rescale factor.
// SHARED-LABEL: func @sparse_prefill
// SHARED-DAG:     %[[Q:.*]] = cta.ring "q" : !cta.ring<1x64x576xbf16>
// SHARED-DAG:     %[[K:.*]] = cta.ring "k" : !cta.ring<2x64x576xbf16>
// SHARED-DAG:     %[[VALID:.*]] = cta.ring "valid" : !cta.ring<2x64xi1>
// SHARED-DAG:     %[[R:.*]] = cta.ring "softmax.rescale" : !cta.ring<1x64xf32>
// SHARED-DAG:     %[[P:.*]] = cta.ring "p" : !cta.ring<1x64x64xbf16>
// SHARED-DAG:     %[[INV:.*]] = cta.ring "inverse" : !cta.ring<1x64xf32>
// SHARED:         cta.role "softmax" warps 4 registers 216
// SHARED:           cta.await %[[Q]]
// SHARED:           scf.for
// SHARED:             cta.await %[[K]]
// SHARED:             cta.mma_async {{.*}} transpose_b
// SHARED:             cta.await %[[VALID]]
// SHARED:             cta.acquire %[[R]]
// SHARED:             cta.acquire %[[P]]
// SHARED:             cta.mma_async {{.*}} : {{.*}} -> !cta.in_flight<tensor<64x256xf32>>
// SHARED:             cta.mma_wait {{.*}} {cta.order = 2 : i64, cta.stage = 1 : i64}
// SHARED:           cta.acquire %[[INV]]
// SHARED:         cta.role "output" warps 4 registers 216
// SHARED-NOT:       transpose_b
// SHARED-DAG:       cta.await %[[R]]
// SHARED-DAG:       cta.await %[[P]]
// SHARED-DAG:       cta.await %[[K]]
// SHARED:           cta.await %[[INV]]
// SHARED:         cta.role "producer" warps 4 registers 72
// SHARED-NOT:       cta.await
// SHARED:           cta.copy_async
// SHARED:           cta.gather_async

// Heads are columns. The role of the scores has no output, the other one no scores.
// SWAPPED-LABEL: func @sparse_prefill
// SWAPPED-DAG:     cta.ring "q" : !cta.ring<1x32x576xbf16>
// SWAPPED-DAG:     cta.ring "k.l" : !cta.ring<2x64x256xbf16>
// SWAPPED-DAG:     cta.ring "k.r" : !cta.ring<2x64x320xbf16>
// SWAPPED-DAG:     cta.ring "p" : !cta.ring<1x32x64xbf16>
// SWAPPED-DAG:     cta.ring "softmax.rescale" : !cta.ring<2x32xf32>
// SWAPPED:         cta.role "scores"
// SWAPPED:           scf.for
// SWAPPED:             cta.mma_async {{.*}} -> !cta.in_flight<tensor<64x32xf32>>
// SWAPPED:             cta.mma_async {{.*}} -> !cta.in_flight<tensor<64x32xf32>>
// SWAPPED-NOT:         cta.mma_async
// SWAPPED:             tile.reduce {{.*}}max {{.*}} dim 0
// SWAPPED-NOT:         tile.reduce {{.*}}sum
// SWAPPED:             scf.yield
// SWAPPED:           tile.reduce {{.*}}sum {{.*}} dim 0
// SWAPPED:         cta.role "output"
// SWAPPED-COUNT-2:     cta.mma_async {{.*}} transpose_a transpose_b {{.*}} -> !cta.in_flight<tensor<256x32xf32>>
// SWAPPED:           tile.transpose
// SWAPPED:           tile.store
// SWAPPED:         cta.role "producer"

// Both roles compute the scores; they share only the KV tile and its mask.
// SPLIT-LABEL: func @sparse_prefill
// SPLIT:         cta.ring "q"
// SPLIT:         cta.ring "k"
// SPLIT:         cta.ring "valid"
// SPLIT-NOT:     = cta.ring
// SPLIT:         cta.role "left" warps 4 registers 216
// SPLIT:           cta.mma_async {{.*}} transpose_b
// SPLIT:           cta.view %{{.*}} [0, 0] {{.*}} -> !cta.buffer<64x256xbf16>
// SPLIT-COUNT-3:   tile.store
// SPLIT:         cta.role "right" warps 4 registers 216
// SPLIT:           cta.mma_async {{.*}} transpose_b
// SPLIT:           cta.view %{{.*}} [0, 256] {{.*}} -> !cta.buffer<64x256xbf16>
// SPLIT:           tile.store
// SPLIT-NOT:       tile.store
// SPLIT:         cta.role "producer" warps 4 registers 72
// SPLIT-NOT:     cta.acquire {{.*}}f32
// SPLIT:         return

// A custom schedule: no software pipelining; each role computes the scores, and both
// MMAs of its half of the columns.
// USER-LABEL: func @sparse_prefill
// USER-SAME:    #mla.schedule<"plain"
// USER-DAG:     cta.ring "q" : !cta.ring<1x64x576xbf16>
// USER-DAG:     cta.ring "k" : !cta.ring<1x64x576xbf16>
// USER:         cta.role "a" warps 4 registers 232
// USER-NOT:       cta.stage = 1
// USER:         cta.role "b" warps 4 registers 232
// USER-NOT:       cta.stage = 1
// USER:         cta.role "load" warps 4 registers 40
!q = memref<?x64x576xbf16>
!kv = memref<?x1x576xbf16>
!indices = memref<?x1x?xi32>
!out = memref<?x64x512xbf16>
!stat = memref<?x64xf32>
// Each role computes the scores of its own tile, as a chain of two MMAs with one
// wait, and receives the other role's P through a ring.
// SEESAW:         cta.ring "k.0.l" : !cta.ring<1x64x256xbf16>
// SEESAW:         cta.ring "k.0.r" : !cta.ring<1x64x320xbf16>
// No sum goes from role to role in the loop; one does after it.
// SEESAW-NOT:     cta.ring "softmax.0.rowsum"
// SEESAW:         %[[SUM:.*]] = cta.ring "tile{{[0-9]+}}" : !cta.ring<1x64xf32>
// SEESAW-LABEL:   cta.role "left"
// SEESAW:           %[[A:.*]] = cta.mma_async %{{.*}} transpose_b {{.*}} : !cta.buffer<64x256xbf16>
// SEESAW-NOT:       cta.mma_wait
// SEESAW:           %[[B:.*]] = cta.mma_async %{{.*}} acc %[[A]] : !cta.in_flight{{.*}} transpose_b
// SEESAW-NEXT:      cta.mma_wait %[[B]] {cta.order = 8 : i64, cta.stage = 0 : i64}
// The row "valid.0.load" places the load of the mask from its ring, not "mask.0".
// SEESAW:           cta.load_shared %{{.*}} {cta.order = 7 : i64, cta.stage = 0 : i64}
// SEESAW:           scf.yield
// SEESAW:           cta.acquire %[[SUM]]
// SEESAW-LABEL:   cta.role "right"
// The second tile is gathered from the right, its tail first.
// SEESAW:           cta.mma_async %{{.*}} transpose_b {{.*}} : !cta.buffer<64x64xbf16>
// SEESAW:           cta.mma_async %{{.*}} transpose_b {{.*}} : !cta.buffer<64x256xbf16>
// SEESAW:           cta.mma_async %{{.*}} transpose_b {{.*}} : !cta.buffer<64x256xbf16>

func.func @sparse_prefill(%q: !q, %kv: !kv, %indices: !indices, %scale: f32,
                          %out: !out, %max: !stat, %lse: !stat) {
  mla.sparse_prefill ins(%q, %kv, %indices, %scale : !q, !kv, !indices)
      outs(%out, %max, %lse : !out, !stat, !stat)
      {schedule = #mla.schedule<"plain",
         roles = [<"a", warps = 4, registers = 232>, <"b", warps = 4, registers = 232>,
                  <"load", warps = 4, registers = 40>],
         table = [<"q" in ["load"]>, <"indices" in ["load"]>,
                  <"k" in ["load"]>, <"valid" in ["load"]>,
                  <"qk" in ["a", "b"]>, <"mask" in ["a", "b"]>,
                  <"softmax" in ["a", "b"]>, <"p" in ["a", "b"]>,
                  <"rescale" in ["a", "b"], split = 1>, <"pv" in ["a", "b"], split = 1>,
                  <"stats" in ["b"]>, <"inverse" in ["a", "b"]>,
                  <"normalise" in ["a", "b"], split = 1>, <"out" in ["a", "b"], split = 1>]>}
  return
}
