// A program that --mla-verify-async accepts: the input of verify-async-slots.mlir.
// Both roles loop over output tiles. For each, "load" fills a ring of three slots in a
// loop with a dynamic trip count. "math" reads every slot twice: by one MMA, and in the
// next iteration by another, which is in flight across a load of the vector s. The ring
// of s is used in a branch that both roles take alike.

#swizzled = #cta.shared_layout<swizzle = 128, rows = 64>
#dense = #cta.shared_layout<swizzle = 0, rows = 64>
!ring = !cta.ring<3x64x64xbf16, #swizzled>
!slot = !cta.buffer<64x64xbf16, #swizzled>
!bars = !cta.mbarrier<3>
!vring = !cta.ring<1x64xf32, #dense>
!vslot = !cta.buffer<64xf32, #dense>
!bar = !cta.mbarrier<1>
!desc = !cta.descriptor<64x64xbf16, mn, offset = 0, leading = 8192, stride = 1024, step = 2048, block_step = 8192>
!acc = tensor<64x64xf32, #cta.layout<acc>>
!row = tensor<64xf32, #cta.layout<row>>
!flight = !cta.in_flight<!acc>

func.func @program(%m: memref<?x64xbf16>, %items: index, %n: index, %cond: i1, %some: !row)
    attributes {cta.shared_bytes = 24896 : i64} {
  %map = cta.tensor_map %m box [64, 64] swizzle 128 : memref<?x64xbf16>
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c64 = arith.constant 64 : index
  %i0 = arith.constant 0 : i32
  %i1 = arith.constant 1 : i32
  %i3 = arith.constant 3 : i32
  scf.forall (%t) in (8) {
    %k = cta.ring "k" at 0 : !ring
    %k_full = cta.mbarrier "k.full" full(%k : !ring) count 1 bytes 8192 at 24832 : !bars
    %k_free = cta.mbarrier "k.empty" empty(%k : !ring) count 4 at 24856 : !bars
    %v = cta.ring "v" at 24576 : !vring
    %v_full = cta.mbarrier "v.full" full(%v : !vring) count 1 at 24880 : !bar
    %v_free = cta.mbarrier "v.empty" empty(%v : !vring) count 4 at 24888 : !bar
    cta.mbarrier_init %k_full : !bars
    cta.mbarrier_init %k_free : !bars
    cta.mbarrier_init %v_full : !bar
    cta.mbarrier_init %v_free : !bar
    cta.mbarrier_init_fence
    cta.sync
    cta.role "load" warps 1 registers 24 {
      %a:2 = scf.for %item = %c0 to %items step %c1 iter_args(%kn = %i0, %vn = %i0) -> (i32, i32) {
        %b = scf.for %i = %c0 to %n step %c64 iter_args(%count = %kn) -> i32 {
          %next = arith.addi %count, %i1 : i32
          %index = arith.remui %count, %i3 : i32
          %round = arith.divui %count, %i3 : i32
          %other = arith.addi %round, %i1 : i32
          %parity = arith.andi %other, %i1 : i32
          cta.mbarrier_wait %k_free[%index] parity %parity : !bars // acquire k
          %s = cta.slot %k[%index] : !ring
          cta.arrive_expect %k_full[%index] bytes 8192 : !bars
          cta.copy_async %m[%i, %c0] to %s map %map signals %k_full[%index] : !bars : memref<?x64xbf16>, !slot
          scf.yield %next : i32
        }
        %vnext = scf.if %cond -> i32 {
          %next = arith.addi %vn, %i1 : i32
          %parity = arith.andi %next, %i1 : i32
          cta.mbarrier_wait %v_free[%i0] parity %parity : !bar // acquire v
          %s = cta.slot %v[%i0] : !vring
          cta.store_shared %some to %s : !row, !vslot
          cta.arrive %v_full[%i0] : !bar // publish v
          scf.yield %next : i32
        } else {
          scf.yield %vn : i32
        }
        scf.yield %b, %vnext : i32, i32
      }
    }
    cta.role "math" warps 4 registers 216 {
      %a:3 = scf.for %item = %c0 to %items step %c1 iter_args(%kn = %i0, %kr = %i0, %vn = %i0) -> (i32, i32, i32) {
        %some_tile = arith.cmpi sgt, %n, %c0 : index
        %b:2 = scf.if %some_tile -> (i32, i32) {
          %index0 = arith.remui %kn, %i3 : i32
          %round0 = arith.divui %kn, %i3 : i32
          %parity0 = arith.andi %round0, %i1 : i32
          cta.mbarrier_wait %k_full[%index0] parity %parity0 : !bars // await first k
          %s0 = cta.slot %k[%index0] : !ring
          %n0 = arith.addi %kn, %i1 : i32
          %r:3 = scf.for %i = %c64 to %n step %c64 iter_args(%last = %s0, %count = %n0, %release = %kr) -> (!slot, i32, i32) {
            %index = arith.remui %count, %i3 : i32
            %round = arith.divui %count, %i3 : i32
            %parity = arith.andi %round, %i1 : i32
            cta.mbarrier_wait %k_full[%index] parity %parity : !bars // await k
            %s = cta.slot %k[%index] : !ring
            %ld = cta.descriptor %last : !slot -> !desc
            %sd = cta.descriptor %s : !slot -> !desc
            cta.mma_fence
            %p = cta.mma_async %ld, %sd : !desc, !desc -> !flight
            cta.mma_commit
            %w = cta.mma_wait %p pending 0 : !flight
            %old = arith.remui %release, %i3 : i32
            cta.arrive %k_free[%old] : !bars // release k
            %next = arith.addi %count, %i1 : i32
            %released = arith.addi %release, %i1 : i32
            scf.yield %s, %next, %released : !slot, i32, i32
          }
          %ld = cta.descriptor %r#0 : !slot -> !desc
          cta.mma_fence
          %p = cta.mma_async %ld, %ld : !desc, !desc -> !flight
          cta.mma_commit
          %w = cta.mma_wait %p pending 0 : !flight
          %old = arith.remui %r#2, %i3 : i32
          cta.arrive %k_free[%old] : !bars // release last k
          %released = arith.addi %r#2, %i1 : i32
          scf.yield %r#1, %released : i32, i32
        } else {
          scf.yield %kn, %kr : i32, i32
        }
        %vnext = scf.if %cond -> i32 {
          %next = arith.addi %vn, %i1 : i32
          %parity = arith.andi %vn, %i1 : i32
          cta.mbarrier_wait %v_full[%i0] parity %parity : !bar // await v
          %s = cta.slot %v[%i0] : !vring
          %x = cta.load_shared %s : !vslot -> !row
          cta.arrive %v_free[%i0] : !bar // release v
          scf.yield %next : i32
        } else {
          scf.yield %vn : i32
        }
        scf.yield %b#0, %b#1, %vnext : i32, i32, i32
      }
    }
  }
  return
}
