// Copies that are refused.
// RUN: %mla-opt %s -verify-diagnostics -split-input-file

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

func.func @load_barrier(%b: !cta.buffer<4xf32>, %M: memref<?xf32>, %x: index, %f: !cta.mbarrier<1>) {
  // expected-error @below {{expected a barrier and its index, or neither}}
  "cta.bulk_load"(%M, %x, %b, %f) {operandSegmentSizes = array<i32: 1, 1, 1, 1, 0>} : (memref<?xf32>, index, !cta.buffer<4xf32>, !cta.mbarrier<1>) -> ()
  return
}

// -----

!swizzled = !cta.buffer<64x32xf32, #cta.shared_layout<swizzle = 128, rows = 64>>
func.func @load_swizzled(%b: !swizzled, %M: memref<?xf32>, %x: index) {
  // expected-error @below {{expected a tile without a swizzle, got}}
  cta.bulk_load %M[%x] to %b : memref<?xf32>, !swizzled
  return
}

// -----

func.func @store_indices(%b: !cta.buffer<4xf32>, %M: memref<?x?xf32>, %x: index) {
  scf.forall (%i) in (1) {
    cta.role "a" warps 4 registers 240 {
      cta.elect {
        // expected-error @below {{expected 2 indices for 'memref<?x?xf32>', got 1}}
        cta.bulk_store %b to %M[%x] : !cta.buffer<4xf32>, memref<?x?xf32>
      }
    }
  }
  return
}

// -----

func.func @store_async_element(%b: !cta.buffer<64x64xbf16>, %M: memref<?x?xf32>, %x: index) {
  scf.forall (%i) in (1) {
    cta.role "a" warps 4 registers 240 {
      cta.elect {
        // expected-error @below {{expected a tile of 'f32', got '!cta.buffer<64x64xbf16>'}}
        cta.store_async %b to %M[%x, %x] : !cta.buffer<64x64xbf16>, memref<?x?xf32>
      }
    }
  }
  return
}

// -----

func.func @wait_pending() {
  scf.forall (%i) in (1) {
    cta.role "a" warps 4 registers 240 {
      cta.elect {
        // expected-error @below {{attribute 'pending' failed to satisfy constraint}}
        cta.bulk_wait -1
      }
    }
  }
  return
}
