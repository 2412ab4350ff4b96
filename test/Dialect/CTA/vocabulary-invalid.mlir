// What the ops that no pass uses yet refuse.
// RUN: %mla-opt %s -verify-diagnostics -split-input-file

// expected-error @below {{expected a swizzle of 0, 16, 32, 64 or 128, got 48}}
func.func @swizzle(%b: !cta.buffer<64x64xbf16, #cta.shared_layout<swizzle = 48, rows = 64>>) { return }

// -----

// expected-error @below {{expected at least 1 row, got 0}}
func.func @layout_rows(%b: !cta.buffer<64x64xbf16, #cta.shared_layout<swizzle = 128, rows = 0>>) { return }

// -----

// expected-error @below {{expected a split dimension in [0, 2), got 2}}
func.func @split_dim(%r: !cta.ring<2x64x576xbf16, split 2 [256, 320]>) { return }

// -----

// expected-error @below {{expected parts that sum to 576, got 512}}
func.func @split_sum(%r: !cta.ring<2x64x576xbf16, split 1 [256, 256]>) { return }

// -----

// expected-error @below {{expected parts of 1 to 576, got 0}}
func.func @split_zero(%r: !cta.ring<2x64x576xbf16, split 1 [576, 0]>) { return }

// -----

// expected-error @below {{expected a buffer or mbarriers, got 'i32'}}
func.func @peer(%p: !cta.peer<i32>) { return }

// -----

// expected-error @below {{expected parts of 1 to 576, got 9223372036854775807}}
func.func @split_huge(%r: !cta.ring<2x64x576xbf16, split 1 [9223372036854775807, 9223372036854775807, 578]>) { return }

// -----

// expected-error @below {{expected 1 to 16777216 mbarriers, got 4611686018427387904}}
func.func @mbarriers(%b: !cta.mbarrier<4611686018427387904>) { return }

// -----

func.func @part_of_buffer(%b: !cta.buffer<64xf32>) {
  // expected-error @below {{expected a ring, got '!cta.buffer<64xf32>'}}
  %0 = cta.await_part %b[0] : !cta.buffer<64xf32>
  return
}

// -----

func.func @ring_place() {
  // expected-error @below {{expected a place in the 232448 bytes of shared memory, got 73728 at 221184}}
  %0 = cta.ring "k" at 221184 : !cta.ring<1x64x576xbf16>
  return
}

// -----

func.func @ring_far_away() {
  // expected-error @below {{expected a place in the 232448 bytes of shared memory, got 73728 at 9223372036854775807}}
  %0 = cta.ring "k" at 9223372036854775807 : !cta.ring<1x64x576xbf16>
  return
}

// -----

func.func @mbarrier_place() {
  // expected-error @below {{expected a place in the 232448 bytes of shared memory, got 16 at 232440}}
  %0 = cta.mbarrier "b" count 1 at 232440 : !cta.mbarrier<2>
  return
}

// -----

func.func @buffer_place() {
  // expected-error @below {{expected a place in the 232448 bytes of shared memory, got 256 at 232400}}
  %0 = cta.buffer "b" at 232400 : !cta.buffer<64xf32>
  return
}

// -----

func.func @buffer_over(%r: !cta.ring<2x64x64xbf16>) {
  // expected-error @below {{expected 8192 bytes within one of 2 slots of 8192, got byte 4096}}
  %0 = cta.buffer "b" aliases %r[4096] : !cta.ring<2x64x64xbf16> : !cta.buffer<64x64xbf16>
  return
}

// -----

func.func @buffer_no_byte(%r: !cta.ring<2x64x64xbf16>) {
  // expected-error @below {{expected a base and a byte in it, or neither}}
  %0 = "cta.buffer"(%r) {name = "b"} : (!cta.ring<2x64x64xbf16>) -> !cta.buffer<64x64xbf16>
  return
}

// -----

func.func @acquire_part(%r: !cta.ring<2x64x576xbf16>) {
  // expected-error @below {{expected a part in [0, 0), got 0}}
  %0 = cta.acquire_part %r[0] : !cta.ring<2x64x576xbf16>
  return
}

// -----

func.func @await_part(%r: !cta.ring<2x64x576xbf16, split 1 [256, 320]>) {
  // expected-error @below {{expected a part in [0, 2), got 2}}
  %0 = cta.await_part %r[2] : !cta.ring<2x64x576xbf16, split 1 [256, 320]>
  return
}

// -----

func.func @release_part(%r: !cta.ring<2x64x576xbf16, split 1 [256, 320]>) {
  // expected-error @below {{expected a part in [0, 2), got 3}}
  cta.release_part %r[3] : !cta.ring<2x64x576xbf16, split 1 [256, 320]>
  return
}

// -----

func.func @join_dim(%a: !cta.buffer<64x64xbf16>, %b: !cta.buffer<64x64xbf16>) {
  // expected-error @below {{expected at least 2 parts along a dimension of '!cta.buffer<64x128xbf16>', got 2 along 2}}
  %0 = cta.join %a, %b dim 2 : !cta.buffer<64x64xbf16>, !cta.buffer<64x64xbf16> -> !cta.buffer<64x128xbf16>
  return
}

// -----

func.func @join_shape(%a: !cta.buffer<64x64xbf16>, %b: !cta.buffer<32x64xbf16>) {
  // expected-error @below {{expected parts like '!cta.buffer<64x128xbf16>' but for dimension 1, got '!cta.buffer<32x64xbf16>'}}
  %0 = cta.join %a, %b dim 1 : !cta.buffer<64x64xbf16>, !cta.buffer<32x64xbf16> -> !cta.buffer<64x128xbf16>
  return
}

// -----

func.func @join_sum(%a: !cta.buffer<64x64xbf16>, %b: !cta.buffer<64x32xbf16>) {
  // expected-error @below {{expected parts that sum to 128, got 96}}
  %0 = cta.join %a, %b dim 1 : !cta.buffer<64x64xbf16>, !cta.buffer<64x32xbf16> -> !cta.buffer<64x128xbf16>
  return
}

// -----

!r = !cta.ring<2x64x128xbf16, split 1 [64, 64]>
func.func @join_order(%r: !r) {
  %0 = cta.await_part %r[0] : !r
  %1 = cta.await_part %r[1] : !r
  // expected-error @below {{expected part 2 of the same ring after part 1, got part 0}}
  %2 = cta.join %1, %0 dim 1 : !cta.buffer<64x64xbf16>, !cta.buffer<64x64xbf16> -> !cta.buffer<64x128xbf16>
  return
}

// -----

func.func @elect_outside() {
  // expected-error @below {{expected cta.role around it, got none}}
  cta.elect {
  }
  return
}

// -----

func.func @elect_warp() {
  scf.forall (%i) in (1) {
    cta.role "a" warps 4 registers 240 {
      // expected-error @below {{expected a warp in [0, 4), got 4}}
      cta.elect warp 4 {
      }
    }
  }
  return
}

// -----

func.func @elect_nested() {
  scf.forall (%i) in (1) {
    cta.role "a" warps 4 registers 240 {
      cta.elect {
        // expected-error @below {{expected the whole role, got one lane in cta.elect}}
        cta.elect {
        }
      }
    }
  }
  return
}

// -----

func.func @elect_end() {
  scf.forall (%cta) in (1) {
    cta.role "r" warps 1 registers 24 {
      "cta.elect"() ({
        // expected-error @below {{block with no terminator}}
        %0 = arith.constant 0 : i32
      }) : () -> ()
    }
  }
  return
}

// -----

func.func @elect_results(%x: i32) {
  scf.forall (%i) in (1) {
    cta.role "a" warps 4 registers 240 {
      // expected-error @below {{expected a role of 1 warp for results, got 4}}
      %0 = cta.elect -> i32 {
        cta.yield %x : i32
      }
    }
  }
  return
}

// -----

func.func @elect_yield(%x: i64) {
  scf.forall (%i) in (1) {
    cta.role "a" warps 1 registers 240 {
      %0 = cta.elect -> i32 {
        // expected-error @below {{expected values of the types of cta.elect's results ('i32'), got ('i64')}}
        cta.yield %x : i64
      }
    }
  }
  return
}

// -----

func.func @named_id() {
  // expected-error @below {{attribute 'id' failed to satisfy constraint}}
  %0 = cta.named_barrier "b" id 0 threads 256
  return
}

// -----

func.func @named_id_too_large() {
  // expected-error @below {{expected an id of 1 to 15, got 16}}
  %0 = cta.named_barrier "b" id 16 threads 256
  return
}

// -----

func.func @named_too_many_threads() {
  // expected-error @below {{expected at most 1024 threads, got 1056}}
  %0 = cta.named_barrier "b" id 1 threads 1056
  return
}

// -----

func.func @named_threads() {
  // expected-error @below {{expected whole warps of 32 threads, got 100}}
  %0 = cta.named_barrier "b" id 1 threads 100
  return
}

// -----

func.func @named_role() {
  scf.forall (%i) in (1) {
    %b = cta.named_barrier "b" id 1 threads 64
    cta.role "a" warps 4 registers 240 {
      // expected-error @below {{expected a role of at most 64 threads, got 128}}
      cta.named_sync %b
    }
  }
  return
}

// -----

func.func @named_elect() {
  scf.forall (%i) in (1) {
    %b = cta.named_barrier "b" id 1 threads 256
    cta.role "a" warps 4 registers 240 {
      cta.elect {
        // expected-error @below {{expected the whole role, got one lane in cta.elect}}
        cta.named_arrive %b
      }
    }
  }
  return
}

// -----

func.func @cluster_elect() {
  scf.forall (%i) in (1) {
    cta.role "a" warps 4 registers 240 {
      cta.elect {
        // expected-error @below {{expected the whole role, got one lane in cta.elect}}
        cta.cluster_arrive
      }
    }
  }
  return
}

// -----

func.func @cluster_wait_elect() {
  scf.forall (%i) in (1) {
    cta.role "a" warps 4 registers 240 {
      cta.elect {
        // expected-error @below {{expected the whole role, got one lane in cta.elect}}
        cta.cluster_wait
      }
    }
  }
  return
}

// -----

func.func @load_bytes(%b: !cta.buffer<3xf32>, %M: memref<?xf32>, %x: index) {
  // expected-error @below {{expected a multiple of 16 bytes, got 12}}
  cta.bulk_load %M[%x] to %b : memref<?xf32>, !cta.buffer<3xf32>
  return
}

// -----

func.func @load_indices(%b: !cta.buffer<4xf32>, %M: memref<?xf32>, %x: index) {
  // expected-error @below {{expected 1 indices for 'memref<?xf32>', got 2}}
  cta.bulk_load %M[%x, %x] to %b : memref<?xf32>, !cta.buffer<4xf32>
  return
}

// -----

func.func @load_element(%b: !cta.buffer<4xf32>, %M: memref<?xbf16>, %x: index) {
  // expected-error @below {{expected a tile of 'bf16', got '!cta.buffer<4xf32>'}}
  cta.bulk_load %M[%x] to %b : memref<?xbf16>, !cta.buffer<4xf32>
  return
}

// -----

func.func @load_bits(%b: !cta.buffer<128xi1>, %M: memref<?xi1>, %x: index) {
  // expected-error @below {{expected elements of whole bytes, got 'i1', which is packed in shared memory only}}
  cta.bulk_load %M[%x] to %b : memref<?xi1>, !cta.buffer<128xi1>
  return
}

// -----

func.func @store_role(%b: !cta.buffer<4xf32>, %M: memref<?xf32>, %x: index) {
  // expected-error @below {{expected cta.elect around it, got the whole role}}
  cta.store_async %b to %M[%x] : !cta.buffer<4xf32>, memref<?xf32>
  return
}

// -----

func.func @bulk_store_role(%b: !cta.buffer<4xf32>, %M: memref<?xf32>, %x: index) {
  // expected-error @below {{expected cta.elect around it, got the whole role}}
  cta.bulk_store %b to %M[%x] : !cta.buffer<4xf32>, memref<?xf32>
  return
}

// -----

func.func @reduce_role(%b: !cta.buffer<4xf32>, %M: memref<?xf32>, %x: index) {
  // expected-error @below {{expected cta.elect around it, got the whole role}}
  cta.bulk_reduce_add %b to %M[%x] : !cta.buffer<4xf32>, memref<?xf32>
  return
}

// -----

func.func @reduce_element(%b: !cta.buffer<4xi64>, %M: memref<?xi64>, %x: index) {
  scf.forall (%i) in (1) {
    cta.role "a" warps 4 registers 240 {
      cta.elect {
        // expected-error @below {{expected elements of type f32, f16, bf16 or i32, got 'i64'}}
        cta.bulk_reduce_add %b to %M[%x] : !cta.buffer<4xi64>, memref<?xi64>
      }
    }
  }
  return
}

// -----

func.func @commit_role() {
  // expected-error @below {{expected cta.elect around it, got the whole role}}
  cta.bulk_commit
  return
}

// -----

func.func @wait_role() {
  // expected-error @below {{expected cta.elect around it, got the whole role}}
  cta.bulk_wait 0
  return
}

// -----

func.func @multicast_mask(%b: !cta.buffer<64x64xbf16>, %M: memref<?x?xbf16>, %x: index) {
  // expected-error @below {{attribute 'ctas' failed to satisfy constraint}}
  cta.copy_multicast %M[%x, %x] to %b ctas 0 : memref<?x?xbf16>, !cta.buffer<64x64xbf16>
  return
}

// -----

func.func @multicast_element(%b: !cta.buffer<64x64xbf16>, %M: memref<?x?xf32>, %x: index) {
  // expected-error @below {{expected a tile of 'f32', got '!cta.buffer<64x64xbf16>'}}
  cta.copy_multicast %M[%x, %x] to %b ctas 3 : memref<?x?xf32>, !cta.buffer<64x64xbf16>
  return
}

// -----

func.func @peer_arrive(%p: !cta.peer<!cta.buffer<64xf32>>, %i: i32) {
  // expected-error @below {{operand #0 must be peer's mbarriers, but got '!cta.peer<!cta.buffer<64xf32>>'}}
  cta.peer_arrive %p[%i] : !cta.peer<!cta.buffer<64xf32>>
  return
}

// -----

func.func @peer_copy(%b: !cta.buffer<32xf32>, %p: !cta.peer<!cta.buffer<64xf32>>, %bar: !cta.peer<!cta.mbarrier<1>>, %i: i32) {
  // expected-error @below {{expected tiles of one element type and one size, a multiple of 16 bytes, got '!cta.buffer<32xf32>' and '!cta.buffer<64xf32>'}}
  cta.peer_copy %b to %p signals %bar[%i] : !cta.buffer<32xf32>, !cta.peer<!cta.buffer<64xf32>>, !cta.peer<!cta.mbarrier<1>>
  return
}

// -----

func.func @peer_store(%x: tensor<32xf32>, %p: !cta.peer<!cta.buffer<64xf32>>, %bar: !cta.peer<!cta.mbarrier<1>>, %i: i32) {
  // expected-error @below {{expected a fragment and a buffer of the same shape and element type, got 'tensor<32xf32>' and '!cta.buffer<64xf32>'}}
  cta.peer_store %x to %p signals %bar[%i] : tensor<32xf32>, !cta.peer<!cta.buffer<64xf32>>, !cta.peer<!cta.mbarrier<1>>
  return
}

// -----

func.func @atomic_role(%x: i32, %M: memref<?xi32>, %i: index) {
  // expected-error @below {{expected cta.elect around it, got the whole role}}
  %0 = cta.atomic_add %x, %M[%i] : memref<?xi32>
  return
}

// -----

func.func @acquire_indices(%M: memref<?x?xi32>, %i: index) {
  // expected-error @below {{expected 2 indices for 'memref<?x?xi32>', got 1}}
  %0 = cta.load_acquire %M[%i] : memref<?x?xi32>
  return
}

// -----

// expected-error @below {{expected at most 16777216 rows, got 9223372036854775807}}
func.func @layout_rows(%b: !cta.buffer<64xf32, #cta.shared_layout<swizzle = 0, rows = 9223372036854775807>>) { return }
