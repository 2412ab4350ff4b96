// mla-pair-tiles: unrolls the loop over tiles by two, if the schedule requests it.
// RUN: %mla-opt %s --mla-pair-tiles | FileCheck %s
// The pass is idempotent.
// RUN: %mla-opt %s --mla-pair-tiles --mla-pair-tiles | FileCheck %s

#seesaw = #mla.schedule<"s" after ["pair-tiles"], roles = [<"r", warps = 4, registers = 128>],
  table = [<"x" in ["r"]>]>
#plain = #mla.schedule<"s", roles = [<"r", warps = 4, registers = 128>],
  table = [<"x" in ["r"]>]>

// CHECK-LABEL: func @paired
// CHECK:         %[[STEP:.*]] = arith.muli %{{.*}}, %{{.*}} : index
// CHECK:         scf.for %[[I:.*]] = %{{.*}} to %{{.*}} step %[[STEP]] iter_args(%[[A:.*]] = %{{.*}})
// CHECK:           tile.load %{{.*}}[%[[I]]]
// CHECK:           %[[X0:.*]] = arith.addf %[[A]], %{{.*}} {tile.label = "x.0"}
// The second tile starts one step later and takes the first one's results.
// CHECK:           %[[J:.*]] = arith.addi %[[I]], %{{.*}} : index
// CHECK:           tile.load %{{.*}}[%[[J]]]
// CHECK:           %[[X1:.*]] = arith.addf %[[X0]], %{{.*}} {tile.label = "x.1"}
// CHECK:           scf.yield %[[X1]]
// CHECK-NOT:       tile.padded
func.func @paired(%m: memref<?xf32>, %n: index, %init: tensor<64xf32>, %g: index)
    attributes {mla.schedule = #seesaw} {
  %c0 = arith.constant 0 : index
  %c64 = arith.constant 64 : index
  scf.forall (%t) in (%g) {
    %sum = scf.for %i = %c0 to %n step %c64 iter_args(%a = %init) -> tensor<64xf32> {
      %v = tile.load %m[%i] : memref<?xf32> -> tensor<64xf32>
      %x = arith.addf %a, %v {tile.label = "x"} : tensor<64xf32>
      scf.yield %x : tensor<64xf32>
    } {tile.padded}
  }
  return
}

// A schedule without the request: the loop is unchanged.
// CHECK-LABEL: func @plain
// CHECK:         scf.for
// CHECK-COUNT-1: arith.addf
// CHECK-NOT:     arith.addf
// CHECK:         tile.padded
func.func @plain(%m: memref<?xf32>, %n: index, %init: tensor<64xf32>, %g: index)
    attributes {mla.schedule = #plain} {
  %c0 = arith.constant 0 : index
  %c64 = arith.constant 64 : index
  scf.forall (%t) in (%g) {
    %sum = scf.for %i = %c0 to %n step %c64 iter_args(%a = %init) -> tensor<64xf32> {
      %v = tile.load %m[%i] : memref<?xf32> -> tensor<64xf32>
      %x = arith.addf %a, %v {tile.label = "x"} : tensor<64xf32>
      scf.yield %x : tensor<64xf32>
    } {tile.padded}
  }
  return
}
