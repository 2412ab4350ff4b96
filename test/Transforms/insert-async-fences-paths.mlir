// mla-insert-async-fences on paths: a fence in one branch, or in a loop that may
// not run, does not cover a write on the other path.
// RUN: %mla-opt %s --mla-insert-async-fences | FileCheck %s

#swizzled = #cta.shared_layout<swizzle = 128, rows = 64>
!ring = !cta.ring<1x64x64xbf16, #swizzled>
!slot = !cta.buffer<64x64xbf16, #swizzled>
!desc = !cta.descriptor<64x64xbf16, k, offset = 0, leading = 16, stride = 1024, step = 32, block_step = 8192>

// CHECK-LABEL: func @other_branch
// CHECK:         } else {
// CHECK:         }
// CHECK-NEXT:    cta.fence_async
// CHECK-NEXT:    cta.mma_async
func.func @other_branch(%p: tensor<64x64xbf16>, %i: i32, %cond: i1) {
  scf.forall (%t) in (8) {
    %pr = cta.ring "p" at 0 : !ring
    cta.role "both" warps 4 registers 216 {
      %ps = cta.slot %pr[%i] : !ring
      %d = cta.descriptor %ps : !slot -> !desc
      scf.if %cond {
        cta.store_shared %p to %ps : tensor<64x64xbf16>, !slot
      } else {
        cta.fence_async
      }
      %x = cta.mma_async %d, %d transpose_b : !desc, !desc -> !cta.in_flight<tensor<64x64xf32>>
    }
  }
  return
}

// CHECK-LABEL: func @loop_that_may_not_run
// CHECK:         scf.for
// CHECK:         }
// CHECK-NEXT:    cta.fence_async
// CHECK-NEXT:    cta.mma_async
func.func @loop_that_may_not_run(%p: tensor<64x64xbf16>, %i: i32, %lb: index, %ub: index) {
  scf.forall (%t) in (8) {
    %pr = cta.ring "p" at 0 : !ring
    cta.role "both" warps 4 registers 216 {
      %ps = cta.slot %pr[%i] : !ring
      %d = cta.descriptor %ps : !slot -> !desc
      cta.store_shared %p to %ps : tensor<64x64xbf16>, !slot
      scf.for %j = %lb to %ub step %ub {
        cta.fence_async
      }
      %x = cta.mma_async %d, %d transpose_b : !desc, !desc -> !cta.in_flight<tensor<64x64xf32>>
    }
  }
  return
}
