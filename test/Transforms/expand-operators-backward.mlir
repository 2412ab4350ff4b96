// mla-expand-operators: mla.prefill_backward becomes kernels in the order in which they
// run, which share two workspaces. Only the first does not start early.
// REQUIRES: jit
// RUN: mla-jit emit prefill_backward --sizes h_q=4,h_kv=4 --causal=yes -o %t.op.mlir
// RUN: %mla-opt --mla-choose-schedule --mla-expand-operators %t.op.mlir -o %t.mlir
// RUN: FileCheck %s < %t.mlir
// CHECK:      func.func @prefill_backward_delta(
// CHECK-SAME:   memref<?x4x?xf32> {mla.dims = ["b", "", "s_q"], mla.name = "lse_log2", mla.workspace}
// CHECK-SAME:   memref<?x4x?xf32> {mla.dims = ["b", "", "s_q"], mla.name = "delta", mla.workspace}
// CHECK-NOT:    mla.programmatic
// CHECK-SAME:   mla.schedule = #mla.schedule<"delta"
// CHECK:      func.func @prefill_backward(
// CHECK-SAME:   mla.programmatic
// CHECK:        mla.prefill_backward ins
// CHECK-SAME:   schedule = #mla.schedule<"two-consumers"
// CHECK:      func.func @prefill_backward_dq(
// CHECK-SAME:   mla.programmatic
// CHECK-SAME:   mla.schedule = #mla.schedule<"query-gradients"
// CHECK-NOT:  func.func

// Wide heads: dV has a kernel of its own.
// RUN: mla-jit emit prefill_backward --sizes h_q=1,h_kv=1,d_qk=256,d_v=256 -o %t.wide.mlir
// RUN: %mla-opt --mla-choose-schedule --mla-expand-operators %t.wide.mlir | FileCheck %s --check-prefix=WIDE
// WIDE:      mla.prefill_backward ins
// WIDE-SAME:   schedule = #mla.schedule<"separate"
// WIDE-DAG:  func.func @prefill_backward_dv({{.*}}#mla.schedule<"value-gradients"
// WIDE-DAG:  func.func @prefill_backward_dq(

// Packed sequences: rows may stay unwritten, and there is one batch.
// RUN: mla-jit emit prefill_backward --sizes h_q=2,h_kv=2 --cu-seqlens-q --cu-seqlens-k -o %t.packed.mlir
// RUN: %mla-opt --mla-choose-schedule --mla-expand-operators %t.packed.mlir | FileCheck %s --check-prefix=PACKED
// PACKED:      func.func @prefill_backward_delta(
// PACKED-SAME:   mla.name = "dq", mla.partly_written}
// PACKED:        schedule = #mla.schedule<"packed-wide"
// RUN: %mla-opt --mla-choose-schedule --mla-expand-operators --mla-tile %t.packed.mlir | FileCheck %s --check-prefix=LIMITS
// LIMITS:      func.func @prefill_backward(
// LIMITS-SAME:   mla.size_limits = {b = array<i64: 1, 1>

// A second run changes nothing. The program is needed, and its kernels' names.
// RUN: %mla-opt --mla-expand-operators %t.mlir | diff %t.mlir -
// RUN: %mla-opt --mla-choose-schedule %t.op.mlir -o %t.chosen.mlir
// RUN: not %mla-opt --mla-tile %t.chosen.mlir 2>&1 | FileCheck %s --check-prefix=FIRST
// FIRST: error: 'mla.prefill_backward' op expected the workspaces of a program; run --mla-expand-operators first
// RUN: sed 's/^module {/module { func.func private @prefill_backward_dq()/' %t.op.mlir > %t.taken.mlir
// RUN: not %mla-opt --mla-choose-schedule --mla-expand-operators %t.taken.mlir 2>&1 | FileCheck %s --check-prefix=TAKEN
// TAKEN: error: 'mla.prefill_backward' op expected a module without a function 'prefill_backward_dq'
