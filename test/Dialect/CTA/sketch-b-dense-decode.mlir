// Schedule B, the dense decode of paged MLA: two warpgroups and no producer. The
// consumers launch the TMA copies themselves, when a half of a tile dies; each of
// the nine 64x64 boxes of a block has its own mbarrier, and the scores wait tile by
// tile. Shows: cta.elect inside a consumer's loop; explicit mbarriers next to
// named barriers; a product that is waited for only because its operands die
// (cta.mma_wait_reads); P1 over Q's tile 8, which lives in registers; rows of V
// zeroed in place under a proxy fence.
//
// Bytes: q 73,728 (p1 inside) + k0 73,728 + k1 73,728 + p0 8,192 + max 256
//   + scale0 256 + scale1 256 + sums 512 + 19 mbarriers 152 = 230,808; the verifier
//   of every `at` checks it against 232,448.
//
// RUN: %mla-opt %s | %mla-opt | FileCheck %s

#sw = #cta.shared_layout<swizzle = 128, rows = 64>
#v = #cta.shared_layout<swizzle = 0, rows = 64>
#acc = #cta.layout<acc>
#row = #cta.layout<row>
!ring = !cta.ring<1x64x576xbf16, #sw>
!tile = !cta.buffer<64x576xbf16, #sw>
!half = !cta.buffer<64x256xbf16, #sw>
!pb = !cta.buffer<64x64xbf16, #sw>
!stat = !cta.buffer<64xf32, #v>
!nine = !cta.mbarrier<9>
!s = tensor<64x64xf32, #acc>
!p = tensor<64x64xbf16, #acc>
!pa = tensor<64x64xbf16, #cta.layout<a_operand>>
!o = tensor<64x256xf32, #acc>
!x = tensor<64xf32, #row>
!in_s = !cta.in_flight<!s>
!in_o = !cta.in_flight<!o>
!Q = memref<?x?x576xbf16>
!KV = memref<?x64x576xbf16>
!O = memref<?x?x512xf32>

// CHECK-LABEL: func @dense_decode
func.func @dense_decode(%Q: !Q, %KV: !KV, %table: memref<?x?xi32>, %O: !O,
                        %scale: f32, %seqs: index, %heads: index, %pairs: index,
                        %rest: tensor<64xi1, #row>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c2 = arith.constant 2 : index
  %c3 = arith.constant 3 : index
  %c64 = arith.constant 64 : index
  %c256 = arith.constant 256 : index
  %zero = arith.constant 0.0 : f32
  %zerob = arith.constant 0.0 : bf16
  %low = arith.constant -1.0e30 : f32
  %i0 = arith.constant 0 : i32
  %i1 = arith.constant 1 : i32
  %i2 = arith.constant 2 : i32
  %i3 = arith.constant 3 : i32
  %i4 = arith.constant 4 : i32
  %i5 = arith.constant 5 : i32
  %i6 = arith.constant 6 : i32
  %i7 = arith.constant 7 : i32
  %i8 = arith.constant 8 : i32
  %n0 = arith.constant 0 : index
  %n1 = arith.constant 64 : index
  %n2 = arith.constant 128 : index
  %n3 = arith.constant 192 : index
  %n4 = arith.constant 256 : index
  %n5 = arith.constant 320 : index
  %n6 = arith.constant 384 : index
  %n7 = arith.constant 448 : index
  %n8 = arith.constant 512 : index
  scf.forall (%seq, %tilerow) in (%seqs, %heads) {
    %head = arith.muli %tilerow, %c64 : index
    %q = cta.ring "q" at 0 : !ring
    %k0 = cta.ring "k0" at 73728 : !ring
    %k1 = cta.ring "k1" at 147456 : !ring
    %p0 = cta.buffer "p0" at 221184 : !pb
    // CHECK: cta.buffer "p1" aliases %{{.*}}[65536]
    %p1 = cta.buffer "p1" aliases %q[65536] : !ring : !pb
    %max = cta.buffer "max" at 229376 : !stat
    %scale0 = cta.buffer "scale0" at 229632 : !stat
    %scale1 = cta.buffer "scale1" at 229888 : !stat
    %sum0 = cta.buffer "sum0" at 230144 : !stat
    %sum1 = cta.buffer "sum1" at 230400 : !stat
    %qb = cta.mbarrier "q" count 1 at 230656 : !cta.mbarrier<1>
    %k0b = cta.mbarrier "k0" count 1 at 230664 : !nine
    %k1b = cta.mbarrier "k1" count 1 at 230736 : !nine
    %ready0 = cta.named_barrier "scale0" id 1 threads 256
    %ready1 = cta.named_barrier "scale1" id 2 threads 256
    %p0ready = cta.named_barrier "p0" id 3 threads 256
    %sums = cta.named_barrier "sums" id 4 threads 256
    cta.mbarrier_init %qb : !cta.mbarrier<1>
    cta.mbarrier_init %k0b : !nine
    cta.mbarrier_init %k1b : !nine
    cta.mbarrier_init_fence
    cta.sync

    // CHECK-NOT: "producer"
    // CHECK: cta.role "left" warps 4 registers 248
    cta.role "left" warps 4 registers 248 {
      %qs = cta.slot %q[%i0] : !ring
      %q0 = cta.view %qs [0, 0] : !tile -> !pb
      %q1 = cta.view %qs [0, 64] : !tile -> !pb
      %q2 = cta.view %qs [0, 128] : !tile -> !pb
      %q3 = cta.view %qs [0, 192] : !tile -> !pb
      %q4 = cta.view %qs [0, 256] : !tile -> !pb
      %q5 = cta.view %qs [0, 320] : !tile -> !pb
      %q6 = cta.view %qs [0, 384] : !tile -> !pb
      %q7 = cta.view %qs [0, 448] : !tile -> !pb
      %q8s = cta.view %qs [0, 512] : !tile -> !pb
      %k0s = cta.slot %k0[%i0] : !ring
      %k0t0 = cta.view %k0s [0, 0] : !tile -> !pb
      %k0t1 = cta.view %k0s [0, 64] : !tile -> !pb
      %k0t2 = cta.view %k0s [0, 128] : !tile -> !pb
      %k0t3 = cta.view %k0s [0, 192] : !tile -> !pb
      %k0t4 = cta.view %k0s [0, 256] : !tile -> !pb
      %k0t5 = cta.view %k0s [0, 320] : !tile -> !pb
      %k0t6 = cta.view %k0s [0, 384] : !tile -> !pb
      %k0t7 = cta.view %k0s [0, 448] : !tile -> !pb
      %k0t8 = cta.view %k0s [0, 512] : !tile -> !pb
      %k1s = cta.slot %k1[%i0] : !ring
      %k1t0 = cta.view %k1s [0, 0] : !tile -> !pb
      %k1t1 = cta.view %k1s [0, 64] : !tile -> !pb
      %k1t2 = cta.view %k1s [0, 128] : !tile -> !pb
      %k1t3 = cta.view %k1s [0, 192] : !tile -> !pb
      %k1t4 = cta.view %k1s [0, 256] : !tile -> !pb
      %k1t5 = cta.view %k1s [0, 320] : !tile -> !pb
      %k1t6 = cta.view %k1s [0, 384] : !tile -> !pb
      %k1t7 = cta.view %k1s [0, 448] : !tile -> !pb
      %k1t8 = cta.view %k1s [0, 512] : !tile -> !pb
      %oz = tensor.splat %zero : !o
      %xz = tensor.splat %zero : !x
      %xl = tensor.splat %low : !x
      %sc = tensor.splat %scale : !s
      %scx = tensor.splat %scale : !x
      %v0l = cta.view %k0s [0, 0] : !tile -> !half
      %v1l = cta.view %k1s [0, 0] : !tile -> !half
      // Q and the first block, box by box.
      %page0i = memref.load %table[%seq, %c0] : memref<?x?xi32>
      %page0 = arith.index_cast %page0i : i32 to index
      cta.elect {
        cta.arrive_expect %qb[%i0] bytes 73728 : !cta.mbarrier<1>
        cta.copy_async %Q[%seq, %head, %c0] to %qs signals %qb[%i0] : !cta.mbarrier<1> : !Q, !tile
      }
      // CHECK: cta.elect {
      // CHECK: cta.elect {
      // CHECK-COUNT-9: cta.copy_async
      cta.elect {
        cta.arrive_expect %k0b[%i0] bytes 8192 : !nine
        %d0 = cta.view %k0s [0, 0] : !tile -> !pb
        cta.copy_async %KV[%page0, %c0, %n0] to %d0 signals %k0b[%i0] : !nine : !KV, !pb
        cta.arrive_expect %k0b[%i1] bytes 8192 : !nine
        %d1 = cta.view %k0s [0, 64] : !tile -> !pb
        cta.copy_async %KV[%page0, %c0, %n1] to %d1 signals %k0b[%i1] : !nine : !KV, !pb
        cta.arrive_expect %k0b[%i2] bytes 8192 : !nine
        %d2 = cta.view %k0s [0, 128] : !tile -> !pb
        cta.copy_async %KV[%page0, %c0, %n2] to %d2 signals %k0b[%i2] : !nine : !KV, !pb
        cta.arrive_expect %k0b[%i3] bytes 8192 : !nine
        %d3 = cta.view %k0s [0, 192] : !tile -> !pb
        cta.copy_async %KV[%page0, %c0, %n3] to %d3 signals %k0b[%i3] : !nine : !KV, !pb
        cta.arrive_expect %k0b[%i4] bytes 8192 : !nine
        %d4 = cta.view %k0s [0, 256] : !tile -> !pb
        cta.copy_async %KV[%page0, %c0, %n4] to %d4 signals %k0b[%i4] : !nine : !KV, !pb
        cta.arrive_expect %k0b[%i5] bytes 8192 : !nine
        %d5 = cta.view %k0s [0, 320] : !tile -> !pb
        cta.copy_async %KV[%page0, %c0, %n5] to %d5 signals %k0b[%i5] : !nine : !KV, !pb
        cta.arrive_expect %k0b[%i6] bytes 8192 : !nine
        %d6 = cta.view %k0s [0, 384] : !tile -> !pb
        cta.copy_async %KV[%page0, %c0, %n6] to %d6 signals %k0b[%i6] : !nine : !KV, !pb
        cta.arrive_expect %k0b[%i7] bytes 8192 : !nine
        %d7 = cta.view %k0s [0, 448] : !tile -> !pb
        cta.copy_async %KV[%page0, %c0, %n7] to %d7 signals %k0b[%i7] : !nine : !KV, !pb
        cta.arrive_expect %k0b[%i8] bytes 8192 : !nine
        %d8 = cta.view %k0s [0, 512] : !tile -> !pb
        cta.copy_async %KV[%page0, %c0, %n8] to %d8 signals %k0b[%i8] : !nine : !KV, !pb
      }
      cta.mbarrier_wait %qb[%i0] parity %i0 : !cta.mbarrier<1>
      // Q's tile 8 to registers; both roles have it before P1 overwrites it.
      %q8 = cta.load_shared %q8s : !pb -> !pa
      // CHECK: cta.load_shared
      // CHECK: cta.named_sync
      cta.named_sync %sums
      cta.mbarrier_wait %k0b[%i0] parity %i0 : !nine
      %f0 = cta.mma_async %q0, %k0t0 transpose_b : !pb, !pb -> !in_s
      cta.mbarrier_wait %k0b[%i1] parity %i0 : !nine
      %f1 = cta.mma_async %q1, %k0t1 acc %f0 : !in_s transpose_b : !pb, !pb -> !in_s
      cta.mbarrier_wait %k0b[%i2] parity %i0 : !nine
      %f2 = cta.mma_async %q2, %k0t2 acc %f1 : !in_s transpose_b : !pb, !pb -> !in_s
      cta.mbarrier_wait %k0b[%i3] parity %i0 : !nine
      %f3 = cta.mma_async %q3, %k0t3 acc %f2 : !in_s transpose_b : !pb, !pb -> !in_s
      cta.mbarrier_wait %k0b[%i4] parity %i0 : !nine
      %f4 = cta.mma_async %q4, %k0t4 acc %f3 : !in_s transpose_b : !pb, !pb -> !in_s
      cta.mbarrier_wait %k0b[%i5] parity %i0 : !nine
      %f5 = cta.mma_async %q5, %k0t5 acc %f4 : !in_s transpose_b : !pb, !pb -> !in_s
      cta.mbarrier_wait %k0b[%i6] parity %i0 : !nine
      %f6 = cta.mma_async %q6, %k0t6 acc %f5 : !in_s transpose_b : !pb, !pb -> !in_s
      cta.mbarrier_wait %k0b[%i7] parity %i0 : !nine
      %f7 = cta.mma_async %q7, %k0t7 acc %f6 : !in_s transpose_b : !pb, !pb -> !in_s
      cta.mbarrier_wait %k0b[%i8] parity %i0 : !nine
      %f8 = cta.mma_async %q8, %k0t8 acc %f7 : !in_s transpose_b : !pa, !pb -> !in_s
      %s_0 = cta.mma_wait %f8 : !in_s
      %last = arith.subi %pairs, %c1 : index
      // The last pair of blocks is peeled: the loop always has a next one.
      // CHECK: scf.for
      %res:4 = scf.for %b = %c0 to %last step %c1
          iter_args(%o = %oz, %run = %xl, %sum = %xz, %s = %s_0) -> (!o, !x, !x, !s) {
        %rm = tile.reduce max %s dim 1 : !s -> !x
        %rs = arith.mulf %rm, %scx : !x
        %new = arith.maximumf %run, %rs : !x
        %d = arith.subf %run, %new : !x
        %a = math.exp2 %d : !x
        %newb = tile.broadcast %new dim 1 : !x -> !s
        %ss = arith.mulf %s, %sc : !s
        %e = arith.subf %ss, %newb : !s
        %w = math.exp2 %e : !s
        %rsum = tile.reduce sum %w dim 1 : !s -> !x
        %l0 = arith.mulf %sum, %a : !x
        %l1 = arith.addf %l0, %rsum : !x
        cta.store_shared %new to %max : !x, !stat
        cta.store_shared %a to %scale0 : !x, !stat
        // CHECK: cta.named_arrive
        cta.named_arrive %ready0
        %ab = tile.broadcast %a dim 1 : !x -> !o
        %o0 = arith.mulf %o, %ab : !o
        %wb = arith.truncf %w : !s to !p
        %pa = cta.convert_layout %wb : !p -> !pa
        // O += P0 V0L; then K0's left half is dead, and this role refills it.
        %of0 = cta.mma_async %pa, %v0l acc %o0 : !o : !pa, !half -> !in_o
        // CHECK: cta.mma_wait
        %o1 = cta.mma_wait %of0 : !in_o
        %even = arith.muli %b, %c2 : index
        %b2 = arith.addi %even, %c2 : index
        %b3 = arith.addi %even, %c3 : index
        %page2i = memref.load %table[%seq, %b2] : memref<?x?xi32>
        %page2 = arith.index_cast %page2i : i32 to index
        %page3i = memref.load %table[%seq, %b3] : memref<?x?xi32>
        %page3 = arith.index_cast %page3i : i32 to index
        // CHECK: cta.elect {
        // CHECK-COUNT-4: cta.copy_async
        cta.elect {
          cta.arrive_expect %k0b[%i0] bytes 8192 : !nine
          %d0 = cta.view %k0s [0, 0] : !tile -> !pb
          cta.copy_async %KV[%page2, %c0, %n0] to %d0 signals %k0b[%i0] : !nine : !KV, !pb
          cta.arrive_expect %k0b[%i1] bytes 8192 : !nine
          %d1 = cta.view %k0s [0, 64] : !tile -> !pb
          cta.copy_async %KV[%page2, %c0, %n1] to %d1 signals %k0b[%i1] : !nine : !KV, !pb
          cta.arrive_expect %k0b[%i2] bytes 8192 : !nine
          %d2 = cta.view %k0s [0, 128] : !tile -> !pb
          cta.copy_async %KV[%page2, %c0, %n2] to %d2 signals %k0b[%i2] : !nine : !KV, !pb
          cta.arrive_expect %k0b[%i3] bytes 8192 : !nine
          %d3 = cta.view %k0s [0, 192] : !tile -> !pb
          cta.copy_async %KV[%page2, %c0, %n3] to %d3 signals %k0b[%i3] : !nine : !KV, !pb
        }
        // CHECK: cta.named_sync
        cta.named_sync %ready1
        %f = cta.load_shared %scale1 : !stat -> !x
        %fb = tile.broadcast %f dim 1 : !x -> !s
        %w1 = arith.mulf %w, %fb : !s
        %wb1 = arith.truncf %w1 : !s to !p
        // CHECK: cta.store_shared
        // CHECK-NEXT: cta.fence_async
        // CHECK-NEXT: cta.named_arrive
        cta.store_shared %wb1 to %p0 : !p, !pb
        cta.fence_async
        cta.named_arrive %p0ready
        %l2 = arith.mulf %l1, %f : !x
        %new1 = cta.load_shared %max : !stat -> !x
        %fo = tile.broadcast %f dim 1 : !x -> !o
        %o2 = arith.mulf %o1, %fo : !o
        %of1 = cta.mma_async %p1, %v1l acc %o2 : !o : !pb, !half -> !in_o
        // The next scores: the boxes that came first are there by now.
        %next = arith.addi %b, %c1 : index
        %next32 = arith.index_cast %next : index to i32
        %par = arith.andi %next32, %i1 : i32
        // CHECK-COUNT-4: cta.mbarrier_wait
        cta.mbarrier_wait %k0b[%i0] parity %par : !nine
        %g0 = cta.mma_async %q0, %k0t0 transpose_b : !pb, !pb -> !in_s
        cta.mbarrier_wait %k0b[%i1] parity %par : !nine
        %g1 = cta.mma_async %q1, %k0t1 acc %g0 : !in_s transpose_b : !pb, !pb -> !in_s
        cta.mbarrier_wait %k0b[%i2] parity %par : !nine
        %g2 = cta.mma_async %q2, %k0t2 acc %g1 : !in_s transpose_b : !pb, !pb -> !in_s
        cta.mbarrier_wait %k0b[%i3] parity %par : !nine
        %g3 = cta.mma_async %q3, %k0t3 acc %g2 : !in_s transpose_b : !pb, !pb -> !in_s
        // CHECK: cta.mma_wait %{{.*}} pending 4
        %o3 = cta.mma_wait %of1 pending 4 : !in_o
        // CHECK: cta.elect {
        // CHECK-COUNT-4: cta.copy_async
        cta.elect {
          cta.arrive_expect %k1b[%i0] bytes 8192 : !nine
          %d0 = cta.view %k1s [0, 0] : !tile -> !pb
          cta.copy_async %KV[%page3, %c0, %n0] to %d0 signals %k1b[%i0] : !nine : !KV, !pb
          cta.arrive_expect %k1b[%i1] bytes 8192 : !nine
          %d1 = cta.view %k1s [0, 64] : !tile -> !pb
          cta.copy_async %KV[%page3, %c0, %n1] to %d1 signals %k1b[%i1] : !nine : !KV, !pb
          cta.arrive_expect %k1b[%i2] bytes 8192 : !nine
          %d2 = cta.view %k1s [0, 128] : !tile -> !pb
          cta.copy_async %KV[%page3, %c0, %n2] to %d2 signals %k1b[%i2] : !nine : !KV, !pb
          cta.arrive_expect %k1b[%i3] bytes 8192 : !nine
          %d3 = cta.view %k1s [0, 192] : !tile -> !pb
          cta.copy_async %KV[%page3, %c0, %n3] to %d3 signals %k1b[%i3] : !nine : !KV, !pb
        }
        // CHECK-COUNT-5: cta.mbarrier_wait
        cta.mbarrier_wait %k0b[%i4] parity %par : !nine
        %g4 = cta.mma_async %q4, %k0t4 acc %g3 : !in_s transpose_b : !pb, !pb -> !in_s
        cta.mbarrier_wait %k0b[%i5] parity %par : !nine
        %g5 = cta.mma_async %q5, %k0t5 acc %g4 : !in_s transpose_b : !pb, !pb -> !in_s
        cta.mbarrier_wait %k0b[%i6] parity %par : !nine
        %g6 = cta.mma_async %q6, %k0t6 acc %g5 : !in_s transpose_b : !pb, !pb -> !in_s
        cta.mbarrier_wait %k0b[%i7] parity %par : !nine
        %g7 = cta.mma_async %q7, %k0t7 acc %g6 : !in_s transpose_b : !pb, !pb -> !in_s
        cta.mbarrier_wait %k0b[%i8] parity %par : !nine
        %g8 = cta.mma_async %q8, %k0t8 acc %g7 : !in_s transpose_b : !pa, !pb -> !in_s
        // CHECK: cta.mma_wait %{{.*}} pending 0
        %s1 = cta.mma_wait %g8 pending 0 : !in_s
        scf.yield %o3, %new1, %l2, %s1 : !o, !x, !x, !s
      }
      // Peeled: rows of V past the sequence's end hold anything; as 0 * NaN is not 0
      // they are zeroed, tile by tile (the first one here), for the async proxy.
      // CHECK: cta.load_shared
      // CHECK: arith.select
      // CHECK: cta.store_shared
      // CHECK-NEXT: cta.fence_async
      %vz = tensor.splat %zerob : !p
      %vt = cta.load_shared %k0t0 : !pb -> !p
      %live = tile.broadcast %rest dim 1 : tensor<64xi1, #row> -> tensor<64x64xi1, #acc>
      %vn = arith.select %live, %vt, %vz : tensor<64x64xi1, #acc>, !p
      cta.store_shared %vn to %k0t0 : !p, !pb
      cta.fence_async
      // Each warpgroup summed its own blocks.
      cta.store_shared %res#2 to %sum0 : !x, !stat
      cta.named_sync %sums
      %other = cta.load_shared %sum1 : !stat -> !x
      %total = arith.addf %res#2, %other : !x
      %tb = tile.broadcast %total dim 1 : !x -> !o
      %on = arith.divf %res#0, %tb : !o
      tile.store %on, %O[%seq, %head, %c0] : !o, !O
    }

    // CHECK: cta.role "right" warps 4 registers 248
    cta.role "right" warps 4 registers 248 {
      %qs = cta.slot %q[%i0] : !ring
      %q0 = cta.view %qs [0, 0] : !tile -> !pb
      %q1 = cta.view %qs [0, 64] : !tile -> !pb
      %q2 = cta.view %qs [0, 128] : !tile -> !pb
      %q3 = cta.view %qs [0, 192] : !tile -> !pb
      %q4 = cta.view %qs [0, 256] : !tile -> !pb
      %q5 = cta.view %qs [0, 320] : !tile -> !pb
      %q6 = cta.view %qs [0, 384] : !tile -> !pb
      %q7 = cta.view %qs [0, 448] : !tile -> !pb
      %q8s = cta.view %qs [0, 512] : !tile -> !pb
      %k0s = cta.slot %k0[%i0] : !ring
      %k0t0 = cta.view %k0s [0, 0] : !tile -> !pb
      %k0t1 = cta.view %k0s [0, 64] : !tile -> !pb
      %k0t2 = cta.view %k0s [0, 128] : !tile -> !pb
      %k0t3 = cta.view %k0s [0, 192] : !tile -> !pb
      %k0t4 = cta.view %k0s [0, 256] : !tile -> !pb
      %k0t5 = cta.view %k0s [0, 320] : !tile -> !pb
      %k0t6 = cta.view %k0s [0, 384] : !tile -> !pb
      %k0t7 = cta.view %k0s [0, 448] : !tile -> !pb
      %k0t8 = cta.view %k0s [0, 512] : !tile -> !pb
      %k1s = cta.slot %k1[%i0] : !ring
      %k1t0 = cta.view %k1s [0, 0] : !tile -> !pb
      %k1t1 = cta.view %k1s [0, 64] : !tile -> !pb
      %k1t2 = cta.view %k1s [0, 128] : !tile -> !pb
      %k1t3 = cta.view %k1s [0, 192] : !tile -> !pb
      %k1t4 = cta.view %k1s [0, 256] : !tile -> !pb
      %k1t5 = cta.view %k1s [0, 320] : !tile -> !pb
      %k1t6 = cta.view %k1s [0, 384] : !tile -> !pb
      %k1t7 = cta.view %k1s [0, 448] : !tile -> !pb
      %k1t8 = cta.view %k1s [0, 512] : !tile -> !pb
      %oz = tensor.splat %zero : !o
      %xz = tensor.splat %zero : !x
      %xl = tensor.splat %low : !x
      %sc = tensor.splat %scale : !s
      %scx = tensor.splat %scale : !x
      %v0r = cta.view %k0s [0, 256] : !tile -> !half
      %v1r = cta.view %k1s [0, 256] : !tile -> !half
      %page1i = memref.load %table[%seq, %c1] : memref<?x?xi32>
      %page1 = arith.index_cast %page1i : i32 to index
      cta.elect {
        cta.arrive_expect %k1b[%i0] bytes 8192 : !nine
        %d0 = cta.view %k1s [0, 0] : !tile -> !pb
        cta.copy_async %KV[%page1, %c0, %n0] to %d0 signals %k1b[%i0] : !nine : !KV, !pb
        cta.arrive_expect %k1b[%i1] bytes 8192 : !nine
        %d1 = cta.view %k1s [0, 64] : !tile -> !pb
        cta.copy_async %KV[%page1, %c0, %n1] to %d1 signals %k1b[%i1] : !nine : !KV, !pb
        cta.arrive_expect %k1b[%i2] bytes 8192 : !nine
        %d2 = cta.view %k1s [0, 128] : !tile -> !pb
        cta.copy_async %KV[%page1, %c0, %n2] to %d2 signals %k1b[%i2] : !nine : !KV, !pb
        cta.arrive_expect %k1b[%i3] bytes 8192 : !nine
        %d3 = cta.view %k1s [0, 192] : !tile -> !pb
        cta.copy_async %KV[%page1, %c0, %n3] to %d3 signals %k1b[%i3] : !nine : !KV, !pb
        cta.arrive_expect %k1b[%i4] bytes 8192 : !nine
        %d4 = cta.view %k1s [0, 256] : !tile -> !pb
        cta.copy_async %KV[%page1, %c0, %n4] to %d4 signals %k1b[%i4] : !nine : !KV, !pb
        cta.arrive_expect %k1b[%i5] bytes 8192 : !nine
        %d5 = cta.view %k1s [0, 320] : !tile -> !pb
        cta.copy_async %KV[%page1, %c0, %n5] to %d5 signals %k1b[%i5] : !nine : !KV, !pb
        cta.arrive_expect %k1b[%i6] bytes 8192 : !nine
        %d6 = cta.view %k1s [0, 384] : !tile -> !pb
        cta.copy_async %KV[%page1, %c0, %n6] to %d6 signals %k1b[%i6] : !nine : !KV, !pb
        cta.arrive_expect %k1b[%i7] bytes 8192 : !nine
        %d7 = cta.view %k1s [0, 448] : !tile -> !pb
        cta.copy_async %KV[%page1, %c0, %n7] to %d7 signals %k1b[%i7] : !nine : !KV, !pb
        cta.arrive_expect %k1b[%i8] bytes 8192 : !nine
        %d8 = cta.view %k1s [0, 512] : !tile -> !pb
        cta.copy_async %KV[%page1, %c0, %n8] to %d8 signals %k1b[%i8] : !nine : !KV, !pb
      }
      cta.mbarrier_wait %qb[%i0] parity %i0 : !cta.mbarrier<1>
      %q8 = cta.load_shared %q8s : !pb -> !pa
      cta.named_sync %sums
      %last = arith.subi %pairs, %c1 : index
      // CHECK: scf.for
      %res:2 = scf.for %b = %c0 to %last step %c1
          iter_args(%o = %oz, %sum = %xz) -> (!o, !x) {
        %b32 = arith.index_cast %b : index to i32
        %par = arith.andi %b32, %i1 : i32
        // CHECK-COUNT-9: cta.mbarrier_wait
        cta.mbarrier_wait %k1b[%i4] parity %par : !nine
        %f4 = cta.mma_async %q4, %k1t4 transpose_b : !pb, !pb -> !in_s
        cta.mbarrier_wait %k1b[%i5] parity %par : !nine
        %f5 = cta.mma_async %q5, %k1t5 acc %f4 : !in_s transpose_b : !pb, !pb -> !in_s
        cta.mbarrier_wait %k1b[%i6] parity %par : !nine
        %f6 = cta.mma_async %q6, %k1t6 acc %f5 : !in_s transpose_b : !pb, !pb -> !in_s
        cta.mbarrier_wait %k1b[%i7] parity %par : !nine
        %f7 = cta.mma_async %q7, %k1t7 acc %f6 : !in_s transpose_b : !pb, !pb -> !in_s
        cta.mbarrier_wait %k1b[%i8] parity %par : !nine
        %f8 = cta.mma_async %q8, %k1t8 acc %f7 : !in_s transpose_b : !pa, !pb -> !in_s
        cta.mbarrier_wait %k1b[%i0] parity %par : !nine
        %f0 = cta.mma_async %q0, %k1t0 acc %f8 : !in_s transpose_b : !pb, !pb -> !in_s
        cta.mbarrier_wait %k1b[%i1] parity %par : !nine
        %f1 = cta.mma_async %q1, %k1t1 acc %f0 : !in_s transpose_b : !pb, !pb -> !in_s
        cta.mbarrier_wait %k1b[%i2] parity %par : !nine
        %f2 = cta.mma_async %q2, %k1t2 acc %f1 : !in_s transpose_b : !pb, !pb -> !in_s
        cta.mbarrier_wait %k1b[%i3] parity %par : !nine
        %f3 = cta.mma_async %q3, %k1t3 acc %f2 : !in_s transpose_b : !pb, !pb -> !in_s
        %s = cta.mma_wait %f3 : !in_s
        %rm = tile.reduce max %s dim 1 : !s -> !x
        %rs = arith.mulf %rm, %scx : !x
        // CHECK: cta.named_sync
        cta.named_sync %ready0
        %m = cta.load_shared %max : !stat -> !x
        %a0 = cta.load_shared %scale0 : !stat -> !x
        %new = arith.maximumf %m, %rs : !x
        %d = arith.subf %m, %new : !x
        %f = math.exp2 %d : !x
        %a = arith.mulf %a0, %f : !x
        %newb = tile.broadcast %new dim 1 : !x -> !s
        %ss = arith.mulf %s, %sc : !s
        %e = arith.subf %ss, %newb : !s
        %w = math.exp2 %e : !s
        %rsum = tile.reduce sum %w dim 1 : !s -> !x
        %l0 = arith.mulf %sum, %a : !x
        %l1 = arith.addf %l0, %rsum : !x
        %ab = tile.broadcast %a dim 1 : !x -> !o
        %o0 = arith.mulf %o, %ab : !o
        %wb = arith.truncf %w : !s to !p
        cta.store_shared %new to %max : !x, !stat
        cta.store_shared %f to %scale1 : !x, !stat
        cta.store_shared %wb to %p1 : !p, !pb
        // CHECK: cta.fence_async
        // CHECK-NEXT: cta.named_arrive
        cta.fence_async
        cta.named_arrive %ready1
        %pa = cta.convert_layout %wb : !p -> !pa
        %of0 = cta.mma_async %pa, %v1r acc %o0 : !o : !pa, !half -> !in_o
        // CHECK: cta.named_sync
        cta.named_sync %p0ready
        %of1 = cta.mma_async %p0, %v0r acc %of0 : !in_o : !pb, !half -> !in_o
        %even = arith.muli %b, %c2 : index
        %b2 = arith.addi %even, %c2 : index
        %b3 = arith.addi %even, %c3 : index
        %page2i = memref.load %table[%seq, %b2] : memref<?x?xi32>
        %page2 = arith.index_cast %page2i : i32 to index
        %page3i = memref.load %table[%seq, %b3] : memref<?x?xi32>
        %page3 = arith.index_cast %page3i : i32 to index
        // Two groups in a chain: each wait lets one half tile be refilled.
        // CHECK: cta.mma_wait_reads %{{.*}} pending 1
        cta.mma_wait_reads %of0 pending 1 : !in_o
        // CHECK-COUNT-5: cta.copy_async
        cta.elect {
          cta.arrive_expect %k1b[%i4] bytes 8192 : !nine
          %d4 = cta.view %k1s [0, 256] : !tile -> !pb
          cta.copy_async %KV[%page3, %c0, %n4] to %d4 signals %k1b[%i4] : !nine : !KV, !pb
          cta.arrive_expect %k1b[%i5] bytes 8192 : !nine
          %d5 = cta.view %k1s [0, 320] : !tile -> !pb
          cta.copy_async %KV[%page3, %c0, %n5] to %d5 signals %k1b[%i5] : !nine : !KV, !pb
          cta.arrive_expect %k1b[%i6] bytes 8192 : !nine
          %d6 = cta.view %k1s [0, 384] : !tile -> !pb
          cta.copy_async %KV[%page3, %c0, %n6] to %d6 signals %k1b[%i6] : !nine : !KV, !pb
          cta.arrive_expect %k1b[%i7] bytes 8192 : !nine
          %d7 = cta.view %k1s [0, 448] : !tile -> !pb
          cta.copy_async %KV[%page3, %c0, %n7] to %d7 signals %k1b[%i7] : !nine : !KV, !pb
          cta.arrive_expect %k1b[%i8] bytes 8192 : !nine
          %d8 = cta.view %k1s [0, 512] : !tile -> !pb
          cta.copy_async %KV[%page3, %c0, %n8] to %d8 signals %k1b[%i8] : !nine : !KV, !pb
        }
        // CHECK: cta.mma_wait %{{.*}} pending 0
        %o1 = cta.mma_wait %of1 pending 0 : !in_o
        // CHECK-COUNT-5: cta.copy_async
        cta.elect {
          cta.arrive_expect %k0b[%i4] bytes 8192 : !nine
          %d4 = cta.view %k0s [0, 256] : !tile -> !pb
          cta.copy_async %KV[%page2, %c0, %n4] to %d4 signals %k0b[%i4] : !nine : !KV, !pb
          cta.arrive_expect %k0b[%i5] bytes 8192 : !nine
          %d5 = cta.view %k0s [0, 320] : !tile -> !pb
          cta.copy_async %KV[%page2, %c0, %n5] to %d5 signals %k0b[%i5] : !nine : !KV, !pb
          cta.arrive_expect %k0b[%i6] bytes 8192 : !nine
          %d6 = cta.view %k0s [0, 384] : !tile -> !pb
          cta.copy_async %KV[%page2, %c0, %n6] to %d6 signals %k0b[%i6] : !nine : !KV, !pb
          cta.arrive_expect %k0b[%i7] bytes 8192 : !nine
          %d7 = cta.view %k0s [0, 448] : !tile -> !pb
          cta.copy_async %KV[%page2, %c0, %n7] to %d7 signals %k0b[%i7] : !nine : !KV, !pb
          cta.arrive_expect %k0b[%i8] bytes 8192 : !nine
          %d8 = cta.view %k0s [0, 512] : !tile -> !pb
          cta.copy_async %KV[%page2, %c0, %n8] to %d8 signals %k0b[%i8] : !nine : !KV, !pb
        }
        scf.yield %o1, %l1 : !o, !x
      }
      cta.store_shared %res#1 to %sum1 : !x, !stat
      cta.named_sync %sums
      %other = cta.load_shared %sum0 : !stat -> !x
      %total = arith.addf %res#1, %other : !x
      %tb = tile.broadcast %total dim 1 : !x -> !o
      %on = arith.divf %res#0, %tb : !o
      tile.store %on, %O[%seq, %head, %c256] : !o, !O
    }
  }
  return
}
