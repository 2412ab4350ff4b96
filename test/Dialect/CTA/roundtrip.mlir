// The cta dialect prints what it parses: every op, type and attribute, before
// and after the passes that fill in optional parts.
// RUN: %mla-opt %s | FileCheck %s
// RUN: %mla-opt %s | %mla-opt | FileCheck %s
// RUN: %mla-opt %s --mlir-print-op-generic | %mla-opt | FileCheck %s

#swizzled = #cta.shared_layout<swizzle = 128, rows = 64>
#dense = #cta.shared_layout<swizzle = 0, rows = 64>
!acc = tensor<64x64xf32, #cta.layout<acc>>

// CHECK-LABEL: func @layouts
// CHECK-SAME:    tensor<64x8xf32, #cta.layout<acc>>
// CHECK-SAME:    tensor<64x16xbf16, #cta.layout<a_operand>>
// CHECK-SAME:    tensor<64xf32, #cta.layout<row>>
// CHECK-SAME:    tensor<8xf32, #cta.layout<column>>
// CHECK-SAME:    tensor<64xi32, #cta.layout<gather>>
// CHECK-SAME:    !cta.in_flight<tensor<64x8xf32, #cta.layout<acc>>>
// CHECK-SAME:    !cta.tensor_map
// CHECK-SAME:    attributes {layout = #cta.shared_layout<swizzle = 128, rows = 64>}
func.func @layouts(%0: tensor<64x8xf32, #cta.layout<acc>>,
                   %1: tensor<64x16xbf16, #cta.layout<a_operand>>,
                   %2: tensor<64xf32, #cta.layout<row>>,
                   %3: tensor<8xf32, #cta.layout<column>>,
                   %4: tensor<64xi32, #cta.layout<gather>>,
                   %5: !cta.in_flight<tensor<64x8xf32, #cta.layout<acc>>>,
                   %6: !cta.tensor_map)
    attributes {layout = #swizzled} {
  return
}

// What --mla-schedule writes: rings and roles, no layouts, no barriers.
// CHECK-LABEL: func @rings
// CHECK-SAME:    %[[KV:.*]]: memref<?x1x64xbf16>, %[[ROWS:.*]]: tensor<64xi32>, %[[X:.*]]: tensor<64xf32>
func.func @rings(%kv: memref<?x1x64xbf16>, %rows: tensor<64xi32>, %x: tensor<64xf32>) {
  %c0 = arith.constant 0 : index
  // CHECK: scf.forall
  scf.forall (%i) in (8) {
    // CHECK: %[[K:.*]] = cta.ring "k" : !cta.ring<2x64x64xbf16>
    %k = cta.ring "k" : !cta.ring<2x64x64xbf16>
    // CHECK: %[[S:.*]] = cta.ring "s" : !cta.ring<1x64xf32>
    %s = cta.ring "s" : !cta.ring<1x64xf32>
    // CHECK: cta.role "producer" warps 4 registers 72 {
    cta.role "producer" warps 4 registers 72 {
      // CHECK: %[[SLOT:.*]] = cta.acquire %[[K]] : !cta.ring<2x64x64xbf16>
      %slot = cta.acquire %k : !cta.ring<2x64x64xbf16>
      // CHECK: cta.copy_async %[[KV]][%{{.*}}, %{{.*}}, %{{.*}}] dims [0, 2] to %[[SLOT]] : memref<?x1x64xbf16>, !cta.buffer<64x64xbf16>
      cta.copy_async %kv[%c0, %c0, %c0] dims [0, 2] to %slot
          : memref<?x1x64xbf16>, !cta.buffer<64x64xbf16>
      %next = cta.acquire %k : !cta.ring<2x64x64xbf16>
      // CHECK: cta.gather_async %[[KV]][%[[ROWS]]]{{ ?}}[%{{.*}}, %{{.*}}] to %{{.*}} : memref<?x1x64xbf16>, tensor<64xi32>, !cta.buffer<64x64xbf16>
      cta.gather_async %kv[%rows][%c0, %c0] to %next
          : memref<?x1x64xbf16>, tensor<64xi32>, !cta.buffer<64x64xbf16>
      %t = cta.acquire %s : !cta.ring<1x64xf32>
      // CHECK: cta.store_shared %[[X]] to %{{.*}} : tensor<64xf32>, !cta.buffer<64xf32>
      cta.store_shared %x to %t : tensor<64xf32>, !cta.buffer<64xf32>
    }
    // CHECK: cta.role "reader" warps 1 registers 24 attributes {note = "one warp"} {
    cta.role "reader" warps 1 registers 24 attributes {note = "one warp"} {
      // CHECK: %[[FULL:.*]] = cta.await %[[K]] : !cta.ring<2x64x64xbf16>
      %full = cta.await %k : !cta.ring<2x64x64xbf16>
      // CHECK: cta.view %[[FULL]] [0, 32] : !cta.buffer<64x64xbf16> -> !cta.buffer<64x32xbf16>
      %right = cta.view %full [0, 32] : !cta.buffer<64x64xbf16> -> !cta.buffer<64x32xbf16>
      // CHECK: cta.release %[[K]] : !cta.ring<2x64x64xbf16>
      cta.release %k : !cta.ring<2x64x64xbf16>
      %t = cta.await %s : !cta.ring<1x64xf32>
      // CHECK: cta.load_shared %{{.*}} : !cta.buffer<64xf32> -> tensor<64xf32>
      %y = cta.load_shared %t : !cta.buffer<64xf32> -> tensor<64xf32>
    }
  }
  return
}

// What stands there at the end: places, layouts, maps, slots, descriptors.
// CHECK-LABEL: func @staged
// CHECK-SAME:    %[[KV:.*]]: memref<?x1x64xbf16>, %[[I:.*]]: i32
func.func @staged(%kv: memref<?x1x64xbf16>, %i: i32) {
  %c0 = arith.constant 0 : index
  // CHECK: %[[MAP:.*]] = cta.tensor_map %[[KV]] box [64, 1, 64] swizzle 128 : memref<?x1x64xbf16>
  %map = cta.tensor_map %kv box [64, 1, 64] swizzle 128 : memref<?x1x64xbf16>
  // CHECK: %[[RING:.*]] = cta.ring "k" at 1024 : !cta.ring<2x64x64xbf16, #cta.shared_layout<swizzle = 128, rows = 64>>
  %ring = cta.ring "k" at 1024 : !cta.ring<2x64x64xbf16, #swizzled>
  // CHECK: cta.ring "v" at 0 : !cta.ring<2x64xi1, #cta.shared_layout<swizzle = 0, rows = 64>>
  %valid = cta.ring "v" at 0 : !cta.ring<2x64xi1, #dense>
  // CHECK: %[[P:.*]] = cta.ring "p" at 9216 aliases(%[[RING]] : !cta.ring<2x64x64xbf16, #cta.shared_layout<swizzle = 128, rows = 64>>) : !cta.ring<1x64x64xbf16, #cta.shared_layout<swizzle = 128, rows = 64>>
  %alias = cta.ring "p" at 9216 aliases(%ring : !cta.ring<2x64x64xbf16, #swizzled>) : !cta.ring<1x64x64xbf16, #swizzled>
  // CHECK: %[[BAR:.*]] = cta.mbarrier "k.full" full(%[[RING]] : !cta.ring<2x64x64xbf16, {{.*}}>) empty(%[[V:.*]], %[[P]] : !cta.ring<2x64xi1, {{.*}}>, !cta.ring<1x64x64xbf16, {{.*}}>) distance [0, 1] count 1 bytes 8192 at 32768 : !cta.mbarrier<2>
  %bar = cta.mbarrier "k.full" full(%ring : !cta.ring<2x64x64xbf16, #swizzled>) empty(%valid, %alias : !cta.ring<2x64xi1, #dense>, !cta.ring<1x64x64xbf16, #swizzled>) distance [0, 1] count 1 bytes 8192 at 32768 : !cta.mbarrier<2>
  // CHECK: cta.mbarrier "k.empty" empty(%[[RING]] : !cta.ring<2x64x64xbf16, {{.*}}>) count 4 at 32784 : !cta.mbarrier<2>
  %empty = cta.mbarrier "k.empty" empty(%ring : !cta.ring<2x64x64xbf16, #swizzled>) count 4 at 32784 : !cta.mbarrier<2>
  // CHECK: %[[SLOT:.*]] = cta.slot %[[RING]][%[[I]]] : !cta.ring<2x64x64xbf16, #cta.shared_layout<swizzle = 128, rows = 64>>
  %slot = cta.slot %ring[%i] : !cta.ring<2x64x64xbf16, #swizzled>
  // CHECK: cta.copy_async %[[KV]][{{.*}}] to %[[SLOT]] map %[[MAP]] signals %[[BAR]][%[[I]]] : !cta.mbarrier<2> : memref<?x1x64xbf16>, !cta.buffer<64x64xbf16, #cta.shared_layout<swizzle = 128, rows = 64>>
  cta.copy_async %kv[%c0, %c0, %c0] to %slot map %map
      signals %bar[%i] : !cta.mbarrier<2>
      : memref<?x1x64xbf16>, !cta.buffer<64x64xbf16, #swizzled>
  // CHECK: cta.descriptor %[[SLOT]] : !cta.buffer<64x64xbf16, {{.*}}> -> !cta.descriptor<64x64xbf16, k, offset = 0, leading = 16, stride = 1024, step = 32, block_step = 8192>
  %k = cta.descriptor %slot : !cta.buffer<64x64xbf16, #swizzled>
      -> !cta.descriptor<64x64xbf16, k, offset = 0, leading = 16, stride = 1024, step = 32, block_step = 8192>
  // CHECK: cta.descriptor %[[SLOT]] : !cta.buffer<64x64xbf16, {{.*}}> -> !cta.descriptor<64x64xbf16, mn, offset = 8192, leading = 8192, stride = 1024, step = 2048, block_step = 8192>
  %v = cta.descriptor %slot : !cta.buffer<64x64xbf16, #swizzled>
      -> !cta.descriptor<64x64xbf16, mn, offset = 8192, leading = 8192, stride = 1024, step = 2048, block_step = 8192>
  return
}

// CHECK-LABEL: func @mmas
// CHECK-SAME:    %[[A:.*]]: !cta.buffer<64x64xbf16>, %[[S:.*]]: tensor<64x64xf32, #cta.layout<acc>>, %[[P:.*]]: tensor<64x64xbf16, #cta.layout<acc>>
func.func @mmas(%a: !cta.buffer<64x64xbf16>, %s: !acc,
                    %p: tensor<64x64xbf16, #cta.layout<acc>>) {
  // CHECK: cta.mma_fence
  cta.mma_fence
  // CHECK: %[[X:.*]] = cta.mma_async %[[A]], %[[A]] transpose_b : !cta.buffer<64x64xbf16>, !cta.buffer<64x64xbf16> -> !cta.in_flight<tensor<64x64xf32, #cta.layout<acc>>>
  %0 = cta.mma_async %a, %a transpose_b
      : !cta.buffer<64x64xbf16>, !cta.buffer<64x64xbf16> -> !cta.in_flight<!acc>
  // CHECK: %[[Y:.*]] = cta.mma_async %[[A]], %[[A]] acc %[[X]] : !cta.in_flight<tensor<64x64xf32, #cta.layout<acc>>> transpose_a : !cta.buffer
  %1 = cta.mma_async %a, %a acc %0 : !cta.in_flight<!acc> transpose_a
      : !cta.buffer<64x64xbf16>, !cta.buffer<64x64xbf16> -> !cta.in_flight<!acc>
  // CHECK: %[[PA:.*]] = cta.convert_layout %[[P]] : tensor<64x64xbf16, #cta.layout<acc>> -> tensor<64x64xbf16, #cta.layout<a_operand>>
  %pa = cta.convert_layout %p : tensor<64x64xbf16, #cta.layout<acc>>
      -> tensor<64x64xbf16, #cta.layout<a_operand>>
  // CHECK: %[[Z:.*]] = cta.mma_async %[[PA]], %[[A]] acc %[[S]] : tensor<64x64xf32, #cta.layout<acc>> : tensor<64x64xbf16, #cta.layout<a_operand>>, !cta.buffer<64x64xbf16>
  %2 = cta.mma_async %pa, %a acc %s : !acc
      : tensor<64x64xbf16, #cta.layout<a_operand>>, !cta.buffer<64x64xbf16> -> !cta.in_flight<!acc>
  // CHECK: cta.mma_commit
  cta.mma_commit
  // CHECK: cta.mma_wait %[[Y]] : !cta.in_flight<tensor<64x64xf32, #cta.layout<acc>>>
  %3 = cta.mma_wait %1 : !cta.in_flight<!acc>
  // CHECK: cta.mma_wait %[[Z]] pending 0 : !cta.in_flight
  %4 = cta.mma_wait %2 pending 0 : !cta.in_flight<!acc>
  return
}

// CHECK-LABEL: func @synchronisation
// CHECK-SAME:    %[[I:.*]]: i32
func.func @synchronisation(%i: i32) {
  // CHECK: %[[B:.*]] = cta.mbarrier "b" count 128 at 0 : !cta.mbarrier<2>
  %b = cta.mbarrier "b" count 128 at 0 : !cta.mbarrier<2>
  // CHECK: cta.mbarrier_init %[[B]] : !cta.mbarrier<2>
  cta.mbarrier_init %b : !cta.mbarrier<2>
  // CHECK: cta.mbarrier_init_fence
  cta.mbarrier_init_fence
  // CHECK: cta.sync
  cta.sync
  // CHECK: cta.mbarrier_wait %[[B]][%[[I]]] parity %[[I]] : !cta.mbarrier<2>
  cta.mbarrier_wait %b[%i] parity %i : !cta.mbarrier<2>
  // CHECK: cta.arrive %[[B]][%[[I]]] : !cta.mbarrier<2>
  cta.arrive %b[%i] : !cta.mbarrier<2>
  // CHECK: cta.arrive_copies %[[B]][%[[I]]] : !cta.mbarrier<2>
  cta.arrive_copies %b[%i] : !cta.mbarrier<2>
  // CHECK: cta.arrive_expect %[[B]][%[[I]]] bytes 8192 : !cta.mbarrier<2>
  cta.arrive_expect %b[%i] bytes 8192 : !cta.mbarrier<2>
  // CHECK: cta.fence_async
  cta.fence_async
  return
}

// CHECK-LABEL: func @reduce_warp
// CHECK:         cta.reduce_warp max %{{.*}} : tensor<64x16xf32, #cta.layout<acc>> -> tensor<64xf32, #cta.layout<warp_column>>
// CHECK:         cta.reduce_warp sum %{{.*}} : tensor<128x8xf32> -> tensor<32xf32>
func.func @reduce_warp(%x: tensor<64x16xf32, #cta.layout<acc>>, %y: tensor<128x8xf32>) {
  %0 = cta.reduce_warp max %x : tensor<64x16xf32, #cta.layout<acc>> -> tensor<64xf32, #cta.layout<warp_column>>
  %1 = cta.reduce_warp sum %y : tensor<128x8xf32> -> tensor<32xf32>
  return
}

// Direct layouts; one of a scalar has no dimensions.
// CHECK-LABEL: func @direct
// CHECK-SAME:    tensor<64x128xf32, #cta.direct<threads = [4, 32], strides = [32, 1], vector = 4>>
// CHECK-SAME:    tensor<f32, #cta.direct<threads = [], strides = [], vector = 1>>
// CHECK:         cta.reduce_warp sum %{{.*}} dim 0 : tensor<64x128xf32{{.*}}> -> tensor<4x128xf32>
func.func @direct(%x: tensor<64x128xf32, #cta.direct<threads = [4, 32], strides = [32, 1], vector = 4>>,
                  %y: tensor<f32, #cta.direct<threads = [], strides = [], vector = 1>>) {
  %0 = cta.reduce_warp sum %x dim 0 : tensor<64x128xf32, #cta.direct<threads = [4, 32], strides = [32, 1], vector = 4>> -> tensor<4x128xf32>
  return
}

// CHECK-LABEL: func @buffers
func.func @buffers(%r: !cta.ring<2x64x576xbf16>) {
  // CHECK: %[[M:.*]] = cta.buffer "max" at 229504 : !cta.buffer<64xf32>
  %m = cta.buffer "max" at 229504 : !cta.buffer<64xf32>
  // CHECK: cta.buffer "p" aliases %{{.*}}[139264] : !cta.ring<2x64x576xbf16> : !cta.buffer<64x64xbf16>
  %p = cta.buffer "p" aliases %r[139264] : !cta.ring<2x64x576xbf16> : !cta.buffer<64x64xbf16>
  // CHECK: cta.buffer "n" aliases %[[M]][128] : !cta.buffer<64xf32> : !cta.buffer<32xf32>
  %n = cta.buffer "n" aliases %m[128] : !cta.buffer<64xf32> : !cta.buffer<32xf32>
  // CHECK: cta.buffer "free" : !cta.buffer<16xf32>
  %f = cta.buffer "free" : !cta.buffer<16xf32>
  return
}
