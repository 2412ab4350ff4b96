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

func.func @grid(%n: memref<?xf32>, %m: index) attributes {cta.verified} {
  // expected-error @below {{expected bounds that are constants, memref.dim of an argument, or arith.ceildivui of one by a constant}}
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
      // expected-error @below {{is not lowered on bf16 fragments; compute in f32}}
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

func.func @first(%n: memref<?xf32>) attributes {cta.verified} {
  scf.forall (%i) in (2) {
    cta.role "all" warps 4 registers 168 {
    }
  }
  return
}

// expected-error @below {{expected one kernel a module}}
func.func @second(%n: memref<?xf32>) attributes {cta.verified} {
  scf.forall (%i) in (2) {
    cta.role "all" warps 4 registers 168 {
    }
  }
  return
}
