// Slots of several fills, by TMA, gathers and stores, from one role and from two. K is
// put together from two boxes of 16 rows, in the other order, and 32 gathered rows; P
// from two accumulators that its reader stores side by side. The program starts at
// level cta.
//
// Anchored by: TMA, cp.async and wgmma, which say where the parts of a swizzled tile
// are. Chosen by the compiler: the addresses of the parts, and which arrivals and
// bytes complete a slot.

func.func @parts(%a: memref<?x64x64xbf16> {mla.name = "a", mla.dims = ["tiles", "", ""]},
                 %b: memref<64x64xbf16> {mla.name = "b"},
                 %k: memref<?x128xbf16> {mla.name = "k", mla.dims = ["rows", ""]},
                 %indices: memref<?x32xi32> {mla.name = "indices", mla.dims = ["tiles", ""]},
                 %out: memref<?x64x64xf32> {mla.name = "out", mla.dims = ["tiles", "", ""]}) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c16 = arith.constant 16 : index
  %c64 = arith.constant 64 : index
  %tiles = memref.dim %a, %c0 : memref<?x64x64xbf16>
  scf.forall (%i) in (1) {
    %ar = cta.ring "a" : !cta.ring<2x64x64xbf16>
    %br = cta.ring "b" : !cta.ring<1x64x64xbf16>
    %kr = cta.ring "k" : !cta.ring<2x64x128xbf16>
    %pr = cta.ring "p" : !cta.ring<1x64x128xbf16>
    cta.role "math" warps 4 registers 216 {
      %bs = cta.await %br : !cta.ring<1x64x64xbf16>
      scf.for %t = %c0 to %tiles step %c1 {
        %as = cta.await %ar : !cta.ring<2x64x64xbf16>
        %s = cta.mma_async %as, %bs : !cta.buffer<64x64xbf16>, !cta.buffer<64x64xbf16> -> !cta.in_flight<tensor<64x64xf32>>
        %u = cta.mma_async %as, %bs transpose_b : !cta.buffer<64x64xbf16>, !cta.buffer<64x64xbf16> -> !cta.in_flight<tensor<64x64xf32>>
        %sd = cta.mma_wait %s : !cta.in_flight<tensor<64x64xf32>>
        %ud = cta.mma_wait %u : !cta.in_flight<tensor<64x64xf32>>
        %p0 = arith.truncf %sd : tensor<64x64xf32> to tensor<64x64xbf16>
        %p1 = arith.truncf %ud : tensor<64x64xf32> to tensor<64x64xbf16>
        %slot = cta.acquire %pr : !cta.ring<1x64x128xbf16>
        %left = cta.view %slot [0, 0] : !cta.buffer<64x128xbf16> -> !cta.buffer<64x64xbf16>
        %right = cta.view %slot [0, 64] : !cta.buffer<64x128xbf16> -> !cta.buffer<64x64xbf16>
        cta.store_shared %p0 to %left : tensor<64x64xbf16>, !cta.buffer<64x64xbf16>
        cta.store_shared %p1 to %right : tensor<64x64xbf16>, !cta.buffer<64x64xbf16>
        %ps = cta.await %pr : !cta.ring<1x64x128xbf16>
        %ks = cta.await %kr : !cta.ring<2x64x128xbf16>
        %x = cta.mma_async %ps, %ks transpose_b : !cta.buffer<64x128xbf16>, !cta.buffer<64x128xbf16> -> !cta.in_flight<tensor<64x64xf32>>
        %xd = cta.mma_wait %x : !cta.in_flight<tensor<64x64xf32>>
        tile.store %xd, %out[%t, %c0, %c0] : tensor<64x64xf32>, memref<?x64x64xf32>
      }
    }
    cta.role "gather" warps 4 registers 40 {
      scf.for %t = %c0 to %tiles step %c1 {
        %rows = tile.load %indices[%t, %c0] : memref<?x32xi32> -> tensor<32xi32>
        %ks = cta.acquire %kr : !cta.ring<2x64x128xbf16>
        %part = cta.view %ks [32, 0] : !cta.buffer<64x128xbf16> -> !cta.buffer<32x128xbf16>
        cta.gather_async %k[%rows][%c0] to %part : memref<?x128xbf16>, tensor<32xi32>, !cta.buffer<32x128xbf16>
      }
    }
    cta.role "load" warps 1 registers 24 {
      %bs = cta.acquire %br : !cta.ring<1x64x64xbf16>
      cta.copy_async %b[%c0, %c0] to %bs : memref<64x64xbf16>, !cta.buffer<64x64xbf16>
      scf.for %t = %c0 to %tiles step %c1 {
        %as = cta.acquire %ar : !cta.ring<2x64x64xbf16>
        cta.copy_async %a[%t, %c0, %c0] to %as : memref<?x64x64xbf16>, !cta.buffer<64x64xbf16>
        %row = arith.muli %t, %c64 : index
        %next = arith.addi %row, %c16 : index
        %ks = cta.acquire %kr : !cta.ring<2x64x128xbf16>
        %k0 = cta.view %ks [0, 0] : !cta.buffer<64x128xbf16> -> !cta.buffer<16x128xbf16>
        %k1 = cta.view %ks [16, 0] : !cta.buffer<64x128xbf16> -> !cta.buffer<16x128xbf16>
        cta.copy_async %k[%next, %c0] to %k0 : memref<?x128xbf16>, !cta.buffer<16x128xbf16>
        cta.copy_async %k[%row, %c0] to %k1 : memref<?x128xbf16>, !cta.buffer<16x128xbf16>
      }
    }
  }
  return
}
