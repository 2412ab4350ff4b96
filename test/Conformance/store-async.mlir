// TMA stores of a swizzled tile in two halves of columns, cut off at the memref's
// rows and columns.
//
// Anchored by: TMA, which loads the tile too.

#sw = #cta.shared_layout<swizzle = 128, rows = 64>
!tile = !cta.buffer<64x128xbf16, #sw>
!one = !cta.mbarrier<1>

func.func @store_async(%x: memref<200x128xbf16> {mla.name = "x"},
                       %out: memref<4x100x120xbf16> {mla.name = "out"})
    attributes {cta.shared_bytes = 16400 : i64} {
  %xmap = cta.tensor_map %x box [64, 64] swizzle 128 : memref<200x128xbf16>
  %omap = cta.tensor_map %out box [1, 64, 64] swizzle 128 : memref<4x100x120xbf16>
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c4 = arith.constant 4 : index
  %c64 = arith.constant 64 : index
  %i0 = arith.constant 0 : i32
  %i1 = arith.constant 1 : i32
  scf.forall (%i) in (1) {
    %b = cta.buffer "b" at 0 : !tile
    %full = cta.mbarrier "full" count 1 at 16384 : !one
    cta.mbarrier_init %full : !one
    cta.mbarrier_init_fence
    cta.sync
    cta.role "one" warps 1 registers 160 {
      scf.for %t = %c0 to %c4 step %c1 {
        %row = arith.muli %t, %c64 : index
        %number = arith.index_cast %t : index to i32
        %parity = arith.andi %number, %i1 : i32
        cta.elect {
          cta.arrive_expect %full[%i0] bytes 16384 : !one
          cta.copy_async %x[%row, %c0] to %b map %xmap signals %full[%i0] : !one : memref<200x128xbf16>, !tile
        }
        cta.mbarrier_wait %full[%i0] parity %parity : !one
        cta.elect {
          cta.store_async %b to %out[%t, %c0, %c0] map %omap : !tile, memref<4x100x120xbf16>
          cta.store_async %b to %out[%t, %c64, %c0] map %omap : !tile, memref<4x100x120xbf16>
          cta.bulk_commit
          cta.bulk_wait 0 read
        }
      }
    }
  }
  return
}
