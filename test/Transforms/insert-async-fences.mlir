// mla-insert-async-fences: fences between generic writes that MMAs read through
// descriptors and the op that publishes them, and nowhere else.
// RUN: %mla-opt %s --mla-insert-async-fences | FileCheck %s

#swizzled = #cta.shared_layout<swizzle = 128, rows = 64>
!ring = !cta.ring<1x64x64xbf16, #swizzled>
!slot = !cta.buffer<64x64xbf16, #swizzled>
!desc = !cta.descriptor<64x64xbf16, k, offset = 0, leading = 16, stride = 1024, step = 32, block_step = 8192>
!vector = !cta.buffer<64xf32, #cta.shared_layout<swizzle = 0, rows = 64>>

// P is read by an MMA of another role. The vector is loaded there, without the async
// proxy.
// CHECK-LABEL: func @publish
// CHECK:         cta.role "writer"
// CHECK:           cta.store_shared {{.*}}64xf32
// CHECK-NEXT:      cta.arrive
// CHECK-NOT:       cta.fence_async
// CHECK:           cta.store_shared {{.*}}64x64xbf16
// CHECK-NEXT:      cta.fence_async
// CHECK-NEXT:      cta.arrive
// CHECK-NOT:     cta.fence_async
// CHECK:         return
func.func @publish(%p: tensor<64x64xbf16>, %v: tensor<64xf32>, %i: i32) {
  scf.forall (%t) in (8) {
    %pr = cta.ring "p" at 0 : !ring
    %vr = cta.ring "v" at 8192 : !cta.ring<1x64xf32, #cta.shared_layout<swizzle = 0, rows = 64>>
    %pb = cta.mbarrier "p.full" count 4 at 8448 : !cta.mbarrier<1>
    %vb = cta.mbarrier "v.full" count 4 at 8456 : !cta.mbarrier<1>
    cta.role "writer" warps 4 registers 216 {
      %vs = cta.slot %vr[%i] : !cta.ring<1x64xf32, #cta.shared_layout<swizzle = 0, rows = 64>>
      cta.store_shared %v to %vs : tensor<64xf32>, !vector
      cta.arrive %vb[%i] : !cta.mbarrier<1>
      %ps = cta.slot %pr[%i] : !ring
      cta.store_shared %p to %ps : tensor<64x64xbf16>, !slot
      cta.arrive %pb[%i] : !cta.mbarrier<1>
    }
    cta.role "reader" warps 4 registers 216 {
      cta.mbarrier_wait %pb[%i] parity %i : !cta.mbarrier<1>
      %ps = cta.slot %pr[%i] : !ring
      %d = cta.descriptor %ps : !slot -> !desc
      %x = cta.mma_async %d, %d transpose_b : !desc, !desc
          -> !cta.in_flight<tensor<64x64xf32>>
      %vs = cta.slot %vr[%i] : !cta.ring<1x64xf32, #cta.shared_layout<swizzle = 0, rows = 64>>
      %l = cta.load_shared %vs : !vector -> tensor<64xf32>
      cta.arrive %vb[%i] : !cta.mbarrier<1>
    }
  }
  return
}

// A role that reads its own writes fences before its MMA. One fence covers two
// stores.
// CHECK-LABEL: func @own_product
// CHECK-COUNT-2: cta.store_shared
// CHECK-NEXT:    cta.fence_async
// CHECK-NEXT:    cta.mma_async
// CHECK-NEXT:    cta.mma_async
// CHECK-NOT:     cta.fence_async
// CHECK:         return
func.func @own_product(%p: tensor<64x64xbf16>, %left: tensor<64x32xbf16>, %i: i32) {
  scf.forall (%t) in (8) {
    %pr = cta.ring "p" at 0 : !ring
    cta.role "both" warps 4 registers 216 {
      %ps = cta.slot %pr[%i] : !ring
      %d = cta.descriptor %ps : !slot -> !desc
      %half = cta.view %ps [0, 32] : !slot -> !cta.buffer<64x32xbf16, #swizzled>
      cta.store_shared %p to %ps : tensor<64x64xbf16>, !slot
      cta.store_shared %left to %half : tensor<64x32xbf16>, !cta.buffer<64x32xbf16, #swizzled>
      %x = cta.mma_async %d, %d transpose_b : !desc, !desc -> !cta.in_flight<tensor<64x64xf32>>
      %y = cta.mma_async %d, %d transpose_b : !desc, !desc -> !cta.in_flight<tensor<64x64xf32>>
    }
  }
  return
}

// A write at the end of an iteration, and an MMA at the start of the next.
// CHECK-LABEL: func @around_the_loop
// CHECK:         scf.for %
// CHECK-NEXT:      cta.fence_async
// CHECK-NEXT:      cta.mma_async
// CHECK-NEXT:      cta.store_shared
// CHECK-NOT:       cta.fence_async
// CHECK:         }
func.func @around_the_loop(%p: tensor<64x64xbf16>, %i: i32, %lb: index, %ub: index) {
  scf.forall (%t) in (8) {
    %pr = cta.ring "p" at 0 : !ring
    cta.role "both" warps 4 registers 216 {
      %ps = cta.slot %pr[%i] : !ring
      %d = cta.descriptor %ps : !slot -> !desc
      scf.for %j = %lb to %ub step %ub {
        %x = cta.mma_async %d, %d transpose_b : !desc, !desc -> !cta.in_flight<tensor<64x64xf32>>
        cta.store_shared %p to %ps : tensor<64x64xbf16>, !slot
      }
    }
  }
  return
}

// Copies need no fence: they write through the async proxy, or their mbarrier counts
// them.
// CHECK-LABEL: func @copies
// CHECK-NOT:     cta.fence_async
// CHECK:         return
func.func @copies(%m: memref<?x64xbf16>, %rows: tensor<64xi32>, %i: i32) {
  %c0 = arith.constant 0 : index
  scf.forall (%t) in (8) {
    %pr = cta.ring "p" at 0 : !ring
    %pb = cta.mbarrier "p.full" count 4 at 8448 : !cta.mbarrier<1>
    cta.role "load" warps 4 registers 216 {
      %ps = cta.slot %pr[%i] : !ring
      cta.gather_async %m[%rows][%c0] to %ps : memref<?x64xbf16>, tensor<64xi32>, !slot
      cta.arrive_copies %pb[%i] : !cta.mbarrier<1>
    }
    cta.role "math" warps 4 registers 216 {
      %ps = cta.slot %pr[%i] : !ring
      %d = cta.descriptor %ps : !slot -> !desc
      %x = cta.mma_async %d, %d transpose_b : !desc, !desc -> !cta.in_flight<tensor<64x64xf32>>
      cta.arrive %pb[%i] : !cta.mbarrier<1>
    }
  }
  return
}
