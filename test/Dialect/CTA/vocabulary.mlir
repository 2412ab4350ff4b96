// The ops of the cta dialect that no pass uses yet print what they parse, and say
// the idioms they are for.
// RUN: %mla-opt %s | FileCheck %s
// RUN: %mla-opt %s | %mla-opt | FileCheck %s
// RUN: %mla-opt %s --mlir-print-op-generic | %mla-opt | FileCheck %s

#sw = #cta.shared_layout<swizzle = 128, rows = 64>
!k = !cta.ring<2x64x576xbf16, split 1 [256, 320]>
!rows = !cta.ring<1x64x576xbf16, split 0 [32, 32], #sw>

// CHECK-LABEL: func @parts
func.func @parts(%I: tensor<64xi32>, %KV: memref<?x576xbf16>) {
  %c0 = arith.constant 0 : index
  %c256 = arith.constant 256 : index
  scf.forall (%i) in (1) {
    // CHECK: cta.ring "k" : !cta.ring<2x64x576xbf16, split 1 [256, 320]>
    %k = cta.ring "k" : !k
    // CHECK: cta.ring "r" at 1024 : !cta.ring<1x64x576xbf16, split 0 [32, 32], #cta.shared_layout<swizzle = 128, rows = 64>>
    %r = cta.ring "r" at 1024 : !rows
    cta.role "producer" warps 4 registers 56 {
      // CHECK: %[[R:.*]] = cta.acquire_part %{{.*}}[1] : !cta.ring<2x64x576xbf16, split 1 [256, 320]>
      // CHECK: cta.gather_async {{.*}} to %[[R]] : memref<?x576xbf16>, tensor<64xi32>, !cta.buffer<64x320xbf16>
      %0 = cta.acquire_part %k[1] : !k
      cta.gather_async %KV[%I][%c256] to %0 : memref<?x576xbf16>, tensor<64xi32>, !cta.buffer<64x320xbf16>
    }
    cta.role "consumer" warps 4 registers 240 {
      // CHECK: cta.await_part %{{.*}}[0]
      // CHECK: cta.release_part %{{.*}}[0]
      %0 = cta.await_part %k[0] : !k
      cta.release_part %k[0] : !k
      // CHECK: %[[A:.*]] = cta.await_part %{{.*}}[0]
      // CHECK: %[[B:.*]] = cta.await_part %{{.*}}[1]
      // CHECK: cta.join %[[A]], %[[B]] dim 0 :
      // CHECK-SAME: -> !cta.buffer<64x576xbf16, #cta.shared_layout<swizzle = 128, rows = 64>>
      %1 = cta.await_part %r[0] : !rows
      %2 = cta.await_part %r[1] : !rows
      %3 = cta.join %1, %2 dim 0 : !cta.buffer<32x576xbf16, #sw>, !cta.buffer<32x576xbf16, #sw> -> !cta.buffer<64x576xbf16, #sw>
    }
  }
  return
}

// CHECK-LABEL: func @buffers
func.func @buffers(%r: !cta.ring<2x64x576xbf16>) {
  // CHECK: %[[M:.*]] = cta.buffer "max" at 229504 : !cta.buffer<64xf32>
  %m = cta.buffer "max" at 229504 : !cta.buffer<64xf32>
  // CHECK: cta.buffer "p" aliases %{{.*}}[139264] : !cta.ring<2x64x576xbf16> : !cta.buffer<64x64xbf16>
  %p = cta.buffer "p" aliases %r[139264] : !cta.ring<2x64x576xbf16> : !cta.buffer<64x64xbf16>
  // CHECK: cta.buffer "n" aliases %[[M]][128] : !cta.buffer<64xf32> : !cta.buffer<32xf32>
  %n = cta.buffer "n" aliases %m[128] : !cta.buffer<64xf32> : !cta.buffer<32xf32>
  // CHECK: cta.buffer "free" : !cta.buffer<16xf32>
  %f = cta.buffer "free" : !cta.buffer<16xf32>
  return
}

!in = !cta.in_flight<tensor<64x64xf32, #cta.layout<acc>>>

// CHECK-LABEL: func @products
func.func @products(%x: !in) {
  // CHECK: cta.mma_wait_reads %{{.*}} pending 1 : !cta.in_flight
  cta.mma_wait_reads %x pending 1 : !in
  // CHECK: cta.mma_wait_reads %{{.*}} : !cta.in_flight
  cta.mma_wait_reads %x : !in
  return
}

// CHECK-LABEL: func @named_barriers
func.func @named_barriers() {
  scf.forall (%i) in (1) {
    // CHECK: %[[B:.*]] = cta.named_barrier "b" id 3 threads 256
    %b = cta.named_barrier "b" id 3 threads 256
    cta.role "a" warps 4 registers 240 {
      // CHECK: cta.named_sync %[[B]]
      cta.named_sync %b
    }
    cta.role "b" warps 4 registers 240 {
      // CHECK: cta.named_arrive %[[B]]
      cta.named_arrive %b
    }
  }
  return
}

// CHECK-LABEL: func @bulk
func.func @bulk(%b: !cta.buffer<64x64xf32>, %M: memref<?x?xf32>, %map: !cta.tensor_map,
                %full: !cta.mbarrier<2>, %i: i32, %x: index) {
  scf.forall (%n) in (1) {
    cta.role "a" warps 4 registers 240 {
      // CHECK: cta.bulk_load %{{.*}}[%{{.*}}, %{{.*}}] to %{{.*}} : memref<?x?xf32>, !cta.buffer<64x64xf32>
      cta.bulk_load %M[%x, %x] to %b : memref<?x?xf32>, !cta.buffer<64x64xf32>
      // CHECK: cta.bulk_load {{.*}} signals %{{.*}}[%{{.*}}] : !cta.mbarrier<2> : memref<?x?xf32>, !cta.buffer<64x64xf32>
      cta.bulk_load %M[%x, %x] to %b signals %full[%i] : !cta.mbarrier<2> : memref<?x?xf32>, !cta.buffer<64x64xf32>
      // CHECK: cta.elect warp 3 {
      cta.elect warp 3 {
        // CHECK: cta.store_async %{{.*}} to %{{.*}}[%{{.*}}, %{{.*}}] : !cta.buffer<64x64xf32>, memref<?x?xf32>
        cta.store_async %b to %M[%x, %x] : !cta.buffer<64x64xf32>, memref<?x?xf32>
        // CHECK: cta.store_async {{.*}} map %{{.*}} :
        cta.store_async %b to %M[%x, %x] map %map : !cta.buffer<64x64xf32>, memref<?x?xf32>
        // CHECK: cta.bulk_store %{{.*}} to
        cta.bulk_store %b to %M[%x, %x] : !cta.buffer<64x64xf32>, memref<?x?xf32>
        // CHECK: cta.bulk_reduce_add %{{.*}} to
        cta.bulk_reduce_add %b to %M[%x, %x] : !cta.buffer<64x64xf32>, memref<?x?xf32>
        // CHECK: cta.bulk_commit
        cta.bulk_commit
        // CHECK: cta.bulk_wait 1 read
        cta.bulk_wait 1 read
        // CHECK: cta.bulk_wait 0{{$}}
        cta.bulk_wait 0
      }
    }
  }
  return
}

!tile = !cta.buffer<64x64xbf16>
!two = !cta.mbarrier<2>

// A slot of two CTAs, as the recipe for clusters has it: full counts 1 and bytes.
// CHECK-LABEL: func @cluster
func.func @cluster(%b: !tile, %x: tensor<64x64xbf16, #cta.layout<acc>>, %bar: !two, %i: i32,
                   %M: memref<?x?xbf16>, %map: !cta.tensor_map, %n: index) {
  // CHECK: %[[RANK:.*]] = cta.cluster_rank
  %rank = cta.cluster_rank
  // CHECK: cta.cluster_arrive relaxed
  // CHECK: cta.cluster_wait
  cta.cluster_arrive relaxed
  cta.cluster_wait
  // CHECK: %[[F:.*]] = cta.map_peer %{{.*}} cta %[[RANK]] : !cta.buffer<64x64xbf16>
  %far = cta.map_peer %b cta %rank : !tile
  // CHECK: %[[B:.*]] = cta.map_peer %{{.*}} cta %[[RANK]] : !cta.mbarrier<2>
  %farbar = cta.map_peer %bar cta %rank : !two
  // CHECK: cta.peer_arrive %[[B]][%{{.*}}] : !cta.peer<!cta.mbarrier<2>>
  cta.peer_arrive %farbar[%i] : !cta.peer<!two>
  // CHECK: cta.mbarrier_wait_cluster %{{.*}}[%{{.*}}] parity %{{.*}} : !cta.mbarrier<2>
  cta.mbarrier_wait_cluster %bar[%i] parity %i : !two
  // CHECK: cta.peer_copy %{{.*}} to %[[F]] signals %[[B]][%{{.*}}] : !cta.buffer<64x64xbf16>, !cta.peer<!cta.buffer<64x64xbf16>>, !cta.peer<!cta.mbarrier<2>>
  cta.peer_copy %b to %far signals %farbar[%i] : !tile, !cta.peer<!tile>, !cta.peer<!two>
  // CHECK: cta.peer_store %{{.*}} to %[[F]] signals %[[B]][%{{.*}}] : tensor<64x64xbf16, #cta.layout<acc>>, !cta.peer
  cta.peer_store %x to %far signals %farbar[%i] : tensor<64x64xbf16, #cta.layout<acc>>, !cta.peer<!tile>, !cta.peer<!two>
  // CHECK: cta.copy_multicast %{{.*}}[%{{.*}}, %{{.*}}] to %{{.*}} ctas 3 : memref<?x?xbf16>, !cta.buffer<64x64xbf16>
  cta.copy_multicast %M[%n, %n] to %b ctas 3 : memref<?x?xbf16>, !tile
  // CHECK: cta.copy_multicast {{.*}} ctas 3 map %{{.*}} signals %{{.*}}[%{{.*}}] : !cta.mbarrier<2> :
  cta.copy_multicast %M[%n, %n] to %b ctas 3 map %map signals %bar[%i] : !two : memref<?x?xbf16>, !tile
  return
}

// The last of `splits` CTAs combines what they all stored.
// CHECK-LABEL: func @last_combines
func.func @last_combines(%counter: memref<?xi32>, %splits: i32) {
  scf.forall (%i) in (1) {
    cta.role "combine" warps 1 registers 56 {
      %one = arith.constant 1 : i32
      %last = arith.subi %splits, %one : i32
      // CHECK: cta.fence_gpu
      // CHECK: cta.elect -> i32 {
      // CHECK: %[[OLD:.*]] = cta.atomic_add %{{.*}}, %{{.*}}[%{{.*}}] : memref<?xi32>
      // CHECK: cta.yield %[[OLD]] : i32
      cta.fence_gpu
      %old = cta.elect -> i32 {
        %0 = cta.atomic_add %one, %counter[%i] : memref<?xi32>
        cta.yield %0 : i32
      }
      %mine = arith.cmpi eq, %old, %last : i32
      scf.if %mine {
        cta.fence_gpu
      }
    }
  }
  return
}

// Ordered accumulation: each CTA adds when the counter says its number.
// CHECK-LABEL: func @ordered
func.func @ordered(%turns: memref<?xi32>, %dq: !cta.buffer<64x64xf32>, %dQ: memref<?x4096xf32>,
                   %me: i32, %c0: index) {
  scf.forall (%i) in (1) {
    cta.role "dq" warps 1 registers 24 {
      %one = arith.constant 1 : i32
      // CHECK: cta.elect {
      cta.elect {
        // CHECK: scf.while
        // CHECK: cta.load_acquire %{{.*}}[%{{.*}}] : memref<?xi32>
        scf.while : () -> () {
          %turn = cta.load_acquire %turns[%i] : memref<?xi32>
          %wait = arith.cmpi ne, %turn, %me : i32
          scf.condition(%wait)
        } do {
          scf.yield
        }
        // CHECK: cta.bulk_reduce_add
        // CHECK: cta.bulk_wait 0{{$}}
        // CHECK: cta.fence_gpu
        // CHECK: cta.atomic_add
        cta.bulk_reduce_add %dq to %dQ[%i, %c0] : !cta.buffer<64x64xf32>, memref<?x4096xf32>
        cta.bulk_commit
        cta.bulk_wait 0
        cta.fence_gpu
        %old = cta.atomic_add %one, %turns[%i] : memref<?xi32>
      }
    }
  }
  return
}

// CHECK-LABEL: func @launch
func.func @launch() {
  // CHECK: cta.launch_wait
  // CHECK: cta.launch_dependents
  cta.launch_wait
  cta.launch_dependents
  return
}
