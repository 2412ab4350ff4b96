// Addresses of the k-steps of an MMA's operands, in units of 16 bytes: a K-major
// operand that starts inside a block of 64 columns goes on in the next block.
//
// RUN: mla-opt %s --mla-kernel-pipeline | FileCheck %s
// The address is the lower half of a descriptor, so that 32 bits are added; both
// descriptors are the one of byte 0 of shared memory, and B's ring lies at byte
// 16384, 1024 units on.
// Columns 32 to 96 of A (byte 64 on, two steps, then block 1 at byte 8192 of 64 rows)
// and rows 8 to 72 of B (byte 1024 on, steps of 2048).
// CHECK-LABEL: llvm.func @operands
// CHECK: mov.b64 {{.*}}l, h}, $32; add.u32 l, l, 4; mov.b64 da, {{.*}}l, h}, $33; add.u32 l, l, 1088; mov.b64 db,
// CHECK: mov.b64 {{.*}}l, h}, $64; add.u32 l, l, 6; mov.b64 da, {{.*}}l, h}, $65; add.u32 l, l, 1216; mov.b64 db,
// CHECK: mov.b64 {{.*}}l, h}, $64; add.u32 l, l, 512; mov.b64 da, {{.*}}l, h}, $65; add.u32 l, l, 1344; mov.b64 db,
// CHECK: mov.b64 {{.*}}l, h}, $64; add.u32 l, l, 514; mov.b64 da, {{.*}}l, h}, $65; add.u32 l, l, 1472; mov.b64 db,
func.func @operands(%a: memref<64x128xbf16>, %b: memref<128x64xbf16>, %out: memref<64x64xf32>) {
  %c0 = arith.constant 0 : index
  scf.forall (%i) in (1) {
    %ar = cta.ring "a" : !cta.ring<1x64x128xbf16>
    %br = cta.ring "b" : !cta.ring<1x128x64xbf16>
    cta.role "math" warps 4 registers 240 {
      %as = cta.await %ar : !cta.ring<1x64x128xbf16>
      %bs = cta.await %br : !cta.ring<1x128x64xbf16>
      %av = cta.view %as [0, 32] : !cta.buffer<64x128xbf16> -> !cta.buffer<64x64xbf16>
      %bv = cta.view %bs [8, 0] : !cta.buffer<128x64xbf16> -> !cta.buffer<64x64xbf16>
      %d = cta.mma_async %av, %bv : !cta.buffer<64x64xbf16>, !cta.buffer<64x64xbf16> -> !cta.in_flight<tensor<64x64xf32>>
      %r = cta.mma_wait %d : !cta.in_flight<tensor<64x64xf32>>
      tile.store %r, %out[%c0, %c0] : tensor<64x64xf32>, memref<64x64xf32>
    }
    cta.role "load" warps 1 registers 24 {
      %as = cta.acquire %ar : !cta.ring<1x64x128xbf16>
      cta.copy_async %a[%c0, %c0] to %as : memref<64x128xbf16>, !cta.buffer<64x128xbf16>
      %bs = cta.acquire %br : !cta.ring<1x128x64xbf16>
      cta.copy_async %b[%c0, %c0] to %bs : memref<128x64xbf16>, !cta.buffer<128x64xbf16>
    }
  }
  return
}
