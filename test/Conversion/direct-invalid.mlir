// What the conversion refuses of fragments with direct layouts.
//
// RUN: mla-opt %s --convert-mla-to-nvvm -split-input-file -verify-diagnostics

#v = #cta.direct<threads = [64], strides = [1], vector = 1>
func.func @threads(%x: memref<64xf32>) attributes {cta.verified} {
  %c0 = arith.constant 0 : index
  scf.forall (%i) in (8) {
    cta.role "all" warps 1 registers 48 {
      // expected-error @below {{expected a layout of at most 32 threads, those of the role, got 'tensor<64xf32, #cta.direct<threads = [64], strides = [1], vector = 1>>'}}
      %t = tile.load %x[%c0] : memref<64xf32> -> tensor<64xf32, #v>
      tile.store %t, %x[%c0] : tensor<64xf32, #v>, memref<64xf32>
    }
  }
  return
}

// -----

#v = #cta.direct<threads = [32], strides = [1], vector = 1>
func.func @bytes(%x: memref<32xi8>) attributes {cta.verified} {
  %c0 = arith.constant 0 : index
  scf.forall (%i) in (8) {
    cta.role "all" warps 1 registers 48 {
      // expected-error @below {{expected elements of 2 or 4 bytes}}
      // expected-error @below {{failed to legalize operation 'tile.load'}}
      %t = tile.load %x[%c0] : memref<32xi8> -> tensor<32xi8, #v>
      tile.store %t, %x[%c0] : tensor<32xi8, #v>, memref<32xi8>
    }
  }
  return
}

// -----

#x = #cta.direct<threads = [8, 16], strides = [16, 1], vector = 4>
#sum = #cta.direct<threads = [16], strides = [1], vector = 4>
func.func @warps(%x: memref<16x64xf32>, %out: memref<64xf32>) attributes {cta.verified} {
  %c0 = arith.constant 0 : index
  scf.forall (%i) in (8) {
    cta.role "all" warps 4 registers 48 {
      %t = tile.load %x[%c0, %c0] : memref<16x64xf32> -> tensor<16x64xf32, #x>
      // expected-error @below {{expected a reduction within warps; run --mla-reduce-across-warps first}}
      // expected-error @below {{failed to legalize operation 'tile.reduce'}}
      %s = tile.reduce sum %t dim 0 : tensor<16x64xf32, #x> -> tensor<64xf32, #sum>
      tile.store %s, %out[%c0] : tensor<64xf32, #sum>, memref<64xf32>
    }
  }
  return
}

// -----

!slot = !cta.buffer<64x64xbf16, #cta.shared_layout<swizzle = 128, rows = 64>>
#x = #cta.direct<threads = [16, 8], strides = [8, 1], vector = 8>
func.func @swizzled(%x: memref<64x64xbf16>) attributes {cta.verified, cta.shared_bytes = 8192} {
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0 : i32
  scf.forall (%i) in (8) {
    %ring = cta.ring "r" at 0 : !cta.ring<1x64x64xbf16, #cta.shared_layout<swizzle = 128, rows = 64>>
    cta.role "all" warps 4 registers 48 {
      %t = tile.load %x[%c0, %c0] : memref<64x64xbf16> -> tensor<64x64xbf16, #x>
      %slot = cta.slot %ring[%zero] : !cta.ring<1x64x64xbf16, #cta.shared_layout<swizzle = 128, rows = 64>>
      // expected-error @below {{expected a buffer without a swizzle, of elements of 2 or 4 bytes}}
      // expected-error @below {{failed to legalize operation 'cta.store_shared'}}
      cta.store_shared %t to %slot : tensor<64x64xbf16, #x>, !slot
    }
  }
  return
}

// -----

#v = #cta.direct<threads = [32], strides = [1], vector = 1>
func.func @gather_through(%table: memref<?x8xi32>, %i: memref<32xi32>, %out: memref<32xi32>) attributes {cta.verified} {
  %c0 = arith.constant 0 : index
  scf.forall (%b) in (8) {
    cta.role "all" warps 1 registers 48 {
      %r = tile.load %i[%c0] : memref<32xi32> -> tensor<32xi32, #v>
      // expected-error @below {{expected an index for each dimension of 'memref<?x8xi32>' but the first, for a 1-D result}}
      // expected-error @below {{failed to legalize operation 'tile.gather'}}
      %g = tile.gather %table[%r][] : memref<?x8xi32>, tensor<32xi32, #v> -> tensor<32xi32, #v>
      tile.store %g, %out[%c0] : tensor<32xi32, #v>, memref<32xi32>
    }
  }
  return
}

// -----

#v = #cta.direct<threads = [32], strides = [1], vector = 1>
func.func @merge(%out: memref<4x22xi32>) attributes {cta.verified} {
  %c0 = arith.constant 0 : index
  scf.forall (%b) in (8) {
    cta.role "all" warps 1 registers 48 {
      %i = tile.iota : tensor<32xi32, #v>
      // expected-error @below {{with merged dimensions is lowered for the layouts of MMAs, got 'tensor<32xi32, #cta.direct<}}
      // expected-error @below {{failed to legalize operation 'tile.store'}}
      tile.store %i, %out[%c0, %c0] merge [0, 1] : tensor<32xi32, #v>, memref<4x22xi32>
    }
  }
  return
}
