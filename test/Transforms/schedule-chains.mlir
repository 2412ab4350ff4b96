// An MMA that accumulates to the result of another one uses it in flight, without a
// wait, if it is in the same block, roles and stage and not earlier in order, and
// nothing else uses that result. Otherwise each is awaited.
// RUN: %mla-opt %s --mla-schedule -split-input-file | FileCheck %s

// The MMAs are issued at their own places, with one wait, placed by the row "z.wait"
// of the last one.
// CHECK-LABEL: func @chain
// CHECK:         cta.role "math"
// CHECK:           %[[X:.*]] = cta.mma_async %[[A:.*]], %[[A]] {cta.order = 1 : i64, cta.stage = 1 : i64}
// CHECK-NEXT:      %[[Y:.*]] = cta.mma_async %[[A]], %[[A]] acc %[[X]] : !cta.in_flight<tensor<64x64xf32>> {cta.order = 1 : i64, cta.stage = 1 : i64}
// CHECK-NEXT:      %[[Z:.*]] = cta.mma_async %[[A]], %[[A]] acc %[[Y]] : !cta.in_flight<tensor<64x64xf32>> {cta.order = 3 : i64, cta.stage = 1 : i64}
// CHECK-NEXT:      %[[W:.*]] = cta.mma_wait %[[Z]] {cta.order = 5 : i64, cta.stage = 2 : i64}
// CHECK-NEXT:      tile.store %[[W]]
// CHECK-NOT:       cta.mma_wait
// CHECK:         cta.role "load"
#s = #mla.schedule<"s", roles = [<"math", warps = 4, registers = 216>,
                            <"load", warps = 4, registers = 40>],
  table = [<"a" in ["load"]>, <"x" in ["math"], stage = 1, order = 1>,
           <"y" in ["math"], stage = 1, order = 1>,
           <"z" in ["math"], stage = 1, order = 3>, <"z.wait" in ["math"], stage = 2, order = 5>,
           <"out" in ["math"]>]>
func.func @chain(%m: memref<?x64xbf16>, %out: memref<?x64xf32>, %n: index) attributes {mla.schedule = #s} {
  %c0 = arith.constant 0 : index
  scf.forall (%i) in (8) {
    %a = tile.load %m[%i, %c0] {tile.label = "a"} : memref<?x64xbf16> -> tensor<64x64xbf16>
    %c1 = arith.constant 1 : index
    scf.for %j = %c0 to %n step %c1 {
      %x = tile.dot %a, %a {tile.label = "x"}
          : tensor<64x64xbf16>, tensor<64x64xbf16> -> tensor<64x64xf32>
      %y = tile.dot %a, %a acc %x : tensor<64x64xf32> {tile.label = "y"}
          : tensor<64x64xbf16>, tensor<64x64xbf16> -> tensor<64x64xf32>
      %z = tile.dot %a, %a acc %y : tensor<64x64xf32> {tile.label = "z"}
          : tensor<64x64xbf16>, tensor<64x64xbf16> -> tensor<64x64xf32>
      tile.store %z, %out[%i, %c0] {tile.label = "out"} : tensor<64x64xf32>, memref<?x64xf32>
    }
  }
  return
}

// -----

// Each role has a chain for its part.
// CHECK-LABEL: func @parts
// CHECK:         cta.role "math"
// CHECK:           %[[X:.*]] = cta.mma_async {{.*}} -> !cta.in_flight<tensor<64x32xf32>>
// CHECK-NOT:       cta.mma_wait
// CHECK:           %[[Y:.*]] = cta.mma_async {{.*}} acc %[[X]] : !cta.in_flight
// CHECK-NEXT:      cta.mma_wait %[[Y]]
// CHECK:         cta.role "more"
// CHECK:           %[[X:.*]] = cta.mma_async {{.*}} -> !cta.in_flight<tensor<64x32xf32>>
// CHECK-NOT:       cta.mma_wait
// CHECK:           %[[Y:.*]] = cta.mma_async {{.*}} acc %[[X]] : !cta.in_flight
// CHECK-NEXT:      cta.mma_wait %[[Y]]
#s = #mla.schedule<"s", roles = [<"math", warps = 4, registers = 216>,
                            <"more", warps = 4, registers = 216>,
                            <"load", warps = 4, registers = 40>],
  table = [<"a" in ["load"]>, <"x" in ["math", "more"], split = 1>,
           <"y" in ["math", "more"], split = 1>, <"out" in ["math", "more"], split = 1>]>
func.func @parts(%m: memref<?x64xbf16>, %out: memref<?x64xf32>) attributes {mla.schedule = #s} {
  %c0 = arith.constant 0 : index
  scf.forall (%i) in (8) {
    %a = tile.load %m[%i, %c0] {tile.label = "a"} : memref<?x64xbf16> -> tensor<64x64xbf16>
    %x = tile.dot %a, %a {tile.label = "x"}
        : tensor<64x64xbf16>, tensor<64x64xbf16> -> tensor<64x64xf32>
    %y = tile.dot %a, %a acc %x : tensor<64x64xf32> {tile.label = "y"}
        : tensor<64x64xbf16>, tensor<64x64xbf16> -> tensor<64x64xf32>
    tile.store %y, %out[%i, %c0] {tile.label = "out"} : tensor<64x64xf32>, memref<?x64xf32>
  }
  return
}

// -----

// Another stage.
// CHECK-LABEL: func @other_stage
// CHECK:         cta.role "math"
// CHECK:           %[[X:.*]] = cta.mma_async
// CHECK-NEXT:      %[[W:.*]] = cta.mma_wait %[[X]]
// CHECK:           %[[Y:.*]] = cta.mma_async {{.*}} acc %[[W]] : tensor<64x64xf32>
// CHECK-NEXT:      cta.mma_wait %[[Y]]
#s = #mla.schedule<"s", roles = [<"math", warps = 4, registers = 216>,
                            <"load", warps = 4, registers = 40>],
  table = [<"a" in ["load"]>, <"x" in ["math"]>, <"y" in ["math"], stage = 1>,
           <"out" in ["math"]>]>
func.func @other_stage(%m: memref<?x64xbf16>, %out: memref<?x64xf32>) attributes {mla.schedule = #s} {
  %c0 = arith.constant 0 : index
  scf.forall (%i) in (8) {
    %a = tile.load %m[%i, %c0] {tile.label = "a"} : memref<?x64xbf16> -> tensor<64x64xbf16>
    %x = tile.dot %a, %a {tile.label = "x"}
        : tensor<64x64xbf16>, tensor<64x64xbf16> -> tensor<64x64xf32>
    %y = tile.dot %a, %a acc %x : tensor<64x64xf32> {tile.label = "y"}
        : tensor<64x64xbf16>, tensor<64x64xbf16> -> tensor<64x64xf32>
    tile.store %y, %out[%i, %c0] {tile.label = "out"} : tensor<64x64xf32>, memref<?x64xf32>
  }
  return
}

// -----

// An order before that of the accumulator.
// CHECK-LABEL: func @earlier
// CHECK:         cta.role "math"
// CHECK:           %[[X:.*]] = cta.mma_async
// CHECK-NEXT:      %[[W:.*]] = cta.mma_wait %[[X]]
// CHECK:           %[[Y:.*]] = cta.mma_async {{.*}} acc %[[W]] : tensor<64x64xf32>
// CHECK-NEXT:      cta.mma_wait %[[Y]]
#s = #mla.schedule<"s", roles = [<"math", warps = 4, registers = 216>,
                            <"load", warps = 4, registers = 40>],
  table = [<"a" in ["load"]>, <"x" in ["math"], order = 1>, <"y" in ["math"]>,
           <"out" in ["math"]>]>
func.func @earlier(%m: memref<?x64xbf16>, %out: memref<?x64xf32>) attributes {mla.schedule = #s} {
  %c0 = arith.constant 0 : index
  scf.forall (%i) in (8) {
    %a = tile.load %m[%i, %c0] {tile.label = "a"} : memref<?x64xbf16> -> tensor<64x64xbf16>
    %x = tile.dot %a, %a {tile.label = "x"}
        : tensor<64x64xbf16>, tensor<64x64xbf16> -> tensor<64x64xf32>
    %y = tile.dot %a, %a acc %x : tensor<64x64xf32> {tile.label = "y"}
        : tensor<64x64xbf16>, tensor<64x64xbf16> -> tensor<64x64xf32>
    tile.store %y, %out[%i, %c0] {tile.label = "out"} : tensor<64x64xf32>, memref<?x64xf32>
  }
  return
}

// -----

// A second use.
// CHECK-LABEL: func @two_readers
// CHECK:         cta.role "math"
// CHECK:           %[[X:.*]] = cta.mma_async
// CHECK-NEXT:      %[[W:.*]] = cta.mma_wait %[[X]]
// CHECK:           %[[Y:.*]] = cta.mma_async {{.*}} acc %[[W]] : tensor<64x64xf32>
// CHECK-NEXT:      cta.mma_wait %[[Y]]
#s = #mla.schedule<"s", roles = [<"math", warps = 4, registers = 216>,
                            <"load", warps = 4, registers = 40>],
  table = [<"a" in ["load"]>, <"x" in ["math"]>, <"y" in ["math"]>,
           <"out" in ["math"]>]>
func.func @two_readers(%m: memref<?x64xbf16>, %out: memref<?x64xf32>) attributes {mla.schedule = #s} {
  %c0 = arith.constant 0 : index
  scf.forall (%i) in (8) {
    %a = tile.load %m[%i, %c0] {tile.label = "a"} : memref<?x64xbf16> -> tensor<64x64xbf16>
    %x = tile.dot %a, %a {tile.label = "x"}
        : tensor<64x64xbf16>, tensor<64x64xbf16> -> tensor<64x64xf32>
    %y = tile.dot %a, %a acc %x : tensor<64x64xf32> {tile.label = "y"}
        : tensor<64x64xbf16>, tensor<64x64xbf16> -> tensor<64x64xf32>
    tile.store %y, %out[%i, %c0] {tile.label = "out"} : tensor<64x64xf32>, memref<?x64xf32>
    tile.store %x, %out[%i, %c0] {tile.label = "out"} : tensor<64x64xf32>, memref<?x64xf32>
  }
  return
}

// -----

// Another role computes the accumulator too.
// CHECK-LABEL: func @more_roles
// CHECK:         cta.role "math"
// CHECK:           %[[X:.*]] = cta.mma_async
// CHECK-NEXT:      %[[W:.*]] = cta.mma_wait %[[X]]
// CHECK:           %[[Y:.*]] = cta.mma_async {{.*}} acc %[[W]] : tensor<64x64xf32>
// CHECK-NEXT:      cta.mma_wait %[[Y]]
#s = #mla.schedule<"s", roles = [<"math", warps = 4, registers = 216>,
                            <"more", warps = 4, registers = 216>,
                            <"load", warps = 4, registers = 40>],
  table = [<"a" in ["load"]>, <"x" in ["math", "more"]>, <"y" in ["math"]>,
           <"out" in ["math"]>]>
func.func @more_roles(%m: memref<?x64xbf16>, %out: memref<?x64xf32>) attributes {mla.schedule = #s} {
  %c0 = arith.constant 0 : index
  scf.forall (%i) in (8) {
    %a = tile.load %m[%i, %c0] {tile.label = "a"} : memref<?x64xbf16> -> tensor<64x64xbf16>
    %x = tile.dot %a, %a {tile.label = "x"}
        : tensor<64x64xbf16>, tensor<64x64xbf16> -> tensor<64x64xf32>
    %y = tile.dot %a, %a acc %x : tensor<64x64xf32> {tile.label = "y"}
        : tensor<64x64xbf16>, tensor<64x64xbf16> -> tensor<64x64xf32>
    tile.store %y, %out[%i, %c0] {tile.label = "out"} : tensor<64x64xf32>, memref<?x64xf32>
  }
  return
}

// -----

// Another block.
// CHECK-LABEL: func @other_block
// CHECK:         cta.role "math"
// CHECK:           %[[X:.*]] = cta.mma_async
// CHECK-NEXT:      %[[W:.*]] = cta.mma_wait %[[X]]
// CHECK:           %[[Y:.*]] = cta.mma_async {{.*}} acc %[[W]] : tensor<64x64xf32>
// CHECK-NEXT:      cta.mma_wait %[[Y]]
#s = #mla.schedule<"s", roles = [<"math", warps = 4, registers = 216>,
                            <"load", warps = 4, registers = 40>],
  table = [<"a" in ["load"]>, <"x" in ["math"]>, <"y" in ["math"]>,
           <"out" in ["math"]>]>
func.func @other_block(%m: memref<?x64xbf16>, %out: memref<?x64xf32>, %n: index) attributes {mla.schedule = #s} {
  %c0 = arith.constant 0 : index
  scf.forall (%i) in (8) {
    %a = tile.load %m[%i, %c0] {tile.label = "a"} : memref<?x64xbf16> -> tensor<64x64xbf16>
    %c1 = arith.constant 1 : index
    %x = tile.dot %a, %a {tile.label = "x"}
        : tensor<64x64xbf16>, tensor<64x64xbf16> -> tensor<64x64xf32>
    scf.for %j = %c0 to %n step %c1 {
      %y = tile.dot %a, %a acc %x : tensor<64x64xf32> {tile.label = "y"}
          : tensor<64x64xbf16>, tensor<64x64xbf16> -> tensor<64x64xf32>
      tile.store %y, %out[%i, %c0] {tile.label = "out"} : tensor<64x64xf32>, memref<?x64xf32>
    }
  }
  return
}

// -----

// An MMA whose result is an operand and not the accumulator: the chain is from "x"
// to "z".
// CHECK-LABEL: func @factor
// CHECK:         cta.role "math"
// CHECK:           %[[X:.*]] = cta.mma_async
// CHECK-NEXT:      %[[Y:.*]] = cta.mma_async
// CHECK-NEXT:      %[[V:.*]] = cta.mma_wait %[[Y]]
// CHECK-NEXT:      %[[W:.*]] = arith.truncf %[[V]]
// CHECK-NEXT:      %[[Z:.*]] = cta.mma_async %[[W]], %{{.*}} acc %[[X]] : !cta.in_flight
// CHECK-NEXT:      cta.mma_wait %[[Z]]
#s = #mla.schedule<"s", roles = [<"math", warps = 4, registers = 216>,
                            <"load", warps = 4, registers = 40>],
  table = [<"a" in ["load"]>, <"x" in ["math"]>, <"y" in ["math"]>, <"w" in ["math"]>,
           <"z" in ["math"]>, <"out" in ["math"]>]>
func.func @factor(%m: memref<?x64xbf16>, %out: memref<?x64xf32>) attributes {mla.schedule = #s} {
  %c0 = arith.constant 0 : index
  scf.forall (%i) in (8) {
    %a = tile.load %m[%i, %c0] {tile.label = "a"} : memref<?x64xbf16> -> tensor<64x64xbf16>
    %x = tile.dot %a, %a {tile.label = "x"}
        : tensor<64x64xbf16>, tensor<64x64xbf16> -> tensor<64x64xf32>
    %y = tile.dot %a, %a {tile.label = "y"}
        : tensor<64x64xbf16>, tensor<64x64xbf16> -> tensor<64x64xf32>
    %w = arith.truncf %y {tile.label = "w"} : tensor<64x64xf32> to tensor<64x64xbf16>
    %z = tile.dot %w, %a acc %x : tensor<64x64xf32> {tile.label = "z"}
        : tensor<64x64xbf16>, tensor<64x64xbf16> -> tensor<64x64xf32>
    tile.store %z, %out[%i, %c0] {tile.label = "out"} : tensor<64x64xf32>, memref<?x64xf32>
  }
  return
}
