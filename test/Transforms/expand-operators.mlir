// mla-expand-operators: mla.decode becomes three functions with the same arguments, in
// the order in which their kernels run, and gets workspaces. An operator of one kernel
// stays as it is.
// DEFINE: %{expand} = %mla-opt --mla-choose-schedule=schedule=swapped --mla-expand-operators
// RUN: %{expand} %S/Inputs/decode.mlir -o %t.mlir
// RUN: FileCheck %s < %t.mlir

// Two KV heads with a tile of 16 rows (two queries, eight heads) each: two CTAs per part.
// CHECK:      func.func @attend_plan(%{{.*}}: memref<?x2x16x576xbf16> {mla.dims = ["b", "s_q", "h_q", "d_qk"], mla.name = "q"}
// CHECK-SAME:   memref<?x8xi32> {mla.dims = ["ctas", "plan_words"], mla.name = "plan"}
// CHECK-SAME:   memref<?x2x32x512xbf16> {mla.dims = ["max(1, floordiv(ctas, 2))", "", "", ""], mla.name = "partial_out", mla.workspace}
// CHECK-SAME:   memref<?x2x32xf32> {mla.dims = ["max(1, floordiv(ctas, 2))", "", ""], mla.name = "partial_lse", mla.workspace}
// CHECK-SAME:   mla.operator = "decode"
// CHECK-SAME:   mla.options = {causal = "yes"}
// CHECK-SAME:   mla.phase = "plan"
// CHECK-SAME:   mla.schedule = #mla.schedule<"plan"
// CHECK-NOT:  mla.decode
// CHECK-NOT:  mla.programmatic
// CHECK:        scf.forall
// CHECK:      func.func @attend(%{{.*}}: memref<?x2x16x576xbf16> {mla.dims = ["b", "s_q", "h_q", "d_qk"], mla.name = "q"}
// CHECK-SAME:   mla.name = "partial_out", mla.workspace}
// CHECK-NOT:    mla.p
// CHECK:        mla.decode ins
// CHECK-SAME:   schedule = #mla.schedule<"swapped"
// CHECK:      func.func @attend_combine(%{{.*}}: memref<?x2x16x576xbf16> {mla.dims = ["b", "s_q", "h_q", "d_qk"], mla.name = "q"}
// CHECK-SAME:   mla.name = "partial_out", mla.workspace}
// CHECK-SAME:   mla.programmatic
// CHECK-SAME:   mla.schedule = #mla.schedule<"combine"
// CHECK-NOT:  mla.phase
// CHECK:        scf.forall
// CHECK-NOT:  func.func

// Partial results of f32; tiles of 8 rows, two per KV head.
// RUN: sed 's/causal = "yes"/partials = "f32"/' %S/Inputs/decode.mlir > %t.f32.mlir
// RUN: %mla-opt --mla-choose-schedule=schedule=swapped:rows=8 --mla-expand-operators %t.f32.mlir | FileCheck %s --check-prefix=F32
// F32: memref<?x2x32x512xf32> {mla.dims = ["max(1, floordiv(ctas, 4))", "", "", ""], mla.name = "partial_out", mla.workspace}

// A contiguous cache: its first dimension has the requests of q.
// RUN: sed 's/x64x2x/x?x2x/; s/ block_table([^)]*)//' %S/Inputs/decode.mlir > %t.contiguous.mlir
// RUN: %{expand} %t.contiguous.mlir -o %t.requests.mlir
// RUN: FileCheck %s --check-prefix=REQUESTS < %t.requests.mlir
// RUN: %mla-opt --mla-tile %t.requests.mlir | FileCheck %s --check-prefix=REQUESTS
// REQUESTS-COUNT-3: {mla.dims = ["b", "page_size", "h_kv", "d_qk"], mla.name = "k_cache"}

// A second run changes nothing, and the pipeline continues from the result of the first.
// RUN: %mla-opt --mla-expand-operators %t.mlir | diff %t.mlir -
// RUN: %mla-opt --mla-cta-pipeline=schedule=swapped %S/Inputs/decode.mlir -o %t.whole.mlir
// RUN: %mla-opt --mla-cta-pipeline %t.mlir | diff %t.whole.mlir -

// RUN: %mla-opt --mla-choose-schedule %S/Inputs/sparse_prefill.mlir -o %t.single.mlir
// RUN: %mla-opt --mla-expand-operators %t.single.mlir | diff %t.single.mlir -
