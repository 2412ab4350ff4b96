// mla-insert-mma-sync: waits for an MMA that the role has not issued.
// RUN: %mla-opt %s --mla-insert-mma-sync -verify-diagnostics -split-input-file

!flight = !cta.in_flight<tensor<64x64xf32, #cta.layout<acc>>>
func.func @from_outside(%x: !flight) {
  scf.forall (%t) in (8) {
    cta.role "math" warps 4 registers 240 {
      // expected-error @below {{waits for an MMA that is not issued on every path}}
      %0 = cta.mma_wait %x : !flight
    }
  }
  return
}

// -----

// Issued in one branch only.
!desc = !cta.descriptor<64x64xbf16, k, offset = 0, leading = 16, stride = 1024, step = 32, block_step = 8192>
!flight = !cta.in_flight<tensor<64x64xf32, #cta.layout<acc>>>
func.func @one_branch(%x: !flight, %d: !desc, %cond: i1) {
  scf.forall (%t) in (8) {
    cta.role "math" warps 4 registers 240 {
      %r = scf.if %cond -> !flight {
        %a = cta.mma_async %d, %d transpose_b : !desc, !desc -> !flight
        scf.yield %a : !flight
      } else {
        scf.yield %x : !flight
      }
      // expected-error @below {{waits for an MMA that is not issued on every path}}
      %0 = cta.mma_wait %r : !flight
    }
  }
  return
}
