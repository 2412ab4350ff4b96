// RUN: %mla-opt %s --mla-reduce-across-warps -split-input-file -verify-diagnostics

func.func @warps(%x: tensor<64x16xf32>) {
  scf.forall (%i) in (8) {
    cta.role "math" warps 8 registers 128 {
      // expected-error @below {{expected a reduction of f32 rows in a role of 4 warps, got 'tensor<64x16xf32>' in a role of 8 warps}}
      %m = tile.reduce max %x dim 0 : tensor<64x16xf32> -> tensor<16xf32>
    }
  }
  return
}

// -----

func.func @integers(%x: tensor<64x16xi32>) {
  scf.forall (%i) in (8) {
    cta.role "math" warps 4 registers 128 {
      // expected-error @below {{expected a reduction of f32 rows in a role of 4 warps, got 'tensor<64x16xi32>' in a role of 4 warps}}
      %m = tile.reduce max %x dim 0 : tensor<64x16xi32> -> tensor<16xi32>
    }
  }
  return
}

// -----

func.func @columns(%s: tensor<64x4611686018427387904xf32>) {
  scf.forall (%i) in (8) {
    cta.role "math" warps 4 registers 240 {
      // expected-error @below {{expected at most 232448 columns, got 4611686018427387904}}
      %m = tile.reduce max %s dim 0 : tensor<64x4611686018427387904xf32> -> tensor<4611686018427387904xf32>
    }
  }
  return
}
