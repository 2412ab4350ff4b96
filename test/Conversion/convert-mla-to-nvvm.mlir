// Synchronisation is translated one to one, for every kernel of the project.
//
// RUN: mla-opt %S/../Transforms/Inputs/sparse_prefill.mlir --mla-cta-pipeline=schedule=shared-p -o %t.cta.mlir
// RUN: mla-opt %t.cta.mlir --convert-mla-to-nvvm -o %t.nvvm.mlir
// RUN: %python %S/count-sync.py %t.cta.mlir %t.nvvm.mlir
// RUN: mla-opt %S/../Transforms/Inputs/sparse_prefill.mlir --mla-cta-pipeline=schedule=split-columns -o %t.cta2.mlir
// RUN: mla-opt %t.cta2.mlir --convert-mla-to-nvvm -o %t.nvvm2.mlir
// RUN: %python %S/count-sync.py %t.cta2.mlir %t.nvvm2.mlir
// RUN: mla-opt %S/../Transforms/Inputs/sparse_prefill.mlir --mla-cta-pipeline=schedule=seesaw -o %t.cta4.mlir
// RUN: mla-opt %t.cta4.mlir --convert-mla-to-nvvm -o %t.nvvm4.mlir
// RUN: %python %S/count-sync.py %t.cta4.mlir %t.nvvm4.mlir
// RUN: mla-opt %S/../Programs/dense-attention.mlir --mla-cta-pipeline -o %t.cta3.mlir
// RUN: mla-opt %t.cta3.mlir --convert-mla-to-nvvm -o %t.nvvm3.mlir
// RUN: %python %S/count-sync.py %t.cta3.mlir %t.nvvm3.mlir
//
// The counter can fail:
// RUN: sed '0,/cta.fence_async/s/cta.fence_async//' %t.cta.mlir > %t.damaged
// RUN: not %python %S/count-sync.py %t.damaged %t.nvvm.mlir 2>&1 | FileCheck %s --check-prefix=DIFFER
// DIFFER: error: counts differ
//
// RUN: FileCheck %s < %t.nvvm.mlir
// CHECK: mla.launch = "{{.*}}mla-kernel-package
// CHECK: llvm.mlir.global external @mla_shared() {addr_space = 3 : i32, alignment = 1024 : i64}
// CHECK: llvm.func @sparse_prefill
// CHECK-SAME: llvm.byval = !llvm.array<128 x i8>
// CHECK-SAME: nvvm.grid_constant
// CHECK-SAME: nvvm.kernel
// CHECK-SAME: nvvm.reqntid = array<i32: 384>
// CHECK: nvvm.setmaxregister increase 216
// CHECK: wgmma.mma_async.sync.aligned.m64n64k16.f32.bf16.bf16
// CHECK: ex2.approx.ftz.f32
// CHECK: cvt.rn.bf16x2.f32
// CHECK: nvvm.stmatrix
// CHECK: wgmma.mma_async.sync.aligned.m64n256k16.f32.bf16.bf16
// CHECK: nvvm.setmaxregister decrease 72
// CHECK: cp.async.bulk.tensor.3d
// CHECK: cp.async.cg.shared.global
