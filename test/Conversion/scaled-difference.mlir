// (scores - reference) * scale where it may be distributed: an fma for each element,
// or the exact difference where a scaled reference of the warp may be large.
//
// RUN: mla-opt %S/../Transforms/Inputs/sparse_prefill.mlir --mla-cta-pipeline=schedule=shared-p -o %t.cta.mlir
// RUN: mla-opt %t.cta.mlir --convert-mla-to-nvvm | FileCheck %s
//
// Both rows of the thread are tested.
// CHECK:      %[[LIMIT:.*]] = arith.constant 4.096000e+03 : f32
// CHECK:      %[[A:.*]] = math.absf %{{.*}} : f32
// CHECK:      %[[LA:.*]] = arith.cmpf oge, %[[A]], %[[LIMIT]] : f32
// CHECK:      %[[B:.*]] = math.absf %{{.*}} : f32
// CHECK:      %[[LB:.*]] = arith.cmpf oge, %[[B]], %[[LIMIT]] : f32
// CHECK:      %[[LARGE:.*]] = arith.ori %[[LA]], %[[LB]] : i1
// CHECK:      %[[ANY:.*]] = nvvm.vote.sync any %{{.*}}, %[[LARGE]] -> i1
// CHECK-NEXT: %[[X:.*]]:2 = scf.if %[[ANY]] -> (vector<32xf32>, vector<2xf32>) {
// Without an effect in it, LLVM would turn the branch into selects.
// CHECK-NEXT:   llvm.inline_asm has_side_effects
// CHECK:        %[[D:.*]] = arith.subf %[[S:.*]], %{{.*}} : vector<32xf32>
// CHECK:        scf.yield %[[D]], %{{.*}}
// CHECK:      } else {
// CHECK-NEXT:   scf.yield %[[S]], %{{.*}}
// CHECK:      %[[N:.*]] = arith.negf %[[X]]#1 : vector<2xf32>
// CHECK:      math.fma %[[X]]#0, %{{.*}}, %{{.*}} : vector<32xf32>
//
// A lazy reference is what it was, or the row maximum: both are tested before it is
// known which, and of the maximum each thread's share, before the shuffles.
// RUN: mla-opt %S/../Transforms/Inputs/sparse_prefill.mlir --mla-cta-pipeline=schedule=seesaw -o %t.lazy.mlir
// RUN: mla-opt %t.lazy.mlir --convert-mla-to-nvvm | FileCheck %s --check-prefix=LAZY
// LAZY:       arith.select %{{.*}} : vector<2xi1>, vector<2xf32>
// LAZY:       arith.maximumf %{{.*}} : f32
// LAZY:       arith.constant 4.096000e+03 : f32
// LAZY-COUNT-4: math.absf %{{.*}} : f32
// LAZY:       scf.if {{.*}} -> (vector<32xf32>, vector<2xf32>)
//
// Without the permission the difference is exact.
// RUN: sed 's/fastmath<reassoc,contract>/fastmath<none>/' %t.cta.mlir | mla-opt --convert-mla-to-nvvm | FileCheck %s --check-prefix=EXACT
// EXACT-NOT: math.fma
// EXACT-NOT: math.absf
