// Schedule A of the sparse prefill, FlashMLA's 'seesaw': two warpgroups, each
// with the scores of its own block and half of the output columns, hand maxima
// and P to each other. Shows: rings split into parts that are awaited, released
// and filled apart (k0, k1); a part that another role releases (k0[1]: "left"
// is done with its scores when it hands over P0); P0 over K0's dead rope tile and
// the output over Q; named barriers; the next scores behind the product with V.
//
// Bytes: q 73,728 (later o) + k0 73,728 (p0 inside) + k1 73,728 + p1 8,192
//   + valid 128 + max 256 + sum 512 + max and lse 512 + 10 mbarriers 80 = 230,864;
// the verifier of every `at` checks it against 232,448.
//
// RUN: %mla-opt %s | %mla-opt | FileCheck %s

#sw = #cta.shared_layout<swizzle = 128, rows = 64>
#v = #cta.shared_layout<swizzle = 0, rows = 64>
#v2 = #cta.shared_layout<swizzle = 0, rows = 128>
#acc = #cta.layout<acc>
#row = #cta.layout<row>
#col = #cta.layout<column>
!q = !cta.ring<1x64x576xbf16, #sw>
!k = !cta.ring<1x64x576xbf16, split 1 [256, 320], #sw>
!valid = !cta.ring<1x128xi1, #v2>
!tile = !cta.buffer<64x576xbf16, #sw>
!l = !cta.buffer<64x256xbf16, #sw>
!r = !cta.buffer<64x320xbf16, #sw>
!pb = !cta.buffer<64x64xbf16, #sw>
!ob = !cta.buffer<64x512xbf16, #sw>
!stat = !cta.buffer<64xf32, #v>
!s = tensor<64x64xf32, #acc>
!p = tensor<64x64xbf16, #acc>
!pa = tensor<64x64xbf16, #cta.layout<a_operand>>
!o = tensor<64x256xf32, #acc>
!x = tensor<64xf32, #row>
!in_s = !cta.in_flight<!s>
!in_o = !cta.in_flight<!o>
!Q = memref<?x128x576xbf16>
!KV = memref<?x1x576xbf16>
!I = memref<?x1x?xi32>
!O = memref<?x128x512xbf16>
!LSE = memref<?x128xf32>

// CHECK-LABEL: func @seesaw
func.func @seesaw(%Q: !Q, %KV: !KV, %I: !I, %O: !O, %MAX: !LSE, %LSE: !LSE, %scale: f32,
                  %tokens: index, %pairs: index) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c2 = arith.constant 2 : index
  %c64 = arith.constant 64 : index
  %c128 = arith.constant 128 : index
  %c256 = arith.constant 256 : index
  %i0 = arith.constant 0 : i32
  %zero = arith.constant 0.0 : f32
  %low = arith.constant -1.0e30 : f32
  scf.forall (%token, %half) in (%tokens, 2) {
    %head = arith.muli %half, %c64 : index

    %q = cta.ring "q" at 0 : !q
    %k0 = cta.ring "k0" at 73728 : !k
    %k1 = cta.ring "k1" at 147456 : !k
    %valid = cta.ring "valid" at 229376 : !valid
    %p1 = cta.buffer "p1" at 221184 : !pb
    %max = cta.buffer "max" at 229504 : !stat
    %sum0 = cta.buffer "sum0" at 229760 : !stat
    %sum1 = cta.buffer "sum1" at 230016 : !stat
    %max2 = cta.buffer "max2" at 230272 : !stat
    %lse = cta.buffer "lse" at 230528 : !stat
    // CHECK: cta.buffer "p0" aliases %{{.*}}[65536]
    %p0 = cta.buffer "p0" aliases %k0[65536] : !k : !pb
    // CHECK: cta.buffer "o" aliases %{{.*}}[0]
    %o = cta.buffer "o" aliases %q[0] : !q : !ob
    // Room for what the rings become: q 1, k0 and k1 {full, free} x {L, R} 8,
    // valid 1.
    %room = cta.mbarrier "rings" count 128 at 230784 : !cta.mbarrier<10>

    %m0 = cta.named_barrier "m0" id 1 threads 256
    %m1 = cta.named_barrier "m1" id 2 threads 256
    %s0 = cta.named_barrier "s0" id 3 threads 256
    %s1 = cta.named_barrier "s1" id 4 threads 256
    %sums = cta.named_barrier "sums" id 5 threads 256
    %out0 = cta.named_barrier "out0" id 6 threads 128
    %out1 = cta.named_barrier "out1" id 7 threads 128

    // CHECK: cta.role "left" warps 4 registers 216
    cta.role "left" warps 4 registers 216 {
      %qt = cta.await %q : !q
      %ql = cta.view %qt [0, 0] : !tile -> !l
      %qr = cta.view %qt [0, 256] : !tile -> !r
      %oz = tensor.splat %zero : !o
      %xz = tensor.splat %zero : !x
      %xl = tensor.splat %low : !x
      %sc = tensor.splat %scale : !s
      %scx = tensor.splat %scale : !x
      %masked = tensor.splat %low : !s
      // Scores of block 0 ahead.
      %kl_0 = cta.await_part %k0[0] : !k
      %sa_0 = cta.mma_async %ql, %kl_0 transpose_b : !l, !l -> !in_s
      %kr_0 = cta.await_part %k0[1] : !k
      %sb_0 = cta.mma_async %qr, %kr_0 acc %sa_0 : !in_s transpose_b : !r, !r -> !in_s
      %s_0 = cta.mma_wait %sb_0 : !in_s
      // CHECK: scf.for
      %res:5 = scf.for %b = %c0 to %pairs step %c1
          iter_args(%acc = %oz, %run = %xl, %sum = %xz, %s = %s_0, %kl = %kl_0)
          -> (!o, !x, !x, !s, !l) {
        // Mask and softmax of block 2 b.
        %vt = cta.await %valid : !valid
        %vb = cta.view %vt [0] : !cta.buffer<128xi1, #v2> -> !cta.buffer<64xi1, #v2>
        %vf = cta.load_shared %vb : !cta.buffer<64xi1, #v2> -> tensor<64xi1, #col>
        cta.release %valid : !valid
        %vm = tile.broadcast %vf dim 0 : tensor<64xi1, #col> -> tensor<64x64xi1, #acc>
        %sm = arith.select %vm, %s, %masked : tensor<64x64xi1, #acc>, !s
        %rm = tile.reduce max %sm dim 1 : !s -> !x
        %rs = arith.mulf %rm, %scx : !x
        %new = arith.maximumf %run, %rs : !x
        %d = arith.subf %run, %new : !x
        %a = math.exp2 %d : !x
        %newb = tile.broadcast %new dim 1 : !x -> !s
        %ss = arith.mulf %sm, %sc : !s
        %e = arith.subf %ss, %newb : !s
        %w = math.exp2 %e : !s
        %rsum = tile.reduce sum %w dim 1 : !s -> !x
        %l0 = arith.mulf %sum, %a : !x
        %l1 = arith.addf %l0, %rsum : !x
        %ab = tile.broadcast %a dim 1 : !x -> !o
        %acc0 = arith.mulf %acc, %ab : !o
        // CHECK: cta.store_shared
        // CHECK: cta.named_arrive
        cta.store_shared %new to %max : !x, !stat
        cta.named_arrive %m0
        // O += P0 V0L, P0 from registers.
        %wb = arith.truncf %w : !s to !p
        %pa = cta.convert_layout %wb : !p -> !pa
        %of0 = cta.mma_async %pa, %kl acc %acc0 : !o : !pa, !l -> !in_o
        // CHECK: cta.mma_wait
        // CHECK-NEXT: cta.release_part %{{.*}}[0]
        %acc1 = cta.mma_wait %of0 : !in_o
        cta.release_part %k0[0] : !k
        // CHECK-NEXT: cta.named_sync
        cta.named_sync %m1
        // P0 relative to the maximum after block 2 b + 1, over K0's rope tile.
        %new1 = cta.load_shared %max : !stat -> !x
        %d1 = arith.subf %new, %new1 : !x
        %f = math.exp2 %d1 : !x
        %fb = tile.broadcast %f dim 1 : !x -> !s
        %w1 = arith.mulf %w, %fb : !s
        %wb1 = arith.truncf %w1 : !s to !p
        // CHECK: cta.store_shared
        // CHECK-NEXT: cta.fence_async
        // CHECK-NEXT: cta.named_arrive
        // CHECK-NEXT: cta.named_sync
        cta.store_shared %wb1 to %p0 : !p, !pb
        cta.fence_async
        cta.named_arrive %s0
        cta.named_sync %s1
        %l2 = arith.mulf %l1, %f : !x
        %fo = tile.broadcast %f dim 1 : !x -> !o
        %acc2 = arith.mulf %acc1, %fo : !o
        // O += P1 V1L, P1 from shared memory; the next scores run behind it.
        %k1l = cta.await_part %k1[0] : !k
        %of1 = cta.mma_async %p1, %k1l acc %acc2 : !o : !pb, !l -> !in_o
        %next = arith.addi %b, %c1 : index
        %more = arith.cmpi ult, %next, %pairs : index
        %rest:3 = scf.if %more -> (!o, !s, !l) {
          %kl1 = cta.await_part %k0[0] : !k
          %sa = cta.mma_async %ql, %kl1 transpose_b : !l, !l -> !in_s
          // CHECK: cta.mma_wait %{{.*}} pending 1
          %acc3 = cta.mma_wait %of1 pending 1 : !in_o
          // CHECK-NEXT: cta.release_part
          cta.release_part %k1[0] : !k
          %kr1 = cta.await_part %k0[1] : !k
          %sb = cta.mma_async %qr, %kr1 acc %sa : !in_s transpose_b : !r, !r -> !in_s
          %s1n = cta.mma_wait %sb pending 0 : !in_s
          scf.yield %acc3, %s1n, %kl1 : !o, !s, !l
        } else {
          %acc3 = cta.mma_wait %of1 pending 0 : !in_o
          cta.release_part %k1[0] : !k
          scf.yield %acc3, %s, %kl : !o, !s, !l
        }
        scf.yield %rest#0, %new1, %l2, %rest#1, %rest#2 : !o, !x, !x, !s, !l
      }
      // Each warpgroup summed its own blocks.
      cta.store_shared %res#2 to %sum0 : !x, !stat
      cta.named_sync %sums
      %other = cta.load_shared %sum1 : !stat -> !x
      %total = arith.addf %res#2, %other : !x
      %tb = tile.broadcast %total dim 1 : !x -> !o
      %on = arith.divf %res#0, %tb : !o
      %ln = math.log2 %total : !x
      %lo = arith.addf %ln, %res#1 : !x
      cta.store_shared %res#1 to %max2 : !x, !stat
      cta.store_shared %lo to %lse : !x, !stat
      // The output over Q, which both are done with since `sums`.
      %ob = arith.truncf %on : !o to tensor<64x256xbf16, #acc>
      %half0 = cta.view %o [0, 0] : !ob -> !l
      cta.store_shared %ob to %half0 : tensor<64x256xbf16, #acc>, !l
      cta.fence_async
      cta.named_sync %out0
      // CHECK: cta.elect
      cta.elect {
        // CHECK-NEXT: cta.store_async
        // CHECK-COUNT-2: cta.bulk_store
        // CHECK-NEXT: cta.bulk_commit
        // CHECK-NEXT: cta.bulk_wait 0 read
        cta.store_async %half0 to %O[%token, %head, %c0] : !l, !O
        cta.bulk_store %max2 to %MAX[%token, %head] : !stat, !LSE
        cta.bulk_store %lse to %LSE[%token, %head] : !stat, !LSE
        cta.bulk_commit
        cta.bulk_wait 0 read
      }
    }

    // CHECK: cta.role "right" warps 4 registers 216
    cta.role "right" warps 4 registers 216 {
      %qt = cta.await %q : !q
      %ql = cta.view %qt [0, 0] : !tile -> !l
      %qr = cta.view %qt [0, 256] : !tile -> !r
      %oz = tensor.splat %zero : !o
      %xz = tensor.splat %zero : !x
      %xl = tensor.splat %low : !x
      %sc = tensor.splat %scale : !s
      %scx = tensor.splat %scale : !x
      %masked = tensor.splat %low : !s
      // CHECK: scf.for
      %res:3 = scf.for %b = %c0 to %pairs step %c1
          iter_args(%acc = %oz, %run = %xl, %sum = %xz) -> (!o, !x, !x) {
        // Scores of block 2 b + 1: K1 comes right half first.
        // CHECK: cta.await_part %{{.*}}[1]
        // CHECK: cta.mma_async
        // CHECK: cta.await_part %{{.*}}[0]
        // CHECK: cta.mma_async
        // CHECK: cta.mma_wait
        %kr = cta.await_part %k1[1] : !k
        %sa = cta.mma_async %qr, %kr transpose_b : !r, !r -> !in_s
        %kl = cta.await_part %k1[0] : !k
        %sb = cta.mma_async %ql, %kl acc %sa : !in_s transpose_b : !l, !l -> !in_s
        %s = cta.mma_wait %sb : !in_s
        %vt = cta.await %valid : !valid
        %vb = cta.view %vt [64] : !cta.buffer<128xi1, #v2> -> !cta.buffer<64xi1, #v2>
        %vf = cta.load_shared %vb : !cta.buffer<64xi1, #v2> -> tensor<64xi1, #col>
        cta.release %valid : !valid
        %vm = tile.broadcast %vf dim 0 : tensor<64xi1, #col> -> tensor<64x64xi1, #acc>
        %sm = arith.select %vm, %s, %masked : tensor<64x64xi1, #acc>, !s
        %rm = tile.reduce max %sm dim 1 : !s -> !x
        %rs = arith.mulf %rm, %scx : !x
        // CHECK: cta.named_sync
        cta.named_sync %m0
        %m = cta.load_shared %max : !stat -> !x
        %new = arith.maximumf %m, %rs : !x
        %d = arith.subf %run, %new : !x
        %a = math.exp2 %d : !x
        %newb = tile.broadcast %new dim 1 : !x -> !s
        %ss = arith.mulf %sm, %sc : !s
        %e = arith.subf %ss, %newb : !s
        %w = math.exp2 %e : !s
        // CHECK: cta.named_arrive
        cta.store_shared %new to %max : !x, !stat
        cta.named_arrive %m1
        %rsum = tile.reduce sum %w dim 1 : !s -> !x
        %l0 = arith.mulf %sum, %a : !x
        %l1 = arith.addf %l0, %rsum : !x
        %ab = tile.broadcast %a dim 1 : !x -> !o
        %acc0 = arith.mulf %acc, %ab : !o
        // O += P1 V1R from registers, P1 to shared memory for "left".
        %wb = arith.truncf %w : !s to !p
        %pa = cta.convert_layout %wb : !p -> !pa
        %v1r = cta.view %kr [0, 0] : !r -> !l
        %of0 = cta.mma_async %pa, %v1r acc %acc0 : !o : !pa, !l -> !in_o
        cta.store_shared %wb to %p1 : !p, !pb
        // CHECK: cta.named_sync
        cta.named_sync %s0
        // O += P0 V0R; the left half of K0 is none of this role's business.
        %k0r = cta.await_part %k0[1] : !k
        %v0r = cta.view %k0r [0, 0] : !r -> !l
        %of1 = cta.mma_async %p0, %v0r acc %of0 : !in_o : !pb, !l -> !in_o
        // CHECK: cta.fence_async
        // CHECK-NEXT: cta.named_arrive
        cta.fence_async
        cta.named_arrive %s1
        // The chain: after one group K1's right half is read, after both P0
        // and K0's.
        // CHECK-NEXT: cta.mma_wait_reads %{{.*}} pending 1
        // CHECK-NEXT: cta.release_part %{{.*}}[1]
        // CHECK-NEXT: cta.mma_wait %{{.*}} pending 0
        // CHECK-NEXT: cta.release_part %{{.*}}[1]
        cta.mma_wait_reads %of0 pending 1 : !in_o
        cta.release_part %k1[1] : !k
        %acc1 = cta.mma_wait %of1 pending 0 : !in_o
        cta.release_part %k0[1] : !k
        scf.yield %acc1, %new, %l1 : !o, !x, !x
      }
      cta.store_shared %res#2 to %sum1 : !x, !stat
      cta.named_sync %sums
      %other = cta.load_shared %sum0 : !stat -> !x
      %total = arith.addf %res#2, %other : !x
      %tb = tile.broadcast %total dim 1 : !x -> !o
      %on = arith.divf %res#0, %tb : !o
      %ob = arith.truncf %on : !o to tensor<64x256xbf16, #acc>
      %half1 = cta.view %o [0, 256] : !ob -> !l
      cta.store_shared %ob to %half1 : tensor<64x256xbf16, #acc>, !l
      cta.fence_async
      cta.named_sync %out1
      cta.elect {
        cta.store_async %half1 to %O[%token, %head, %c256] : !l, !O
        cta.bulk_commit
        cta.bulk_wait 0 read
      }
    }

    // CHECK: cta.role "producer" warps 4 registers 72
    cta.role "producer" warps 4 registers 72 {
      %qs = cta.acquire %q : !q
      cta.copy_async %Q[%token, %head, %c0] to %qs : !Q, !tile
      %none = arith.constant dense<0> : tensor<64xi32, #cta.layout<gather>>
      scf.for %b = %c0 to %pairs step %c1 {
        %t0 = arith.muli %b, %c128 : index
        %t1 = arith.addi %t0, %c64 : index
        %r0 = tile.load %I[%token, %c0, %t0] pad -1 : i32 : !I -> tensor<64xi32, #cta.layout<gather>>
        %r1 = tile.load %I[%token, %c0, %t1] pad -1 : i32 : !I -> tensor<64xi32, #cta.layout<gather>>
        // K0L, K1R, K0R, K1L: as they are wanted.
        // CHECK: cta.acquire_part %[[K0:.*]][0]
        // CHECK: cta.acquire_part %[[K1:.*]][1]
        // CHECK: cta.acquire_part %[[K0]][1]
        // CHECK: cta.acquire_part %[[K1]][0]
        %k0l = cta.acquire_part %k0[0] : !k
        cta.gather_async %KV[%r0][%c0, %c0] to %k0l : !KV, tensor<64xi32, #cta.layout<gather>>, !l
        %k1r = cta.acquire_part %k1[1] : !k
        cta.gather_async %KV[%r1][%c0, %c256] to %k1r : !KV, tensor<64xi32, #cta.layout<gather>>, !r
        %vs = cta.acquire %valid : !valid
        %ok0 = arith.cmpi sge, %r0, %none : tensor<64xi32, #cta.layout<gather>>
        %ok1 = arith.cmpi sge, %r1, %none : tensor<64xi32, #cta.layout<gather>>
        %vs0 = cta.view %vs [0] : !cta.buffer<128xi1, #v2> -> !cta.buffer<64xi1, #v2>
        %vs1 = cta.view %vs [64] : !cta.buffer<128xi1, #v2> -> !cta.buffer<64xi1, #v2>
        cta.store_shared %ok0 to %vs0 : tensor<64xi1, #cta.layout<gather>>, !cta.buffer<64xi1, #v2>
        cta.store_shared %ok1 to %vs1 : tensor<64xi1, #cta.layout<gather>>, !cta.buffer<64xi1, #v2>
        %k0r = cta.acquire_part %k0[1] : !k
        cta.gather_async %KV[%r0][%c0, %c256] to %k0r : !KV, tensor<64xi32, #cta.layout<gather>>, !r
        %k1l = cta.acquire_part %k1[0] : !k
        cta.gather_async %KV[%r1][%c0, %c0] to %k1l : !KV, tensor<64xi32, #cta.layout<gather>>, !l
      }
    }
  }
  return
}
