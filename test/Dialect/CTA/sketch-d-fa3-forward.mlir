// Schedule D, FA3's forward pass for head dimensions 192 and 128: tiles of 128
// queries by 128 keys, two consumers of 64 rows each and a loading warp. Shows: a
// persistent loop over work items (the forall runs over CTAs, every role loops over
// the same items, and what each ring counts goes on from item to item); a role of
// one warp; products one iteration apart, QK(j + 1) before PV(j), with partial
// waits; P in registers; the consumers taking turns at the tensor cores through
// two named barriers; the output over Q's tile, so that q is released only when the
// store has read it. Causal masks belong to peeled iterations, left out here.
//
// Bytes: q (later o) 49,152 + k 2 x 49,152 + v 2 x 32,768 = 212,992, + 10
//   mbarriers 80 = 213,072; the verifier of every `at` checks it against 232,448.
//
// RUN: %mla-opt %s | %mla-opt | FileCheck %s

#sw = #cta.shared_layout<swizzle = 128, rows = 128>
#acc = #cta.layout<acc>
#row = #cta.layout<row>
!q = !cta.ring<1x128x192xbf16, #sw>
!k = !cta.ring<2x128x192xbf16, #sw>
!v = !cta.ring<2x128x128xbf16, #sw>
!kt = !cta.buffer<128x192xbf16, #sw>
!vt = !cta.buffer<128x128xbf16, #sw>
!qt = !cta.buffer<64x192xbf16, #sw>
!ob = !cta.buffer<64x128xbf16, #sw>
!s = tensor<64x128xf32, #acc>
!p = tensor<64x128xbf16, #acc>
!pa = tensor<64x128xbf16, #cta.layout<a_operand>>
!x = tensor<64xf32, #row>
!in = !cta.in_flight<!s>
!M = memref<?x?x192xbf16>
!N = memref<?x?x128xbf16>

// CHECK-LABEL: func @forward
func.func @forward(%Q: !M, %K: !M, %V: !N, %O: !N, %scale: f32, %ctas: index,
                   %items: index, %tiles: index, %blocks: index) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c64 = arith.constant 64 : index
  %c128 = arith.constant 128 : index
  %zero = arith.constant 0.0 : f32
  %low = arith.constant -1.0e30 : f32
  scf.forall (%cta) in (%ctas) {
    %q = cta.ring "q" at 0 : !q
    %k = cta.ring "k" at 49152 : !k
    %v = cta.ring "v" at 147456 : !v
    // CHECK: cta.buffer "o" aliases %{{.*}}[0]
    %o = cta.buffer "o" aliases %q[0] : !q : !vt
    // Room for what the rings become: q 2, k 4, v 4.
    %room = cta.mbarrier "rings" count 8 at 212992 : !cta.mbarrier<10>
    %turn0 = cta.named_barrier "turn0" id 1 threads 256
    %turn1 = cta.named_barrier "turn1" id 2 threads 256
    %out0 = cta.named_barrier "out0" id 3 threads 128
    %out1 = cta.named_barrier "out1" id 4 threads 128

    // CHECK: cta.role "load" warps 1 registers 24
    cta.role "load" warps 1 registers 24 {
      // CHECK: scf.for
      scf.for %item = %cta to %items step %ctas {
        %head = arith.divui %item, %tiles : index
        %tile = arith.remui %item, %tiles : index
        %row = arith.muli %tile, %c128 : index
        // CHECK: cta.acquire
        %qs = cta.acquire %q : !q
        cta.copy_async %Q[%head, %row, %c0] to %qs : !M, !kt
        // CHECK: scf.for
        scf.for %j = %c0 to %blocks step %c1 {
          %key = arith.muli %j, %c128 : index
          %ks = cta.acquire %k : !k
          cta.copy_async %K[%head, %key, %c0] to %ks : !M, !kt
          %vs = cta.acquire %v : !v
          cta.copy_async %V[%head, %key, %c0] to %vs : !N, !vt
        }
      }
    }
    // The other warps of the loading warpgroup give up their registers too.
    cta.role "idle" warps 3 registers 24 {
    }

    // CHECK: cta.role "rows0" warps 4 registers 240
    cta.role "rows0" warps 4 registers 240 {
      %oz = tensor.splat %zero : !s
      %xz = tensor.splat %zero : !x
      %xl = tensor.splat %low : !x
      %sc = tensor.splat %scale : !s
      %scx = tensor.splat %scale : !x
      // CHECK: scf.for
      scf.for %item = %cta to %items step %ctas {
        %head = arith.divui %item, %tiles : index
        %tile = arith.remui %item, %tiles : index
        %row0 = arith.muli %tile, %c128 : index
        %row = arith.addi %row0, %c0 : index
        %qs = cta.await %q : !q
        %qv = cta.view %qs [0, 0] : !kt -> !qt
        // Prologue: scores and softmax of block 0.
        // CHECK: cta.mma_async
        // CHECK-NEXT: cta.mma_wait
        // CHECK-NEXT: cta.release
        %k0 = cta.await %k : !k
        %in0 = cta.mma_async %qv, %k0 transpose_b : !qt, !kt -> !in
        %s0 = cta.mma_wait %in0 : !in
        cta.release %k : !k
        %rm0 = tile.reduce max %s0 dim 1 : !s -> !x
        %m0 = arith.mulf %rm0, %scx : !x
        %m0b = tile.broadcast %m0 dim 1 : !x -> !s
        %ss0 = arith.mulf %s0, %sc : !s
        %e0 = arith.subf %ss0, %m0b : !s
        %w0 = math.exp2 %e0 : !s
        %l0 = tile.reduce sum %w0 dim 1 : !s -> !x
        %wb0 = arith.truncf %w0 : !s to !p
        %p0 = cta.convert_layout %wb0 : !p -> !pa
        %one = math.exp2 %xz : !x
        // CHECK: scf.for
        %res:5 = scf.for %j = %c1 to %blocks step %c1
            iter_args(%acc = %oz, %max = %m0, %sum = %l0, %a = %one, %p = %p0)
            -> (!s, !x, !x, !x, !pa) {
          // Block j's scores, then the product of block j - 1.
          // CHECK: cta.named_sync
          // CHECK: cta.mma_async
          // CHECK: cta.mma_async
          // CHECK: cta.named_arrive
          cta.named_sync %turn0
          %kt = cta.await %k : !k
          %sin = cta.mma_async %qv, %kt transpose_b : !qt, !kt -> !in
          %ab = tile.broadcast %a dim 1 : !x -> !s
          %acc0 = arith.mulf %acc, %ab : !s
          %vt = cta.await %v : !v
          %oin = cta.mma_async %p, %vt acc %acc0 : !s : !pa, !vt -> !in
          cta.named_arrive %turn1
          // CHECK: cta.mma_wait %{{.*}} pending 1
          // CHECK-NEXT: cta.release
          %s = cta.mma_wait %sin pending 1 : !in
          cta.release %k : !k
          // CHECK: math.exp2
          %rm = tile.reduce max %s dim 1 : !s -> !x
          %rs = arith.mulf %rm, %scx : !x
          %new = arith.maximumf %max, %rs : !x
          %d = arith.subf %max, %new : !x
          %anew = math.exp2 %d : !x
          %newb = tile.broadcast %new dim 1 : !x -> !s
          %ss = arith.mulf %s, %sc : !s
          %e = arith.subf %ss, %newb : !s
          %w = math.exp2 %e : !s
          %rsum = tile.reduce sum %w dim 1 : !s -> !x
          %l1 = arith.mulf %sum, %anew : !x
          %l2 = arith.addf %l1, %rsum : !x
          // P is converted only now: the product before still read the old one.
          // CHECK: cta.mma_wait %{{.*}} pending 0
          // CHECK-NEXT: cta.release
          // CHECK-NEXT: arith.truncf
          %acc1 = cta.mma_wait %oin pending 0 : !in
          cta.release %v : !v
          %wb = arith.truncf %w : !s to !p
          %pn = cta.convert_layout %wb : !p -> !pa
          scf.yield %acc1, %new, %l2, %anew, %pn : !s, !x, !x, !x, !pa
        }
        // Epilogue: the product of the last block.
        %ab = tile.broadcast %res#3 dim 1 : !x -> !s
        %acc0 = arith.mulf %res#0, %ab : !s
        %vt = cta.await %v : !v
        %oin = cta.mma_async %res#4, %vt acc %acc0 : !s : !pa, !vt -> !in
        %acc1 = cta.mma_wait %oin pending 0 : !in
        cta.release %v : !v
        %lb = tile.broadcast %res#2 dim 1 : !x -> !s
        %on = arith.divf %acc1, %lb : !s
        %ob = arith.truncf %on : !s to !p
        // The output over the rows of Q that only this role read.
        %orows = cta.view %o [0, 0] : !vt -> !ob
        // CHECK: cta.store_shared
        // CHECK-NEXT: cta.fence_async
        // CHECK-NEXT: cta.named_sync
        cta.store_shared %ob to %orows : !p, !ob
        cta.fence_async
        cta.named_sync %out0
        // CHECK: cta.store_async
        // CHECK-NEXT: cta.bulk_commit
        // CHECK-NEXT: cta.bulk_wait 0 read
        cta.elect {
          cta.store_async %orows to %O[%head, %row, %c0] : !ob, !N
          cta.bulk_commit
          cta.bulk_wait 0 read
        }
        // The lane that waited is in this warp; its arrival is the last.
        // CHECK: cta.release
        cta.release %q : !q
      }
      // Takes the arrival that "rows1" leaves behind.
      cta.named_sync %turn0
    }

    // CHECK: cta.role "rows1" warps 4 registers 240
    cta.role "rows1" warps 4 registers 240 {
      %oz = tensor.splat %zero : !s
      %xz = tensor.splat %zero : !x
      %xl = tensor.splat %low : !x
      %sc = tensor.splat %scale : !s
      %scx = tensor.splat %scale : !x
      // "rows0" begins.
      cta.named_arrive %turn0
      // CHECK: scf.for
      scf.for %item = %cta to %items step %ctas {
        %head = arith.divui %item, %tiles : index
        %tile = arith.remui %item, %tiles : index
        %row0 = arith.muli %tile, %c128 : index
        %row = arith.addi %row0, %c64 : index
        %qs = cta.await %q : !q
        %qv = cta.view %qs [64, 0] : !kt -> !qt
        // Prologue: scores and softmax of block 0.
        // CHECK: cta.mma_async
        // CHECK-NEXT: cta.mma_wait
        // CHECK-NEXT: cta.release
        %k0 = cta.await %k : !k
        %in0 = cta.mma_async %qv, %k0 transpose_b : !qt, !kt -> !in
        %s0 = cta.mma_wait %in0 : !in
        cta.release %k : !k
        %rm0 = tile.reduce max %s0 dim 1 : !s -> !x
        %m0 = arith.mulf %rm0, %scx : !x
        %m0b = tile.broadcast %m0 dim 1 : !x -> !s
        %ss0 = arith.mulf %s0, %sc : !s
        %e0 = arith.subf %ss0, %m0b : !s
        %w0 = math.exp2 %e0 : !s
        %l0 = tile.reduce sum %w0 dim 1 : !s -> !x
        %wb0 = arith.truncf %w0 : !s to !p
        %p0 = cta.convert_layout %wb0 : !p -> !pa
        %one = math.exp2 %xz : !x
        // CHECK: scf.for
        %res:5 = scf.for %j = %c1 to %blocks step %c1
            iter_args(%acc = %oz, %max = %m0, %sum = %l0, %a = %one, %p = %p0)
            -> (!s, !x, !x, !x, !pa) {
          // Block j's scores, then the product of block j - 1.
          // CHECK: cta.named_sync
          // CHECK: cta.mma_async
          // CHECK: cta.mma_async
          // CHECK: cta.named_arrive
          cta.named_sync %turn1
          %kt = cta.await %k : !k
          %sin = cta.mma_async %qv, %kt transpose_b : !qt, !kt -> !in
          %ab = tile.broadcast %a dim 1 : !x -> !s
          %acc0 = arith.mulf %acc, %ab : !s
          %vt = cta.await %v : !v
          %oin = cta.mma_async %p, %vt acc %acc0 : !s : !pa, !vt -> !in
          cta.named_arrive %turn0
          // CHECK: cta.mma_wait %{{.*}} pending 1
          // CHECK-NEXT: cta.release
          %s = cta.mma_wait %sin pending 1 : !in
          cta.release %k : !k
          // CHECK: math.exp2
          %rm = tile.reduce max %s dim 1 : !s -> !x
          %rs = arith.mulf %rm, %scx : !x
          %new = arith.maximumf %max, %rs : !x
          %d = arith.subf %max, %new : !x
          %anew = math.exp2 %d : !x
          %newb = tile.broadcast %new dim 1 : !x -> !s
          %ss = arith.mulf %s, %sc : !s
          %e = arith.subf %ss, %newb : !s
          %w = math.exp2 %e : !s
          %rsum = tile.reduce sum %w dim 1 : !s -> !x
          %l1 = arith.mulf %sum, %anew : !x
          %l2 = arith.addf %l1, %rsum : !x
          // P is converted only now: the product before still read the old one.
          // CHECK: cta.mma_wait %{{.*}} pending 0
          // CHECK-NEXT: cta.release
          // CHECK-NEXT: arith.truncf
          %acc1 = cta.mma_wait %oin pending 0 : !in
          cta.release %v : !v
          %wb = arith.truncf %w : !s to !p
          %pn = cta.convert_layout %wb : !p -> !pa
          scf.yield %acc1, %new, %l2, %anew, %pn : !s, !x, !x, !x, !pa
        }
        // Epilogue: the product of the last block.
        %ab = tile.broadcast %res#3 dim 1 : !x -> !s
        %acc0 = arith.mulf %res#0, %ab : !s
        %vt = cta.await %v : !v
        %oin = cta.mma_async %res#4, %vt acc %acc0 : !s : !pa, !vt -> !in
        %acc1 = cta.mma_wait %oin pending 0 : !in
        cta.release %v : !v
        %lb = tile.broadcast %res#2 dim 1 : !x -> !s
        %on = arith.divf %acc1, %lb : !s
        %ob = arith.truncf %on : !s to !p
        // The output over the rows of Q that only this role read.
        %orows = cta.view %o [64, 0] : !vt -> !ob
        // CHECK: cta.store_shared
        // CHECK-NEXT: cta.fence_async
        // CHECK-NEXT: cta.named_sync
        cta.store_shared %ob to %orows : !p, !ob
        cta.fence_async
        cta.named_sync %out1
        // CHECK: cta.store_async
        // CHECK-NEXT: cta.bulk_commit
        // CHECK-NEXT: cta.bulk_wait 0 read
        cta.elect {
          cta.store_async %orows to %O[%head, %row, %c0] : !ob, !N
          cta.bulk_commit
          cta.bulk_wait 0 read
        }
        // The lane that waited is in this warp; its arrival is the last.
        // CHECK: cta.release
        cta.release %q : !q
      }
    }
  }
  return
}
