// mla-verify-async and the passes that share its analyses handle any loop depth in
// linear time: the analysis of a loop does not restart for each iteration of the
// enclosing loops.
// RUN: %mla-opt %s --mla-materialize-barriers --mla-wgmma-descriptors --mla-insert-async-fences --mla-insert-mma-sync --cse --mla-verify-async -o %t
// RUN: FileCheck %s < %t
// CHECK: cta.verified
// CHECK: cta.fence_async
// CHECK: cta.mma_wait {{.*}} pending 0

// The innermost wait is for the other phase.
// RUN: sed '/role "math"/,$s/\(cta.mbarrier_wait .*\) parity \(%[^ ]*\)/%%wrong = arith.xori \2, %%c1_i32 : i32\n\1 parity %%wrong/' %t | not %mla-opt --mla-verify-async 2>&1 | FileCheck %s --check-prefix=PHASE
// PHASE: error: 'cta.mbarrier_wait' op waits for a phase other than the next

#swizzled = #cta.shared_layout<swizzle = 128, rows = 64>
!k = !cta.ring<2x64x64xbf16, #swizzled>
!slot = !cta.buffer<64x64xbf16, #swizzled>
!x = tensor<64x64xbf16, #cta.layout<acc>>
!acc = tensor<64x64xf32, #cta.layout<acc>>

func.func @deep(%x: !x, %n: index) attributes {cta.shared_bytes = 16384 : i64} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  scf.forall (%t) in (8) {
    %k = cta.ring "k" at 0 : !k
    cta.role "store" warps 4 registers 96 {
      scf.for %a = %c0 to %n step %c1 { scf.for %b = %c0 to %n step %c1 {
      scf.for %c = %c0 to %n step %c1 { scf.for %d = %c0 to %n step %c1 {
      scf.for %e = %c0 to %n step %c1 { scf.for %f = %c0 to %n step %c1 {
      scf.for %g = %c0 to %n step %c1 { scf.for %h = %c0 to %n step %c1 {
      scf.for %i = %c0 to %n step %c1 { scf.for %j = %c0 to %n step %c1 {
        %s = cta.acquire %k : !k
        cta.store_shared %x to %s : !x, !slot
      }} }} }} }} }}
    }
    cta.role "math" warps 4 registers 160 {
      scf.for %a = %c0 to %n step %c1 { scf.for %b = %c0 to %n step %c1 {
      scf.for %c = %c0 to %n step %c1 { scf.for %d = %c0 to %n step %c1 {
      scf.for %e = %c0 to %n step %c1 { scf.for %f = %c0 to %n step %c1 {
      scf.for %g = %c0 to %n step %c1 { scf.for %h = %c0 to %n step %c1 {
      scf.for %i = %c0 to %n step %c1 { scf.for %j = %c0 to %n step %c1 {
        %r = cta.await %k : !k
        %a1 = cta.mma_async %r, %r transpose_b : !slot, !slot -> !cta.in_flight<!acc>
        %0 = cta.mma_wait %a1 : !cta.in_flight<!acc>
      }} }} }} }} }}
    }
  }
  return
}
