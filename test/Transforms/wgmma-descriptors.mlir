// mla-wgmma-descriptors: shared operands of MMAs become descriptors of their slot,
// with the offsets of views folded in.
// RUN: %mla-opt %s --mla-wgmma-descriptors | FileCheck %s

#swizzled = #cta.shared_layout<swizzle = 128, rows = 64>
!slot = !cta.buffer<64x576xbf16, #swizzled>
!acc = tensor<64x64xf32, #cta.layout<acc>>

// Q K^T reads both along their rows, K-major: k-steps of 32 bytes, blocks of 64
// columns every 64 * 128 bytes.
// CHECK-LABEL: func @scores
// CHECK-SAME:    %[[Q:[^:]*]]: !cta.buffer{{.*}}, %[[K:[^:]*]]: !cta.buffer
// CHECK-DAG:     %[[A:.*]] = cta.descriptor %[[Q]] : {{.*}} -> !cta.descriptor<64x576xbf16, k, offset = 0, leading = 8192, stride = 1024, step = 32, block_step = 8192>
// CHECK-DAG:     %[[B:.*]] = cta.descriptor %[[K]] : {{.*}} -> !cta.descriptor<64x576xbf16, k, offset = 0, leading = 8192, stride = 1024, step = 32, block_step = 8192>
// CHECK:         cta.mma_async %[[A]], %[[B]] transpose_b
func.func @scores(%q: !slot, %k: !slot) {
  %x = cta.mma_async %q, %k transpose_b : !slot, !slot -> !cta.in_flight<!acc>
  return
}

// P V reads V, a view of the KV tile, along its columns, MN-major; P is in
// registers. Column 320 is in block 5.
// CHECK-LABEL: func @values
// CHECK-SAME:    %[[P:[^:]*]]: tensor{{.*}}, %[[K:[^:]*]]: !cta.buffer
// CHECK-NOT:     descriptor{{.*}}tensor
// CHECK:         %[[V:.*]] = cta.descriptor %[[K]] : {{.*}} -> !cta.descriptor<64x256xbf16, mn, offset = 40960, leading = 8192, stride = 1024, step = 2048, block_step = 8192>
// CHECK:         cta.mma_async %[[P]], %[[V]] :
func.func @values(%p: tensor<64x64xbf16, #cta.layout<a_operand>>, %k: !slot) {
  %half = cta.view %k [0, 64] : !slot -> !cta.buffer<64x512xbf16, #swizzled>
  %v = cta.view %half [0, 256]
      : !cta.buffer<64x512xbf16, #swizzled> -> !cta.buffer<64x256xbf16, #swizzled>
  %x = cta.mma_async %p, %v
      : tensor<64x64xbf16, #cta.layout<a_operand>>, !cta.buffer<64x256xbf16, #swizzled>
      -> !cta.in_flight<tensor<64x256xf32, #cta.layout<acc>>>
  return
}

// A K-major view may start at any k-step and at row 8: 48 columns are 96 bytes, 8
// rows are 1,024. The distance of blocks is that of the whole tile.
// CHECK-LABEL: func @k_step
// CHECK:         cta.descriptor {{.*}} -> !cta.descriptor<64x16xbf16, k, offset = 1120, leading = 16384, stride = 1024, step = 32, block_step = 16384>
func.func @k_step(%a: tensor<64x16xbf16, #cta.layout<a_operand>>,
                  %b: !cta.buffer<128x64xbf16, #cta.shared_layout<swizzle = 128, rows = 128>>) {
  %v = cta.view %b [8, 48]
      : !cta.buffer<128x64xbf16, #cta.shared_layout<swizzle = 128, rows = 128>>
      -> !cta.buffer<64x16xbf16, #cta.shared_layout<swizzle = 128, rows = 128>>
  %x = cta.mma_async %a, %v transpose_b
      : tensor<64x16xbf16, #cta.layout<a_operand>>,
        !cta.buffer<64x16xbf16, #cta.shared_layout<swizzle = 128, rows = 128>>
      -> !cta.in_flight<!acc>
  return
}

// A transposed A is MN-major.
// CHECK-LABEL: func @transposed_a
// CHECK-DAG:     !cta.descriptor<64x64xbf16, mn, offset = 0, leading = 8192, stride = 1024, step = 2048, block_step = 8192>
// CHECK:         cta.mma_async {{.*}} transpose_a
func.func @transposed_a(%a: !cta.buffer<64x64xbf16, #swizzled>) {
  %x = cta.mma_async %a, %a transpose_a
      : !cta.buffer<64x64xbf16, #swizzled>, !cta.buffer<64x64xbf16, #swizzled>
      -> !cta.in_flight<!acc>
  return
}
