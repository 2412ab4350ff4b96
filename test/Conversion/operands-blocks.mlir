// Addresses of the blocks of 64 rows of an MMA's A, in units of 16 bytes.
//
// RUN: mla-opt %s --mla-kernel-pipeline | FileCheck %s
// 128 rows of A: K-major the second 64 of them are 8192 bytes on, MN-major they are
// the second block of 64 columns, here of 32 rows. Both blocks take the same step of B.
// All are offsets from one base: T lies 1024 units into the memory of the CTA, B 1536.
// CHECK-LABEL: llvm.func @blocks
// CHECK: $8; add.u32 l, l, 0; mov.b64 da, {l, h}; mov.b64 {l, h}, $9; add.u32 l, l, 1536; mov.b64 db, {l, h}; {{.*}}m64n16k16{{.*}}, da, db, p, 1, 1, 0, 0; }
// CHECK: $8; add.u32 l, l, 512; mov.b64 da, {l, h}; mov.b64 {l, h}, $9; add.u32 l, l, 1536; mov.b64 db
// CHECK: $16; add.u32 l, l, 2; mov.b64 da, {l, h}; mov.b64 {l, h}, $17; add.u32 l, l, 1538; mov.b64 db
// CHECK: $16; add.u32 l, l, 514; mov.b64 da, {l, h}; mov.b64 {l, h}, $17; add.u32 l, l, 1538; mov.b64 db
// CHECK: $8; add.u32 l, l, 1024; mov.b64 da, {l, h}; mov.b64 {l, h}, $9; add.u32 l, l, 1536; mov.b64 db, {l, h}; {{.*}}m64n16k16{{.*}}, da, db, p, 1, 1, 1, 0; }
// CHECK: $8; add.u32 l, l, 1280; mov.b64 da, {l, h}; mov.b64 {l, h}, $9; add.u32 l, l, 1536; mov.b64 db
// CHECK: $16; add.u32 l, l, 1152; mov.b64 da, {l, h}; mov.b64 {l, h}, $17; add.u32 l, l, 1538; mov.b64 db
// CHECK: $16; add.u32 l, l, 1408; mov.b64 da, {l, h}; mov.b64 {l, h}, $17; add.u32 l, l, 1538; mov.b64 db
// CHECK: wgmma.wait_group
func.func @blocks(%a: memref<128x64xbf16>, %t: memref<32x128xbf16>, %b: memref<16x64xbf16>,
                  %out: memref<128x16xf32>) {
  %c0 = arith.constant 0 : index
  scf.forall (%i) in (1) {
    %ar = cta.ring "a" : !cta.ring<1x128x64xbf16>
    %tr = cta.ring "t" : !cta.ring<1x32x128xbf16>
    %br = cta.ring "b" : !cta.ring<1x16x64xbf16>
    cta.role "math" warps 4 registers 240 {
      %as = cta.await %ar : !cta.ring<1x128x64xbf16>
      %ts = cta.await %tr : !cta.ring<1x32x128xbf16>
      %bs = cta.await %br : !cta.ring<1x16x64xbf16>
      %av = cta.view %as [0, 0] : !cta.buffer<128x64xbf16> -> !cta.buffer<128x32xbf16>
      %bv = cta.view %bs [0, 0] : !cta.buffer<16x64xbf16> -> !cta.buffer<16x32xbf16>
      %d = cta.mma_async %av, %bv transpose_b : !cta.buffer<128x32xbf16>, !cta.buffer<16x32xbf16> -> !cta.in_flight<tensor<128x16xf32>>
      %x = cta.mma_wait %d : !cta.in_flight<tensor<128x16xf32>>
      tile.store %x, %out[%c0, %c0] : tensor<128x16xf32>, memref<128x16xf32>
      %e = cta.mma_async %ts, %bv transpose_a transpose_b : !cta.buffer<32x128xbf16>, !cta.buffer<16x32xbf16> -> !cta.in_flight<tensor<128x16xf32>>
      %y = cta.mma_wait %e : !cta.in_flight<tensor<128x16xf32>>
      tile.store %y, %out[%c0, %c0] : tensor<128x16xf32>, memref<128x16xf32>
    }
    cta.role "load" warps 1 registers 24 {
      %as = cta.acquire %ar : !cta.ring<1x128x64xbf16>
      cta.copy_async %a[%c0, %c0] to %as : memref<128x64xbf16>, !cta.buffer<128x64xbf16>
      %ts = cta.acquire %tr : !cta.ring<1x32x128xbf16>
      cta.copy_async %t[%c0, %c0] to %ts : memref<32x128xbf16>, !cta.buffer<32x128xbf16>
      %bs = cta.acquire %br : !cta.ring<1x16x64xbf16>
      cta.copy_async %b[%c0, %c0] to %bs : memref<16x64xbf16>, !cta.buffer<16x64xbf16>
    }
  }
  return
}
