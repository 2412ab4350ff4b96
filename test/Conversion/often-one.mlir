// Multiplication by factors that are often 1: under a warp-uniform branch.
//
// RUN: mla-opt %S/../Transforms/Inputs/sparse_prefill.mlir --mla-cta-pipeline=schedule=seesaw -o %t.cta.mlir
// RUN: mla-opt %t.cta.mlir --convert-mla-to-nvvm | FileCheck %s
//
// A thread has two rows. The value is unchanged if all factors of the warp are 1.
// CHECK:      %[[ONE:.*]] = arith.constant 1.000000e+00 : f32
// CHECK:      %[[A:.*]] = arith.cmpf une, %{{.*}}, %[[ONE]] : f32
// CHECK:      %[[B:.*]] = arith.cmpf une, %{{.*}}, %[[ONE]] : f32
// CHECK:      %[[MINE:.*]] = arith.ori %[[A]], %[[B]] : i1
// CHECK:      %[[ANY:.*]] = nvvm.vote.sync any %{{.*}}, %[[MINE]] -> i1
// CHECK-NEXT: scf.if %[[ANY]] -> (vector<128xf32>) {
// Without an effect in it, LLVM would turn the branch into selects.
// CHECK-NEXT:   llvm.inline_asm has_side_effects
// CHECK-NEXT:   %[[P:.*]] = arith.mulf %[[ACC:.*]], %{{.*}} : vector<128xf32>
// CHECK-NEXT:   scf.yield %[[P]]
// CHECK-NEXT: } else {
// CHECK-NEXT:   scf.yield %[[ACC]]
//
// Without the hint there is no branch.
// RUN: sed 's/, tile.often_one//' %t.cta.mlir | mla-opt --convert-mla-to-nvvm | FileCheck %s --check-prefix=ALWAYS
// ALWAYS-NOT: arith.cmpf une
