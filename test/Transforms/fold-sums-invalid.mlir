// mla-fold-sums: a schedule that requests it, for a loop without such a sum.
// RUN: %mla-opt %s --mla-fold-sums -split-input-file -verify-diagnostics

#s = #mla.schedule<"s" after ["fold-sums"], roles = [<"r", warps = 4, registers = 128>],
  table = [<"x" in ["r"]>]>

// Sums with another initial value, sums with other uses in the loop, maxima, and
// sums along columns or of few columns.
// expected-error @below {{schedule "s" requests fold-sums: expected a loop that carries sum * factor + (sum of a tile), with 0 as its initial value, got none}}
func.func @others(%w: tensor<64x32xf32>, %r: tensor<64xf32>, %start: tensor<64xf32>,
                  %factors: tensor<32xf32>, %narrow: tensor<64x8xf32>, %n: index) -> (tensor<64xf32>, tensor<64xf32>, tensor<64xf32>, tensor<32xf32>, tensor<64xf32>)
    attributes {mla.schedule = #s} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %zero = arith.constant dense<0.0> : tensor<64xf32>
  %o:3 = scf.for %i = %c0 to %n step %c1 iter_args(%a = %start, %b = %zero, %c = %zero)
      -> (tensor<64xf32>, tensor<64xf32>, tensor<64xf32>) {
    %s0 = tile.reduce sum %w dim 1 : tensor<64x32xf32> -> tensor<64xf32>
    %x0 = arith.mulf %a, %r : tensor<64xf32>
    %y0 = arith.addf %x0, %s0 : tensor<64xf32>
    %s1 = tile.reduce sum %w dim 1 : tensor<64x32xf32> -> tensor<64xf32>
    %x1 = arith.mulf %b, %b : tensor<64xf32>
    %y1 = arith.addf %x1, %s1 : tensor<64xf32>
    %s2 = tile.reduce max %w dim 1 : tensor<64x32xf32> -> tensor<64xf32>
    %x2 = arith.mulf %c, %r : tensor<64xf32>
    %y2 = arith.addf %x2, %s2 : tensor<64xf32>
    scf.yield %y0, %y1, %y2 : tensor<64xf32>, tensor<64xf32>, tensor<64xf32>
  }
  %n0 = arith.constant dense<0.0> : tensor<32xf32>
  %p:2 = scf.for %i = %c0 to %n step %c1 iter_args(%a = %n0, %b = %zero)
      -> (tensor<32xf32>, tensor<64xf32>) {
    %s0 = tile.reduce sum %w dim 0 : tensor<64x32xf32> -> tensor<32xf32>
    %x0 = arith.mulf %a, %factors : tensor<32xf32>
    %y0 = arith.addf %x0, %s0 : tensor<32xf32>
    %s1 = tile.reduce sum %narrow dim 1 : tensor<64x8xf32> -> tensor<64xf32>
    %x1 = arith.mulf %b, %r : tensor<64xf32>
    %y1 = arith.addf %x1, %s1 : tensor<64xf32>
    scf.yield %y0, %y1 : tensor<32xf32>, tensor<64xf32>
  }
  return %o#0, %o#1, %o#2, %p#0, %p#1 : tensor<64xf32>, tensor<64xf32>, tensor<64xf32>, tensor<32xf32>, tensor<64xf32>
}
