// mla-swap-ab: tiles combined with a product that cannot be transposed.
// RUN: %mla-opt %s --mla-swap-ab -split-input-file -verify-diagnostics

#s = #mla.schedule<"s" after ["swap-ab"], roles = [<"r", warps = 4, registers = 128>],
  table = [<"x" in ["r"]>]>

func.func @loaded(%a: tensor<16x64xbf16>, %b: tensor<64x64xbf16>, %bias: memref<16x64xf32>,
                  %out: memref<16x64xf32>) attributes {mla.schedule = #s} {
  %c0 = arith.constant 0 : index
  scf.forall (%t) in (1) {
    %0 = tile.dot %a, %b : tensor<16x64xbf16>, tensor<64x64xbf16> -> tensor<16x64xf32>
    %x = tile.load %bias[%c0, %c0] : memref<16x64xf32> -> tensor<16x64xf32>
    // expected-error @below {{has an operand of type 'tensor<16x64xf32>' that cannot be transposed, expected a constant, a splat or a broadcast}}
    %y = arith.addf %0, %x : tensor<16x64xf32>
    tile.store %y, %out[%c0, %c0] : tensor<16x64xf32>, memref<16x64xf32>
  }
  return
}

// -----

#s = #mla.schedule<"s" after ["swap-ab"], roles = [<"r", warps = 4, registers = 128>],
  table = [<"x" in ["r"]>]>

func.func @view(%a: tensor<16x64xbf16>, %b: tensor<64x64xbf16>, %out: memref<16x64xf32>)
    attributes {mla.schedule = #s} {
  %c0 = arith.constant 0 : index
  scf.forall (%t) in (1) {
    %0 = tile.dot %a, %b : tensor<16x64xbf16>, tensor<64x64xbf16> -> tensor<16x64xf32>
    // expected-error @below {{cannot be computed on transposed operands}}
    %y = tile.view %0 [0, 32] : tensor<16x64xf32> -> tensor<16x32xf32>
    tile.store %y, %out[%c0, %c0] : tensor<16x32xf32>, memref<16x64xf32>
  }
  return
}

// -----

#s = #mla.schedule<"s" after ["swap-ab"], roles = [<"r", warps = 4, registers = 128>],
  table = [<"x" in ["r"]>]>

func.func @condition(%a: tensor<16x64xbf16>, %b: tensor<64x64xbf16>, %yes: i1,
                     %out: memref<16x64xf32>) attributes {mla.schedule = #s} {
  %c0 = arith.constant 0 : index
  %zero = arith.constant dense<0.0> : tensor<16x64xf32>
  scf.forall (%t) in (1) {
    // expected-error @below {{expected the results of tile.dot to be computed in scf.for only}}
    %y = scf.if %yes -> tensor<16x64xf32> {
      %0 = tile.dot %a, %b : tensor<16x64xbf16>, tensor<64x64xbf16> -> tensor<16x64xf32>
      scf.yield %0 : tensor<16x64xf32>
    } else {
      scf.yield %zero : tensor<16x64xf32>
    }
    tile.store %y, %out[%c0, %c0] : tensor<16x64xf32>, memref<16x64xf32>
  }
  return
}

// -----

#s = #mla.schedule<"s" after ["swap-ab"], roles = [<"r", warps = 4, registers = 128>],
  table = [<"x" in ["r"]>]>

func.func @no_product(%m: memref<?xf32>) attributes {mla.schedule = #s} {
  // expected-error @below {{schedule "s" requests swap-ab: expected a tile.dot, got none}}
  scf.forall (%t) in (8) {
    %x = tile.load %m[%t] : memref<?xf32> -> tensor<64xf32>
    tile.store %x, %m[%t] {tile.label = "x"} : tensor<64xf32>, memref<?xf32>
  }
  return
}
