// Bulk copies of vectors in both directions, one lane of several warps, arrivals
// of a lane.
//
// The second store from the same buffer follows the first one at once: if the wait
// between them did nothing, the first would store some of the second's elements.
//
// Anchored by: bulk copies move bytes.

#dense = #cta.shared_layout<swizzle = 0, rows = 1024>
!vec = !cta.buffer<1024xf32, #dense>
!row = tensor<1024xf32, #cta.layout<row>>
!one = !cta.mbarrier<1>

func.func @bulk(%x: memref<?x1024xf32> {mla.name = "x", mla.dims = ["rows", ""]},
                %plus: memref<?x1024xf32> {mla.name = "plus", mla.dims = ["rows", ""]},
                %minus: memref<?x1024xf32> {mla.name = "minus", mla.dims = ["rows", ""]})
    attributes {cta.shared_bytes = 8208 : i64} {
  %c0 = arith.constant 0 : index
  %i0 = arith.constant 0 : i32
  %n = memref.dim %x, %c0 : memref<?x1024xf32>
  scf.forall (%i) in (%n) {
    %v = cta.buffer "v" at 0 : !vec
    %w = cta.buffer "w" at 4096 : !vec
    %bar = cta.named_barrier "bar" id 1 threads 128
    %full = cta.mbarrier "full" count 2 at 8192 : !one
    cta.mbarrier_init %full : !one
    cta.mbarrier_init_fence
    cta.sync
    cta.role "one" warps 4 registers 160 {
      cta.elect warp 1 {
        cta.arrive %full[%i0] : !one
      }
      cta.elect warp 2 {
        cta.arrive_expect %full[%i0] bytes 4096 : !one
        cta.bulk_load %x[%i, %c0] to %v signals %full[%i0] : !one : memref<?x1024xf32>, !vec
      }
      cta.mbarrier_wait %full[%i0] parity %i0 : !one
      %a = cta.load_shared %v : !vec -> !row
      cta.store_shared %a to %w : !row, !vec
      cta.fence_async
      cta.named_sync %bar
      cta.elect warp 3 {
        cta.bulk_store %w to %plus[%i, %c0] : !vec, memref<?x1024xf32>
        cta.bulk_commit
        cta.bulk_wait 0 read
      }
      cta.named_sync %bar
      %b = arith.negf %a : !row
      cta.store_shared %b to %w : !row, !vec
      cta.fence_async
      cta.named_sync %bar
      cta.elect {
        cta.bulk_store %w to %minus[%i, %c0] : !vec, memref<?x1024xf32>
        cta.bulk_commit
        cta.bulk_wait 0
      }
    }
  }
  return
}
