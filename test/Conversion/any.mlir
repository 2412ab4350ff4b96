// tile.any: every thread holds all bits of words loaded from shared memory.
//
// RUN: mla-opt %S/../Transforms/Inputs/sparse_prefill.mlir --mla-cta-pipeline=schedule=shared-p -o %t.cta.mlir
// RUN: grep tile.any %t.cta.mlir
// RUN: mla-opt %t.cta.mlir --convert-mla-to-nvvm | FileCheck %s
// CHECK:      %[[OR:.*]] = llvm.or %{{.*}}, %{{.*}} : i32
// CHECK:      %[[ANY:.*]] = llvm.icmp "ne" %[[OR]], %{{.*}} : i32
// CHECK-NOT:  nvvm.vote.sync any
// CHECK:      llvm.insertelement %[[ANY]], %{{.*}} : vector<2xi1>
// CHECK:      arith.maximumf
//
// Of words computed in registers, a thread has only its own columns right: it tests
// these, and the warp votes.
// RUN: mla-opt %S/../Programs/dense-attention.mlir --mla-cta-pipeline -o %t.dense.mlir
// RUN: mla-opt %t.dense.mlir --convert-mla-to-nvvm | FileCheck %s --check-prefix=OWN
// OWN:        %[[C:.*]] = llvm.mlir.constant(50529027 : i32) : i32
// OWN:        %[[OWN:.*]] = llvm.shl %[[C]], %{{.*}} : i32
// OWN:        llvm.and %{{.*}}, %[[OWN]] : i32
// OWN:        nvvm.vote.sync any
