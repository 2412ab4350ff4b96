// A program that --mla-verify-async accepts: the input of verify-async.mlir and, with
// one line damaged, of verify-async-invalid.mlir. "load" copies a tile k by TMA, "soft"
// stores a tile p, "math" multiplies them in a loop, with an MMA in flight across
// iterations.

#swizzled = #cta.shared_layout<swizzle = 128, rows = 64>
!ring = !cta.ring<1x64x64xbf16, #swizzled>
!slot = !cta.buffer<64x64xbf16, #swizzled>
!desc = !cta.descriptor<64x64xbf16, mn, offset = 0, leading = 8192, stride = 1024, step = 2048, block_step = 8192>
!acc = tensor<64x64xf32, #cta.layout<acc>>
!p = tensor<64x64xbf16, #cta.layout<acc>>
!flight = !cta.in_flight<!acc>
!bar = !cta.mbarrier<1>

func.func @program(%m: memref<?x64xbf16>, %n: index, %cond: i1, %some: !p)
    attributes {cta.shared_bytes = 16416 : i64} {
  %map = cta.tensor_map %m box [64, 64] swizzle 128 : memref<?x64xbf16>
  %c0 = arith.constant 0 : index
  %c64 = arith.constant 64 : index
  %i0 = arith.constant 0 : i32
  %i1 = arith.constant 1 : i32
  scf.forall (%t) in (8) {
    %k = cta.ring "k" at 0 : !ring
    %k_full = cta.mbarrier "k.full" full(%k : !ring) count 1 bytes 8192 at 16384 : !bar
    %k_free = cta.mbarrier "k.empty" empty(%k : !ring) count 4 at 16392 : !bar
    %p = cta.ring "p" at 8192 : !ring
    %p_full = cta.mbarrier "p.full" full(%p : !ring) count 4 at 16400 : !bar
    %p_free = cta.mbarrier "p.empty" empty(%p : !ring) count 4 at 16408 : !bar
    cta.mbarrier_init %k_full : !bar
    cta.mbarrier_init %k_free : !bar
    cta.mbarrier_init %p_full : !bar
    cta.mbarrier_init %p_free : !bar
    cta.mbarrier_init_fence
    cta.sync
    cta.role "load" warps 1 registers 24 {
      %end = scf.for %i = %c0 to %n step %c64 iter_args(%count = %i0) -> i32 {
        %next = arith.addi %count, %i1 : i32
        %parity = arith.andi %next, %i1 : i32
        cta.mbarrier_wait %k_free[%i0] parity %parity : !bar
        %s = cta.slot %k[%i0] : !ring
        cta.arrive_expect %k_full[%i0] bytes 8192 : !bar
        cta.copy_async %m[%i, %c0] to %s map %map signals %k_full[%i0] : !bar : memref<?x64xbf16>, !slot
        scf.yield %next : i32
      }
    }
    cta.role "soft" warps 4 registers 96 {
      cta.mbarrier_wait %p_free[%i0] parity %i1 : !bar
      %s = cta.slot %p[%i0] : !ring
      %x = arith.addf %some, %some : !p
      cta.store_shared %x to %s : !p, !slot
      cta.fence_async
      cta.arrive %p_full[%i0] : !bar
    }
    cta.role "math" warps 4 registers 216 {
      cta.mbarrier_wait %p_full[%i0] parity %i0 : !bar // await p
      %ps = cta.slot %p[%i0] : !ring
      %pd = cta.descriptor %ps : !slot -> !desc
      cta.mma_fence
      %o0 = cta.mma_async %pd, %pd : !desc, !desc -> !flight
      cta.mma_commit
      %r:2 = scf.for %i = %c0 to %n step %c64 iter_args(%o = %o0, %count = %i0) -> (!flight, i32) {
        %parity = arith.andi %count, %i1 : i32
        cta.mbarrier_wait %k_full[%i0] parity %parity : !bar // await k
        %ks = cta.slot %k[%i0] : !ring
        %kd = cta.descriptor %ks : !slot -> !desc
        cta.mma_fence // of the scores
        %a = cta.mma_async %pd, %kd : !desc, !desc -> !flight
        cta.mma_commit // of the scores
        %done = cta.mma_wait %o pending 1 : !flight // of the carried product
        %w = cta.mma_wait %a pending 0 : !flight // of the scores
        scf.if %cond {
          %e = math.exp2 %w : !acc
        }
        cta.arrive %k_free[%i0] : !bar // release k
        cta.mma_fence
        %b = cta.mma_async %pd, %pd acc %done : !acc : !desc, !desc -> !flight
        cta.mma_commit
        %next = arith.addi %count, %i1 : i32
        scf.yield %b, %next : !flight, i32
      }
      %last = cta.mma_wait %r#0 pending 0 : !flight
      cta.arrive %p_free[%i0] : !bar // release p
    }
  }
  return
}
