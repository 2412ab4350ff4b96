// CTAs that update two rows one after the other, the last one first: flags in
// global memory. One row goes through bulk copies, the other through ordinary
// loads and stores.
//
// Each CTA subtracts the row from one of its own, so the result shows the order. A
// CTA that does not wait for its turn subtracts from a row that others have yet to
// update.
//
// Anchored by: the order of the updates.

#dense = #cta.shared_layout<swizzle = 0, rows = 64>
!vec = !cta.buffer<64xf32, #dense>
!row = tensor<64xf32, #cta.layout<row>>
!one = !cta.mbarrier<1>

func.func @flags(%x: memref<?x64xf32> {mla.name = "x", mla.dims = ["ctas", ""]},
                 %turns: memref<2xi32> {mla.name = "turns"},
                 %bulk: memref<64xf32> {mla.name = "bulk"},
                 %plain: memref<64xf32> {mla.name = "plain"})
    attributes {cta.shared_bytes = 272 : i64} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %i0 = arith.constant 0 : i32
  %i1 = arith.constant 1 : i32
  %n = memref.dim %x, %c0 : memref<?x64xf32>
  %last = arith.subi %n, %c1 : index
  scf.forall (%i) in (%n) {
    %v = cta.buffer "v" at 0 : !vec
    %bar = cta.named_barrier "bar" id 1 threads 128
    %full = cta.mbarrier "full" count 1 at 256 : !one
    cta.mbarrier_init %full : !one
    cta.mbarrier_init_fence
    cta.sync
    cta.role "one" warps 4 registers 160 {
      %reversed = arith.subi %last, %i : index
      %me = arith.index_cast %reversed : index to i32
      %row = tile.load %x[%i, %c0] : memref<?x64xf32> -> !row
      cta.elect {
        scf.while : () -> () {
          %turn = cta.load_acquire %turns[%c1] : memref<2xi32>
          %early = arith.cmpi ne, %turn, %me : i32
          scf.condition(%early)
        } do {
          scf.yield
        }
        cta.fence_async global
        cta.arrive_expect %full[%i0] bytes 256 : !one
        cta.bulk_load %bulk[%c0] to %v signals %full[%i0] : !one : memref<64xf32>, !vec
      }
      cta.mbarrier_wait %full[%i0] parity %i0 : !one
      %old = cta.load_shared %v : !vec -> !row
      %new = arith.subf %row, %old : !row
      cta.named_sync %bar
      cta.store_shared %new to %v : !row, !vec
      cta.fence_async
      %before = tile.load %plain[%c0] : memref<64xf32> -> !row
      %after = arith.subf %before, %row : !row
      %twice = arith.addf %after, %before : !row
      tile.store %twice, %plain[%c0] : !row, memref<64xf32>
      cta.named_sync %bar
      %next = arith.addi %me, %i1 : i32
      cta.elect {
        cta.bulk_store %v to %bulk[%c0] : !vec, memref<64xf32>
        cta.bulk_commit
        cta.bulk_wait 0
        cta.fence_async global
        cta.store_release %next, %turns[%c1] : memref<2xi32>
      }
    }
  }
  return
}
