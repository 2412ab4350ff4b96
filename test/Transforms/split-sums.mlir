// mla-split-sums: a partial sum for each term of an iteration, if the schedule
// requests it.
// RUN: %mla-opt %s --mla-split-sums | FileCheck %s
// The pass is idempotent.
// RUN: %mla-opt %s --mla-split-sums --mla-split-sums | FileCheck %s

#split = #mla.schedule<"s" after ["split-sums"], roles = [<"r", warps = 4, registers = 128>],
  table = [<"x" in ["r"]>]>
#plain = #mla.schedule<"s", roles = [<"r", warps = 4, registers = 128>],
  table = [<"x" in ["r"]>]>

// CHECK-LABEL: func @sum
// CHECK-SAME:    %[[A0:[^:]*]]: tensor<64xf32>, %[[A1:[^:]*]]: tensor<64xf32>, %[[S0:[^:]*]]: tensor<64xf32>, %[[S1:[^:]*]]: tensor<64xf32>, %[[INIT:[^:]*]]: tensor<64xf32>
// CHECK-SAME:    mla.rewritten = ["split-sums"]
// The first partial sum has the initial value of the sum, the second begins at 0.
// CHECK:         %[[ZERO:.*]] = arith.constant dense<0.000000e+00> : tensor<64xf32>
// CHECK:         %[[LOOP:.*]]:2 = scf.for {{.*}} iter_args(%[[L0:.*]] = %[[INIT]], %[[L1:.*]] = %[[ZERO]])
// All factors of an iteration scale both partial sums; each has its own term.
// CHECK-DAG:       %[[X0:.*]] = arith.mulf %[[L0]], %[[A0]] fastmath<contract> {tile.label = "s.0.sum"}
// CHECK-DAG:       %[[X1:.*]] = arith.mulf %[[L1]], %[[A0]] fastmath<contract> {tile.label = "s.1.sum"}
// CHECK-DAG:       %[[Y0:.*]] = arith.addf %[[S0]], %[[X0]] fastmath<contract> {tile.label = "s.0.sum"}
// CHECK-DAG:       %[[Z0:.*]] = arith.mulf %[[Y0]], %[[A1]] {tile.label = "s.0.sum"}
// CHECK-DAG:       %[[Z1:.*]] = arith.mulf %[[X1]], %[[A1]] {tile.label = "s.1.sum"}
// CHECK-DAG:       %[[Y1:.*]] = arith.addf %[[Z1]], %[[S1]] {tile.label = "s.1.sum"}
// CHECK:           scf.yield %[[Z0]], %[[Y1]]
// CHECK-NEXT:    }
// CHECK-NEXT:    %[[SUM:.*]] = arith.addf %[[LOOP]]#0, %[[LOOP]]#1 {tile.label = "s.sum"}
// CHECK-NEXT:    tile.store %[[SUM]]
func.func @sum(%a0: tensor<64xf32>, %a1: tensor<64xf32>, %s0: tensor<64xf32>,
               %s1: tensor<64xf32>, %init: tensor<64xf32>, %y: memref<?xf32>,
               %n: index, %g: index) attributes {mla.schedule = #split} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  scf.forall (%t) in (%g) {
    %sum = scf.for %i = %c0 to %n step %c1 iter_args(%l = %init) -> tensor<64xf32> {
      %0 = arith.mulf %l, %a0 fastmath<contract> {tile.label = "s.0.sum"} : tensor<64xf32>
      %1 = arith.addf %s0, %0 fastmath<contract> {tile.label = "s.0.sum"} : tensor<64xf32>
      %2 = arith.mulf %1, %a1 {tile.label = "s.1.sum"} : tensor<64xf32>
      %3 = arith.addf %2, %s1 {tile.label = "s.1.sum"} : tensor<64xf32>
      scf.yield %3 : tensor<64xf32>
    }
    tile.store %sum, %y[%c0] {tile.label = "x"} : tensor<64xf32>, memref<?xf32>
  }
  return
}

// A maximum of three terms, whose partial maxima all begin at its initial value, and
// a maximum with an intermediate use.
// CHECK-LABEL: func @max
// CHECK-SAME:    %[[S0:[^:]*]]: tensor<64xf32>, %[[S1:[^:]*]]: tensor<64xf32>, %[[S2:[^:]*]]: tensor<64xf32>, %[[INIT:[^:]*]]: tensor<64xf32>
// CHECK:         %[[LOOP:.*]]:4 = scf.for {{.*}} iter_args(%[[M0:.*]] = %[[INIT]], %[[R:.*]] = %[[INIT]], %[[M1:.*]] = %[[INIT]], %[[M2:.*]] = %[[INIT]])
// CHECK-DAG:       %[[X0:.*]] = arith.maximumf %[[M0]], %[[S0]]
// CHECK-DAG:       %[[X1:.*]] = arith.maximumf %[[M1]], %[[S1]]
// CHECK-DAG:       %[[X2:.*]] = arith.maximumf %[[M2]], %[[S2]]
// CHECK-DAG:       %[[R0:.*]] = arith.maximumf %[[R]], %[[S0]]
// CHECK-DAG:       %[[R1:.*]] = arith.maximumf %[[R0]], %[[S1]]
// CHECK:           tile.store %[[R0]]
// CHECK:           scf.yield %[[X0]], %[[R1]], %[[X1]], %[[X2]]
// CHECK:         %[[M01:.*]] = arith.maximumf %[[LOOP]]#0, %[[LOOP]]#2 :
// CHECK-NEXT:    %[[M:.*]] = arith.maximumf %[[M01]], %[[LOOP]]#3 :
// CHECK-NEXT:    tile.store %[[M]]
// CHECK-NEXT:    tile.store %[[LOOP]]#1
func.func @max(%s0: tensor<64xf32>, %s1: tensor<64xf32>, %s2: tensor<64xf32>,
               %init: tensor<64xf32>, %y: memref<?xf32>, %n: index, %g: index)
    attributes {mla.schedule = #split} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  scf.forall (%t) in (%g) {
    %max:2 = scf.for %i = %c0 to %n step %c1 iter_args(%m = %init, %r = %init)
        -> (tensor<64xf32>, tensor<64xf32>) {
      %0 = arith.maximumf %m, %s0 : tensor<64xf32>
      %1 = arith.maximumf %0, %s1 : tensor<64xf32>
      %2 = arith.maximumf %1, %s2 : tensor<64xf32>
      %r0 = arith.maximumf %r, %s0 : tensor<64xf32>
      %r1 = arith.maximumf %r0, %s1 : tensor<64xf32>
      tile.store %r0, %y[%i] {tile.label = "x"} : tensor<64xf32>, memref<?xf32>
      scf.yield %2, %r1 : tensor<64xf32>, tensor<64xf32>
    }
    tile.store %max#0, %y[%c0] {tile.label = "x"} : tensor<64xf32>, memref<?xf32>
    tile.store %max#1, %y[%c0] {tile.label = "x"} : tensor<64xf32>, memref<?xf32>
  }
  return
}

// A schedule without the request: the loop is unchanged.
// CHECK-LABEL: func @plain
// CHECK:         %[[SUM:.*]] = scf.for
// CHECK:         tile.store %[[SUM]]
func.func @plain(%s0: tensor<64xf32>, %init: tensor<64xf32>, %y: memref<?xf32>,
                 %n: index, %g: index) attributes {mla.schedule = #plain} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  scf.forall (%t) in (%g) {
    %sum = scf.for %i = %c0 to %n step %c1 iter_args(%l = %init) -> tensor<64xf32> {
      %0 = arith.addf %l, %s0 : tensor<64xf32>
      %1 = arith.addf %0, %s0 : tensor<64xf32>
      scf.yield %1 : tensor<64xf32>
    }
    tile.store %sum, %y[%c0] {tile.label = "x"} : tensor<64xf32>, memref<?xf32>
  }
  return
}

// A loop of one iteration was folded: no sum is carried.
// CHECK-LABEL: func @no_loop
// CHECK:         arith.addf
func.func @no_loop(%s0: tensor<64xf32>, %init: tensor<64xf32>, %y: memref<?xf32>,
                   %g: index) attributes {mla.schedule = #split} {
  %c0 = arith.constant 0 : index
  scf.forall (%t) in (%g) {
    %0 = arith.addf %init, %s0 : tensor<64xf32>
    tile.store %0, %y[%c0] {tile.label = "x"} : tensor<64xf32>, memref<?xf32>
  }
  return
}
