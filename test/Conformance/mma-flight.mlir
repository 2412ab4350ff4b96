// Several MMAs in flight: a chain that continues an MMA in flight, waits
// that leave one or two younger groups running, and a loop with two MMAs in
// flight in each iteration. The program starts at level cta, with rings and without
// layouts.
//
// Anchored by: wgmma defines D. Chosen by the compiler: fences, commits and pending
// counts, which registers an MMA in flight holds, when a slot is released. A
// fragment that is read too early is a value of the wrong MMA.

func.func @mma_flight(%a: memref<?x64x64xbf16> {mla.name = "a", mla.dims = ["ctas", "", ""]},
                      %c: memref<?x64x64xbf16> {mla.name = "c", mla.dims = ["ctas", "", ""]},
                      %b: memref<?x?x64x64xbf16> {mla.name = "b", mla.dims = ["ctas", "tiles", "", ""]},
                      %out: memref<?x?x64x64xf32> {mla.name = "out", mla.dims = ["ctas", "tiles", "", ""]},
                      %sums: memref<?x?x64x64xf32> {mla.name = "sums", mla.dims = ["ctas", "tiles", "", ""]}) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c2 = arith.constant 2 : index
  %c3 = arith.constant 3 : index
  %ctas = memref.dim %a, %c0 : memref<?x64x64xbf16>
  %tiles = memref.dim %b, %c1 : memref<?x?x64x64xbf16>
  scf.forall (%i) in (%ctas) {
    %ar = cta.ring "a" : !cta.ring<1x64x64xbf16>
    %cr = cta.ring "c" : !cta.ring<1x64x64xbf16>
    %br = cta.ring "b" : !cta.ring<3x64x64xbf16>
    cta.role "math" warps 4 registers 240 {
      // x = A B0, y = A B1, z = x + A C without a wait between, first = B2 B2^T. out has
      // z, y, first and then B B, sums has y, z and the sum of B B^T from tile 2 on.
      %as = cta.await %ar : !cta.ring<1x64x64xbf16>
      %b0 = cta.await %br : !cta.ring<3x64x64xbf16>
      %x = cta.mma_async %as, %b0 : !cta.buffer<64x64xbf16>, !cta.buffer<64x64xbf16> -> !cta.in_flight<tensor<64x64xf32>>
      %b1 = cta.await %br : !cta.ring<3x64x64xbf16>
      %y = cta.mma_async %as, %b1 : !cta.buffer<64x64xbf16>, !cta.buffer<64x64xbf16> -> !cta.in_flight<tensor<64x64xf32>>
      %cs = cta.await %cr : !cta.ring<1x64x64xbf16>
      %z = cta.mma_async %as, %cs acc %x : !cta.in_flight<tensor<64x64xf32>> : !cta.buffer<64x64xbf16>, !cta.buffer<64x64xbf16> -> !cta.in_flight<tensor<64x64xf32>>
      %b2 = cta.await %br : !cta.ring<3x64x64xbf16>
      %first = cta.mma_async %b2, %b2 transpose_b : !cta.buffer<64x64xbf16>, !cta.buffer<64x64xbf16> -> !cta.in_flight<tensor<64x64xf32>>
      %yd = cta.mma_wait %y : !cta.in_flight<tensor<64x64xf32>>
      tile.store %yd, %out[%i, %c1, %c0, %c0] : tensor<64x64xf32>, memref<?x?x64x64xf32>
      tile.store %yd, %sums[%i, %c0, %c0, %c0] : tensor<64x64xf32>, memref<?x?x64x64xf32>
      %zd = cta.mma_wait %z : !cta.in_flight<tensor<64x64xf32>>
      tile.store %zd, %out[%i, %c0, %c0, %c0] : tensor<64x64xf32>, memref<?x?x64x64xf32>
      tile.store %zd, %sums[%i, %c1, %c0, %c0] : tensor<64x64xf32>, memref<?x?x64x64xf32>

      // A result is stored while the next MMAs run.
      %sum2 = cta.mma_wait %first : !cta.in_flight<tensor<64x64xf32>>
      tile.store %sum2, %out[%i, %c2, %c0, %c0] : tensor<64x64xf32>, memref<?x?x64x64xf32>
      tile.store %sum2, %sums[%i, %c2, %c0, %c0] : tensor<64x64xf32>, memref<?x?x64x64xf32>
      %last = scf.for %t = %c3 to %tiles step %c1 iter_args(%sum = %sum2) -> tensor<64x64xf32> {
        %bt = cta.await %br : !cta.ring<3x64x64xbf16>
        %square = cta.mma_async %bt, %bt : !cta.buffer<64x64xbf16>, !cta.buffer<64x64xbf16> -> !cta.in_flight<tensor<64x64xf32>>
        %next = cta.mma_async %bt, %bt acc %sum : tensor<64x64xf32> transpose_b : !cta.buffer<64x64xbf16>, !cta.buffer<64x64xbf16> -> !cta.in_flight<tensor<64x64xf32>>
        %d = cta.mma_wait %square : !cta.in_flight<tensor<64x64xf32>>
        tile.store %d, %out[%i, %t, %c0, %c0] : tensor<64x64xf32>, memref<?x?x64x64xf32>
        %done = cta.mma_wait %next : !cta.in_flight<tensor<64x64xf32>>
        tile.store %done, %sums[%i, %t, %c0, %c0] : tensor<64x64xf32>, memref<?x?x64x64xf32>
        scf.yield %done : tensor<64x64xf32>
      }
    }
    cta.role "load" warps 1 registers 24 {
      %as = cta.acquire %ar : !cta.ring<1x64x64xbf16>
      cta.copy_async %a[%i, %c0, %c0] to %as : memref<?x64x64xbf16>, !cta.buffer<64x64xbf16>
      %cs = cta.acquire %cr : !cta.ring<1x64x64xbf16>
      cta.copy_async %c[%i, %c0, %c0] to %cs : memref<?x64x64xbf16>, !cta.buffer<64x64xbf16>
      scf.for %t = %c0 to %tiles step %c1 {
        %bs = cta.acquire %br : !cta.ring<3x64x64xbf16>
        cta.copy_async %b[%i, %t, %c0, %c0] to %bs : memref<?x?x64x64xbf16>, !cta.buffer<64x64xbf16>
      }
    }
  }
  return
}
