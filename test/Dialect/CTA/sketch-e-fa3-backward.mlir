// Schedule E, FA3's backward pass: 64 queries by 96 keys, one stage, three
// warpgroups of products and a loading one. Each of the three has a third of the
// scores (32 keys), of dK and dV (64 of their columns, transposed: A and B swapped)
// and of dQ (64 columns). Shows: five products, two of them with a transposed A out
// of shared memory; three in flight at once; roles of one warp, for loading
// and for dQ; a bulk reduce-add with groups and read-waits; named barriers between one
// warp and a warpgroup. dQ's sum has no order: a deterministic design takes turns
// with cta.load_acquire (see vocabulary.mlir).
//
// Bytes: k 36,864 + v 36,864 + q 24,576 + do 24,576 + p 12,288 + ds 12,288
//   + dq 49,152 + lse 256 + dpsum 256 = 197,120, + 12 mbarriers 96 = 197,216; the
//   verifier of every `at` checks it against 232,448.
//
// RUN: %mla-opt %s | %mla-opt | FileCheck %s

#sw = #cta.shared_layout<swizzle = 128, rows = 64>
#kw = #cta.shared_layout<swizzle = 128, rows = 96>
#pw = #cta.shared_layout<swizzle = 64, rows = 64>
#dense = #cta.shared_layout<swizzle = 0, rows = 192>
#v = #cta.shared_layout<swizzle = 0, rows = 64>
#acc = #cta.layout<acc>
#row = #cta.layout<row>
!kr = !cta.ring<1x96x192xbf16, #kw>
!qr = !cta.ring<1x64x192xbf16, #sw>
!xr = !cta.ring<1x64xf32, #v>
!kt = !cta.buffer<96x192xbf16, #kw>
!kslice = !cta.buffer<32x192xbf16, #kw>
!kcols = !cta.buffer<96x64xbf16, #kw>
!qt = !cta.buffer<64x192xbf16, #sw>
!qcols = !cta.buffer<64x64xbf16, #sw>
!pt = !cta.buffer<64x96xbf16, #pw>
!pslice = !cta.buffer<64x32xbf16, #pw>
!dqt = !cta.buffer<192x64xf32, #dense>
!dqslice = !cta.buffer<64x64xf32, #dense>
!xt = !cta.buffer<64xf32, #v>
!s = tensor<64x32xf32, #acc>
!sb = tensor<64x32xbf16, #acc>
!dkv = tensor<64x96xf32, #acc>
!dqf = tensor<64x64xf32, #acc>
!x = tensor<64xf32, #row>
!in_s = !cta.in_flight<!s>
!in_dkv = !cta.in_flight<!dkv>
!in_dq = !cta.in_flight<!dqf>
!M = memref<?x?x192xbf16>
!X = memref<?x?xf32>
!DQ = memref<?x?x12288xf32>
!T = memref<?x192x?xf32>

// CHECK-LABEL: func @backward
func.func @backward(%Q: !M, %K: !M, %V: !M, %dO: !M, %LSE: !X, %dPsum: !X,
                    %dQ: !DQ, %dKT: !T, %dVT: !T, %scale: f32, %heads: index,
                    %nblocks: index, %mblocks: index) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c64 = arith.constant 64 : index
  %c96 = arith.constant 96 : index
  %c128 = arith.constant 128 : index
  %c4096 = arith.constant 4096 : index
  %c8192 = arith.constant 8192 : index
  %zero = arith.constant 0.0 : f32
  scf.forall (%head, %n) in (%heads, %nblocks) {
    %key = arith.muli %n, %c96 : index
    %k = cta.ring "k" at 0 : !kr
    %v = cta.ring "v" at 36864 : !kr
    %q = cta.ring "q" at 73728 : !qr
    %do = cta.ring "do" at 98304 : !qr
    %p = cta.buffer "p" at 122880 : !pt
    %ds = cta.buffer "ds" at 135168 : !pt
    %dq = cta.buffer "dq" at 147456 : !dqt
    %lse = cta.ring "lse" at 196608 : !xr
    %dps = cta.ring "dpsum" at 196864 : !xr
    // Room for what the rings become: full and free of six.
    %room = cta.mbarrier "rings" count 12 at 197120 : !cta.mbarrier<12>
    %pds = cta.named_barrier "p and ds" id 1 threads 384
    %full0 = cta.named_barrier "dq0.full" id 2 threads 160
    %full1 = cta.named_barrier "dq1.full" id 3 threads 160
    %full2 = cta.named_barrier "dq2.full" id 4 threads 160
    %empty0 = cta.named_barrier "dq0.empty" id 5 threads 160
    %empty1 = cta.named_barrier "dq1.empty" id 6 threads 160
    %empty2 = cta.named_barrier "dq2.empty" id 7 threads 160

    // CHECK: cta.role "load" warps 1 registers 24
    cta.role "load" warps 1 registers 24 {
      %ks = cta.acquire %k : !kr
      cta.copy_async %K[%head, %key, %c0] to %ks : !M, !kt
      %vs = cta.acquire %v : !kr
      cta.copy_async %V[%head, %key, %c0] to %vs : !M, !kt
      scf.for %m = %c0 to %mblocks step %c1 {
        %row = arith.muli %m, %c64 : index
        // CHECK: cta.copy_async
        // CHECK: cta.bulk_load
        %qs = cta.acquire %q : !qr
        cta.copy_async %Q[%head, %row, %c0] to %qs : !M, !qt
        %ls = cta.acquire %lse : !xr
        cta.bulk_load %LSE[%head, %row] to %ls : !X, !xt
        %dos = cta.acquire %do : !qr
        cta.copy_async %dO[%head, %row, %c0] to %dos : !M, !qt
        %dss = cta.acquire %dps : !xr
        cta.bulk_load %dPsum[%head, %row] to %dss : !X, !xt
      }
    }

    // CHECK: cta.role "dq" warps 1 registers 24
    cta.role "dq" warps 1 registers 24 {
      %dq0 = cta.view %dq [0, 0] : !dqt -> !dqslice
      %dq1 = cta.view %dq [64, 0] : !dqt -> !dqslice
      %dq2 = cta.view %dq [128, 0] : !dqt -> !dqslice
      cta.named_arrive %empty0
      cta.named_arrive %empty1
      cta.named_arrive %empty2
      // CHECK: scf.for
      scf.for %m = %c0 to %mblocks step %c1 {
        // CHECK: cta.named_sync
        // CHECK: cta.bulk_reduce_add
        // CHECK-NEXT: cta.bulk_commit
        cta.named_sync %full0
        cta.elect {
          cta.bulk_reduce_add %dq0 to %dQ[%head, %m, %c0] : !dqslice, !DQ
          cta.bulk_commit
        }
        // CHECK: cta.named_sync
        // CHECK: cta.bulk_reduce_add
        // CHECK-NEXT: cta.bulk_commit
        cta.named_sync %full1
        cta.elect {
          cta.bulk_reduce_add %dq1 to %dQ[%head, %m, %c4096] : !dqslice, !DQ
          cta.bulk_commit
        }
        // CHECK: cta.named_sync
        // CHECK: cta.bulk_reduce_add
        // CHECK-NEXT: cta.bulk_commit
        cta.named_sync %full2
        cta.elect {
          cta.bulk_reduce_add %dq2 to %dQ[%head, %m, %c8192] : !dqslice, !DQ
          cta.bulk_commit
        }
        // CHECK: cta.bulk_wait 2 read
        // CHECK: cta.named_arrive
        cta.elect {
          cta.bulk_wait 2 read
        }
        cta.named_arrive %empty0
        // CHECK: cta.bulk_wait 1 read
        // CHECK: cta.named_arrive
        cta.elect {
          cta.bulk_wait 1 read
        }
        cta.named_arrive %empty1
        // CHECK: cta.bulk_wait 0 read
        // CHECK: cta.named_arrive
        cta.elect {
          cta.bulk_wait 0 read
        }
        cta.named_arrive %empty2
      }
      // The sums are in memory before the kernel ends.
      cta.elect {
        cta.bulk_wait 0
      }
    }
    cta.role "idle" warps 2 registers 24 {
    }

    // CHECK: cta.role "mma0" warps 4 registers 160
    cta.role "mma0" warps 4 registers 160 {
      %dkvz = tensor.splat %zero : !dkv
      %sc = tensor.splat %scale : !s
      %kt = cta.await %k : !kr
      %vt = cta.await %v : !kr
      %kkeys = cta.view %kt [0, 0] : !kt -> !kslice
      %vkeys = cta.view %vt [0, 0] : !kt -> !kslice
      %kcols = cta.view %kt [0, 0] : !kt -> !kcols
      %pown = cta.view %p [0, 0] : !pt -> !pslice
      %dsown = cta.view %ds [0, 0] : !pt -> !pslice
      %dqown = cta.view %dq [0, 0] : !dqt -> !dqslice
      // CHECK: scf.for
      %res:2 = scf.for %m = %c0 to %mblocks step %c1
          iter_args(%dk = %dkvz, %dv = %dkvz) -> (!dkv, !dkv) {
        %qt = cta.await %q : !qr
        %sin = cta.mma_async %qt, %kkeys transpose_b : !qt, !kslice -> !in_s
        %ls = cta.await %lse : !xr
        %lf = cta.load_shared %ls : !xt -> !x
        cta.release %lse : !xr
        %dot = cta.await %do : !qr
        %dpin = cta.mma_async %dot, %vkeys transpose_b : !qt, !kslice -> !in_s
        // CHECK: cta.mma_wait %{{.*}} pending 1
        // CHECK: math.exp2
        %s = cta.mma_wait %sin pending 1 : !in_s
        %ss = arith.mulf %s, %sc : !s
        %lb = tile.broadcast %lf dim 1 : !x -> !s
        %e = arith.subf %ss, %lb : !s
        %pf = math.exp2 %e : !s
        %dsum = cta.await %dps : !xr
        %df = cta.load_shared %dsum : !xt -> !x
        cta.release %dps : !xr
        // CHECK: cta.mma_wait %{{.*}} pending 0
        %dp = cta.mma_wait %dpin pending 0 : !in_s
        %db = tile.broadcast %df dim 1 : !x -> !s
        %diff = arith.subf %dp, %db : !s
        %dsf = arith.mulf %pf, %diff : !s
        %pb = arith.truncf %pf : !s to !sb
        %dsb = arith.truncf %dsf : !s to !sb
        // All three have read the last p and ds; then all three have written.
        // CHECK: cta.named_sync
        // CHECK-COUNT-2: cta.store_shared
        // CHECK-NEXT: cta.fence_async
        // CHECK-NEXT: cta.named_sync
        cta.named_sync %pds
        cta.store_shared %pb to %pown : !sb, !pslice
        cta.store_shared %dsb to %dsown : !sb, !pslice
        cta.fence_async
        cta.named_sync %pds
        // dV^T += dO^T P, dQ = dS K, dK^T += Q^T dS.
        // CHECK: cta.mma_async {{.*}} transpose_a
        // CHECK-NEXT: cta.mma_async
        // CHECK-NEXT: cta.mma_wait %{{.*}} pending 1
        // CHECK-NEXT: cta.release
        %docols = cta.view %dot [0, 0] : !qt -> !qcols
        %qcols = cta.view %qt [0, 0] : !qt -> !qcols
        %dvin = cta.mma_async %docols, %p acc %dv : !dkv transpose_a : !qcols, !pt -> !in_dkv
        %dqin = cta.mma_async %ds, %kcols : !pt, !kcols -> !in_dq
        %dv1 = cta.mma_wait %dvin pending 1 : !in_dkv
        cta.release %do : !qr
        // CHECK-NEXT: cta.mma_async {{.*}} transpose_a
        // CHECK-NEXT: cta.mma_wait %{{.*}} pending 1
        %dkin = cta.mma_async %qcols, %ds acc %dk : !dkv transpose_a : !qcols, !pt -> !in_dkv
        %dqf = cta.mma_wait %dqin pending 1 : !in_dq
        // CHECK-NEXT: cta.named_sync
        // CHECK-NEXT: cta.store_shared
        // CHECK-NEXT: cta.fence_async
        // CHECK-NEXT: cta.named_arrive
        // CHECK-NEXT: cta.mma_wait %{{.*}} pending 0
        // CHECK-NEXT: cta.release
        cta.named_sync %empty0
        cta.store_shared %dqf to %dqown : !dqf, !dqslice
        cta.fence_async
        cta.named_arrive %full0
        %dk1 = cta.mma_wait %dkin pending 0 : !in_dkv
        cta.release %q : !qr
        scf.yield %dk1, %dv1 : !dkv, !dkv
      }
      // Takes the last arrival of "dq".
      cta.named_sync %empty0
      cta.release %k : !kr
      cta.release %v : !kr
      tile.store %res#0, %dKT[%head, %c0, %key] : !dkv, !T
      tile.store %res#1, %dVT[%head, %c0, %key] : !dkv, !T
    }

    // CHECK: cta.role "mma1" warps 4 registers 160
    cta.role "mma1" warps 4 registers 160 {
      %dkvz = tensor.splat %zero : !dkv
      %sc = tensor.splat %scale : !s
      %kt = cta.await %k : !kr
      %vt = cta.await %v : !kr
      %kkeys = cta.view %kt [32, 0] : !kt -> !kslice
      %vkeys = cta.view %vt [32, 0] : !kt -> !kslice
      %kcols = cta.view %kt [0, 64] : !kt -> !kcols
      %pown = cta.view %p [0, 32] : !pt -> !pslice
      %dsown = cta.view %ds [0, 32] : !pt -> !pslice
      %dqown = cta.view %dq [64, 0] : !dqt -> !dqslice
      // CHECK: scf.for
      %res:2 = scf.for %m = %c0 to %mblocks step %c1
          iter_args(%dk = %dkvz, %dv = %dkvz) -> (!dkv, !dkv) {
        %qt = cta.await %q : !qr
        %sin = cta.mma_async %qt, %kkeys transpose_b : !qt, !kslice -> !in_s
        %ls = cta.await %lse : !xr
        %lf = cta.load_shared %ls : !xt -> !x
        cta.release %lse : !xr
        %dot = cta.await %do : !qr
        %dpin = cta.mma_async %dot, %vkeys transpose_b : !qt, !kslice -> !in_s
        // CHECK: cta.mma_wait %{{.*}} pending 1
        // CHECK: math.exp2
        %s = cta.mma_wait %sin pending 1 : !in_s
        %ss = arith.mulf %s, %sc : !s
        %lb = tile.broadcast %lf dim 1 : !x -> !s
        %e = arith.subf %ss, %lb : !s
        %pf = math.exp2 %e : !s
        %dsum = cta.await %dps : !xr
        %df = cta.load_shared %dsum : !xt -> !x
        cta.release %dps : !xr
        // CHECK: cta.mma_wait %{{.*}} pending 0
        %dp = cta.mma_wait %dpin pending 0 : !in_s
        %db = tile.broadcast %df dim 1 : !x -> !s
        %diff = arith.subf %dp, %db : !s
        %dsf = arith.mulf %pf, %diff : !s
        %pb = arith.truncf %pf : !s to !sb
        %dsb = arith.truncf %dsf : !s to !sb
        // All three have read the last p and ds; then all three have written.
        // CHECK: cta.named_sync
        // CHECK-COUNT-2: cta.store_shared
        // CHECK-NEXT: cta.fence_async
        // CHECK-NEXT: cta.named_sync
        cta.named_sync %pds
        cta.store_shared %pb to %pown : !sb, !pslice
        cta.store_shared %dsb to %dsown : !sb, !pslice
        cta.fence_async
        cta.named_sync %pds
        // dV^T += dO^T P, dQ = dS K, dK^T += Q^T dS.
        // CHECK: cta.mma_async {{.*}} transpose_a
        // CHECK-NEXT: cta.mma_async
        // CHECK-NEXT: cta.mma_wait %{{.*}} pending 1
        // CHECK-NEXT: cta.release
        %docols = cta.view %dot [0, 64] : !qt -> !qcols
        %qcols = cta.view %qt [0, 64] : !qt -> !qcols
        %dvin = cta.mma_async %docols, %p acc %dv : !dkv transpose_a : !qcols, !pt -> !in_dkv
        %dqin = cta.mma_async %ds, %kcols : !pt, !kcols -> !in_dq
        %dv1 = cta.mma_wait %dvin pending 1 : !in_dkv
        cta.release %do : !qr
        // CHECK-NEXT: cta.mma_async {{.*}} transpose_a
        // CHECK-NEXT: cta.mma_wait %{{.*}} pending 1
        %dkin = cta.mma_async %qcols, %ds acc %dk : !dkv transpose_a : !qcols, !pt -> !in_dkv
        %dqf = cta.mma_wait %dqin pending 1 : !in_dq
        // CHECK-NEXT: cta.named_sync
        // CHECK-NEXT: cta.store_shared
        // CHECK-NEXT: cta.fence_async
        // CHECK-NEXT: cta.named_arrive
        // CHECK-NEXT: cta.mma_wait %{{.*}} pending 0
        // CHECK-NEXT: cta.release
        cta.named_sync %empty1
        cta.store_shared %dqf to %dqown : !dqf, !dqslice
        cta.fence_async
        cta.named_arrive %full1
        %dk1 = cta.mma_wait %dkin pending 0 : !in_dkv
        cta.release %q : !qr
        scf.yield %dk1, %dv1 : !dkv, !dkv
      }
      // Takes the last arrival of "dq".
      cta.named_sync %empty1
      cta.release %k : !kr
      cta.release %v : !kr
      tile.store %res#0, %dKT[%head, %c64, %key] : !dkv, !T
      tile.store %res#1, %dVT[%head, %c64, %key] : !dkv, !T
    }

    // CHECK: cta.role "mma2" warps 4 registers 160
    cta.role "mma2" warps 4 registers 160 {
      %dkvz = tensor.splat %zero : !dkv
      %sc = tensor.splat %scale : !s
      %kt = cta.await %k : !kr
      %vt = cta.await %v : !kr
      %kkeys = cta.view %kt [64, 0] : !kt -> !kslice
      %vkeys = cta.view %vt [64, 0] : !kt -> !kslice
      %kcols = cta.view %kt [0, 128] : !kt -> !kcols
      %pown = cta.view %p [0, 64] : !pt -> !pslice
      %dsown = cta.view %ds [0, 64] : !pt -> !pslice
      %dqown = cta.view %dq [128, 0] : !dqt -> !dqslice
      // CHECK: scf.for
      %res:2 = scf.for %m = %c0 to %mblocks step %c1
          iter_args(%dk = %dkvz, %dv = %dkvz) -> (!dkv, !dkv) {
        %qt = cta.await %q : !qr
        %sin = cta.mma_async %qt, %kkeys transpose_b : !qt, !kslice -> !in_s
        %ls = cta.await %lse : !xr
        %lf = cta.load_shared %ls : !xt -> !x
        cta.release %lse : !xr
        %dot = cta.await %do : !qr
        %dpin = cta.mma_async %dot, %vkeys transpose_b : !qt, !kslice -> !in_s
        // CHECK: cta.mma_wait %{{.*}} pending 1
        // CHECK: math.exp2
        %s = cta.mma_wait %sin pending 1 : !in_s
        %ss = arith.mulf %s, %sc : !s
        %lb = tile.broadcast %lf dim 1 : !x -> !s
        %e = arith.subf %ss, %lb : !s
        %pf = math.exp2 %e : !s
        %dsum = cta.await %dps : !xr
        %df = cta.load_shared %dsum : !xt -> !x
        cta.release %dps : !xr
        // CHECK: cta.mma_wait %{{.*}} pending 0
        %dp = cta.mma_wait %dpin pending 0 : !in_s
        %db = tile.broadcast %df dim 1 : !x -> !s
        %diff = arith.subf %dp, %db : !s
        %dsf = arith.mulf %pf, %diff : !s
        %pb = arith.truncf %pf : !s to !sb
        %dsb = arith.truncf %dsf : !s to !sb
        // All three have read the last p and ds; then all three have written.
        // CHECK: cta.named_sync
        // CHECK-COUNT-2: cta.store_shared
        // CHECK-NEXT: cta.fence_async
        // CHECK-NEXT: cta.named_sync
        cta.named_sync %pds
        cta.store_shared %pb to %pown : !sb, !pslice
        cta.store_shared %dsb to %dsown : !sb, !pslice
        cta.fence_async
        cta.named_sync %pds
        // dV^T += dO^T P, dQ = dS K, dK^T += Q^T dS.
        // CHECK: cta.mma_async {{.*}} transpose_a
        // CHECK-NEXT: cta.mma_async
        // CHECK-NEXT: cta.mma_wait %{{.*}} pending 1
        // CHECK-NEXT: cta.release
        %docols = cta.view %dot [0, 128] : !qt -> !qcols
        %qcols = cta.view %qt [0, 128] : !qt -> !qcols
        %dvin = cta.mma_async %docols, %p acc %dv : !dkv transpose_a : !qcols, !pt -> !in_dkv
        %dqin = cta.mma_async %ds, %kcols : !pt, !kcols -> !in_dq
        %dv1 = cta.mma_wait %dvin pending 1 : !in_dkv
        cta.release %do : !qr
        // CHECK-NEXT: cta.mma_async {{.*}} transpose_a
        // CHECK-NEXT: cta.mma_wait %{{.*}} pending 1
        %dkin = cta.mma_async %qcols, %ds acc %dk : !dkv transpose_a : !qcols, !pt -> !in_dkv
        %dqf = cta.mma_wait %dqin pending 1 : !in_dq
        // CHECK-NEXT: cta.named_sync
        // CHECK-NEXT: cta.store_shared
        // CHECK-NEXT: cta.fence_async
        // CHECK-NEXT: cta.named_arrive
        // CHECK-NEXT: cta.mma_wait %{{.*}} pending 0
        // CHECK-NEXT: cta.release
        cta.named_sync %empty2
        cta.store_shared %dqf to %dqown : !dqf, !dqslice
        cta.fence_async
        cta.named_arrive %full2
        %dk1 = cta.mma_wait %dkin pending 0 : !in_dkv
        cta.release %q : !qr
        scf.yield %dk1, %dv1 : !dkv, !dkv
      }
      // Takes the last arrival of "dq".
      cta.named_sync %empty2
      cta.release %k : !kr
      cta.release %v : !kr
      tile.store %res#0, %dKT[%head, %c128, %key] : !dkv, !T
      tile.store %res#1, %dVT[%head, %c128, %key] : !dkv, !T
    }
  }
  return
}
