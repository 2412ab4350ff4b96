// mla-stage-shared: tiles without a layout, copies without a tensor map, loops that
// are not pipelined, rings that alias an unknown ring, and too much shared memory,
// where the error lists all rings.
// RUN: %mla-opt %s --mla-stage-shared -verify-diagnostics -split-input-file
// A custom schedule with one slot more than fits.
// RUN: %mla-opt %S/Inputs/sparse_prefill.mlir --mla-choose-schedule=schedule=shared-p --mla-tile --mla-decompose-softmax --canonicalize --cse \
// RUN:   | sed 's/<"k", depth = 2>/<"k", depth = 3>/' \
// RUN:   | not %mla-opt --mla-schedule --mla-assign-layouts --mla-pipeline --mla-stage-shared 2>&1 \
// RUN:   | FileCheck %s --check-prefix=DEPTH

// DEPTH: error: 'func.func' op needs {{[0-9]+}} bytes of shared memory, a CTA has 232448
// DEPTH: note: ring "k": 3 x 73728 bytes


func.func @element() {
  scf.forall (%i) in (8) {
    // expected-error @below {{expected a vector, or a matrix of 1- or 2-byte elements whose rows are a multiple of 8 and whose columns are a multiple of 128 bytes, got '!cta.ring<1x64x64xf32>'}}
    %r = cta.ring "r" : !cta.ring<1x64x64xf32>
  }
  return
}

// -----

func.func @half_a_block() {
  scf.forall (%i) in (8) {
    // expected-error @below {{expected a vector, or a matrix of 1- or 2-byte elements whose rows are a multiple of 8 and whose columns are a multiple of 128 bytes, got '!cta.ring<1x64x64xf8E4M3FN>'}}
    %r = cta.ring "r" : !cta.ring<1x64x64xf8E4M3FN>
  }
  return
}

// -----

func.func @columns() {
  scf.forall (%i) in (8) {
    // expected-error @below {{expected a vector, or a matrix of 1- or 2-byte elements whose rows are a multiple of 8 and whose columns are a multiple of 128 bytes, got '!cta.ring<1x64x96xbf16>'}}
    %r = cta.ring "r" : !cta.ring<1x64x96xbf16>
  }
  return
}

// -----

func.func @rows() {
  scf.forall (%i) in (8) {
    // expected-error @below {{expected a vector, or a matrix of 1- or 2-byte elements whose rows are a multiple of 8 and whose columns are a multiple of 128 bytes, got '!cta.ring<1x60x64xbf16>'}}
    %r = cta.ring "r" : !cta.ring<1x60x64xbf16>
  }
  return
}

// -----

func.func @rank() {
  scf.forall (%i) in (8) {
    // expected-error @below {{expected a vector, or a matrix of 1- or 2-byte elements whose rows are a multiple of 8 and whose columns are a multiple of 128 bytes, got '!cta.ring<1x8x64x64xbf16>'}}
    %r = cta.ring "r" : !cta.ring<1x8x64x64xbf16>
  }
  return
}

// -----

// The host can create tensor maps only for memrefs that it passes.
func.func @local_source(%c: i1, %n: memref<?x64xbf16>) {
  %c0 = arith.constant 0 : index
  // expected-error @below {{'arith.select' op has a value of type 'memref<?x64xbf16>'; expected memrefs to be arguments of the function}}
  %m = arith.select %c, %n, %n : memref<?x64xbf16>
  scf.forall (%i) in (8) {
    %r = cta.ring "r" : !cta.ring<1x64x64xbf16>
    cta.role "load" warps 4 registers 40 {
      %s = cta.acquire %r : !cta.ring<1x64x64xbf16>
      cta.copy_async %m[%i, %c0] to %s : memref<?x64xbf16>, !cta.buffer<64x64xbf16>
    }
  }
  return
}

// -----

func.func @box(%m: memref<?x64xbf16>) {
  %c0 = arith.constant 0 : index
  scf.forall (%i) in (8) {
    %r = cta.ring "r" : !cta.ring<1x512x64xbf16>
    cta.role "load" warps 4 registers 40 {
      %s = cta.acquire %r : !cta.ring<1x512x64xbf16>
      // expected-error @below {{expected a matrix of at most 256 rows out of a memref of rank 2 to 5, got '!cta.buffer<512x64xbf16, #cta.shared_layout<swizzle = 128, rows = 512>>' of 'memref<?x64xbf16>'}}
      cta.copy_async %m[%i, %c0] to %s : memref<?x64xbf16>, !cta.buffer<512x64xbf16>
    }
  }
  return
}

// -----

func.func @vector_box(%m: memref<?xf32>) {
  scf.forall (%i) in (8) {
    %r = cta.ring "r" : !cta.ring<1x64xf32>
    cta.role "load" warps 4 registers 40 {
      %s = cta.acquire %r : !cta.ring<1x64xf32>
      // expected-error @below {{expected a matrix of at most 256 rows out of a memref of rank 2 to 5, got '!cta.buffer<64xf32, #cta.shared_layout<swizzle = 0, rows = 64>>' of 'memref<?xf32>'}}
      cta.copy_async %m[%i] to %s : memref<?xf32>, !cta.buffer<64xf32>
    }
  }
  return
}

// -----

func.func @not_pipelined(%n: index) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  scf.forall (%i) in (8) {
    %r = cta.ring "r" : !cta.ring<1x64xf32>
    cta.role "load" warps 4 registers 40 {
      // expected-error @below {{expected a pipelined loop; run --mla-pipeline first}}
      scf.for %j = %c0 to %n step %c1 {
      } {cta.stage}
    }
  }
  return
}

// -----

// Three slots of 64 x 576 and a tile of q do not fit. The error lists the rings;
// each slot also has 16 bytes of barriers.
// expected-error @below {{needs 295088 bytes of shared memory, a CTA has 232448}}
func.func @too_large() {
  scf.forall (%i) in (8) {
    // expected-note @below {{ring "q": 1 x 73728 bytes}}
    %q = cta.ring "q" : !cta.ring<1x64x576xbf16>
    // expected-note @below {{ring "k": 3 x 73728 bytes}}
    %k = cta.ring "k" : !cta.ring<3x64x576xbf16>
    // expected-note @below {{ring "valid": 3 x 8 bytes}}
    %valid = cta.ring "valid" : !cta.ring<3x64xi1>
    // expected-note @below {{ring "flag": 1 x 8 bytes}}
    %x = cta.ring "flag" : !cta.ring<1x64xi1>
  }
  return
}

// -----

#aliases = #mla.schedule<"aliases", roles = [<"r", warps = 4, registers = 128>], table = [<"x" in ["r"]>],
  rings = [<"p", depth = 1, aliases = "v", byte = 1024>]>
func.func @over_nothing() attributes {mla.schedule = #aliases} {
  scf.forall (%i) in (8) {
    %k = cta.ring "k" : !cta.ring<3x64x576xbf16>
    // expected-error @below {{aliases ring v, which does not exist}}
    %p = cta.ring "p" : !cta.ring<1x64x256xbf16>
  }
  return
}

// -----

// A tile that aliases another one must be aligned for its swizzle.
#aliases = #mla.schedule<"aliases", roles = [<"r", warps = 4, registers = 128>], table = [<"x" in ["r"]>],
  rings = [<"p", depth = 1, aliases = "k", byte = 1536>]>
func.func @over_unaligned() attributes {mla.schedule = #aliases} {
  scf.forall (%i) in (8) {
    %q = cta.ring "q" : !cta.ring<1x64x640xbf16>
    %k = cta.ring "k" : !cta.ring<1x64x1024xbf16>
    // expected-error @below {{aliases ring k, expected an offset that is a multiple of 1024, got 83456}}
    %p = cta.ring "p" : !cta.ring<1x64x256xbf16>
  }
  return
}

// -----

// Does not fit even with aliasing: the ring has no memory of its own, but barriers.
#aliases = #mla.schedule<"aliases", roles = [<"r", warps = 4, registers = 128>], table = [<"x" in ["r"]>],
  rings = [<"p", depth = 1, aliases = "k", byte = 0>]>
// expected-error @below {{needs 294992 bytes of shared memory, a CTA has 232448}}
func.func @over_too_large() attributes {mla.schedule = #aliases} {
  scf.forall (%i) in (8) {
    // expected-note @below {{ring "q": 1 x 73728 bytes}}
    %q = cta.ring "q" : !cta.ring<1x64x576xbf16>
    // expected-note @below {{ring "k": 3 x 73728 bytes}}
    %k = cta.ring "k" : !cta.ring<3x64x576xbf16>
    // expected-note @below {{ring "p": 1 x 8192 bytes}}
    %p = cta.ring "p" : !cta.ring<1x64x64xbf16>
  }
  return
}

// -----

func.func @scalar_box(%m: memref<bf16>) {
  scf.forall (%i) in (8) {
    %r = cta.ring "r" : !cta.ring<1x64x64xbf16>
    cta.role "load" warps 4 registers 40 {
      %s = cta.acquire %r : !cta.ring<1x64x64xbf16>
      // expected-error @below {{out of a memref of rank 2 to 5, got '!cta.buffer<64x64xbf16, #cta.shared_layout<swizzle = 128, rows = 64>>' of 'memref<bf16>'}}
      cta.copy_async %m[] to %s : memref<bf16>, !cta.buffer<64x64xbf16>
    }
  }
  return
}

// -----

// The schedule has to give the offset in the aliased slot.
func.func @over_without_byte() {
  scf.forall (%i) in (8) {
    %k = cta.ring "k" : !cta.ring<1x64x64xbf16>
    // expected-error @below {{aliases ring k, expected the schedule to have a row with its byte offset}}
    %p = cta.ring "p" aliases(%k : !cta.ring<1x64x64xbf16>) : !cta.ring<1x64x64xbf16>
  }
  return
}

// -----

#aliases = #mla.schedule<"aliases", roles = [<"r", warps = 4, registers = 128>], table = [<"x" in ["r"]>],
  rings = [<"p", depth = 1, aliases = "k", byte = 0>, <"k", depth = 1, aliases = "p", byte = 0>]>
func.func @over_each_other() attributes {mla.schedule = #aliases} {
  scf.forall (%i) in (8) {
    %q = cta.ring "q" : !cta.ring<1x64x1536xbf16>
    // expected-error @below {{aliases ring p, expected a ring that does not alias another one itself}}
    %k = cta.ring "k" : !cta.ring<1x64x1024xbf16>
    %p = cta.ring "p" : !cta.ring<1x64x256xbf16>
  }
  return
}
