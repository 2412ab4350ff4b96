// mla-insert-mma-sync: a fence before and a commit after each MMA, and for each wait
// the minimum number of groups committed after its own.
// RUN: %mla-opt %s --mla-insert-mma-sync | FileCheck %s

!desc = !cta.descriptor<64x64xbf16, k, offset = 0, leading = 16, stride = 1024, step = 32, block_step = 8192>
!flight = !cta.in_flight<tensor<64x64xf32, #cta.layout<acc>>>
!acc = tensor<64x64xf32, #cta.layout<acc>>

// Waits in another order than the MMAs: a wait for an old group may leave younger
// ones pending, a wait for the youngest none.
// CHECK-LABEL: func @straight_line
// CHECK:         cta.mma_fence
// CHECK-NEXT:    %[[A:.*]] = cta.mma_async
// CHECK-NEXT:    cta.mma_commit
// CHECK-NEXT:    cta.mma_fence
// CHECK-NEXT:    %[[B:.*]] = cta.mma_async
// CHECK-NEXT:    cta.mma_commit
// CHECK-NEXT:    cta.mma_fence
// CHECK-NEXT:    %[[C:.*]] = cta.mma_async
// CHECK-NEXT:    cta.mma_commit
// CHECK-NEXT:    cta.mma_wait %[[A]] pending 2
// CHECK-NEXT:    cta.mma_wait %[[C]] pending 0
// CHECK-NEXT:    cta.mma_wait %[[B]] pending 1
func.func @straight_line(%d: !desc) {
  scf.forall (%t) in (8) {
    cta.role "math" warps 4 registers 240 {
      %a = cta.mma_async %d, %d transpose_b : !desc, !desc -> !flight
      %b = cta.mma_async %d, %d transpose_b : !desc, !desc -> !flight
      %c = cta.mma_async %d, %d transpose_b : !desc, !desc -> !flight
      %0 = cta.mma_wait %a : !flight
      %1 = cta.mma_wait %c : !flight
      %2 = cta.mma_wait %b : !flight
    }
  }
  return
}

// A chain of MMAs has one wait, at its end.
// CHECK-LABEL: func @chain
// CHECK:         %[[A:.*]] = cta.mma_async
// CHECK:         %[[B:.*]] = cta.mma_async {{.*}} acc %[[A]]
// CHECK-NEXT:    cta.mma_commit
// CHECK-NEXT:    cta.mma_wait %[[B]] pending 0
func.func @chain(%d: !desc) {
  scf.forall (%t) in (8) {
    cta.role "math" warps 4 registers 240 {
      %a = cta.mma_async %d, %d transpose_b : !desc, !desc -> !flight
      %b = cta.mma_async %d, %d acc %a : !flight transpose_b : !desc, !desc -> !flight
      %0 = cta.mma_wait %b : !flight
    }
  }
  return
}

// In the loop, the carried MMA is one group older than the scores of the iteration;
// after the loop it is the youngest.
// CHECK-LABEL: func @loop_carry
// CHECK:         scf.for {{.*}} iter_args(%[[O:.*]] = %{{.*}})
// CHECK:           %[[S:.*]] = cta.mma_async
// CHECK:           cta.mma_wait %[[O]] pending 1
// CHECK:           cta.mma_wait %[[S]] pending 0
// CHECK:         cta.mma_wait %{{.*}} pending 0
func.func @loop_carry(%d: !desc, %lb: index, %ub: index) {
  scf.forall (%t) in (8) {
    cta.role "math" warps 4 registers 240 {
      %init = cta.mma_async %d, %d transpose_b : !desc, !desc -> !flight
      %r = scf.for %i = %lb to %ub step %ub iter_args(%o = %init) -> !flight {
        %s = cta.mma_async %d, %d transpose_b : !desc, !desc -> !flight
        %0 = cta.mma_wait %o : !flight
        %1 = cta.mma_wait %s : !flight
        %next = cta.mma_async %d, %d acc %0 : !acc transpose_b : !desc, !desc -> !flight
        scf.yield %next : !flight
      }
      %2 = cta.mma_wait %r : !flight
    }
  }
  return
}

// In the first iteration, the carried MMA is older than in later ones. The count is
// the smaller one, which holds for all.
// CHECK-LABEL: func @first_iteration_differs
// CHECK:         scf.for {{.*}} iter_args(%[[O:.*]] = %{{.*}})
// CHECK:           cta.mma_wait %[[O]] pending 0
func.func @first_iteration_differs(%d: !desc, %lb: index, %ub: index) {
  scf.forall (%t) in (8) {
    cta.role "math" warps 4 registers 240 {
      %init = cta.mma_async %d, %d transpose_b : !desc, !desc -> !flight
      %s = cta.mma_async %d, %d transpose_b : !desc, !desc -> !flight
      %r = scf.for %i = %lb to %ub step %ub iter_args(%o = %init) -> !flight {
        %0 = cta.mma_wait %o : !flight
        %next = cta.mma_async %d, %d acc %0 : !acc transpose_b : !desc, !desc -> !flight
        scf.yield %next : !flight
      }
      // If the loop does not run, %init is one group older than %s.
      // CHECK: }
      // CHECK: cta.mma_wait %{{.*}} pending 0
      // CHECK: cta.mma_wait %{{.*}} pending 0
      %1 = cta.mma_wait %r : !flight
      %2 = cta.mma_wait %s : !flight
    }
  }
  return
}

// Carried through two iterations: two younger groups.
// CHECK-LABEL: func @two_iterations
// CHECK:         scf.for {{.*}} iter_args(%[[OLD:.*]] = %{{.*}}, %[[YOUNG:.*]] = %{{.*}})
// CHECK:           cta.mma_async
// CHECK:           cta.mma_wait %[[OLD]] pending 2
func.func @two_iterations(%d: !desc, %lb: index, %ub: index) {
  scf.forall (%t) in (8) {
    cta.role "math" warps 4 registers 240 {
      %a = cta.mma_async %d, %d transpose_b : !desc, !desc -> !flight
      %b = cta.mma_async %d, %d transpose_b : !desc, !desc -> !flight
      %r:2 = scf.for %i = %lb to %ub step %ub iter_args(%old = %a, %young = %b) -> (!flight, !flight) {
        %next = cta.mma_async %d, %d transpose_b : !desc, !desc -> !flight
        %0 = cta.mma_wait %old : !flight
        scf.yield %young, %next : !flight, !flight
      }
      // CHECK: cta.mma_wait %[[R:.*]]#0 pending 1
      // CHECK: cta.mma_wait %[[R]]#1 pending 0
      %1 = cta.mma_wait %r#0 : !flight
      %2 = cta.mma_wait %r#1 : !flight
    }
  }
  return
}

// Only one branch issues a group, so it does not count.
// CHECK-LABEL: func @nested_if
// CHECK:         %[[A:.*]] = cta.mma_async
// CHECK:         scf.if
// CHECK:           cta.mma_async
// CHECK:           scf.if
// CHECK:             cta.mma_async
// CHECK:             cta.mma_wait %[[A]] pending 2
// CHECK:           cta.mma_wait %[[A]] pending 1
// CHECK:         cta.mma_wait %[[A]] pending 0
func.func @nested_if(%d: !desc, %x: i1, %y: i1) {
  scf.forall (%t) in (8) {
    cta.role "math" warps 4 registers 240 {
      %a = cta.mma_async %d, %d transpose_b : !desc, !desc -> !flight
      scf.if %x {
        %b = cta.mma_async %d, %d transpose_b : !desc, !desc -> !flight
        scf.if %y {
          %c = cta.mma_async %d, %d transpose_b : !desc, !desc -> !flight
          %0 = cta.mma_wait %a : !flight
        }
        %1 = cta.mma_wait %a : !flight
      }
      %2 = cta.mma_wait %a : !flight
    }
  }
  return
}

// Both branches issue a group, so it counts. The result of the scf.if is the
// youngest group of its branch.
// CHECK-LABEL: func @both_branches
// CHECK:         %[[A:.*]] = cta.mma_async
// CHECK:         %[[R:.*]] = scf.if
// CHECK:         cta.mma_wait %[[A]] pending 1
// CHECK:         cta.mma_wait %[[R]] pending 0
func.func @both_branches(%d: !desc, %x: i1) {
  scf.forall (%t) in (8) {
    cta.role "math" warps 4 registers 240 {
      %a = cta.mma_async %d, %d transpose_b : !desc, !desc -> !flight
      %r = scf.if %x -> !flight {
        %b = cta.mma_async %d, %d transpose_b : !desc, !desc -> !flight
        scf.yield %b : !flight
      } else {
        %c = cta.mma_async %d, %d transpose_b : !desc, !desc -> !flight
        scf.yield %c : !flight
      }
      %0 = cta.mma_wait %a : !flight
      %1 = cta.mma_wait %r : !flight
    }
  }
  return
}

// A group from before a loop that issues more: the loop may not run.
// CHECK-LABEL: func @past_a_loop
// CHECK:         %[[A:.*]] = cta.mma_async
// CHECK:         scf.for
// CHECK:           %[[B:.*]] = cta.mma_async
// CHECK:           cta.mma_wait %[[B]] pending 0
// CHECK:         cta.mma_wait %[[A]] pending 0
func.func @past_a_loop(%d: !desc, %lb: index, %ub: index) {
  scf.forall (%t) in (8) {
    cta.role "math" warps 4 registers 240 {
      %a = cta.mma_async %d, %d transpose_b : !desc, !desc -> !flight
      scf.for %i = %lb to %ub step %ub {
        %b = cta.mma_async %d, %d transpose_b : !desc, !desc -> !flight
        %0 = cta.mma_wait %b : !flight
      }
      %1 = cta.mma_wait %a : !flight
    }
  }
  return
}

// Groups of one role do not count in another.
// CHECK-LABEL: func @roles
// CHECK:         cta.role "a"
// CHECK:           cta.mma_wait %{{.*}} pending 1
// CHECK:         cta.role "b"
// CHECK:           cta.mma_wait %{{.*}} pending 0
func.func @roles(%d: !desc) {
  scf.forall (%t) in (8) {
    cta.role "a" warps 4 registers 240 {
      %a = cta.mma_async %d, %d transpose_b : !desc, !desc -> !flight
      %b = cta.mma_async %d, %d transpose_b : !desc, !desc -> !flight
      %0 = cta.mma_wait %a : !flight
    }
    cta.role "b" warps 4 registers 240 {
      %a = cta.mma_async %d, %d transpose_b : !desc, !desc -> !flight
      %0 = cta.mma_wait %a : !flight
    }
  }
  return
}
