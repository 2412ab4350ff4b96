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

// tile.min: a thread's own columns, then the lanes of its quad.
// RUN: mla-opt %s --convert-mla-to-nvvm | FileCheck %s --check-prefix=MIN
// MIN-LABEL:  llvm.func @min
// MIN-COUNT-7: arith.minsi %{{.*}} : i32
// MIN:        %[[ONE:.*]] = llvm.mlir.constant(1 : i32) : i32
// MIN:        nvvm.shfl.sync {{ ?}}bfly %{{.*}}, %{{.*}}, %[[ONE]]
// MIN:        arith.minsi
// MIN:        %[[TWO:.*]] = llvm.mlir.constant(2 : i32) : i32
// MIN:        nvvm.shfl.sync {{ ?}}bfly %{{.*}}, %{{.*}}, %[[TWO]]
// MIN:        %[[LEAST:.*]] = arith.minsi
// MIN:        llvm.insertelement %[[LEAST]], %{{.*}} : vector<2xi32>
// MIN-NOT:    arith.minsi
// MIN-NOT:    nvvm.shfl
func.func @min(%v: memref<32xi32>, %out: memref<64xi32>) attributes {cta.verified} {
  %c0 = arith.constant 0 : index
  scf.forall (%i) in (2) {
    cta.role "all" warps 4 registers 168 {
      %x = tile.load %v[%c0] : memref<32xi32> -> tensor<32xi32, #cta.layout<column>>
      %y = tile.min %x : tensor<32xi32, #cta.layout<column>> -> tensor<64xi32, #cta.layout<row>>
      tile.store %y, %out[%c0] : tensor<64xi32, #cta.layout<row>>, memref<64xi32>
    }
  }
  return
}
