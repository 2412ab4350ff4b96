// mla-verify-async accepts a synchronised program and marks it. A function without
// roles is unchanged.
// RUN: %mla-opt %S/Inputs/verified.mlir --mla-verify-async | FileCheck %s
// RUN: %mla-opt %S/Inputs/verified.mlir --mla-verify-async | %mla-opt --mla-verify-async | FileCheck %s
// RUN: %mla-opt %s --mla-verify-async | FileCheck %s --check-prefix=NOTHING

// CHECK-LABEL: func @program
// CHECK-SAME:    cta.verified

// NOTHING-LABEL: func @nothing() {
// NOTHING-NEXT:    return
func.func @nothing() { return }

// A pending count that is smaller than necessary is only stricter. MMAs of a batch
// may share a fence and a commit.
// NOTHING-LABEL: func @stronger
// NOTHING-SAME:    cta.verified
!desc = !cta.descriptor<64x64xbf16, k, offset = 0, leading = 16, stride = 1024, step = 32, block_step = 8192>
!flight = !cta.in_flight<tensor<64x64xf32, #cta.layout<acc>>>
func.func @stronger(%d: !desc) attributes {cta.shared_bytes = 0 : i64} {
  scf.forall (%t) in (8) {
    cta.role "math" warps 4 registers 216 {
      cta.mma_fence
      %a = cta.mma_async %d, %d transpose_b : !desc, !desc -> !flight
      %b = cta.mma_async %d, %d transpose_b : !desc, !desc -> !flight
      cta.mma_commit
      cta.mma_fence
      %c = cta.mma_async %d, %d transpose_b : !desc, !desc -> !flight
      cta.mma_commit
      %0 = cta.mma_wait %a pending 1 : !flight
      %1 = cta.mma_wait %b pending 0 : !flight
      %2 = cta.mma_wait %c pending 0 : !flight
    }
  }
  return
}
