// Schedule C, FlashMLA's sparse decode over an FP8 cache at 128 heads: a cluster of
// two CTAs, 64 heads each, for one token. Each CTA turns half of a block's tokens into
// bf16 and stores them in both CTAs' shared memory, its own half by plain stores, the
// peer's by st.async. Shows: cluster barriers at start and exit; mbarriers and
// buffers of a peer; a slot full when the local arrivals and the remote bytes are
// there, and free when the warps of both CTAs have read it; K without a swizzle;
// launch dependencies around the combine kernel.
//
// In each CTA the own half stands in rows 0 to 31 of the slot and the peer's in rows
// 32 to 63: sums over tokens do not care, and views stay static.
//
// Bytes: q 73,728 + k 2 x 73,728 + s 8,192 + valid 2 x 64 + scale 256
//   + sums 256 + 11 mbarriers 88 = 230,104; the verifier of every `at` checks it
//   against 232,448.
//
// RUN: %mla-opt %s | %mla-opt | FileCheck %s

#sw = #cta.shared_layout<swizzle = 128, rows = 64>
#core = #cta.shared_layout<swizzle = 16, rows = 64>
#v = #cta.shared_layout<swizzle = 0, rows = 64>
#acc = #cta.layout<acc>
#row = #cta.layout<row>
#col = #cta.layout<column>
#gather = #cta.layout<gather>
!qr = !cta.ring<1x64x576xbf16, #sw>
!kr = !cta.ring<2x64x576xbf16, #core>
!vr = !cta.ring<2x64xi1, #v>
!qt = !cta.buffer<64x576xbf16, #sw>
!kt = !cta.buffer<64x576xbf16, #core>
!vt = !cta.buffer<64x256xbf16, #core>
!nope = !cta.buffer<32x128xbf16, #core>
!rope = !cta.buffer<32x64xbf16, #core>
!far_nope = !cta.peer<!nope>
!far_rope = !cta.peer<!rope>
!two = !cta.mbarrier<2>
!far_two = !cta.peer<!two>
!pb = !cta.buffer<64x64xbf16, #sw>
!stat = !cta.buffer<64xf32, #v>
!flags = !cta.buffer<64xi1, #v>
!half = !cta.buffer<32xi1, #v>
!s = tensor<64x64xf32, #acc>
!p = tensor<64x64xbf16, #acc>
!pa = tensor<64x64xbf16, #cta.layout<a_operand>>
!o = tensor<64x256xf32, #acc>
!x = tensor<64xf32, #row>
!rows = tensor<32xi32, #gather>
!in_s = !cta.in_flight<!s>
!in_o = !cta.in_flight<!o>
!Q = memref<?x128x576xbf16>
!NOPE = memref<?x512xf8E4M3FN, strided<[656, 1]>>
!SCALES = memref<?x4xf32, strided<[164, 1]>>
!ROPE = memref<?x64xbf16, strided<[328, 1]>>
!I = memref<?x?xi32>
!O = memref<?x128x512xf32>
!LSE = memref<?x128xf32>

// CHECK-LABEL: func @fp8_decode
// CHECK-SAME: cta.cluster = array<i64: 1, 2>
func.func @fp8_decode(%Q: !Q, %NOPE: !NOPE, %SCALES: !SCALES, %ROPE: !ROPE,
                      %I: !I, %O: !O, %LSE: !LSE, %scale: f32, %tokens: index,
                      %blocks: index)
    attributes {cta.cluster = array<i64: 1, 2>} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c32 = arith.constant 32 : index
  %c64 = arith.constant 64 : index
  %c128 = arith.constant 128 : index
  %c256 = arith.constant 256 : index
  %c384 = arith.constant 384 : index
  %g0 = arith.constant 0 : index
  %g1 = arith.constant 1 : index
  %g2 = arith.constant 2 : index
  %g3 = arith.constant 3 : index
  %i1 = arith.constant 1 : i32
  %i2 = arith.constant 2 : i32
  %zero = arith.constant 0.0 : f32
  %low = arith.constant -1.0e30 : f32
  scf.forall (%token, %ctas) in (%tokens, 2) {
    %rank = cta.cluster_rank
    %peer = arith.subi %i1, %rank : i32
    %rx = arith.index_cast %rank : i32 to index
    %px = arith.index_cast %peer : i32 to index
    %head = arith.muli %rx, %c64 : index
    %q = cta.ring "q" at 0 : !qr
    %k = cta.ring "k" at 73728 : !kr
    %p = cta.buffer "s" at 221184 : !pb
    %valid = cta.ring "valid" at 229376 : !vr
    %alpha = cta.buffer "scale" at 229504 : !stat
    %lsum = cta.buffer "sums" at 229760 : !stat
    // Both halves of a slot: 4 warps here; bytes from the peer; 8 warps of each CTA.
    %local = cta.mbarrier "k.local" count 4 at 230016 : !two
    %remote = cta.mbarrier "k.remote" count 1 at 230032 : !two
    %free = cta.mbarrier "k.free" count 16 at 230048 : !two
    // Room for what the other rings become: q 1, valid 4.
    %room = cta.mbarrier "rings" count 8 at 230064 : !cta.mbarrier<5>
    %ready = cta.named_barrier "s.ready" id 1 threads 256
    %read = cta.named_barrier "s.read" id 2 threads 256
    %done = cta.named_barrier "done" id 3 threads 256
    %far_remote = cta.map_peer %remote cta %peer : !two
    %far_free = cta.map_peer %free cta %peer : !two

    // No CTA signals a barrier of its peer that is not initialised.
    // CHECK: cta.mbarrier_init_fence
    // CHECK-NEXT: cta.cluster_arrive
    // CHECK-NEXT: cta.cluster_wait
    cta.mbarrier_init %local : !two
    cta.mbarrier_init %remote : !two
    cta.mbarrier_init %free : !two
    cta.mbarrier_init_fence
    cta.cluster_arrive
    cta.cluster_wait

    // CHECK: cta.role "left" warps 4 registers 192
    cta.role "left" warps 4 registers 192 {
      %oz = tensor.splat %zero : !o
      %xz = tensor.splat %zero : !x
      %xl = tensor.splat %low : !x
      %sc = tensor.splat %scale : !s
      %scx = tensor.splat %scale : !x
      %masked = tensor.splat %low : !s
      %qt = cta.await %q : !qr
      // CHECK: scf.for
      %res:3 = scf.for %b = %c0 to %blocks step %c1
          iter_args(%o = %oz, %max = %xl, %sum = %xz) -> (!o, !x, !x) {
        %b32 = arith.index_cast %b : index to i32
        %slot = arith.remui %b32, %i2 : i32
        %round = arith.divui %b32, %i2 : i32
        // CHECK-COUNT-2: cta.mbarrier_wait
        %parity = arith.remui %round, %i2 : i32
        cta.mbarrier_wait %local[%slot] parity %parity : !two
        cta.mbarrier_wait_cluster %remote[%slot] parity %parity : !two
        %kt = cta.slot %k[%slot] : !kr
        // CHECK: cta.mma_async
        %sin = cta.mma_async %qt, %kt transpose_b : !qt, !kt -> !in_s
        %s = cta.mma_wait %sin : !in_s
        %vs = cta.await %valid : !vr
        %vf = cta.load_shared %vs : !flags -> tensor<64xi1, #col>
        cta.release %valid : !vr
        %vm = tile.broadcast %vf dim 0 : tensor<64xi1, #col> -> tensor<64x64xi1, #acc>
        %sm = arith.select %vm, %s, %masked : tensor<64x64xi1, #acc>, !s
        %rm = tile.reduce max %sm dim 1 : !s -> !x
        %rs = arith.mulf %rm, %scx : !x
        %new = arith.maximumf %max, %rs : !x
        %d = arith.subf %max, %new : !x
        %a = math.exp2 %d : !x
        %newb = tile.broadcast %new dim 1 : !x -> !s
        %ss = arith.mulf %sm, %sc : !s
        %e = arith.subf %ss, %newb : !s
        %w = math.exp2 %e : !s
        %rsum = tile.reduce sum %w dim 1 : !s -> !x
        %l0 = arith.mulf %sum, %a : !x
        %l1 = arith.addf %l0, %rsum : !x
        %wb = arith.truncf %w : !s to !p
        // The first block finds the buffers free.
        // CHECK: scf.if
        // CHECK-NEXT: cta.named_sync
        %later = arith.cmpi ne, %b, %c0 : index
        scf.if %later {
          cta.named_sync %read
        }
        cta.store_shared %a to %alpha : !x, !stat
        cta.store_shared %wb to %p : !p, !pb
        // CHECK: cta.fence_async
        // CHECK-NEXT: cta.named_arrive
        cta.fence_async
        cta.named_arrive %ready
        %ab = tile.broadcast %a dim 1 : !x -> !o
        %o0 = arith.mulf %o, %ab : !o
        %pa = cta.convert_layout %wb : !p -> !pa
        %vl = cta.view %kt [0, 0] : !kt -> !vt
        %oin = cta.mma_async %pa, %vl acc %o0 : !o : !pa, !vt -> !in_o
        // CHECK: cta.mma_wait
        // CHECK-NEXT: cta.arrive
        // CHECK-NEXT: cta.peer_arrive
        %o1 = cta.mma_wait %oin : !in_o
        cta.arrive %free[%slot] : !two
        cta.peer_arrive %far_free[%slot] : !far_two
        scf.yield %o1, %new, %l1 : !o, !x, !x
      }
      cta.release %q : !qr
      cta.store_shared %res#2 to %lsum : !x, !stat
      cta.named_arrive %done
      %lb = tile.broadcast %res#2 dim 1 : !x -> !o
      %on = arith.divf %res#0, %lb : !o
      tile.store %on, %O[%token, %head, %c0] : !o, !O
      %ln = math.log2 %res#2 : !x
      %lo = arith.addf %ln, %res#1 : !x
      tile.store %lo, %LSE[%token, %head] : !x, !LSE
    }

    // CHECK: cta.role "right" warps 4 registers 160
    cta.role "right" warps 4 registers 160 {
      %oz = tensor.splat %zero : !o
      %last = arith.subi %blocks, %c1 : index
      // CHECK: scf.for
      %res = scf.for %b = %c0 to %blocks step %c1 iter_args(%o = %oz) -> (!o) {
        %b32 = arith.index_cast %b : index to i32
        %slot = arith.remui %b32, %i2 : i32
        %round = arith.divui %b32, %i2 : i32
        // CHECK-COUNT-2: cta.mbarrier_wait
        %parity = arith.remui %round, %i2 : i32
        cta.mbarrier_wait %local[%slot] parity %parity : !two
        cta.mbarrier_wait_cluster %remote[%slot] parity %parity : !two
        %kt = cta.slot %k[%slot] : !kr
        // CHECK: cta.named_sync
        // CHECK: cta.mma_async
        cta.named_sync %ready
        %a = cta.load_shared %alpha : !stat -> !x
        %ab = tile.broadcast %a dim 1 : !x -> !o
        %o0 = arith.mulf %o, %ab : !o
        %vr = cta.view %kt [0, 256] : !kt -> !vt
        %oin = cta.mma_async %p, %vr acc %o0 : !o : !pb, !vt -> !in_o
        // CHECK: cta.mma_wait
        // CHECK-NEXT: cta.arrive
        // CHECK-NEXT: cta.peer_arrive
        %o1 = cta.mma_wait %oin : !in_o
        cta.arrive %free[%slot] : !two
        cta.peer_arrive %far_free[%slot] : !far_two
        %more = arith.cmpi ne, %b, %last : index
        // CHECK: cta.named_arrive
        scf.if %more {
          cta.named_arrive %read
        }
        scf.yield %o1 : !o
      }
      cta.named_sync %done
      %l = cta.load_shared %lsum : !stat -> !x
      %lb = tile.broadcast %l dim 1 : !x -> !o
      %on = arith.divf %res, %lb : !o
      tile.store %on, %O[%token, %head, %c256] : !o, !O
    }

    // CHECK: cta.role "dequantise" warps 4 registers 152
    cta.role "dequantise" warps 4 registers 152 {
      // CHECK: cta.launch_wait
      cta.launch_wait
      %qs = cta.acquire %q : !qr
      cta.copy_async %Q[%token, %head, %c0] to %qs : !Q, !qt
      %none = arith.constant dense<0> : !rows
      scf.for %b = %c0 to %blocks step %c1 {
        %b32 = arith.index_cast %b : index to i32
        %slot = arith.remui %b32, %i2 : i32
        %round = arith.divui %b32, %i2 : i32
        // This CTA's tokens and the peer's.
        %t0 = arith.muli %b, %c64 : index
        %own = arith.muli %rx, %c32 : index
        %others = arith.muli %px, %c32 : index
        %tmine = arith.addi %t0, %own : index
        %ttheirs = arith.addi %t0, %others : index
        %r = tile.load %I[%token, %tmine] pad -1 : i32 : !I -> !rows
        %rp = tile.load %I[%token, %ttheirs] pad -1 : i32 : !I -> !rows
        // Both CTAs' readers are done with the slot in both CTAs.
        %next = arith.addi %round, %i1 : i32
        %parity = arith.remui %next, %i2 : i32
        // CHECK: cta.mbarrier_wait_cluster
        // CHECK: cta.arrive_expect %{{.*}} bytes 36864
        cta.mbarrier_wait_cluster %free[%slot] parity %parity : !two
        cta.arrive_expect %remote[%slot] bytes 36864 : !two
        %kt = cta.slot %k[%slot] : !kr
        // CHECK-COUNT-5: cta.peer_store
        %f0 = tile.gather %NOPE[%r][%c0] : !NOPE, !rows -> tensor<32x128xf8E4M3FN, #gather>
        %x0 = tile.gather %SCALES[%r][%g0] : !SCALES, !rows -> tensor<32x1xf32, #gather>
        %y0 = tile.reduce sum %x0 dim 1 : tensor<32x1xf32, #gather> -> tensor<32xf32, #gather>
        %e0 = arith.extf %f0 : tensor<32x128xf8E4M3FN, #gather> to tensor<32x128xf32, #gather>
        %z0 = tile.broadcast %y0 dim 1 : tensor<32xf32, #gather> -> tensor<32x128xf32, #gather>
        %m0 = arith.mulf %e0, %z0 : tensor<32x128xf32, #gather>
        %h0 = arith.truncf %m0 : tensor<32x128xf32, #gather> to tensor<32x128xbf16, #gather>
        %near0 = cta.view %kt [0, 0] : !kt -> !nope
        %slot0 = cta.view %kt [32, 0] : !kt -> !nope
        %far0 = cta.map_peer %slot0 cta %peer : !nope
        cta.store_shared %h0 to %near0 : tensor<32x128xbf16, #gather>, !nope
        cta.peer_store %h0 to %far0 signals %far_remote[%slot] : tensor<32x128xbf16, #gather>, !far_nope, !far_two
        %f1 = tile.gather %NOPE[%r][%c128] : !NOPE, !rows -> tensor<32x128xf8E4M3FN, #gather>
        %x1 = tile.gather %SCALES[%r][%g1] : !SCALES, !rows -> tensor<32x1xf32, #gather>
        %y1 = tile.reduce sum %x1 dim 1 : tensor<32x1xf32, #gather> -> tensor<32xf32, #gather>
        %e1 = arith.extf %f1 : tensor<32x128xf8E4M3FN, #gather> to tensor<32x128xf32, #gather>
        %z1 = tile.broadcast %y1 dim 1 : tensor<32xf32, #gather> -> tensor<32x128xf32, #gather>
        %m1 = arith.mulf %e1, %z1 : tensor<32x128xf32, #gather>
        %h1 = arith.truncf %m1 : tensor<32x128xf32, #gather> to tensor<32x128xbf16, #gather>
        %near1 = cta.view %kt [0, 128] : !kt -> !nope
        %slot1 = cta.view %kt [32, 128] : !kt -> !nope
        %far1 = cta.map_peer %slot1 cta %peer : !nope
        cta.store_shared %h1 to %near1 : tensor<32x128xbf16, #gather>, !nope
        cta.peer_store %h1 to %far1 signals %far_remote[%slot] : tensor<32x128xbf16, #gather>, !far_nope, !far_two
        %f2 = tile.gather %NOPE[%r][%c256] : !NOPE, !rows -> tensor<32x128xf8E4M3FN, #gather>
        %x2 = tile.gather %SCALES[%r][%g2] : !SCALES, !rows -> tensor<32x1xf32, #gather>
        %y2 = tile.reduce sum %x2 dim 1 : tensor<32x1xf32, #gather> -> tensor<32xf32, #gather>
        %e2 = arith.extf %f2 : tensor<32x128xf8E4M3FN, #gather> to tensor<32x128xf32, #gather>
        %z2 = tile.broadcast %y2 dim 1 : tensor<32xf32, #gather> -> tensor<32x128xf32, #gather>
        %m2 = arith.mulf %e2, %z2 : tensor<32x128xf32, #gather>
        %h2 = arith.truncf %m2 : tensor<32x128xf32, #gather> to tensor<32x128xbf16, #gather>
        %near2 = cta.view %kt [0, 256] : !kt -> !nope
        %slot2 = cta.view %kt [32, 256] : !kt -> !nope
        %far2 = cta.map_peer %slot2 cta %peer : !nope
        cta.store_shared %h2 to %near2 : tensor<32x128xbf16, #gather>, !nope
        cta.peer_store %h2 to %far2 signals %far_remote[%slot] : tensor<32x128xbf16, #gather>, !far_nope, !far_two
        %f3 = tile.gather %NOPE[%r][%c384] : !NOPE, !rows -> tensor<32x128xf8E4M3FN, #gather>
        %x3 = tile.gather %SCALES[%r][%g3] : !SCALES, !rows -> tensor<32x1xf32, #gather>
        %y3 = tile.reduce sum %x3 dim 1 : tensor<32x1xf32, #gather> -> tensor<32xf32, #gather>
        %e3 = arith.extf %f3 : tensor<32x128xf8E4M3FN, #gather> to tensor<32x128xf32, #gather>
        %z3 = tile.broadcast %y3 dim 1 : tensor<32xf32, #gather> -> tensor<32x128xf32, #gather>
        %m3 = arith.mulf %e3, %z3 : tensor<32x128xf32, #gather>
        %h3 = arith.truncf %m3 : tensor<32x128xf32, #gather> to tensor<32x128xbf16, #gather>
        %near3 = cta.view %kt [0, 384] : !kt -> !nope
        %slot3 = cta.view %kt [32, 384] : !kt -> !nope
        %far3 = cta.map_peer %slot3 cta %peer : !nope
        cta.store_shared %h3 to %near3 : tensor<32x128xbf16, #gather>, !nope
        cta.peer_store %h3 to %far3 signals %far_remote[%slot] : tensor<32x128xbf16, #gather>, !far_nope, !far_two
        %h4 = tile.gather %ROPE[%r][%c0] : !ROPE, !rows -> tensor<32x64xbf16, #gather>
        %near4 = cta.view %kt [0, 512] : !kt -> !rope
        %slot4 = cta.view %kt [32, 512] : !kt -> !rope
        %far4 = cta.map_peer %slot4 cta %peer : !rope
        cta.store_shared %h4 to %near4 : tensor<32x64xbf16, #gather>, !rope
        cta.peer_store %h4 to %far4 signals %far_remote[%slot] : tensor<32x64xbf16, #gather>, !far_rope, !far_two
        // CHECK: cta.fence_async
        // CHECK-NEXT: cta.arrive
        cta.fence_async
        cta.arrive %local[%slot] : !two
        %vs = cta.acquire %valid : !vr
        %ok = arith.cmpi sge, %r, %none : !rows
        %okp = arith.cmpi sge, %rp, %none : !rows
        %v0 = cta.view %vs [0] : !flags -> !half
        %v1 = cta.view %vs [32] : !flags -> !half
        cta.store_shared %ok to %v0 : tensor<32xi1, #gather>, !half
        cta.store_shared %okp to %v1 : tensor<32xi1, #gather>, !half
      }
    }

    // The combine kernel may start; no CTA leaves while its peer writes into it.
    // CHECK: cta.launch_dependents
    // CHECK-NEXT: cta.cluster_arrive
    // CHECK-NEXT: cta.cluster_wait
    cta.launch_dependents
    cta.cluster_arrive
    cta.cluster_wait
  }
  return
}
