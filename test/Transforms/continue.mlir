// Every pass leaves alone what an earlier run has made, so a pipeline can continue
// from the output of any pass: the result is the same verified program. The pipeline
// is also idempotent.
//
// REQUIRES: jit
// RUN: rm -rf %t && mkdir -p %t
// RUN: %mla-opt %S/Inputs/sparse_prefill.mlir --mla-cta-pipeline=schedule=shared-p -o %t/want.mlir
// RUN: %mla-opt %t/want.mlir --mla-cta-pipeline | diff %t/want.mlir -
// RUN: %mla-jit compile %S/Inputs/sparse_prefill.mlir --schedule=shared-p -o %t/package --dump-ir=%t/stages
// RUN: ls %t/stages/04-mla-tile.mlir
// Before --mla-choose-schedule there is no schedule to continue with.
// RUN: rm %t/stages/01-mla-attach-target.mlir
// RUN: sh -c 'for stage in %t/stages/??-mla-*.mlir; do \
// RUN:   mla-opt $stage --mla-cta-pipeline | diff %t/want.mlir - || { echo $stage; exit 1; }; done'

// A program written by hand may fix some decisions: here layouts and a group of two
// MMAs.
// RUN: %mla-opt %s --mla-cta-pipeline | FileCheck %s
// CHECK-LABEL: func @by_hand
// CHECK-SAME:    cta.verified
// CHECK:         cta.mma_fence
// CHECK-NOT:     cta.mma_fence
// CHECK-NOT:     cta.mma_commit
// CHECK-COUNT-2: cta.mma_async
// CHECK-NOT:     cta.mma_async
// CHECK:         cta.mma_commit
// CHECK-NOT:     cta.mma_commit
// CHECK-COUNT-2: cta.mma_wait %{{.*}} pending 0
func.func @by_hand(%m: memref<64x64xbf16>, %out: memref<64x128xf32>) {
  %c0 = arith.constant 0 : index
  %c64 = arith.constant 64 : index
  scf.forall (%i) in (1) {
    %r = cta.ring "m" : !cta.ring<1x64x64xbf16>
    cta.role "math" warps 4 registers 240 {
      %s = cta.await %r : !cta.ring<1x64x64xbf16>
      cta.mma_fence
      %x = cta.mma_async %s, %s : !cta.buffer<64x64xbf16>, !cta.buffer<64x64xbf16> -> !cta.in_flight<tensor<64x64xf32, #cta.layout<acc>>>
      %y = cta.mma_async %s, %s transpose_b : !cta.buffer<64x64xbf16>, !cta.buffer<64x64xbf16> -> !cta.in_flight<tensor<64x64xf32, #cta.layout<acc>>>
      cta.mma_commit
      %xd = cta.mma_wait %x : !cta.in_flight<tensor<64x64xf32, #cta.layout<acc>>>
      %yd = cta.mma_wait %y : !cta.in_flight<tensor<64x64xf32, #cta.layout<acc>>>
      tile.store %xd, %out[%c0, %c0] : tensor<64x64xf32, #cta.layout<acc>>, memref<64x128xf32>
      tile.store %yd, %out[%c0, %c64] : tensor<64x64xf32, #cta.layout<acc>>, memref<64x128xf32>
    }
    cta.role "load" warps 1 registers 24 {
      %s = cta.acquire %r : !cta.ring<1x64x64xbf16>
      cta.copy_async %m[%c0, %c0] to %s : memref<64x64xbf16>, !cta.buffer<64x64xbf16>
    }
  }
  return
}
