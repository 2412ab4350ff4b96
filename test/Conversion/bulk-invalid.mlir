// Bulk copies that the conversion cannot lower.
//
// RUN: mla-opt %s --convert-mla-to-nvvm -split-input-file -verify-diagnostics

func.func @no_barrier(%x: memref<64xf32>) attributes {cta.verified} {
  %c0 = arith.constant 0 : index
  scf.forall (%i) in (1) {
    %v = cta.buffer "v" at 0 : !cta.buffer<64xf32>
    cta.role "a" warps 4 registers 128 {
      // expected-error @below {{expected a barrier}}
      // expected-error @below {{failed to legalize}}
      cta.bulk_load %x[%c0] to %v : memref<64xf32>, !cta.buffer<64xf32>
    }
  }
  return
}

// -----

func.func @no_map(%x: memref<64x64xbf16>) attributes {cta.verified} {
  %c0 = arith.constant 0 : index
  scf.forall (%i) in (1) {
    %v = cta.buffer "v" at 0 : !cta.buffer<64x64xbf16, #cta.shared_layout<swizzle = 128, rows = 64>>
    cta.role "a" warps 4 registers 128 {
      cta.elect {
        // expected-error @below {{expected a tensor map}}
        // expected-error @below {{failed to legalize}}
        cta.store_async %v to %x[%c0, %c0] : !cta.buffer<64x64xbf16, #cta.shared_layout<swizzle = 128, rows = 64>>, memref<64x64xbf16>
      }
    }
  }
  return
}

// -----

func.func @narrow(%x: memref<64x32xbf16>) attributes {cta.verified} {
  %map = cta.tensor_map %x box [64, 32] swizzle 128 : memref<64x32xbf16>
  %c0 = arith.constant 0 : index
  scf.forall (%i) in (1) {
    %v = cta.buffer "v" at 0 : !cta.buffer<64x32xbf16, #cta.shared_layout<swizzle = 128, rows = 64>>
    cta.role "a" warps 4 registers 128 {
      cta.elect {
        // expected-error @below {{is lowered for matrices with a swizzle of 128 bytes and a multiple of 64 columns, got}}
        // expected-error @below {{failed to legalize}}
        cta.store_async %v to %x[%c0, %c0] map %map : !cta.buffer<64x32xbf16, #cta.shared_layout<swizzle = 128, rows = 64>>, memref<64x32xbf16>
      }
    }
  }
  return
}

// -----

func.func @no_place(%x: memref<64xf32>) attributes {cta.verified} {
  scf.forall (%i) in (1) {
    // expected-error @below {{expected a place in shared memory}}
    // expected-error @below {{failed to legalize}}
    %v = cta.buffer "v" : !cta.buffer<64xf32>
    cta.role "a" warps 4 registers 128 {
    }
  }
  return
}
