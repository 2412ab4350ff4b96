// A program that --mla-verify-async accepts: the input of verify-async-aliases.mlir.
// "load" fills k, tiles of 128 columns. "math" multiplies by all of k, releases it, and
// writes p, which aliases the right 64 columns. "out" multiplies p by the left 64
// columns of k, and then releases k.

#swizzled = #cta.shared_layout<swizzle = 128, rows = 64>
!ring = !cta.ring<1x64x128xbf16, #swizzled>
!slot = !cta.buffer<64x128xbf16, #swizzled>
!pring = !cta.ring<1x64x64xbf16, #swizzled>
!pslot = !cta.buffer<64x64xbf16, #swizzled>
!bar = !cta.mbarrier<1>
!whole = !cta.descriptor<64x128xbf16, k, offset = 0, leading = 16, stride = 1024, step = 32, block_step = 8192>
!left = !cta.descriptor<64x64xbf16, mn, offset = 0, leading = 8192, stride = 1024, step = 2048, block_step = 8192>
!right = !cta.descriptor<64x64xbf16, mn, offset = 8192, leading = 8192, stride = 1024, step = 2048, block_step = 8192>
!pdesc = !cta.descriptor<64x64xbf16, k, offset = 0, leading = 16, stride = 1024, step = 32, block_step = 8192>
!acc = tensor<64x64xf32, #cta.layout<acc>>
!p = tensor<64x64xbf16, #cta.layout<acc>>
!flight = !cta.in_flight<!acc>

func.func @program(%m: memref<?x128xbf16>, %n: index, %cond: i1, %some: !p)
    attributes {cta.shared_bytes = 24600 : i64} {
  %map = cta.tensor_map %m box [64, 64] swizzle 128 : memref<?x128xbf16>
  %c0 = arith.constant 0 : index
  %c64 = arith.constant 64 : index
  %i0 = arith.constant 0 : i32
  %i1 = arith.constant 1 : i32
  scf.forall (%t) in (8) {
    %k = cta.ring "k" at 0 : !ring
    %k_full = cta.mbarrier "k.full" full(%k : !ring) count 1 bytes 16384 at 24576 : !bar
    %k_free = cta.mbarrier "k.empty" empty(%k : !ring) count 8 at 24584 : !bar
    %p = cta.ring "p" at 8192 aliases(%k : !ring) : !pring
    %p_full = cta.mbarrier "p.full" full(%p : !pring) count 4 at 24592 : !bar
    cta.mbarrier_init %k_full : !bar
    cta.mbarrier_init %k_free : !bar
    cta.mbarrier_init %p_full : !bar
    cta.mbarrier_init_fence
    cta.sync
    cta.role "load" warps 1 registers 24 {
      %a = scf.for %i = %c0 to %n step %c64 iter_args(%kn = %i0) -> i32 {
        %next = arith.addi %kn, %i1 : i32
        %parity = arith.andi %next, %i1 : i32
        cta.mbarrier_wait %k_free[%i0] parity %parity : !bar // acquire k
        %s = cta.slot %k[%i0] : !ring
        cta.arrive_expect %k_full[%i0] bytes 16384 : !bar
        cta.copy_async %m[%i, %c0] to %s map %map signals %k_full[%i0] : !bar : memref<?x128xbf16>, !slot
        scf.yield %next : i32
      }
    }
    cta.role "math" warps 4 registers 216 {
      %a = scf.for %i = %c0 to %n step %c64 iter_args(%kn = %i0) -> i32 {
        %parity = arith.andi %kn, %i1 : i32
        cta.mbarrier_wait %k_full[%i0] parity %parity : !bar // math awaits k
        %s = cta.slot %k[%i0] : !ring
        %sd = cta.descriptor %s : !slot -> !whole
        cta.mma_fence
        %f = cta.mma_async %sd, %sd transpose_b : !whole, !whole -> !flight
        cta.mma_commit
        %w = cta.mma_wait %f pending 0 : !flight
        cta.arrive %k_free[%i0] : !bar // math releases k
        %u = cta.slot %p[%i0] : !pring
        cta.store_shared %some to %u : !p, !pslot
        cta.fence_async // of p
        cta.arrive %p_full[%i0] : !bar // publish p
        %next = arith.addi %kn, %i1 : i32
        scf.yield %next : i32
      }
    }
    cta.role "out" warps 4 registers 216 {
      %a:2 = scf.for %i = %c0 to %n step %c64 iter_args(%kn = %i0, %pn = %i0) -> (i32, i32) {
        %pp = arith.andi %pn, %i1 : i32
        cta.mbarrier_wait %p_full[%i0] parity %pp : !bar // await p
        %u = cta.slot %p[%i0] : !pring
        %parity = arith.andi %kn, %i1 : i32
        cta.mbarrier_wait %k_full[%i0] parity %parity : !bar // out awaits k
        %s = cta.slot %k[%i0] : !ring
        %ud = cta.descriptor %u : !pslot -> !pdesc
        %sd = cta.descriptor %s : !slot -> !left
        cta.mma_fence
        %f = cta.mma_async %ud, %sd : !pdesc, !left -> !flight
        cta.mma_commit
        %w = cta.mma_wait %f pending 0 : !flight
        cta.arrive %k_free[%i0] : !bar // out releases k
        %next = arith.addi %kn, %i1 : i32
        %pnext = arith.addi %pn, %i1 : i32
        scf.yield %next, %pnext : i32, i32
      }
    }
  }
  return
}
