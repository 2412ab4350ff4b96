// mla-pipeline: loops are pipelined by the stages and orders of their ops. (The
// canonicalizer cleans up index arithmetic, as in the pipeline.)
// RUN: %mla-opt %s --mla-pipeline --canonicalize --cse | FileCheck %s

// One stage: ops are put in order.
// CHECK-LABEL: func @one_stage
// CHECK-SAME:    %[[M:[^:]*]]: memref<?xf32>
// CHECK-NOT:     scf.if
// CHECK:         scf.for %[[I:.*]] = %{{.*}} to %{{.*}} step %{{.*}} {
// CHECK-NEXT:      %[[A:.*]] = memref.load %[[M]][%[[I]]] : memref<?xf32>
// CHECK-NEXT:      %[[B:.*]] = math.exp2 %[[A]] : f32
// CHECK-NEXT:      memref.store %[[B]], %[[M]][%[[I]]] : memref<?xf32>
// CHECK-NEXT:      %[[C:.*]] = math.absf %[[A]] : f32
// CHECK-NEXT:      memref.store %[[C]], %[[M]][%[[I]]] : memref<?xf32>
// CHECK-NEXT:    }
// CHECK-NEXT:    return
func.func @one_stage(%m: memref<?xf32>, %lb: index, %ub: index, %step: index) {
  scf.for %i = %lb to %ub step %step {
    %a = memref.load %m[%i] {cta.stage = 0, cta.order = 0} : memref<?xf32>
    %c = math.absf %a {cta.stage = 0, cta.order = 2} : f32
    %b = math.exp2 %a {cta.stage = 0, cta.order = 1} : f32
    memref.store %c, %m[%i] {cta.stage = 0, cta.order = 2} : memref<?xf32>
    memref.store %b, %m[%i] {cta.stage = 0, cta.order = 1} : memref<?xf32>
  } {cta.stage}
  return
}

// Two stages: prologue, steady state of one iteration less, epilogue. Nothing runs
// if there are no iterations.
// CHECK-LABEL: func @two_stages
// CHECK-SAME:    %[[M:[^:]*]]: memref<?xf32>, %[[LB:[^:]*]]: index, %[[UB:[^:]*]]: index, %[[STEP:[^:]*]]: index
// CHECK:         %[[ANY:.*]] = arith.cmpi slt, %[[LB]], %[[UB]]
// CHECK:         scf.if %[[ANY]] {
// CHECK:           %[[X0:.*]] = memref.load %[[M]][%[[LB]]]
// CHECK:           %[[END:.*]] = arith.subi %[[UB]], %[[STEP]] : index
// The store of the previous iteration precedes the load of this one.
// CHECK-NEXT:      %[[LAST:.*]] = scf.for %[[I:.*]] = %[[LB]] to %[[END]] step %[[STEP]] iter_args(%[[X:.*]] = %[[X0]]) -> (f32) {
// CHECK-NEXT:        memref.store %[[X]], %[[M]][%[[I]]]
// CHECK-NEXT:        %[[NEXT:.*]] = arith.addi %[[I]], %[[STEP]] : index
// CHECK-NEXT:        %[[X1:.*]] = memref.load %[[M]][%[[NEXT]]]
// CHECK-NEXT:        scf.yield %[[X1]] : f32
// CHECK:           memref.store %[[LAST]], %[[M]][%{{.*}}]
// CHECK-NOT:       memref.load
// CHECK-NOT:       else
// CHECK:         return
func.func @two_stages(%m: memref<?xf32>, %lb: index, %ub: index, %step: index) {
  scf.for %i = %lb to %ub step %step {
    %x = memref.load %m[%i] {cta.stage = 0, cta.order = 1} : memref<?xf32>
    memref.store %x, %m[%i] {cta.stage = 1, cta.order = 0} : memref<?xf32>
  } {cta.stage}
  return
}

// Only a tile load runs ahead, which reads padding past the end: no guard, no
// epilogue, and the trip count is unchanged.
// CHECK-LABEL: func @runs_past_the_end
// CHECK-SAME:    %[[M:[^:]*]]: memref<?xf32>, %[[O:[^:]*]]: memref<?xf32>, %[[LB:[^:]*]]: index, %[[UB:[^:]*]]: index, %[[STEP:[^:]*]]: index
// CHECK-NEXT:    %[[X0:.*]] = tile.load %[[M]][%[[LB]]]
// CHECK-NEXT:    %{{.*}} = scf.for %[[I:.*]] = %[[LB]] to %[[UB]] step %[[STEP]] iter_args(%[[X:.*]] = %[[X0]])
// CHECK-NEXT:      tile.store %[[X]], %[[O]][%[[I]]]
// CHECK-NEXT:      %[[NEXT:.*]] = arith.addi %[[I]], %[[STEP]] : index
// CHECK-NEXT:      %[[X1:.*]] = tile.load %[[M]][%[[NEXT]]]
// CHECK-NEXT:      scf.yield %[[X1]]
// CHECK-NEXT:    }
// CHECK-NEXT:    return
func.func @runs_past_the_end(%m: memref<?xf32>, %o: memref<?xf32>, %lb: index, %ub: index, %step: index) {
  scf.for %i = %lb to %ub step %step {
    %x = tile.load %m[%i] {cta.stage = 0, cta.order = 1} : memref<?xf32> -> tensor<64xf32>
    tile.store %x, %o[%i] {cta.stage = 1, cta.order = 0} : tensor<64xf32>, memref<?xf32>
  } {cta.stage}
  return
}

// Results of the loop are those of the epilogue, or the initial values if there are
// no iterations.
// CHECK-LABEL: func @results
// CHECK-SAME:    %[[INIT:[^:]*]]: f32
// CHECK:         %[[R:.*]] = scf.if %{{.*}} -> (f32) {
// CHECK:           %[[LOOP:.*]]:2 = scf.for
// CHECK:           %[[LAST:.*]] = arith.addf %[[LOOP]]#{{[01]}}, %[[LOOP]]#{{[01]}}
// CHECK-NOT:       arith.select
// CHECK:           scf.yield %[[LAST]] : f32
// CHECK:         } else {
// CHECK-NEXT:      scf.yield %[[INIT]] : f32
// CHECK:         return %[[R]]
func.func @results(%init: f32, %m: memref<?xf32>, %lb: index, %ub: index, %step: index) -> f32 {
  %r = scf.for %i = %lb to %ub step %step iter_args(%acc = %init) -> f32 {
    %x = memref.load %m[%i] {cta.stage = 0, cta.order = 1} : memref<?xf32>
    %sum = arith.addf %acc, %x {cta.stage = 1, cta.order = 0} : f32
    scf.yield %sum : f32
  } {cta.stage}
  return %r : f32
}

// Three stages: two loads run ahead. A loop of one iteration is not pipelined.
// CHECK-LABEL: func @three_stages
// CHECK-SAME:    %[[M:[^:]*]]: memref<?xf32>, %[[LB:[^:]*]]: index, %[[UB:[^:]*]]: index, %[[STEP:[^:]*]]: index
// CHECK:         %[[SECOND:.*]] = arith.addi %[[LB]], %[[STEP]]
// CHECK:         %[[ENOUGH:.*]] = arith.cmpi slt, %[[SECOND]], %[[UB]]
// CHECK:         scf.if %[[ENOUGH]] {
// CHECK-NEXT:      %[[X0:.*]] = memref.load %[[M]][%[[LB]]]
// CHECK-NEXT:      %[[Y0:.*]] = math.exp2 %[[X0]]
// CHECK-NEXT:      %[[X1:.*]] = memref.load %[[M]][%[[SECOND]]]
// CHECK:           %[[L:.*]]:2 = scf.for %[[I:.*]] = {{.*}} iter_args(%[[Y:.*]] = %[[Y0]], %[[X:.*]] = %[[X1]]) -> (f32, f32) {
// CHECK-NEXT:        memref.store %[[Y]], %[[M]][%[[I]]]
// CHECK-NEXT:        %[[YN:.*]] = math.exp2 %[[X]]
// CHECK:             %[[XN:.*]] = memref.load
// CHECK-NEXT:        scf.yield %[[YN]], %[[XN]]
// Epilogue: the last two stores.
// CHECK:           memref.store %[[L]]#0
// CHECK-NEXT:      %[[YL:.*]] = math.exp2 %[[L]]#1
// CHECK-NEXT:      memref.store %[[YL]]
// CHECK-NOT:       memref.load
// CHECK:         } else {
// CHECK-NEXT:      scf.for %[[I:.*]] = %[[LB]] to %[[UB]] step %[[STEP]] {
// CHECK-NEXT:        %[[X:.*]] = memref.load %[[M]][%[[I]]] : memref<?xf32>
// CHECK-NEXT:        %[[Y:.*]] = math.exp2 %[[X]] : f32
// CHECK-NEXT:        memref.store %[[Y]], %[[M]][%[[I]]] : memref<?xf32>
// CHECK-NEXT:      }
func.func @three_stages(%m: memref<?xf32>, %lb: index, %ub: index, %step: index) {
  scf.for %i = %lb to %ub step %step {
    %x = memref.load %m[%i] {cta.stage = 0, cta.order = 2} : memref<?xf32>
    %y = math.exp2 %x {cta.stage = 1, cta.order = 1} : f32
    memref.store %y, %m[%i] {cta.stage = 2, cta.order = 0} : memref<?xf32>
  } {cta.stage}
  return
}

// An MMA in flight across iterations: issued after the scores of the next, and
// awaited there.
// CHECK-LABEL: func @in_flight
// CHECK:         scf.for {{.*}} iter_args(%[[FLIGHT:.*]] = %{{.*}}) -> (!cta.in_flight
// CHECK:           cta.mma_async {{.*}} transpose_b
// CHECK:           %[[O:.*]] = cta.mma_wait %[[FLIGHT]]
// CHECK:           cta.mma_wait
// CHECK:           %[[NEXT:.*]] = cta.mma_async {{.*}} acc %[[O]]
// CHECK:           scf.yield %[[NEXT]]
// CHECK:         cta.mma_wait
func.func @in_flight(%a: !cta.buffer<64x64xbf16>, %zero: tensor<64x64xf32>,
                     %lb: index, %ub: index, %step: index) -> tensor<64x64xf32> {
  %r = scf.for %i = %lb to %ub step %step iter_args(%acc = %zero) -> tensor<64x64xf32> {
    %x = cta.mma_async %a, %a transpose_b {cta.stage = 0, cta.order = 0}
        : !cta.buffer<64x64xbf16>, !cta.buffer<64x64xbf16> -> !cta.in_flight<tensor<64x64xf32>>
    %s = cta.mma_wait %x {cta.stage = 0, cta.order = 2} : !cta.in_flight<tensor<64x64xf32>>
    %p = arith.truncf %s {cta.stage = 0, cta.order = 2} : tensor<64x64xf32> to tensor<64x64xbf16>
    %y = cta.mma_async %p, %a acc %acc : tensor<64x64xf32> {cta.stage = 0, cta.order = 2}
        : tensor<64x64xbf16>, !cta.buffer<64x64xbf16> -> !cta.in_flight<tensor<64x64xf32>>
    %o = cta.mma_wait %y {cta.stage = 1, cta.order = 1} : !cta.in_flight<tensor<64x64xf32>>
    scf.yield %o : tensor<64x64xf32>
  } {cta.stage}
  return %r : tensor<64x64xf32>
}

// An op without attributes runs after its operands and before its users.
// CHECK-LABEL: func @unmarked
// CHECK:         scf.for %[[I:.*]] =
// CHECK-NEXT:      %[[J:.*]] = arith.addi %[[I]]
// CHECK-NEXT:      %[[X:.*]] = memref.load %{{.*}}[%[[J]]]
// CHECK-NEXT:      memref.store
func.func @unmarked(%m: memref<?xf32>, %lb: index, %ub: index, %step: index) {
  scf.for %i = %lb to %ub step %step {
    %j = arith.addi %i, %step : index
    %x = memref.load %m[%j] {cta.stage = 0, cta.order = 3} : memref<?xf32>
    memref.store %x, %m[%i] {cta.stage = 0, cta.order = 4} : memref<?xf32>
  } {cta.stage}
  return
}

// Stages are renumbered from 0: no empty prologue.
// CHECK-LABEL: func @first_stage
// CHECK-NOT:     scf.if
// CHECK:         scf.for
// CHECK-NEXT:      memref.load
// CHECK-NEXT:      memref.store
func.func @first_stage(%m: memref<?xf32>, %lb: index, %ub: index, %step: index) {
  scf.for %i = %lb to %ub step %step {
    %x = memref.load %m[%i] {cta.stage = 1, cta.order = 0} : memref<?xf32>
    memref.store %x, %m[%i] {cta.stage = 1, cta.order = 0} : memref<?xf32>
  } {cta.stage}
  return
}

// An op without attributes is in the stage of its first user.
// CHECK-LABEL: func @stage_of_user
// CHECK:         scf.if
// CHECK-NEXT:      memref.load
// CHECK-NOT:       math.exp2
// CHECK:           scf.for
// CHECK:             math.exp2
func.func @stage_of_user(%m: memref<?xf32>, %lb: index, %ub: index, %step: index) {
  scf.for %i = %lb to %ub step %step {
    %x = memref.load %m[%i] {cta.stage = 0, cta.order = 1} : memref<?xf32>
    %y = math.exp2 %x : f32
    memref.store %y, %m[%i] {cta.stage = 1, cta.order = 0} : memref<?xf32>
  } {cta.stage}
  return
}

// An op runs no later than its users in the same stage, whatever its order.
// CHECK-LABEL: func @pulled_forward
// CHECK:         scf.for
// CHECK-NEXT:      %[[X:.*]] = memref.load
// CHECK-NEXT:      %[[Y:.*]] = math.exp2 %[[X]]
// CHECK-NEXT:      memref.store %[[Y]]
// CHECK-NEXT:      memref.store %[[X]]
func.func @pulled_forward(%m: memref<?xf32>, %lb: index, %ub: index, %step: index) {
  scf.for %i = %lb to %ub step %step {
    %x = memref.load %m[%i] {cta.stage = 0, cta.order = 2} : memref<?xf32>
    %y = math.exp2 %x {cta.stage = 0, cta.order = 1} : f32
    memref.store %x, %m[%i] {cta.stage = 0, cta.order = 3} : memref<?xf32>
    memref.store %y, %m[%i] {cta.stage = 0, cta.order = 0} : memref<?xf32>
  } {cta.stage}
  return
}

// A loop without cta.stage is unchanged.
// CHECK-LABEL: func @not_scheduled
// CHECK:         scf.for
// CHECK-NEXT:      memref.load
// CHECK-NEXT:      memref.store
func.func @not_scheduled(%m: memref<?xf32>, %lb: index, %ub: index, %step: index) {
  scf.for %i = %lb to %ub step %step {
    %x = memref.load %m[%i] : memref<?xf32>
    memref.store %x, %m[%i] : memref<?xf32>
  }
  return
}

// All attributes are removed.
// CHECK-NOT:     cta.stage
// CHECK-NOT:     cta.order

// The last iteration of the steady state stands behind it, under a condition that there
// is one.
// CHECK-LABEL: func @peel_last
// CHECK-SAME:    %[[M:[^:]*]]: memref<?xf32>, %[[LB:[^:]*]]: index, %[[UB:[^:]*]]: index, %[[STEP:[^:]*]]: index
// CHECK:         %[[C1:.*]] = arith.constant 1 : index
// CHECK:         scf.if
// CHECK:           %[[X0:.*]] = memref.load %[[M]][%[[LB]]]
// CHECK:           %[[STEADY:.*]] = arith.subi %[[UB]], %[[STEP]] : index
// CHECK:           %[[ANY:.*]] = arith.cmpi slt, %[[LB]], %[[STEADY]]
// CHECK-NEXT:      %[[RESULT:.*]] = scf.if %[[ANY]] -> (f32) {
// CHECK-NEXT:        %[[END:.*]] = arith.subi %[[STEADY]], %[[STEP]]
// CHECK-NEXT:        %[[X:.*]] = scf.for %{{.*}} = %[[LB]] to %[[END]] step %[[STEP]]
// CHECK:               memref.load
// CHECK:             }
// The loop's last iteration starts at LB + (STEADY - 1 - LB) / STEP * STEP.
// CHECK-NEXT:        %[[LIMIT:.*]] = arith.subi %[[STEADY]], %[[C1]]
// CHECK-NEXT:        %[[WAY:.*]] = arith.subi %[[LIMIT]], %[[LB]]
// CHECK-NEXT:        %[[TRIPS:.*]] = arith.divui %[[WAY]], %[[STEP]]
// CHECK-NEXT:        %[[FAR:.*]] = arith.muli %[[TRIPS]], %[[STEP]]
// CHECK-NEXT:        %[[LAST:.*]] = arith.addi %[[LB]], %[[FAR]]
// CHECK-NEXT:        memref.store %[[X]], %[[M]][%[[LAST]]]
// CHECK-NEXT:        %[[NEXT:.*]] = arith.addi %[[LAST]], %[[STEP]]
// CHECK-NEXT:        %[[Y:.*]] = memref.load %[[M]][%[[NEXT]]]
// CHECK-NEXT:        scf.yield %[[Y]]
// CHECK-NEXT:      } else {
// CHECK-NEXT:        scf.yield %[[X0]]
// CHECK-NEXT:      }
// CHECK:           memref.store %[[RESULT]]
func.func @peel_last(%m: memref<?xf32>, %lb: index, %ub: index, %step: index) {
  scf.for %i = %lb to %ub step %step {
    %x = memref.load %m[%i] {cta.stage = 0, cta.order = 1} : memref<?xf32>
    memref.store %x, %m[%i] {cta.stage = 1, cta.order = 0} : memref<?xf32>
  } {cta.stage, tile.peel_last}
  return
}

// A loop of one stage has no steady state, and stays whole.
// CHECK-LABEL: func @peel_one_stage
// CHECK-NOT:     scf.if
// CHECK:         memref.load
// CHECK-NOT:     memref.load
// CHECK:         return
func.func @peel_one_stage(%m: memref<?xf32>, %lb: index, %ub: index, %step: index) {
  scf.for %i = %lb to %ub step %step {
    %x = memref.load %m[%i] {cta.stage = 0, cta.order = 0} : memref<?xf32>
    memref.store %x, %m[%i] {cta.stage = 0, cta.order = 1} : memref<?xf32>
  } {cta.stage, tile.peel_last}
  return
}
