// Canonicalisation and cse may drop and merge what only computes (slots, views,
// descriptors, layout changes, tensor maps) and nothing that synchronises.
// RUN: %mla-opt %s --canonicalize --cse | FileCheck %s

!ring = !cta.ring<2x64x64xbf16>
!slot = !cta.buffer<64x64xbf16>
!acc = tensor<64x64xf32, #cta.layout<acc>>
!desc = !cta.descriptor<64x64xbf16, k, offset = 0, leading = 16, stride = 1024, step = 32, block_step = 8192>

// CHECK-LABEL: func @unused
// CHECK-NEXT:    return
func.func @unused(%m: memref<?x64xbf16>, %ring: !ring, %i: i32,
                  %p: tensor<64x64xbf16, #cta.layout<acc>>) {
  %map = cta.tensor_map %m box [64, 64] swizzle 128 : memref<?x64xbf16>
  %slot = cta.slot %ring[%i] : !ring
  %view = cta.view %slot [0, 32] : !slot -> !cta.buffer<64x32xbf16>
  %desc = cta.descriptor %slot : !slot -> !desc
  %a = cta.convert_layout %p : tensor<64x64xbf16, #cta.layout<acc>>
      -> tensor<64x64xbf16, #cta.layout<a_operand>>
  return
}

// CHECK-LABEL: func @equal
// CHECK:         %[[SLOT:.*]] = cta.slot
// CHECK-NEXT:    %[[D:.*]] = cta.descriptor %[[SLOT]]
// CHECK-NEXT:    cta.mma_async %[[D]], %[[D]]
// CHECK-NEXT:    return
func.func @equal(%ring: !ring, %i: i32) {
  %x = cta.slot %ring[%i] : !ring
  %y = cta.slot %ring[%i] : !ring
  %a = cta.descriptor %x : !slot -> !desc
  %b = cta.descriptor %y : !slot -> !desc
  %0 = cta.mma_async %a, %b transpose_b : !desc, !desc -> !cta.in_flight<!acc>
  return
}

// Each of two equal ops stays, in the order written, used or not.
// CHECK-LABEL: func @effects
// CHECK:         cta.ring
// CHECK-NEXT:    cta.acquire
// CHECK-NEXT:    cta.acquire
// CHECK-NEXT:    cta.await
// CHECK-NEXT:    cta.await
// CHECK-NEXT:    cta.release
// CHECK-NEXT:    cta.release
// CHECK-NEXT:    cta.mbarrier "b"
// CHECK-NEXT:    cta.mbarrier_init
// CHECK-NEXT:    cta.mbarrier_init_fence
// CHECK-NEXT:    cta.sync
// CHECK-NEXT:    cta.sync
// CHECK-NEXT:    cta.mbarrier_wait
// CHECK-NEXT:    cta.mbarrier_wait
// CHECK-NEXT:    cta.arrive %
// CHECK-NEXT:    cta.arrive %
// CHECK-NEXT:    cta.arrive_copies
// CHECK-NEXT:    cta.arrive_copies
// CHECK-NEXT:    cta.arrive_expect
// CHECK-NEXT:    cta.arrive_expect
// CHECK-NEXT:    cta.fence_async
// CHECK-NEXT:    cta.fence_async
// CHECK-NEXT:    cta.mma_fence
// CHECK-NEXT:    cta.mma_async
// CHECK-NEXT:    cta.mma_async
// CHECK-NEXT:    cta.mma_commit
// CHECK-NEXT:    cta.mma_commit
// CHECK-NEXT:    cta.mma_wait
// CHECK-NEXT:    cta.mma_wait
// CHECK-NEXT:    cta.load_shared
// CHECK-NEXT:    cta.load_shared
// CHECK-NEXT:    cta.store_shared
// CHECK-NEXT:    cta.store_shared
// CHECK-NEXT:    return
func.func @effects(%i: i32, %d: !desc, %x: !cta.buffer<64xf32>) {
  %ring = cta.ring "k" : !ring
  %0 = cta.acquire %ring : !ring
  %1 = cta.acquire %ring : !ring
  %2 = cta.await %ring : !ring
  %3 = cta.await %ring : !ring
  cta.release %ring : !ring
  cta.release %ring : !ring
  %b = cta.mbarrier "b" count 1 at 0 : !cta.mbarrier<2>
  cta.mbarrier_init %b : !cta.mbarrier<2>
  cta.mbarrier_init_fence
  cta.sync
  cta.sync
  cta.mbarrier_wait %b[%i] parity %i : !cta.mbarrier<2>
  cta.mbarrier_wait %b[%i] parity %i : !cta.mbarrier<2>
  cta.arrive %b[%i] : !cta.mbarrier<2>
  cta.arrive %b[%i] : !cta.mbarrier<2>
  cta.arrive_copies %b[%i] : !cta.mbarrier<2>
  cta.arrive_copies %b[%i] : !cta.mbarrier<2>
  cta.arrive_expect %b[%i] bytes 8192 : !cta.mbarrier<2>
  cta.arrive_expect %b[%i] bytes 8192 : !cta.mbarrier<2>
  cta.fence_async
  cta.fence_async
  cta.mma_fence
  %4 = cta.mma_async %d, %d transpose_b : !desc, !desc -> !cta.in_flight<!acc>
  %5 = cta.mma_async %d, %d transpose_b : !desc, !desc -> !cta.in_flight<!acc>
  cta.mma_commit
  cta.mma_commit
  %6 = cta.mma_wait %4 pending 0 : !cta.in_flight<!acc>
  %7 = cta.mma_wait %4 pending 0 : !cta.in_flight<!acc>
  %8 = cta.load_shared %x : !cta.buffer<64xf32> -> tensor<64xf32>
  %9 = cta.load_shared %x : !cta.buffer<64xf32> -> tensor<64xf32>
  cta.store_shared %8 to %x : tensor<64xf32>, !cta.buffer<64xf32>
  cta.store_shared %8 to %x : tensor<64xf32>, !cta.buffer<64xf32>
  return
}
