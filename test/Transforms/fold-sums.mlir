// mla-fold-sums: a loop carries eight columns of sums, which are reduced once after it.
// RUN: %mla-opt %s --mla-fold-sums | FileCheck %s
// RUN: %mla-opt %s --mla-fold-sums --mla-fold-sums | FileCheck %s

#s = #mla.schedule<"s" after ["fold-sums"], roles = [<"r", warps = 4, registers = 128>],
  table = [<"x" in ["r"]>]>
#plain = #mla.schedule<"s", roles = [<"r", warps = 4, registers = 128>],
  table = [<"x" in ["r"]>]>

// Two steps per iteration, as created by --mla-pair-tiles.
// CHECK-LABEL: func @steps
// CHECK-SAME:    %[[W:[^:]*]]: tensor<64x32xf32>, %[[R:[^:]*]]: tensor<64xf32>
// CHECK:         %[[ZERO:.*]] = arith.constant dense<0.000000e+00> : tensor<64x8xf32>
// CHECK:         %[[SUM:.*]] = scf.for {{.*}} iter_args(%[[OLD:.*]] = %[[ZERO]]) -> (tensor<64x8xf32>)
// CHECK:           %[[R0:.*]] = tile.broadcast %[[R]] dim 1 : tensor<64xf32> -> tensor<64x8xf32>
// CHECK:           %[[X0:.*]] = arith.mulf %[[OLD]], %[[R0]] fastmath<contract> {tile.label = "s.sum.0"} : tensor<64x8xf32>
// CHECK:           %[[F0:.*]] = tile.fold %[[W]] : tensor<64x32xf32> -> tensor<64x8xf32>
// CHECK:           %[[Y0:.*]] = arith.addf %[[X0]], %[[F0]] fastmath<contract> {tile.label = "s.sum.0"}
// CHECK:           %[[R1:.*]] = tile.broadcast %[[R]] dim 1
// CHECK:           %[[X1:.*]] = arith.mulf %[[Y0]], %[[R1]]
// CHECK:           %[[F1:.*]] = tile.fold %[[W]] {tile.label = "s.rowsum"}
// CHECK:           %[[Y1:.*]] = arith.addf %[[X1]], %[[F1]]
// CHECK-NOT:       tile.reduce
// CHECK:           scf.yield %[[Y1]] : tensor<64x8xf32>
// CHECK:         %[[TOTAL:.*]] = tile.reduce sum %[[SUM]] dim 1 {tile.label = "s.rowsum"} : tensor<64x8xf32> -> tensor<64xf32>
// CHECK:         return %[[TOTAL]]
func.func @steps(%w: tensor<64x32xf32>, %r: tensor<64xf32>, %n: index)
    -> tensor<64xf32> attributes {mla.schedule = #s} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %zero = arith.constant dense<0.0> : tensor<64xf32>
  %sum = scf.for %i = %c0 to %n step %c1 iter_args(%old = %zero) -> (tensor<64xf32>) {
    %s0 = tile.reduce sum %w dim 1 : tensor<64x32xf32> -> tensor<64xf32>
    %x0 = arith.mulf %old, %r fastmath<contract> {tile.label = "s.sum.0"} : tensor<64xf32>
    %y0 = arith.addf %x0, %s0 fastmath<contract> {tile.label = "s.sum.0"} : tensor<64xf32>
    %s1 = tile.reduce sum %w dim 1 {tile.label = "s.rowsum"} : tensor<64x32xf32> -> tensor<64xf32>
    %x1 = arith.mulf %y0, %r : tensor<64xf32>
    %y1 = arith.addf %x1, %s1 : tensor<64xf32>
    scf.yield %y1 : tensor<64xf32>
  }
  return %sum : tensor<64xf32>
}

// CHECK-LABEL: func @plain
// CHECK:         scf.for {{.*}} -> (tensor<64xf32>)
func.func @plain(%w: tensor<64x32xf32>, %r: tensor<64xf32>, %n: index)
    -> tensor<64xf32> attributes {mla.schedule = #plain} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %zero = arith.constant dense<0.0> : tensor<64xf32>
  %sum = scf.for %i = %c0 to %n step %c1 iter_args(%old = %zero) -> (tensor<64xf32>) {
    %s0 = tile.reduce sum %w dim 1 : tensor<64x32xf32> -> tensor<64xf32>
    %x0 = arith.mulf %old, %r : tensor<64xf32>
    %y0 = arith.addf %x0, %s0 : tensor<64xf32>
    scf.yield %y0 : tensor<64xf32>
  }
  return %sum : tensor<64xf32>
}
