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
      %x = tile.load %n[%c0] : memref<?xf32> -> tensor<64xf32, #cta.layout<row>>
      %b = arith.truncf %x : tensor<64xf32, #cta.layout<row>> to tensor<64xbf16, #cta.layout<row>>
      // expected-error @below {{is not lowered on bf16 fragments; compute in f32}}
      %y = arith.addf %b, %b : tensor<64xbf16, #cta.layout<row>>
      tile.store %x, %n[%c0] : tensor<64xf32, #cta.layout<row>>, memref<?xf32>
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
