// What the conversion refuses.
//
// RUN: mla-opt %s --convert-mla-to-nvvm -split-input-file -verify-diagnostics

// expected-error @below {{'func.func' op expected a verified CTA program; run --mla-verify-async first}}
func.func @unverified(%n: memref<?xf32>) {
  %c0 = arith.constant 0 : index
  %size = memref.dim %n, %c0 : memref<?xf32>
  scf.forall (%i) in (%size) {
  }
  return
}

// -----

func.func @grid(%n: memref<?xf32>, %number: i32) attributes {cta.verified} {
  %m = arith.index_cast %number : i32 to index
  // expected-error @below {{expected bounds of constants, sizes of arguments (memref.dim) and tile.sm_count by +, *, /, min and max}}
  scf.forall (%i) in (%m) {
    cta.role "all" warps 4 registers 168 {
    }
  }
  return
}

// -----

func.func @sine(%n: memref<?xf32>) attributes {cta.verified} {
  scf.forall (%i) in (2) {
    cta.role "all" warps 4 registers 168 {
      %c0 = arith.constant 0 : index
      %f = memref.load %n[%c0] : memref<?xf32>
      %x = tensor.splat %f : tensor<64x16xf32, #cta.layout<acc>>
      %b = arith.truncf %x : tensor<64x16xf32, #cta.layout<acc>> to tensor<64x16xbf16, #cta.layout<acc>>
      // expected-error @below {{is not lowered on 'bf16' fragments; compute in f32}}
      // expected-error @below {{failed to legalize operation 'arith.addf'}}
      %y = arith.addf %b, %b : tensor<64x16xbf16, #cta.layout<acc>>
      %z = arith.extf %y : tensor<64x16xbf16, #cta.layout<acc>> to tensor<64x16xf32, #cta.layout<acc>>
      %sum = tile.reduce sum %z dim 1 : tensor<64x16xf32, #cta.layout<acc>> -> tensor<64xf32, #cta.layout<row>>
      tile.store %sum, %n[%c0] : tensor<64xf32, #cta.layout<row>>, memref<?xf32>
    }
  }
  return
}

// -----

func.func @sms_in_the_kernel(%n: memref<?xf32>) attributes {cta.verified} {
  // expected-error @below {{is lowered where the size of a grid of one dimension is computed of it}}
  %sms = tile.sm_count
  scf.forall (%i) in (2) {
    cta.role "all" warps 4 registers 168 {
      %i32 = arith.index_cast %sms : index to i32
      %x = tensor.splat %i32 : tensor<64xi32, #cta.layout<row>>
      %y = arith.sitofp %x : tensor<64xi32, #cta.layout<row>> to tensor<64xf32, #cta.layout<row>>
      tile.store %y, %n[%i] : tensor<64xf32, #cta.layout<row>>, memref<?xf32>
    }
  }
  return
}

// -----

func.func @odd_column(%out: memref<?x66xf32>) attributes {cta.verified} {
  scf.forall (%i) in (2) {
    cta.role "all" warps 4 registers 168 {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %x = arith.constant dense<0.0> : tensor<64x64xf32, #cta.layout<acc>>
      // expected-error @below {{expected columns inside the memref, from an even element on}}
      // expected-error @below {{failed to legalize operation 'tile.store'}}
      tile.store %x, %out[%c0, %c1] : tensor<64x64xf32, #cta.layout<acc>>, memref<?x66xf32>
    }
  }
  return
}

// -----

func.func @odd_stride(%out: memref<?x65xf32>) attributes {cta.verified} {
  scf.forall (%i) in (2) {
    cta.role "all" warps 4 registers 168 {
      %c0 = arith.constant 0 : index
      %x = arith.constant dense<0.0> : tensor<64x64xf32, #cta.layout<acc>>
      // expected-error @below {{expected columns inside the memref, from an even element on}}
      // expected-error @below {{failed to legalize operation 'tile.store'}}
      tile.store %x, %out[%c0, %c0] : tensor<64x64xf32, #cta.layout<acc>>, memref<?x65xf32>
    }
  }
  return
}

// -----

func.func @gather_columns(%kv: memref<?x100xbf16>, %rows: memref<64xi32>)
    attributes {cta.verified} {
  scf.forall (%i) in (2) {
    %r = cta.ring "k" at 0 : !cta.ring<1x64x64xbf16, #cta.shared_layout<swizzle = 128, rows = 64>>
    cta.role "all" warps 4 registers 168 {
      %c0 = arith.constant 0 : index
      %c64 = arith.constant 64 : index
      %i0 = arith.constant 0 : i32
      %index = tile.load %rows[%c0] : memref<64xi32> -> tensor<64xi32, #cta.layout<gather>>
      %s = cta.slot %r[%i0] : !cta.ring<1x64x64xbf16, #cta.shared_layout<swizzle = 128, rows = 64>>
      // expected-error @below {{expected columns inside the memref, or up to its end, from a multiple of 16 bytes on}}
      // expected-error @below {{failed to legalize operation 'cta.gather_async'}}
      cta.gather_async %kv[%index][%c64] to %s : memref<?x100xbf16>, tensor<64xi32, #cta.layout<gather>>, !cta.buffer<64x64xbf16, #cta.shared_layout<swizzle = 128, rows = 64>>
    }
  }
  return
}

// -----

// 168 registers are what each thread of 12 warps starts with.
func.func @registers(%n: memref<?xf32>) attributes {cta.verified, mla.target = "sm_80"} {
  scf.forall (%i) in (2) {
    cta.role "a" warps 4 registers 168 {
    }
    // expected-error @below {{needs setmaxnreg, which sm_80 does not have; expected 168 registers, which each thread starts with, got 160}}
    cta.role "b" warps 8 registers 160 {
    }
  }
  return
}

// -----

func.func @tall(%out: memref<?x64xf32>) attributes {cta.verified} {
  scf.forall (%i) in (2) {
    cta.role "all" warps 8 registers 128 {
      %x = arith.constant dense<0.0> : tensor<128x64xf32, #cta.layout<acc>>
      %c0 = arith.constant 0 : index
      // expected-error @below {{is lowered for fragments of a multiple of 64 rows (gathers: 8, 16, 24 or a multiple of 32), columns a multiple of 8, in a role of 4 warps; got 'tensor<128x64xf32, #cta.layout<acc>>' in one of 8}}
      tile.store %x, %out[%c0, %c0] : tensor<128x64xf32, #cta.layout<acc>>, memref<?x64xf32>
    }
  }
  return
}

// -----

func.func @unaligned(%out: memref<?x64xf32>) attributes {cta.verified} {
  scf.forall (%i) in (2) {
    cta.role "load" warps 1 registers 24 {
    }
    // expected-error @below {{expected roles of whole warpgroups in front of the others}}
    cta.role "math" warps 4 registers 168 {
    }
  }
  return
}

// -----

// 13 warps are 4 in one part of the SM, so each starts with 128 registers.
// expected-error @below {{needs 57344 registers, but 416 threads start with 128 each, 53248 in all, and only roles of whole warpgroups give some back}}
func.func @registers(%out: memref<?x64xf32>) attributes {cta.verified} {
  scf.forall (%i) in (2) {
    cta.role "low" warps 4 registers 160 {
    }
    cta.role "high" warps 4 registers 160 {
    }
    cta.role "load" warps 4 registers 96 {
    }
    cta.role "more" warps 1 registers 24 {
    }
  }
  return
}

// -----

func.func @turned_columns(%in: memref<?xf32>, %out: memref<?x68xbf16>) attributes {cta.verified} {
  %c0 = arith.constant 0 : index
  scf.forall (%i) in (2) {
    cta.role "all" warps 4 registers 128 {
      %v = memref.load %in[%c0] : memref<?xf32>
      %f = tensor.splat %v : tensor<64x16xf32, #cta.layout<acc>>
      %x = arith.truncf %f : tensor<64x16xf32, #cta.layout<acc>> to tensor<64x16xbf16, #cta.layout<acc>>
      %t = tile.transpose %x : tensor<64x16xbf16, #cta.layout<acc>> -> tensor<16x64xbf16, #cta.layout<acc_transposed>>
      %c2 = arith.constant 2 : index
      // expected-error @below {{expected columns inside the memref, from a multiple of 8 bytes on: only rows are checked}}
      // expected-error @below {{failed to legalize operation 'tile.store'}}
      tile.store %t, %out[%c0, %c2] : tensor<16x64xbf16, #cta.layout<acc_transposed>>, memref<?x68xbf16>
    }
  }
  return
}

// -----

func.func @turned_columns_f32(%in: memref<?xf32>, %out: memref<?x68xf32>) attributes {cta.verified} {
  %c0 = arith.constant 0 : index
  scf.forall (%i) in (2) {
    cta.role "all" warps 4 registers 128 {
      %v = memref.load %in[%c0] : memref<?xf32>
      %x = tensor.splat %v : tensor<64x16xf32, #cta.layout<acc>>
      %t = tile.transpose %x : tensor<64x16xf32, #cta.layout<acc>> -> tensor<16x64xf32, #cta.layout<acc_transposed>>
      %c8 = arith.constant 8 : index
      // expected-error @below {{expected columns inside the memref: only rows are checked}}
      // expected-error @below {{failed to legalize operation 'tile.store'}}
      tile.store %t, %out[%c0, %c8] : tensor<16x64xf32, #cta.layout<acc_transposed>>, memref<?x68xf32>
    }
  }
  return
}

// -----

// By column bits are words, of which a thread knows no more than it tests.
#col = #cta.layout<column>
#dense = #cta.shared_layout<swizzle = 0, rows = 64>
func.func @bits_by_column() attributes {cta.verified, cta.shared_bytes = 16 : i64} {
  scf.forall (%i) in (1) {
    %ring = cta.ring "v" at 0 : !cta.ring<1x64xi1, #dense>
    cta.role "r" warps 4 registers 128 {
      %c0 = arith.constant 0 : i32
      %all = arith.constant dense<true> : tensor<64xi1, #col>
      %slot = cta.slot %ring[%c0] : !cta.ring<1x64xi1, #dense>
      // expected-error @below {{is not lowered for 'tensor<64xi1, #cta.layout<column>>'}}
      // expected-error @below {{failed to legalize operation 'cta.store_shared'}}
      cta.store_shared %all to %slot : tensor<64xi1, #col>, !cta.buffer<64xi1, #dense>
    }
  }
  return
}

// -----

// What --mla-verify-async would have refused: the attribute can be written by hand.

func.func @no_roles(%n: memref<?xf32>) attributes {cta.verified} {
  // expected-error @below {{expected roles; run --mla-schedule first}}
  scf.forall (%i) in (2) {
    cta.sync
  }
  return
}

// -----

func.func @from_one(%n: memref<?xf32>) attributes {cta.verified} {
  // expected-error @below {{expected a grid from 0 in steps of 1, without results}}
  scf.forall (%i) = (1) to (8) step (2) {
    cta.role "all" warps 4 registers 168 {
    }
  }
  return
}

// -----

// expected-error @below {{expected regions of one block}}
func.func @blocks(%n: memref<?xf32>) attributes {cta.verified} {
  scf.forall (%i) in (2) {
    cta.role "all" warps 4 registers 168 {
    }
  }
  cf.br ^end
^end:
  return
}

// -----

// expected-error @below {{has a value of type 'memref<*xf32>'; expected numbers of at most 64 bits, memrefs and tensors of them, and types of the cta dialect}}
func.func @unranked(%n: memref<*xf32>) attributes {cta.verified} {
  scf.forall (%i) in (2) {
    cta.role "all" warps 4 registers 168 {
    }
  }
  return
}

// -----

// expected-error @below {{expected arguments that are numbers or strided memrefs of numbers}}
func.func @no_strides(%n: memref<8x8xf32, affine_map<(i, j) -> (i mod 4, j)>>) attributes {cta.verified} {
  scf.forall (%i) in (2) {
    cta.role "all" warps 4 registers 168 {
    }
  }
  return
}

// -----

func.func @dim_outside(%n: memref<?xf32>) attributes {cta.verified} {
  %c1 = arith.constant 1 : index
  %size = memref.dim %n, %c1 : memref<?xf32>
  // expected-error @below {{expected bounds of constants, sizes of arguments (memref.dim) and tile.sm_count by +, *, /, min and max}}
  scf.forall (%i) in (%size) {
    cta.role "all" warps 4 registers 168 {
    }
  }
  return
}

// -----

func.func @no_place(%n: memref<?xf32>) attributes {cta.verified} {
  scf.forall (%i) in (2) {
    // expected-error @+2 {{expected a place in shared memory; run --mla-stage-shared first}}
    // expected-error @+1 {{failed to legalize operation 'cta.ring'}}
    %r = cta.ring "r" : !cta.ring<1x64xf32>
    cta.role "all" warps 4 registers 168 {
    }
  }
  return
}

// -----

func.func @no_layout(%n: memref<?xf32>) attributes {cta.verified} {
  scf.forall (%i) in (2) {
    cta.role "all" warps 4 registers 168 {
      // expected-error @below {{expected a fragment with a layout, got 'tensor<64xf32>'; run --mla-assign-layouts first}}
      %x = tile.load %n[%i] : memref<?xf32> -> tensor<64xf32>
      tile.store %x, %n[%i] : tensor<64xf32>, memref<?xf32>
    }
  }
  return
}

// -----

func.func @huge(%n: memref<?xf32>) attributes {cta.verified} {
  scf.forall (%i) in (2) {
    cta.role "all" warps 4 registers 168 {
      // expected-error @below {{is lowered for fragments of 1 to 262144 elements}}
      %x = tile.load %n[%i] : memref<?xf32> -> tensor<4611686018427387904xf32, #cta.layout<row>>
      tile.store %x, %n[%i] : tensor<4611686018427387904xf32, #cta.layout<row>>, memref<?xf32>
    }
  }
  return
}

// -----

func.func @empty(%n: memref<?xf32>) attributes {cta.verified} {
  scf.forall (%i) in (2) {
    cta.role "all" warps 4 registers 168 {
      // expected-error @below {{is lowered for fragments of 1 to 262144 elements}}
      %x = tile.load %n[%i] : memref<?xf32> -> tensor<0xf32, #cta.layout<row>>
      tile.store %x, %n[%i] : tensor<0xf32, #cta.layout<row>>, memref<?xf32>
    }
  }
  return
}

// -----

// LLVM has no instruction for these, and would end the process.
func.func @sine_of_scalar(%x: f32, %m: memref<?xf32>) attributes {cta.verified} {
  scf.forall (%i) in (2) {
    cta.role "all" warps 4 registers 168 {
      // expected-error @below {{'math.sin' op is not lowered on 'f32'; of functions expected exp, exp2, log2 or tanh on f32, or sqrt or rsqrt}}
      %y = math.sin %x : f32
      %t = tensor.splat %y : tensor<64xf32, #cta.layout<row>>
      tile.store %t, %m[%i] : tensor<64xf32, #cta.layout<row>>, memref<?xf32>
    }
  }
  return
}

// -----

func.func @power_of_fragment(%m: memref<?xf32>) attributes {cta.verified} {
  scf.forall (%i) in (2) {
    cta.role "all" warps 4 registers 168 {
      %t = tile.load %m[%i] : memref<?xf32> -> tensor<64xf32, #cta.layout<row>>
      // expected-error @below {{'math.powf' op is not lowered on 'f32'}}
      %y = math.powf %t, %t : tensor<64xf32, #cta.layout<row>>
      tile.store %y, %m[%i] : tensor<64xf32, #cta.layout<row>>, memref<?xf32>
    }
  }
  return
}

// -----

func.func @double_exponential(%x: f64, %m: memref<?xf32>) attributes {cta.verified} {
  scf.forall (%i) in (2) {
    cta.role "all" warps 4 registers 168 {
      // expected-error @below {{'math.exp2' op is not lowered on 'f64'}}
      %y = math.exp2 %x : f64
      %z = arith.truncf %y : f64 to f32
      %t = tensor.splat %z : tensor<64xf32, #cta.layout<row>>
      tile.store %t, %m[%i] : tensor<64xf32, #cta.layout<row>>, memref<?xf32>
    }
  }
  return
}

// -----

#swizzled = #cta.shared_layout<swizzle = 128, rows = 128>
!slot = !cta.buffer<128x64xbf16, #swizzled>
!part = !cta.buffer<64x64xbf16, #swizzled>
func.func @part_off_the_swizzle(%m: memref<?x64xbf16>) attributes {cta.verified} {
  %i0 = arith.constant 0 : i32
  %c0 = arith.constant 0 : index
  scf.forall (%i) in (2) {
    %k = cta.ring "k" at 0 : !cta.ring<1x128x64xbf16, #swizzled>
    cta.role "all" warps 4 registers 168 {
      %rows = tile.iota : tensor<64xi32, #cta.layout<gather>>
      %s = cta.slot %k[%i0] : !cta.ring<1x128x64xbf16, #swizzled>
      // expected-error @below {{is lowered for parts of vectors, and of swizzled matrices from a multiple of 8 rows and 128 bytes on, got '!cta.buffer<64x64xbf16}}
      // expected-error @below {{failed to legalize operation 'cta.view'}}
      %v = cta.view %s [4, 0] : !slot -> !part
      cta.gather_async %m[%rows][%c0] to %v : memref<?x64xbf16>, tensor<64xi32, #cta.layout<gather>>, !part
    }
  }
  return
}

// -----

func.func @min_by_row(%out: memref<64xi32>) attributes {cta.verified} {
  scf.forall (%i) in (2) {
    cta.role "all" warps 4 registers 128 {
      %x = tile.iota : tensor<64xi32, #cta.layout<row>>
      %c0 = arith.constant 0 : index
      // expected-error @below {{is lowered on vectors by column, got 'tensor<64xi32, #cta.layout<row>>'}}
      // expected-error @below {{failed to legalize operation 'tile.min'}}
      %y = tile.min %x : tensor<64xi32, #cta.layout<row>> -> tensor<64xi32, #cta.layout<row>>
      tile.store %y, %out[%c0] : tensor<64xi32, #cta.layout<row>>, memref<64xi32>
    }
  }
  return
}

// -----

// The warps that hold fewer than 32 rows do not hold whole bytes of their flags.
func.func @few_flags() attributes {cta.verified} {
  scf.forall (%i) in (2) {
    %r = cta.ring "f" at 0 : !cta.ring<1x16xi1>
    cta.role "all" warps 4 registers 128 {
      %i0 = arith.constant 0 : i32
      %x = tile.iota : tensor<16xi32, #cta.layout<gather>>
      %f = arith.cmpi slt, %x, %x : tensor<16xi32, #cta.layout<gather>>
      %s = cta.slot %r[%i0] : !cta.ring<1x16xi1>
      // expected-error @below {{is not lowered for 'tensor<16xi1, #cta.layout<gather>>'}}
      // expected-error @below {{failed to legalize operation 'cta.store_shared'}}
      cta.store_shared %f to %s : tensor<16xi1, #cta.layout<gather>>, !cta.buffer<16xi1>
    }
  }
  return
}

// -----

func.func @gather_rows_40(%rows: memref<64xi32>) attributes {cta.verified} {
  scf.forall (%i) in (2) {
    %r = cta.ring "f" at 0 : !cta.ring<1x40xi32>
    cta.role "all" warps 4 registers 128 {
      %c0 = arith.constant 0 : index
      %i0 = arith.constant 0 : i32
      %s = cta.slot %r[%i0] : !cta.ring<1x40xi32>
      // expected-error @below {{got 'tensor<40xi32, #cta.layout<gather>>' in one of 4}}
      %x = tile.load %rows[%c0] : memref<64xi32> -> tensor<40xi32, #cta.layout<gather>>
      cta.store_shared %x to %s : tensor<40xi32, #cta.layout<gather>>, !cta.buffer<40xi32>
    }
  }
  return
}
