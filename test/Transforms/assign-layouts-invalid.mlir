// mla-assign-layouts: fragments with two layouts or without one, and reductions that
// no layout supports.
// RUN: %mla-opt %s --mla-assign-layouts -verify-diagnostics -split-input-file

func.func @two_layouts(%s: tensor<64x64xf32>) {
  scf.forall (%i) in (8) {
    cta.role "math" warps 4 registers 240 {
      %r = tile.reduce max %s dim 1 : tensor<64x64xf32> -> tensor<64xf32>
      // expected-error @below {{expected a fragment with layout column, got one with layout row}}
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
      // expected-error @below {{expected a fragment with layout column, got one with layout gather}}
      %b = tile.broadcast %rows dim 0 : tensor<64xi32> -> tensor<64x64xi32>
    }
  }
  return
}

// -----

func.func @vector_beside_gather(%kv: memref<?x64xbf16>, %rows: tensor<64xi32>,
                                %slot: !cta.buffer<64x64xbf16>, %s: tensor<64xf32>) {
  %c0 = arith.constant 0 : index
  scf.forall (%i) in (8) {
    cta.role "math" warps 4 registers 240 {
      cta.gather_async %kv[%rows][%c0] to %slot
          : memref<?x64xbf16>, tensor<64xi32>, !cta.buffer<64x64xbf16>
      // expected-error @below {{expected a reduction of an accumulator, got 'tensor<64xf32>' in a role with MMAs or gathers}}
      %r = tile.reduce max %s dim 0 : tensor<64xf32> -> tensor<f32>
    }
  }
  return
}

// -----

func.func @untied(%m: memref<?xf32>, %slot: !cta.buffer<64x64xbf16>) {
  scf.forall (%i) in (8) {
    cta.role "math" warps 4 registers 240 {
      %x = cta.mma_async %slot, %slot
          : !cta.buffer<64x64xbf16>, !cta.buffer<64x64xbf16> -> !cta.in_flight<tensor<64x64xf32>>
      // expected-error @below {{cannot infer the layout of 'tensor<64xf32>', which is not computed from or used with an MMA or a gather}}
      %v = tile.load %m[%i] : memref<?xf32> -> tensor<64xf32>
      tile.store %v, %m[%i] : tensor<64xf32>, memref<?xf32>
    }
  }
  return
}

// -----

func.func @threads(%m: memref<?x64xf32>) {
  %c0 = arith.constant 0 : index
  scf.forall (%i) in (8) {
    cta.role "math" warps 4 registers 240 {
      // expected-error @below {{expected columns that are a multiple of 128 threads of 1 elements, in a role of at least as many threads, got 64 columns in a role of 4 warps}}
      %v = tile.load %m[%i, %c0] {cta.threads = 128} : memref<?x64xf32> -> tensor<8x64xf32>
      tile.store %v, %m[%i, %c0] : tensor<8x64xf32>, memref<?x64xf32>
    }
  }
  return
}

// -----

func.func @cube(%m: memref<?x8x64xf32>) {
  %c0 = arith.constant 0 : index
  scf.forall (%i) in (8) {
    cta.role "math" warps 4 registers 240 {
      // expected-error @below {{expected a tile of rank 0 to 2, got 'tensor<2x8x64xf32>'}}
      %v = tile.load %m[%i, %c0, %c0] : memref<?x8x64xf32> -> tensor<2x8x64xf32>
      tile.store %v, %m[%i, %c0, %c0] : tensor<2x8x64xf32>, memref<?x8x64xf32>
    }
  }
  return
}

// -----

func.func @two_direct_layouts(%m: memref<?x64xf32>, %v: memref<?xf32>) {
  %c0 = arith.constant 0 : index
  scf.forall (%i) in (8) {
    cta.role "math" warps 4 registers 240 {
      %x = tile.load %m[%i, %c0] : memref<?x64xf32> -> tensor<64x64xf32>
      %r = tile.reduce max %x dim 1 : tensor<64x64xf32> -> tensor<64xf32>
      %c = tile.reduce max %x dim 0 : tensor<64x64xf32> -> tensor<64xf32>
      // expected-error @below {{expected a fragment with layout #cta.direct<threads = [8], strides = [16], vector = 1>, got one with layout #cta.direct<threads = [16], strides = [1], vector = 4>}}
      %s = arith.addf %r, %c : tensor<64xf32>
      tile.store %s, %v[%i] : tensor<64xf32>, memref<?xf32>
    }
  }
  return
}

// -----

func.func @resource() {
  scf.forall (%i) in (8) {
    cta.role "math" warps 4 registers 240 {
      // expected-error @below {{expected a dense constant}}
      %c = arith.constant dense_resource<elsewhere> : tensor<64x64xf32>
      %r = tile.reduce max %c dim 1 : tensor<64x64xf32> -> tensor<64xf32>
    }
  }
  return
}

{-#
  dialect_resources: { builtin: { elsewhere: "0x0400000000000000" } }
#-}

// -----

// A reduction is not computed twice.
func.func @sum_in_two_layouts(%m: memref<?x64xf32>) {
  %c0 = arith.constant 0 : index
  scf.forall (%i) in (8) {
    cta.role "math" warps 4 registers 240 {
      %v = tile.load %m[%i, %c0] : memref<?x64xf32> -> tensor<64x64xf32>
      %r = tile.reduce max %v dim 1 : tensor<64x64xf32> -> tensor<64xf32>
      // expected-error @below {{expected a fragment with layout #cta.direct<threads = [16], strides = [1], vector = 4>, got one with layout #cta.direct<threads = [8], strides = [16], vector = 1>}}
      %b = tile.broadcast %r dim 0 : tensor<64xf32> -> tensor<64x64xf32>
      %s = arith.addf %b, %v : tensor<64x64xf32>
    }
  }
  return
}

// -----

// Nor is memory that the kernel writes read twice.
func.func @written_in_two_layouts(%x: memref<?xf32>) {
  scf.forall (%i) in (8) {
    cta.role "math" warps 4 registers 240 {
      %v = tile.load %x[%i] : memref<?xf32> -> tensor<64xf32>
      tile.store %v, %x[%i] : tensor<64xf32>, memref<?xf32>
      %a = tile.broadcast %v dim 1 : tensor<64xf32> -> tensor<64x64xf32>
      // expected-error @below {{expected a fragment with layout #cta.direct<threads = [16], strides = [1], vector = 4>, got one with layout #cta.direct<threads = [8], strides = [16], vector = 1>}}
      %b = tile.broadcast %v dim 0 : tensor<64xf32> -> tensor<64x64xf32>
      %s = arith.addf %a, %b : tensor<64x64xf32>
    }
  }
  return
}
