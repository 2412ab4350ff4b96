// RUN: %mla-opt %s --mla-split-sums --split-input-file --verify-diagnostics

#s = #mla.schedule<"sums" after ["split-sums"], roles = [<"r", warps = 4, registers = 128>],
  table = [<"x" in ["r"]>]>

// One term per iteration: nothing to split.
func.func @one_term(%s0: tensor<64xf32>, %init: tensor<64xf32>, %y: memref<?xf32>,
                    %n: index, %g: index) attributes {mla.schedule = #s} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  // expected-error @below {{schedule "sums" requests split-sums: expected a loop that carries a sum or a maximum of more than one term per iteration, got none}}
  scf.forall (%t) in (%g) {
    %sum = scf.for %i = %c0 to %n step %c1 iter_args(%l = %init) -> tensor<64xf32> {
      %0 = arith.addf %l, %s0 : tensor<64xf32>
      scf.yield %0 : tensor<64xf32>
    }
    tile.store %sum, %y[%c0] {tile.label = "x"} : tensor<64xf32>, memref<?xf32>
  }
  return
}

// -----

#s = #mla.schedule<"sums" after ["split-sums"], roles = [<"r", warps = 4, registers = 128>],
  table = [<"x" in ["r"]>]>

// Sums with an intermediate use, with a maximum in between, or as the right side of
// a subtraction cannot be split.
func.func @no_chain(%s0: tensor<64xf32>, %init: tensor<64xf32>, %y: memref<?xf32>,
                    %n: index, %g: index) attributes {mla.schedule = #s} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  // expected-error @below {{expected a loop that carries a sum or a maximum}}
  scf.forall (%t) in (%g) {
    %sum:3 = scf.for %i = %c0 to %n step %c1
        iter_args(%l = %init, %m = %init, %k = %init)
        -> (tensor<64xf32>, tensor<64xf32>, tensor<64xf32>) {
      %0 = arith.addf %l, %s0 : tensor<64xf32>
      %1 = arith.addf %0, %s0 : tensor<64xf32>
      %2 = arith.addf %m, %0 : tensor<64xf32>
      %3 = arith.maximumf %2, %s0 : tensor<64xf32>
      %4 = arith.addf %k, %s0 : tensor<64xf32>
      %5 = arith.subf %s0, %4 : tensor<64xf32>
      %6 = arith.addf %5, %s0 : tensor<64xf32>
      scf.yield %1, %3, %6 : tensor<64xf32>, tensor<64xf32>, tensor<64xf32>
    }
    tile.store %sum#0, %y[%c0] {tile.label = "x"} : tensor<64xf32>, memref<?xf32>
  }
  return
}
