// mla-materialize-barriers refuses rings without a place, a filler or a reader,
// and fills that no count fits.
// RUN: %mla-opt %s --mla-materialize-barriers -verify-diagnostics -split-input-file

#dense = #cta.shared_layout<swizzle = 0, rows = 64>
// expected-error @below {{expected attribute cta.shared_bytes; run --mla-stage-shared first}}
func.func @not_staged() {
  scf.forall (%t) in (8) {
    %v = cta.ring "v" at 0 : !cta.ring<1x64xf32, #dense>
  }
  return
}

// -----

func.func @no_place() attributes {cta.shared_bytes = 256 : i64} {
  scf.forall (%t) in (8) {
    // expected-error @below {{expected a place in shared memory; run --mla-stage-shared first}}
    %v = cta.ring "v" : !cta.ring<1x64xf32>
  }
  return
}

// -----

!v = !cta.ring<1x64xf32>
func.func @no_reader(%x: tensor<64xf32>) attributes {cta.shared_bytes = 256 : i64} {
  scf.forall (%t) in (8) {
    // expected-error @below {{expected a role that fills the ring and one that reads it}}
    %v = cta.ring "v" at 0 : !v
    cta.role "write" warps 4 registers 40 {
      %s = cta.acquire %v : !v
      cta.store_shared %x to %s : tensor<64xf32>, !cta.buffer<64xf32>
    }
  }
  return
}

// -----

!v = !cta.ring<1x64xf32>
func.func @no_writer() attributes {cta.shared_bytes = 256 : i64} {
  scf.forall (%t) in (8) {
    // expected-error @below {{expected a role that fills the ring and one that reads it}}
    %v = cta.ring "v" at 0 : !v
    cta.role "read" warps 4 registers 40 {
      %s = cta.await %v : !v
    }
  }
  return
}

// -----

!v = !cta.ring<1x64xf32>
func.func @two_writers(%x: tensor<64xf32>) attributes {cta.shared_bytes = 256 : i64} {
  scf.forall (%t) in (8) {
    %v = cta.ring "v" at 0 : !v
    cta.role "a" warps 4 registers 40 {
      %s = cta.acquire %v : !v
      cta.store_shared %x to %s : tensor<64xf32>, !cta.buffer<64xf32>
    }
    cta.role "b" warps 4 registers 40 {
      // expected-error @below {{expected one producer role of ring "v"}}
      %s = cta.acquire %v : !v
      cta.store_shared %x to %s : tensor<64xf32>, !cta.buffer<64xf32>
    }
  }
  return
}

// -----

!v = !cta.ring<1x64xf32>
func.func @two_fills(%x: tensor<64xf32>) attributes {cta.shared_bytes = 256 : i64} {
  scf.forall (%t) in (8) {
    %v = cta.ring "v" at 0 : !v
    cta.role "a" warps 4 registers 40 {
      // expected-error @below {{expected one op that fills the slot, got 2}}
      %s = cta.acquire %v : !v
      cta.store_shared %x to %s : tensor<64xf32>, !cta.buffer<64xf32>
      cta.store_shared %x to %s : tensor<64xf32>, !cta.buffer<64xf32>
    }
    cta.role "b" warps 4 registers 40 {
      %s = cta.await %v : !v
    }
  }
  return
}

// -----

!v = !cta.ring<1x64xf32>
func.func @no_fill() attributes {cta.shared_bytes = 256 : i64} {
  scf.forall (%t) in (8) {
    %v = cta.ring "v" at 0 : !v
    cta.role "a" warps 4 registers 40 {
      // expected-error @below {{expected one op that fills the slot, got 0}}
      %s = cta.acquire %v : !v
    }
    cta.role "b" warps 4 registers 40 {
      %s = cta.await %v : !v
    }
  }
  return
}

// -----

!v = !cta.ring<1x64xf32>
func.func @reads_what_it_acquires() attributes {cta.shared_bytes = 256 : i64} {
  scf.forall (%t) in (8) {
    %v = cta.ring "v" at 0 : !v
    cta.role "a" warps 4 registers 40 {
      %s = cta.acquire %v : !v
      // expected-error @below {{does not fill a slot}}
      %x = cta.load_shared %s : !cta.buffer<64xf32> -> tensor<64xf32>
    }
    cta.role "b" warps 4 registers 40 {
      %s = cta.await %v : !v
    }
  }
  return
}

// -----

!k = !cta.ring<1x64x64xbf16>
!slot = !cta.buffer<64x64xbf16>
func.func @two_kinds(%m: memref<?x64xbf16>, %rows: tensor<64xi32>)
    attributes {cta.shared_bytes = 8192 : i64} {
  %c0 = arith.constant 0 : index
  scf.forall (%t) in (8) {
    %k = cta.ring "k" at 0 : !k
    cta.role "a" warps 4 registers 40 {
      %s = cta.acquire %k : !k
      cta.copy_async %m[%t, %c0] to %s : memref<?x64xbf16>, !slot
      %r = cta.acquire %k : !k
      // expected-error @below {{fills a slot of a ring that another kind of op fills too}}
      cta.gather_async %m[%rows][%c0] to %r : memref<?x64xbf16>, tensor<64xi32>, !slot
    }
    cta.role "b" warps 4 registers 40 {
      %s = cta.await %k : !k
    }
  }
  return
}

// -----

#dense = #cta.shared_layout<swizzle = 0, rows = 64>
func.func @no_roles() attributes {cta.shared_bytes = 256 : i64} {
  scf.forall (%t) in (8) {
    // expected-error @below {{expected roles beside the ring, got none}}
    %v = cta.ring "v" at 0 : !cta.ring<1x64xf32, #dense>
  }
  return
}

// -----

#dense = #cta.shared_layout<swizzle = 0, rows = 64>
func.func @outside() attributes {cta.shared_bytes = 256 : i64} {
  scf.forall (%t) in (8) {
    %v = cta.ring "v" at 0 : !cta.ring<1x64xf32, #dense>
    // expected-error @below {{'cta.await' op is not allowed in the grid of a cta program, outside its roles}}
    %s = cta.await %v : !cta.ring<1x64xf32, #dense>
    cta.role "a" warps 4 registers 128 {
    }
  }
  return
}

// -----

#dense = #cta.shared_layout<swizzle = 0, rows = 64>
func.func @elected() attributes {cta.shared_bytes = 256 : i64} {
  scf.forall (%t) in (8) {
    %v = cta.ring "v" at 0 : !cta.ring<1x64xf32, #dense>
    cta.role "a" warps 4 registers 128 {
      cta.elect warp 0 {
        // expected-error @below {{expected nothing but scf.for and scf.if between it and its role, got cta.elect}}
        %s = cta.acquire %v : !cta.ring<1x64xf32, #dense>
        cta.yield
      }
    }
  }
  return
}
