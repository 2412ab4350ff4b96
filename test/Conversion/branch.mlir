// A branch round a mask: positions (tile.iota) are computed in it, from a thread's number
// that is read in it, and occupy no registers outside. It yields the scores unchanged
// otherwise.
//
// RUN: mla-opt %S/../Programs/causal.mlir --mla-cta-pipeline --convert-mla-to-nvvm | FileCheck %s
// CHECK:      llvm.func @causal
// CHECK:      scf.if %{{.*}} -> (vector<64xf32>) {
// CHECK-NOT:    scf.yield
// CHECK:        llvm.inline_asm has_side_effects {{.*}}"mov.u32 $0, %tid.x;"
// CHECK:        %[[CHOSEN:.*]] = arith.select %{{.*}}, %[[SCORES:.*]], %{{.*}} : vector<64xi1>, vector<64xf32>
// CHECK-NEXT:   scf.yield %[[CHOSEN]]
// CHECK-NEXT: } else {
// CHECK-NEXT:   scf.yield %[[SCORES]]
// CHECK-NEXT: }
