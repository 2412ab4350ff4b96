// mla-assign-layouts refuses a fragment that would need two layouts, one whose
// layout nothing determines, and reductions that no layout supports.
// RUN: %mla-opt %s --mla-assign-layouts -verify-diagnostics -split-input-file

func.func @two_layouts(%s: tensor<64x64xf32>) {
  scf.forall (%i) in (8) {
    cta.role "math" warps 4 registers 240 {
      %r = tile.reduce max %s dim 1 : tensor<64x64xf32> -> tensor<64xf32>
      // expected-error @below {{needs layout column of a fragment that has layout row}}
      %b = tile.broadcast %r dim 0 : tensor<64xf32> -> tensor<64x64xf32>
    }
  }
  return
}

// -----

func.func @rows_that_are_columns(%kv: memref<?x64xbf16>, %indices: memref<?xi32>,
                                 %slot: !cta.buffer<64x64xbf16>) {
  %c0 = arith.constant 0 : index
  scf.forall (%i) in (8) {
    cta.role "math" warps 4 registers 240 {
      %rows = tile.load %indices[%i] : memref<?xi32> -> tensor<64xi32>
      cta.gather_async %kv[%rows][%c0] to %slot
          : memref<?x64xbf16>, tensor<64xi32>, !cta.buffer<64x64xbf16>
      // expected-error @below {{needs layout column of a fragment that has layout gather}}
      %b = tile.broadcast %rows dim 0 : tensor<64xi32> -> tensor<64x64xi32>
    }
  }
  return
}

// -----

func.func @other_dimension(%s: tensor<64x64xf32>) {
  scf.forall (%i) in (8) {
    cta.role "math" warps 4 registers 240 {
      // expected-error @below {{expected a reduction along dimension 1 of an accumulator, got dimension 0}}
      %r = tile.reduce max %s dim 0 : tensor<64x64xf32> -> tensor<64xf32>
    }
  }
  return
}

// -----

func.func @untied(%m: memref<?xf32>) {
  scf.forall (%i) in (8) {
    cta.role "math" warps 4 registers 240 {
      // expected-error @below {{cannot tell the layout of 'tensor<64xf32>': nothing ties it to a product or a gather}}
      %v = tile.load %m[%i] : memref<?xf32> -> tensor<64xf32>
      tile.store %v, %m[%i] : tensor<64xf32>, memref<?xf32>
    }
  }
  return
}

// -----

func.func @resource() {
  scf.forall (%i) in (8) {
    cta.role "math" warps 4 registers 240 {
      // expected-error @below {{expected elements that are written out}}
      %c = arith.constant dense_resource<elsewhere> : tensor<64x64xf32>
      %r = tile.reduce max %c dim 1 : tensor<64x64xf32> -> tensor<64xf32>
    }
  }
  return
}

{-#
  dialect_resources: { builtin: { elsewhere: "0x0400000000000000" } }
#-}
