// tile.any: words of bits that come from shared memory are whole in every thread.
//
// RUN: mla-opt %S/../Transforms/Inputs/sparse_prefill.mlir --mla-cta-pipeline=schedule=shared-p -o %t.cta.mlir
// RUN: grep tile.any %t.cta.mlir
// RUN: mla-opt %t.cta.mlir --convert-mla-to-nvvm | FileCheck %s
// CHECK:      %[[W:.*]] = llvm.load %{{.*}} : !llvm.ptr<3> -> vector<2xi32>
// CHECK:      %[[W0:.*]] = llvm.extractelement %[[W]]
// CHECK:      %[[W1:.*]] = llvm.extractelement %[[W]]
// CHECK:      %[[OR:.*]] = llvm.or %[[W0]], %[[W1]]
// CHECK:      llvm.icmp "ne" %[[OR]], %{{.*}} : i32
//
// Those that threads have made are not: each looks at its columns, and the warp
// votes.
// RUN: mla-opt %S/../Programs/dense-attention.mlir --mla-cta-pipeline -o %t.dense.mlir
// RUN: mla-opt %t.dense.mlir --convert-mla-to-nvvm | FileCheck %s --check-prefix=OWN
// OWN:        %[[OWN:.*]] = llvm.shl
// OWN:        llvm.and %{{.*}}, %[[OWN]]
// OWN:        nvvm.vote.sync any
