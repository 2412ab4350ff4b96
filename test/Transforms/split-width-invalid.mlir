// RUN: %mla-opt %s --mla-split-width --split-input-file --verify-diagnostics

#s = #mla.schedule<"s" after ["split-width"], roles = [<"r", warps = 4, registers = 128>],
  table = [<"x" in ["r"]>]>

func.func @no_product(%kv: memref<?x576xbf16>, %rows: tensor<64xi32>,
                      %out: memref<64x576xbf16>) attributes {mla.schedule = #s} {
  %c0 = arith.constant 0 : index
  // expected-error @+1 {{schedule "s" requests split-width: expected a tile.dot with V, a view of a gathered tile from column 0, got none}}
  scf.forall (%t) in (1) {
    %k = tile.gather %kv[%rows][%c0] : memref<?x576xbf16>, tensor<64xi32> -> tensor<64x576xbf16>
    tile.store %k, %out[%c0, %c0] : tensor<64x576xbf16>, memref<64x576xbf16>
  }
  return
}

// -----

#s = #mla.schedule<"s" after ["split-width"], roles = [<"r", warps = 4, registers = 128>],
  table = [<"x" in ["r"]>]>

func.func @narrow(%kv: memref<?x96xbf16>, %rows: tensor<64xi32>,
                  %p: tensor<64x64xbf16>, %out: memref<64x64xf32>)
    attributes {mla.schedule = #s} {
  %c0 = arith.constant 0 : index
  scf.forall (%t) in (1) {
    %k = tile.gather %kv[%rows][%c0] : memref<?x96xbf16>, tensor<64xi32> -> tensor<64x96xbf16>
    %v = tile.view %k [0, 0] : tensor<64x96xbf16> -> tensor<64x64xbf16>
    // expected-error @+1 {{expected V to have a multiple of 128 columns, the same for all products, got 64}}
    %o = tile.dot %p, %v : tensor<64x64xbf16>, tensor<64x64xbf16> -> tensor<64x64xf32>
    tile.store %o, %out[%c0, %c0] : tensor<64x64xf32>, memref<64x64xf32>
  }
  return
}

// -----

#s = #mla.schedule<"s" after ["split-width"], roles = [<"r", warps = 4, registers = 128>],
  table = [<"x" in ["r"]>]>

func.func @loaded(%kv: memref<?x192xbf16>, %rows: tensor<64xi32>,
                  %p: tensor<64x64xbf16>, %out: memref<64x128xf32>,
                  %bias: memref<64x128xf32>) attributes {mla.schedule = #s} {
  %c0 = arith.constant 0 : index
  scf.forall (%t) in (1) {
    %k = tile.gather %kv[%rows][%c0] : memref<?x192xbf16>, tensor<64xi32> -> tensor<64x192xbf16>
    %v = tile.view %k [0, 0] : tensor<64x192xbf16> -> tensor<64x128xbf16>
    %o = tile.dot %p, %v : tensor<64x64xbf16>, tensor<64x128xbf16> -> tensor<64x128xf32>
    %b = tile.load %bias[%c0, %c0] : memref<64x128xf32> -> tensor<64x128xf32>
    // expected-error @+1 {{has an operand of type 'tensor<64x128xf32>' whose columns cannot be split}}
    %x = arith.addf %o, %b : tensor<64x128xf32>
    tile.store %x, %out[%c0, %c0] : tensor<64x128xf32>, memref<64x128xf32>
  }
  return
}

// -----

#s = #mla.schedule<"s" after ["split-width"], roles = [<"r", warps = 4, registers = 128>],
  table = [<"x" in ["r"]>]>

func.func @condition(%kv: memref<?x512xbf16>, %rows: tensor<64xi32>, %p: tensor<64x64xbf16>,
                     %yes: i1, %out: memref<64x512xf32>) attributes {mla.schedule = #s} {
  %c0 = arith.constant 0 : index
  %zero = arith.constant dense<0.0> : tensor<64x512xf32>
  scf.forall (%t) in (1) {
    %k = tile.gather %kv[%rows][%c0] : memref<?x512xbf16>, tensor<64xi32> -> tensor<64x512xbf16>
    %v = tile.view %k [0, 0] : tensor<64x512xbf16> -> tensor<64x512xbf16>
    // expected-error @+1 {{expected the output's tiles to be computed in scf.for only}}
    %o = scf.if %yes -> tensor<64x512xf32> {
      %0 = tile.dot %p, %v : tensor<64x64xbf16>, tensor<64x512xbf16> -> tensor<64x512xf32>
      scf.yield %0 : tensor<64x512xf32>
    } else {
      scf.yield %zero : tensor<64x512xf32>
    }
    tile.store %o, %out[%c0, %c0] : tensor<64x512xf32>, memref<64x512xf32>
  }
  return
}

// -----

#s = #mla.schedule<"s" after ["split-width"], roles = [<"r", warps = 4, registers = 128>],
  table = [<"x" in ["r"]>]>

func.func @narrow_keys(%kv: memref<?x512xbf16>, %rows: tensor<64xi32>, %p: tensor<64x64xbf16>,
                       %out: memref<64x512xf32>) attributes {mla.schedule = #s} {
  %c0 = arith.constant 0 : index
  scf.forall (%t) in (1) {
    %k = tile.gather %kv[%rows][%c0] : memref<?x512xbf16>, tensor<64xi32> -> tensor<64x512xbf16>
    // expected-error @+1 {{expected more columns than half of V's 512, got 64}}
    %n = tile.gather %kv[%rows][%c0] : memref<?x512xbf16>, tensor<64xi32> -> tensor<64x64xbf16>
    %v = tile.view %k [0, 0] : tensor<64x512xbf16> -> tensor<64x512xbf16>
    %o = tile.dot %p, %v : tensor<64x64xbf16>, tensor<64x512xbf16> -> tensor<64x512xf32>
    tile.store %o, %out[%c0, %c0] : tensor<64x512xf32>, memref<64x512xf32>
  }
  return
}

// -----

// A product of the output with a tile other than V.
#s = #mla.schedule<"s" after ["split-width"], roles = [<"r", warps = 4, registers = 128>],
  table = [<"x" in ["r"]>]>

func.func @other_product(%kv: memref<?x128xbf16>, %rows: tensor<64xi32>, %p: tensor<64x64xbf16>,
                         %w: tensor<64x128xbf16>, %out: memref<64x128xf32>) attributes {mla.schedule = #s} {
  %c0 = arith.constant 0 : index
  scf.forall (%t) in (1) {
    %k = tile.gather %kv[%rows][%c0] : memref<?x128xbf16>, tensor<64xi32> -> tensor<64x128xbf16>
    %v = tile.view %k [0, 0] : tensor<64x128xbf16> -> tensor<64x128xbf16>
    %0 = tile.dot %p, %v : tensor<64x64xbf16>, tensor<64x128xbf16> -> tensor<64x128xf32>
    // expected-error @+1 {{expected V, a view of a gathered tile from column 0, as operand B}}
    %o = tile.dot %p, %w acc %0 : tensor<64x128xf32> : tensor<64x64xbf16>, tensor<64x128xbf16> -> tensor<64x128xf32>
    tile.store %o, %out[%c0, %c0] : tensor<64x128xf32>, memref<64x128xf32>
  }
  return
}

// -----

#s = #mla.schedule<"s" after ["split-width"], roles = [<"r", warps = 4, registers = 128>],
  table = [<"x" in ["r"]>]>

func.func @stored(%kv: memref<?x128xbf16>, %rows: tensor<64xi32>, %p: tensor<64x64xbf16>,
                  %keys: memref<64x128xbf16>, %out: memref<64x128xf32>) attributes {mla.schedule = #s} {
  %c0 = arith.constant 0 : index
  scf.forall (%t) in (1) {
    %k = tile.gather %kv[%rows][%c0] : memref<?x128xbf16>, tensor<64xi32> -> tensor<64x128xbf16>
    %v = tile.view %k [0, 0] : tensor<64x128xbf16> -> tensor<64x128xbf16>
    %o = tile.dot %p, %v : tensor<64x64xbf16>, tensor<64x128xbf16> -> tensor<64x128xf32>
    tile.store %o, %out[%c0, %c0] : tensor<64x128xf32>, memref<64x128xf32>
    // expected-error @+1 {{cannot use a tile that is split by columns}}
    tile.store %k, %keys[%c0, %c0] : tensor<64x128xbf16>, memref<64x128xbf16>
  }
  return
}

// -----

// The output is combined with a tile that has no halves.
#s = #mla.schedule<"s" after ["split-width"], roles = [<"r", warps = 4, registers = 128>],
  table = [<"x" in ["r"]>]>

func.func @yielded(%kv: memref<?x128xbf16>, %rows: tensor<64xi32>, %p: tensor<64x64xbf16>,
                   %out: memref<64x128xf32>) attributes {mla.schedule = #s} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c8 = arith.constant 8 : index
  scf.forall (%t) in (1) {
    %k = tile.gather %kv[%rows][%c0] : memref<?x128xbf16>, tensor<64xi32> -> tensor<64x128xbf16>
    %v = tile.view %k [0, 0] : tensor<64x128xbf16> -> tensor<64x128xbf16>
    %0 = tile.dot %p, %v : tensor<64x64xbf16>, tensor<64x128xbf16> -> tensor<64x128xf32>
    %o = scf.for %i = %c0 to %c8 step %c1 iter_args(%at = %0) -> tensor<64x128xf32> {
      %x = tile.load %out[%c0, %c0] : memref<64x128xf32> -> tensor<64x128xf32>
      // expected-error @+1 {{has an operand of type 'tensor<64x128xf32>' whose columns cannot be split}}
      scf.yield %x : tensor<64x128xf32>
    }
    tile.store %o, %out[%c0, %c0] : tensor<64x128xf32>, memref<64x128xf32>
  }
  return
}

// -----

#s = #mla.schedule<"s" after ["split-width"], roles = [<"r", warps = 4, registers = 128>],
  table = [<"x" in ["r"]>]>

func.func @loaded(%kv: memref<?x256xbf16>, %p: tensor<64x64xbf16>, %out: memref<64x256xf32>)
    attributes {mla.schedule = #s} {
  %c0 = arith.constant 0 : index
  // expected-error @+1 {{expected a tile.dot with V, a view of a gathered tile from column 0, got none}}
  scf.forall (%t) in (1) {
    %v = tile.load %kv[%c0, %c0] : memref<?x256xbf16> -> tensor<64x256xbf16>
    %o = tile.dot %p, %v : tensor<64x64xbf16>, tensor<64x256xbf16> -> tensor<64x256xf32>
    tile.store %o, %out[%c0, %c0] : tensor<64x256xf32>, memref<64x256xf32>
  }
  return
}
