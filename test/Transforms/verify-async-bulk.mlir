// Bulk copies and one lane, as far as they concern rings and places.
// RUN: %mla-opt %s --mla-verify-async -split-input-file -verify-diagnostics

#dense = #cta.shared_layout<swizzle = 0, rows = 64>
!ring = !cta.ring<1x64xf32, #dense>
!vec = !cta.buffer<64xf32, #dense>
!one = !cta.mbarrier<1>

// A bulk load fills a slot, as a TMA copy does.
func.func @fills(%x: memref<64xf32>) attributes {cta.shared_bytes = 272 : i64} {
  %c0 = arith.constant 0 : index
  %i0 = arith.constant 0 : i32
  %i1 = arith.constant 1 : i32
  scf.forall (%i) in (1) {
    %v = cta.ring "v" at 0 : !ring
    %full = cta.mbarrier "v.full" full(%v : !ring) count 1 bytes 256 at 256 : !one
    %empty = cta.mbarrier "v.empty" empty(%v : !ring) count 4 at 264 : !one
    cta.mbarrier_init %full : !one
    cta.mbarrier_init %empty : !one
    cta.mbarrier_init_fence
    cta.sync
    cta.role "use" warps 4 registers 128 {
      cta.mbarrier_wait %full[%i0] parity %i0 : !one
      %s = cta.slot %v[%i0] : !ring
      %y = cta.load_shared %s : !vec -> tensor<64xf32, #cta.layout<row>>
      cta.arrive %empty[%i0] : !one
    }
    cta.role "load" warps 1 registers 24 {
      cta.mbarrier_wait %empty[%i0] parity %i1 : !one
      %s = cta.slot %v[%i0] : !ring
      cta.arrive_expect %full[%i0] bytes 256 : !one
      cta.bulk_load %x[%c0] to %s signals %full[%i0] : !one : memref<64xf32>, !vec
    }
  }
  return
}

// -----

#dense = #cta.shared_layout<swizzle = 0, rows = 64>
!ring = !cta.ring<1x64xf32, #dense>
!vec = !cta.buffer<64xf32, #dense>
!one = !cta.mbarrier<1>

func.func @bytes(%x: memref<64xf32>) attributes {cta.shared_bytes = 272 : i64} {
  %c0 = arith.constant 0 : index
  %i0 = arith.constant 0 : i32
  scf.forall (%i) in (1) {
    %v = cta.buffer "v" at 0 : !vec
    %full = cta.mbarrier "full" count 1 at 256 : !one
    cta.role "load" warps 1 registers 24 {
      // expected-error @below {{expects 128 bytes, its copies transfer 256}}
      cta.arrive_expect %full[%i0] bytes 128 : !one
      cta.bulk_load %x[%c0] to %v signals %full[%i0] : !one : memref<64xf32>, !vec
    }
  }
  return
}

// -----

#dense = #cta.shared_layout<swizzle = 0, rows = 64>
!ring = !cta.ring<1x64xf32, #dense>
!vec = !cta.buffer<64xf32, #dense>
!one = !cta.mbarrier<1>

func.func @stores_a_slot(%x: memref<64xf32>) attributes {cta.shared_bytes = 272 : i64} {
  %c0 = arith.constant 0 : index
  %i0 = arith.constant 0 : i32
  %i1 = arith.constant 1 : i32
  scf.forall (%i) in (1) {
    %v = cta.ring "v" at 0 : !ring
    %full = cta.mbarrier "v.full" full(%v : !ring) count 1 bytes 256 at 256 : !one
    %empty = cta.mbarrier "v.empty" empty(%v : !ring) count 1 at 264 : !one
    cta.mbarrier_init %full : !one
    cta.mbarrier_init %empty : !one
    cta.mbarrier_init_fence
    cta.sync
    cta.role "store" warps 1 registers 24 {
      cta.mbarrier_wait %full[%i0] parity %i0 : !one
      %s = cta.slot %v[%i0] : !ring
      cta.elect {
        // expected-error @below {{reads a slot by a bulk store, expected a cta.buffer (ring "v")}}
        cta.bulk_store %s to %x[%c0] : !vec, memref<64xf32>
        cta.bulk_commit
        cta.bulk_wait 0 read
      }
      cta.arrive %empty[%i0] : !one
    }
    cta.role "load" warps 1 registers 24 {
      cta.mbarrier_wait %empty[%i0] parity %i1 : !one
      %s = cta.slot %v[%i0] : !ring
      cta.arrive_expect %full[%i0] bytes 256 : !one
      cta.bulk_load %x[%c0] to %s signals %full[%i0] : !one : memref<64xf32>, !vec
    }
  }
  return
}

// -----

#dense = #cta.shared_layout<swizzle = 0, rows = 64>
!ring = !cta.ring<1x64xf32, #dense>
!vec = !cta.buffer<64xf32, #dense>
!one = !cta.mbarrier<1>

func.func @lane_releases(%x: memref<64xf32>) attributes {cta.shared_bytes = 272 : i64} {
  %c0 = arith.constant 0 : index
  %i0 = arith.constant 0 : i32
  %i1 = arith.constant 1 : i32
  scf.forall (%i) in (1) {
    %v = cta.ring "v" at 0 : !ring
    %full = cta.mbarrier "v.full" full(%v : !ring) count 1 bytes 256 at 256 : !one
    %empty = cta.mbarrier "v.empty" empty(%v : !ring) count 4 at 264 : !one
    cta.mbarrier_init %full : !one
    cta.mbarrier_init %empty : !one
    cta.mbarrier_init_fence
    cta.sync
    cta.role "use" warps 4 registers 128 {
      cta.mbarrier_wait %full[%i0] parity %i0 : !one
      cta.elect {
        // expected-error @below {{expected the warps of the role to arrive on a ring's mbarrier, got one lane in cta.elect}}
        cta.arrive %empty[%i0] : !one
      }
    }
    cta.role "load" warps 1 registers 24 {
      cta.mbarrier_wait %empty[%i0] parity %i1 : !one
      %s = cta.slot %v[%i0] : !ring
      cta.arrive_expect %full[%i0] bytes 256 : !one
      cta.bulk_load %x[%c0] to %s signals %full[%i0] : !one : memref<64xf32>, !vec
    }
  }
  return
}

// -----

func.func @buffers_overlap() attributes {cta.shared_bytes = 1024 : i64} {
  scf.forall (%i) in (1) {
    // expected-note @below {{used here}}
    %v = cta.buffer "v" at 0 : !cta.buffer<64xf32>
    // expected-error @below {{is at bytes [128, 384), which another op uses}}
    %w = cta.buffer "w" at 128 : !cta.buffer<64xf32>
    cta.role "a" warps 1 registers 24 {
    }
  }
  return
}

// -----

func.func @buffer_behind_the_end() attributes {cta.shared_bytes = 256 : i64} {
  scf.forall (%i) in (1) {
    // expected-error @below {{expected to end within the kernel's 256 bytes of shared memory, got bytes [128, 384)}}
    %w = cta.buffer "w" at 128 : !cta.buffer<64xf32>
    cta.role "a" warps 1 registers 24 {
    }
  }
  return
}
