// mla-materialize-barriers: rings without an offset, writer or reader, and fills
// whose arrivals cannot be counted.
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
    // expected-error @below {{expected an offset in shared memory; run --mla-stage-shared first}}
    %v = cta.ring "v" : !cta.ring<1x64xf32>
  }
  return
}

// -----

!v = !cta.ring<1x64xf32>
func.func @no_reader(%x: tensor<64xf32>) attributes {cta.shared_bytes = 256 : i64} {
  scf.forall (%t) in (8) {
    // expected-error @below {{expected a role that fills the ring and a role that reads it}}
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
    // expected-error @below {{expected a role that fills the ring and a role that reads it}}
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
    // expected-error @below {{has a slot that is filled twice from element [0] on}}
    %v = cta.ring "v" at 0 : !v
    cta.role "a" warps 4 registers 40 {
      %s = cta.acquire %v : !v
      cta.store_shared %x to %s : tensor<64xf32>, !cta.buffer<64xf32>
    }
    cta.role "b" warps 4 registers 40 {
      %s = cta.acquire %v : !v
      cta.store_shared %x to %s : tensor<64xf32>, !cta.buffer<64xf32>
      %r = cta.await %v : !v
    }
  }
  return
}

// -----

!v = !cta.ring<1x64xf32>
func.func @two_fills(%x: tensor<48xf32>) attributes {cta.shared_bytes = 256 : i64} {
  scf.forall (%t) in (8) {
    // expected-error @below {{has a slot that is filled twice from element [16] on}}
    %v = cta.ring "v" at 0 : !v
    cta.role "a" warps 4 registers 40 {
      %s = cta.acquire %v : !v
      %s0 = cta.view %s [0] : !cta.buffer<64xf32> -> !cta.buffer<48xf32>
      cta.store_shared %x to %s0 : tensor<48xf32>, !cta.buffer<48xf32>
      %s1 = cta.view %s [16] : !cta.buffer<64xf32> -> !cta.buffer<48xf32>
      cta.store_shared %x to %s1 : tensor<48xf32>, !cta.buffer<48xf32>
    }
    cta.role "b" warps 4 registers 40 {
      %s = cta.await %v : !v
    }
  }
  return
}

// -----

!v = !cta.ring<1x64xf32>
func.func @part_fill(%x: tensor<48xf32>) attributes {cta.shared_bytes = 256 : i64} {
  scf.forall (%t) in (8) {
    // expected-error @below {{expected fills of all 64 elements of a slot, got 48}}
    %v = cta.ring "v" at 0 : !v
    cta.role "a" warps 4 registers 40 {
      %s = cta.acquire %v : !v
      %s0 = cta.view %s [16] : !cta.buffer<64xf32> -> !cta.buffer<48xf32>
      cta.store_shared %x to %s0 : tensor<48xf32>, !cta.buffer<48xf32>
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
    // expected-error @below {{expected fills of all 64 elements of a slot, got 0}}
    %v = cta.ring "v" at 0 : !v
    cta.role "a" warps 4 registers 40 {
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
func.func @fill_elsewhere(%x: tensor<64xf32>, %yes: i1) attributes {cta.shared_bytes = 256 : i64} {
  scf.forall (%t) in (8) {
    %v = cta.ring "v" at 0 : !v
    cta.role "a" warps 4 registers 40 {
      %s = cta.acquire %v : !v
      scf.if %yes {
        // expected-error @below {{expected to be in the block of the cta.acquire of the slot that it fills}}
        cta.store_shared %x to %s : tensor<64xf32>, !cta.buffer<64xf32>
      }
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
      // expected-error @below {{cannot use an acquired slot, expected a copy, gather or store that fills it}}
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
      // expected-error @below {{expected 1 arrivals and 8192 bytes in the same parts as in the role's other slots of "k", got 128 and 0}}
      %r = cta.acquire %k : !k
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
    // expected-error @below {{expected roles in the block of the ring, got none}}
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
        // expected-error @below {{expected only scf.for and scf.if between the op and its role, got cta.elect}}
        %s = cta.acquire %v : !cta.ring<1x64xf32, #dense>
        cta.yield
      }
    }
  }
  return
}
