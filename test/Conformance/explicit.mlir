// A program in which every barrier, phase, descriptor, fence and count is written by
// hand, so that only the conversion is at work: a ring of two slots filled by TMA, one
// of three filled by gathers, and roles of two warps and of one that wait for the
// first and release it, next to the role that reads it.
//
// Anchored by: TMA, cp.async, mbarriers and wgmma. Chosen by the converter: the
// instruction that each op becomes, and who executes it.

#x = #cta.shared_layout<swizzle = 128, rows = 64>
!one = !cta.ring<1x64x64xbf16, #x>
!two = !cta.ring<2x64x64xbf16, #x>
!three = !cta.ring<3x64x64xbf16, #x>
!slot = !cta.buffer<64x64xbf16, #x>
!a = !cta.descriptor<64x64xbf16, k, offset = 0, leading = 16, stride = 1024, step = 32, block_step = 8192>
!b = !cta.descriptor<64x64xbf16, mn, offset = 0, leading = 8192, stride = 1024, step = 2048, block_step = 8192>
!acc = tensor<64x64xf32, #cta.layout<acc>>
!flight = !cta.in_flight<!acc>
!rows = tensor<64xi32, #cta.layout<gather>>

func.func @explicit(%x: memref<64x64xbf16> {mla.name = "x"},
                    %k: memref<?x64x64xbf16> {mla.name = "k", mla.dims = ["tiles", "", ""]},
                    %kv: memref<?x64xbf16> {mla.name = "kv", mla.dims = ["rows", ""]},
                    %indices: memref<?x64xi32> {mla.name = "indices", mla.dims = ["tiles", ""]},
                    %out: memref<?x64x128xf32> {mla.name = "out", mla.dims = ["tiles", "", ""]})
    attributes {cta.shared_bytes = 49248 : i64} {
  %xmap = cta.tensor_map %x box [64, 64] swizzle 128 : memref<64x64xbf16>
  %kmap = cta.tensor_map %k box [1, 64, 64] swizzle 128 : memref<?x64x64xbf16>
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c64 = arith.constant 64 : index
  %i0 = arith.constant 0 : i32
  %i1 = arith.constant 1 : i32
  %i2 = arith.constant 2 : i32
  %i3 = arith.constant 3 : i32
  %n = memref.dim %k, %c0 : memref<?x64x64xbf16>
  scf.forall (%i) in (1) {
    %xr = cta.ring "x" at 0 : !one
    %x_full = cta.mbarrier "x.full" full(%xr : !one) count 1 bytes 8192 at 49152 : !cta.mbarrier<1>
    %x_free = cta.mbarrier "x.empty" empty(%xr : !one) count 4 at 49160 : !cta.mbarrier<1>
    %kr = cta.ring "k" at 8192 : !two
    %k_full = cta.mbarrier "k.full" full(%kr : !two) count 1 bytes 8192 at 49168 : !cta.mbarrier<2>
    %k_free = cta.mbarrier "k.empty" empty(%kr : !two) count 7 at 49184 : !cta.mbarrier<2>
    %gr = cta.ring "g" at 24576 : !three
    %g_full = cta.mbarrier "g.full" full(%gr : !three) count 128 at 49200 : !cta.mbarrier<3>
    %g_free = cta.mbarrier "g.empty" empty(%gr : !three) count 4 at 49224 : !cta.mbarrier<3>
    cta.mbarrier_init %x_full : !cta.mbarrier<1>
    cta.mbarrier_init %x_free : !cta.mbarrier<1>
    cta.mbarrier_init %k_full : !cta.mbarrier<2>
    cta.mbarrier_init %k_free : !cta.mbarrier<2>
    cta.mbarrier_init %g_full : !cta.mbarrier<3>
    cta.mbarrier_init %g_free : !cta.mbarrier<3>
    cta.mbarrier_init_fence
    cta.sync
    cta.role "math" warps 4 registers 160 {
      cta.mbarrier_wait %x_full[%i0] parity %i0 : !cta.mbarrier<1>
      %xs = cta.slot %xr[%i0] : !one
      %xd = cta.descriptor %xs : !slot -> !a
      %end = scf.for %t = %c0 to %n step %c1 iter_args(%count = %i0) -> i32 {
        %k_slot = arith.remui %count, %i2 : i32
        %k_round = arith.divui %count, %i2 : i32
        %k_parity = arith.andi %k_round, %i1 : i32
        %g_slot = arith.remui %count, %i3 : i32
        %g_round = arith.divui %count, %i3 : i32
        %g_parity = arith.andi %g_round, %i1 : i32
        cta.mbarrier_wait %k_full[%k_slot] parity %k_parity : !cta.mbarrier<2>
        %ks = cta.slot %kr[%k_slot] : !two
        %kd = cta.descriptor %ks : !slot -> !b
        cta.mma_fence
        %d = cta.mma_async %xd, %kd : !a, !b -> !flight
        cta.mma_commit
        cta.mbarrier_wait %g_full[%g_slot] parity %g_parity : !cta.mbarrier<3>
        %gs = cta.slot %gr[%g_slot] : !three
        %gd = cta.descriptor %gs : !slot -> !b
        cta.mma_fence
        %e = cta.mma_async %xd, %gd : !a, !b -> !flight
        cta.mma_commit
        %dd = cta.mma_wait %d pending 1 : !flight
        cta.arrive %k_free[%k_slot] : !cta.mbarrier<2>
        tile.store %dd, %out[%t, %c0, %c0] : !acc, memref<?x64x128xf32>
        %ed = cta.mma_wait %e pending 0 : !flight
        cta.arrive %g_free[%g_slot] : !cta.mbarrier<3>
        tile.store %ed, %out[%t, %c0, %c64] : !acc, memref<?x64x128xf32>
        %more = arith.addi %count, %i1 : i32
        scf.yield %more : i32
      }
      cta.arrive %x_free[%i0] : !cta.mbarrier<1>
    }
    cta.role "gather" warps 4 registers 160 {
      %end = scf.for %t = %c0 to %n step %c1 iter_args(%count = %i0) -> i32 {
        %slot = arith.remui %count, %i3 : i32
        %round = arith.divui %count, %i3 : i32
        %next = arith.addi %round, %i1 : i32
        %parity = arith.andi %next, %i1 : i32
        %rows = tile.load %indices[%t, %c0] : memref<?x64xi32> -> !rows
        cta.mbarrier_wait %g_free[%slot] parity %parity : !cta.mbarrier<3>
        %s = cta.slot %gr[%slot] : !three
        cta.gather_async %kv[%rows][%c0] to %s : memref<?x64xbf16>, !rows, !slot
        cta.arrive_copies %g_full[%slot] : !cta.mbarrier<3>
        %more = arith.addi %count, %i1 : i32
        scf.yield %more : i32
      }
    }
    cta.role "watch2" warps 2 registers 24 {
      %end = scf.for %t = %c0 to %n step %c1 iter_args(%count = %i0) -> i32 {
        %slot = arith.remui %count, %i2 : i32
        %round = arith.divui %count, %i2 : i32
        %parity = arith.andi %round, %i1 : i32
        cta.mbarrier_wait %k_full[%slot] parity %parity : !cta.mbarrier<2>
        cta.arrive %k_free[%slot] : !cta.mbarrier<2>
        %more = arith.addi %count, %i1 : i32
        scf.yield %more : i32
      }
    }
    cta.role "watch1" warps 1 registers 24 {
      %end = scf.for %t = %c0 to %n step %c1 iter_args(%count = %i0) -> i32 {
        %slot = arith.remui %count, %i2 : i32
        %round = arith.divui %count, %i2 : i32
        %parity = arith.andi %round, %i1 : i32
        cta.mbarrier_wait %k_full[%slot] parity %parity : !cta.mbarrier<2>
        cta.arrive %k_free[%slot] : !cta.mbarrier<2>
        %more = arith.addi %count, %i1 : i32
        scf.yield %more : i32
      }
    }
    cta.role "load" warps 1 registers 24 {
      cta.mbarrier_wait %x_free[%i0] parity %i1 : !cta.mbarrier<1>
      %xs = cta.slot %xr[%i0] : !one
      cta.arrive_expect %x_full[%i0] bytes 8192 : !cta.mbarrier<1>
      cta.copy_async %x[%c0, %c0] to %xs map %xmap signals %x_full[%i0] : !cta.mbarrier<1> : memref<64x64xbf16>, !slot
      %end = scf.for %t = %c0 to %n step %c1 iter_args(%count = %i0) -> i32 {
        %slot = arith.remui %count, %i2 : i32
        %round = arith.divui %count, %i2 : i32
        %next = arith.addi %round, %i1 : i32
        %parity = arith.andi %next, %i1 : i32
        cta.mbarrier_wait %k_free[%slot] parity %parity : !cta.mbarrier<2>
        %s = cta.slot %kr[%slot] : !two
        cta.arrive_expect %k_full[%slot] bytes 8192 : !cta.mbarrier<2>
        cta.copy_async %k[%t, %c0, %c0] to %s map %kmap signals %k_full[%slot] : !cta.mbarrier<2> : memref<?x64x64xbf16>, !slot
        %more = arith.addi %count, %i1 : i32
        scf.yield %more : i32
      }
    }
  }
  return
}
