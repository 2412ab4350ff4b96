// mla-choose-schedule: by the tuning table, or else by the cost model. An operator
// that has a schedule keeps it.
// RUN: split-file %s %t
// RUN: %mla-opt %t/ops.mlir --mla-choose-schedule | FileCheck %t/ops.mlir
// RUN: %mla-opt %t/ops.mlir --mla-choose-schedule=expect-sizes=s_kv=131072 | FileCheck %t/ops.mlir --check-prefix=FAR
// RUN: %mla-opt %t/ops.mlir --mla-choose-schedule=schedule=split-columns | FileCheck %t/ops.mlir --check-prefix=NAMED
// RUN: %mla-opt %t/ops.mlir --mla-choose-schedule="tuning-table=%t/table.txt gpu=H200" | FileCheck %t/ops.mlir --check-prefix=TABLE
// RUN: %mla-opt %t/ops.mlir --mla-choose-schedule="tuning-table=%t/table.txt gpu=H100" | FileCheck %t/ops.mlir --check-prefix=OTHER
// For the first and the last operator. The model chooses seesaw for others, whose
// rings have depth 1.
// RUN: sed '/func @one_tile/,/func @own/d' %t/ops.mlir > %t/over.mlir
// RUN: %mla-opt %t/over.mlir --mla-choose-schedule="tuning-table=%t/table.txt schedule=auto:block_kv=48:depth=2" | FileCheck %t/ops.mlir --check-prefix=OVER

//--- table.txt
# Entries for the target, for one GPU of it, and for none of the operators below.
sparse_prefill h_q=16 d_qk=576 d_v=512 topk=any topk_length=no target=sm_90a gpu=any schedule=shared-p ms=2 sizes=s_q=1 date=2026-11-21 version=0.1.0
sparse_prefill h_q=16 d_qk=576 d_v=512 topk=any topk_length=no target=sm_90a gpu=H200 schedule=split-columns:block_kv=32:depth=4 ms=1 sizes=s_q=1 date=2026-11-21 version=0.1.0
sparse_prefill h_q=16 d_qk=576 d_v=512 topk=any topk_length=yes target=sm_90a gpu=any schedule=split-columns ms=1 sizes=s_q=1 date=2026-11-21 version=0.1.0
sparse_prefill h_q=16 d_qk=576 d_v=512 topk=65 topk_length=no target=sm_90a gpu=any schedule=split-columns ms=1 sizes=s_q=1 date=2026-11-21 version=0.1.0

//--- ops.mlir
!q = memref<?x16x576xbf16>
!kv = memref<?x1x576xbf16>
!out = memref<?x16x512xbf16>
!stat = memref<?x16xf32>

// CHECK-LABEL: func @any_topk
// CHECK:         mla.sparse_prefill {{.*}} {schedule = #mla.schedule<"swapped" after["split-width",
// FAR-LABEL: func @any_topk
// FAR:         mla.sparse_prefill {{.*}} {schedule = #mla.schedule<"swapped"
// NAMED-LABEL: func @any_topk
// NAMED:         mla.sparse_prefill {{.*}} {schedule = #mla.schedule<"split-columns", roles = [
// TABLE-LABEL: func @any_topk
// TABLE:         mla.sparse_prefill {{.*}} {schedule = #mla.schedule<"split-columns" tile = {block_kv = 32},
// TABLE-SAME:      rings = [<"k", depth = 4>, <"valid", depth = 4>]
// OTHER-LABEL: func @any_topk
// OTHER:         mla.sparse_prefill {{.*}} {schedule = #mla.schedule<"shared-p", roles = [
// OVER-LABEL: func @any_topk
// OVER:         mla.sparse_prefill {{.*}} {schedule = #mla.schedule<"shared-p" tile = {block_kv = 48},
// OVER-SAME:      rings = [<"k", depth = 2>, <"valid", depth = 2>]
func.func @any_topk(%q: !q, %kv: !kv, %indices: memref<?x1x?xi32>, %scale: f32,
                    %out: !out, %max: !stat, %lse: !stat) {
  mla.sparse_prefill ins(%q, %kv, %indices, %scale : !q, !kv, memref<?x1x?xi32>)
      outs(%out, %max, %lse : !out, !stat, !stat)
  return
}

// Many heads and one KV tile: a schedule that pairs tiles computes one in vain.
// CHECK-LABEL: func @one_tile
// CHECK:         mla.sparse_prefill {{.*}} {schedule = #mla.schedule<"shared-p"
func.func @one_tile(%q: memref<?x128x576xbf16>, %kv: !kv, %indices: memref<?x1x64xi32>, %scale: f32,
                    %out: memref<?x128x512xbf16>, %max: memref<?x128xf32>, %lse: memref<?x128xf32>) {
  mla.sparse_prefill ins(%q, %kv, %indices, %scale : memref<?x128x576xbf16>, !kv, memref<?x1x64xi32>)
      outs(%out, %max, %lse : memref<?x128x512xbf16>, memref<?x128xf32>, memref<?x128xf32>)
  return
}

// 32 heads: the choice depends on whether KV fits in L2, by expected or static
// sizes.
// CHECK-LABEL: func @far
// CHECK:         mla.sparse_prefill {{.*}} {schedule = #mla.schedule<"seesaw" after["pair-tiles", "split-width",
// FAR-LABEL: func @far
// FAR:         mla.sparse_prefill {{.*}} {schedule = #mla.schedule<"swapped"
func.func @far(%q: memref<?x32x512xbf16>, %kv: memref<?x1x512xbf16>, %indices: memref<?x1x?xi32>, %scale: f32,
               %out: memref<?x32x512xbf16>, %max: memref<?x32xf32>, %lse: memref<?x32xf32>) {
  mla.sparse_prefill ins(%q, %kv, %indices, %scale : memref<?x32x512xbf16>, memref<?x1x512xbf16>, memref<?x1x?xi32>)
      outs(%out, %max, %lse : memref<?x32x512xbf16>, memref<?x32xf32>, memref<?x32xf32>)
  return
}

// CHECK-LABEL: func @near
// CHECK:         mla.sparse_prefill {{.*}} {schedule = #mla.schedule<"seesaw"
// FAR-LABEL: func @near
// FAR:         mla.sparse_prefill {{.*}} {schedule = #mla.schedule<"seesaw"
func.func @near(%q: memref<?x32x512xbf16>, %kv: memref<8192x1x512xbf16>, %indices: memref<?x1x?xi32>, %scale: f32,
                %out: memref<?x32x512xbf16>, %max: memref<?x32xf32>, %lse: memref<?x32xf32>) {
  mla.sparse_prefill ins(%q, %kv, %indices, %scale : memref<?x32x512xbf16>, memref<8192x1x512xbf16>, memref<?x1x?xi32>)
      outs(%out, %max, %lse : memref<?x32x512xbf16>, memref<?x32xf32>, memref<?x32xf32>)
  return
}

// CHECK-LABEL: func @far_in_ir
// CHECK:         mla.sparse_prefill {{.*}} {schedule = #mla.schedule<"swapped"
// FAR-LABEL: func @far_in_ir
// FAR:         mla.sparse_prefill {{.*}} {schedule = #mla.schedule<"swapped"
func.func @far_in_ir(%q: memref<?x32x512xbf16>, %kv: memref<131072x1x512xbf16>, %indices: memref<?x1x?xi32>, %scale: f32,
                     %out: memref<?x32x512xbf16>, %max: memref<?x32xf32>, %lse: memref<?x32xf32>) {
  mla.sparse_prefill ins(%q, %kv, %indices, %scale : memref<?x32x512xbf16>, memref<131072x1x512xbf16>, memref<?x1x?xi32>)
      outs(%out, %max, %lse : memref<?x32x512xbf16>, memref<?x32xf32>, memref<?x32xf32>)
  return
}

// CHECK-LABEL: func @own
// CHECK:         mla.sparse_prefill {{.*}} {schedule = #mla.schedule<"mine" tile = {block_kv = 16}, roles = [<"all", warps = 4, registers = 128>],
// NAMED-LABEL: func @own
// NAMED:         mla.sparse_prefill {{.*}} {schedule = #mla.schedule<"mine" tile = {block_kv = 16},
// OVER-LABEL: func @own
// OVER:         mla.sparse_prefill {{.*}} {schedule = #mla.schedule<"mine" tile = {block_kv = 16},
func.func @own(%q: !q, %kv: !kv, %indices: memref<?x1x?xi32>, %scale: f32,
               %out: !out, %max: !stat, %lse: !stat) {
  mla.sparse_prefill ins(%q, %kv, %indices, %scale : !q, !kv, memref<?x1x?xi32>)
      outs(%out, %max, %lse : !out, !stat, !stat)
      {schedule = #mla.schedule<"mine" tile = {block_kv = 16},
         roles = [<"all", warps = 4, registers = 128>],
         table = [<"q" in ["all"]>]>}
  return
}
