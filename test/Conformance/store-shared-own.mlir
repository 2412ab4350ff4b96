// A role that stores a fragment of bf16 into a slot and reads it back itself, as
// operands A and B: the writes of the generic proxy are fenced before the MMAs
// of all four warps read them. The program starts at level cta.
//
// Anchored by: wgmma defines D, which is stored, and how the slot is read. Chosen by
// the compiler: stmatrix, cta.fence_async, and that the warps wait for each other
// (the full barrier) before an MMA reads.

func.func @store_shared_own(%a: memref<?x64x64xbf16> {mla.name = "a", mla.dims = ["tiles", "", ""]},
                            %b: memref<64x64xbf16> {mla.name = "b"},
                            %out: memref<?x64x128xf32> {mla.name = "out", mla.dims = ["tiles", "", ""]}) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c64 = arith.constant 64 : index
  %tiles = memref.dim %a, %c0 : memref<?x64x64xbf16>
  scf.forall (%i) in (1) {
    %ar = cta.ring "a" : !cta.ring<2x64x64xbf16>
    %br = cta.ring "b" : !cta.ring<1x64x64xbf16>
    %pr = cta.ring "p" : !cta.ring<1x64x64xbf16>
    cta.role "math" warps 4 registers 240 {
      %bs = cta.await %br : !cta.ring<1x64x64xbf16>
      scf.for %t = %c0 to %tiles step %c1 {
        %as = cta.await %ar : !cta.ring<2x64x64xbf16>
        %s = cta.mma_async %as, %bs : !cta.buffer<64x64xbf16>, !cta.buffer<64x64xbf16> -> !cta.in_flight<tensor<64x64xf32>>
        %sd = cta.mma_wait %s : !cta.in_flight<tensor<64x64xf32>>
        %p = arith.truncf %sd : tensor<64x64xf32> to tensor<64x64xbf16>
        %slot = cta.acquire %pr : !cta.ring<1x64x64xbf16>
        cta.store_shared %p to %slot : tensor<64x64xbf16>, !cta.buffer<64x64xbf16>
        %ps = cta.await %pr : !cta.ring<1x64x64xbf16>
        %x = cta.mma_async %ps, %bs : !cta.buffer<64x64xbf16>, !cta.buffer<64x64xbf16> -> !cta.in_flight<tensor<64x64xf32>>
        %y = cta.mma_async %bs, %ps : !cta.buffer<64x64xbf16>, !cta.buffer<64x64xbf16> -> !cta.in_flight<tensor<64x64xf32>>
        %xd = cta.mma_wait %x : !cta.in_flight<tensor<64x64xf32>>
        %yd = cta.mma_wait %y : !cta.in_flight<tensor<64x64xf32>>
        tile.store %xd, %out[%t, %c0, %c0] : tensor<64x64xf32>, memref<?x64x128xf32>
        tile.store %yd, %out[%t, %c0, %c64] : tensor<64x64xf32>, memref<?x64x128xf32>
      }
    }
    cta.role "load" warps 1 registers 24 {
      %bs = cta.acquire %br : !cta.ring<1x64x64xbf16>
      cta.copy_async %b[%c0, %c0] to %bs : memref<64x64xbf16>, !cta.buffer<64x64xbf16>
      scf.for %t = %c0 to %tiles step %c1 {
        %as = cta.acquire %ar : !cta.ring<2x64x64xbf16>
        cta.copy_async %a[%t, %c0, %c0] to %as : memref<?x64x64xbf16>, !cta.buffer<64x64xbf16>
      }
    }
  }
  return
}
