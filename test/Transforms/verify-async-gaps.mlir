// Damage that mla-verify-async should refuse and accepts today: its balance of
// waits and arrivals looks at numbers, not at order, slots or phases.
// XFAIL: *

// A slot is released before its last reader is done.
// RUN: sed '/release k/d; s/cta.mma_fence .* of the scores/cta.arrive %%k_free[%%i0] : !bar\n&/' %S/Inputs/verified.mlir | not %mla-opt --mla-verify-async

// A slot is read before it is awaited.
// RUN: sed '/await p/d; s/cta.arrive %%p_free.*/cta.mbarrier_wait %%p_full[%%i0] parity %%i0 : !bar\n&/' %S/Inputs/verified.mlir | not %mla-opt --mla-verify-async

// A slot is published before it is filled.
// RUN: sed '/cta.arrive %%p_full/d; s/%%x = arith.addf.*/cta.arrive %%p_full[%%i0] : !bar\n&/' %S/Inputs/verified.mlir | not %mla-opt --mla-verify-async

// A reader waits for the phase before.
// RUN: sed 's/cta.mbarrier_wait %%p_full.%%i0. parity %%i0/cta.mbarrier_wait %%p_full[%%i0] parity %%i1/' %S/Inputs/verified.mlir | not %mla-opt --mla-verify-async

// A loop waits for the same phase in every iteration.
// RUN: sed 's/%%parity = arith.andi %%count, %%i1/%%parity = arith.andi %%i0, %%i1/' %S/Inputs/verified.mlir | not %mla-opt --mla-verify-async
