// mla-verify-async: slots and phases in nested loops, branches and carried values.
// Each case damages one line of Inputs/persistent.mlir.

// RUN: %mla-opt --mla-verify-async %S/Inputs/persistent.mlir | FileCheck %s
// CHECK: cta.verified

// A wait is for another slot,
// RUN: sed '/await k/s/%%index/%%i0/' %S/Inputs/persistent.mlir | not %mla-opt --mla-verify-async 2>&1 | FileCheck %s --check-prefix=SLOT
// SLOT: error: 'cta.mbarrier_wait' op waits for a slot other than the next (ring "k")

// for the slot's other phase,
// RUN: sed '/acquire k/s/parity %%parity/parity %%index/' %S/Inputs/persistent.mlir | not %mla-opt --mla-verify-async 2>&1 | FileCheck %s --check-prefix=PHASE
// RUN: sed 's/%%other = arith.addi %%round, %%i1/%%other = arith.addi %%round, %%i0/' %S/Inputs/persistent.mlir | not %mla-opt --mla-verify-async 2>&1 | FileCheck %s --check-prefix=PHASE
// PHASE: error: 'cta.mbarrier_wait' op waits for a phase other than the next (ring "k")

// from a count that restarts with each output tile,
// RUN: sed 's/iter_args(%%count = %%kn)/iter_args(%%count = %%i0)/' %S/Inputs/persistent.mlir | not %mla-opt --mla-verify-async 2>&1 | FileCheck %s --check-prefix=ANEW
// ANEW: error: 'cta.mbarrier_wait' op waits for a slot other than the next (ring "k")

// or that is not advanced in one branch.
// RUN: sed '/publish v/{n;s/%%next/%%vn/}' %S/Inputs/persistent.mlir | not %mla-opt --mla-verify-async 2>&1 | FileCheck %s --check-prefix=BRANCH
// BRANCH: error: 'cta.mbarrier_wait' op waits for a phase other than the next (ring "v")

// With fewer slots than the role holds, it waits for itself.
// RUN: sed 's/cta.ring<3x/cta.ring<1x/; s/mbarrier<3>/mbarrier<1>/; s/constant 3 : i32/constant 1 : i32/' %S/Inputs/persistent.mlir | not %mla-opt --mla-verify-async 2>&1 | FileCheck %s --check-prefix=ITSELF
// ITSELF: error: 'cta.mbarrier_wait' op waits for a slot that the role itself holds (ring "k")

// Two slots suffice.
// RUN: sed 's/cta.ring<3x/cta.ring<2x/; s/mbarrier<3>/mbarrier<2>/; s/constant 3 : i32/constant 2 : i32/' %S/Inputs/persistent.mlir | %mla-opt --mla-verify-async | FileCheck %s

// An arrival is for the slot that was just awaited instead of the oldest,
// RUN: sed '/release k/s/%%old/%%index/' %S/Inputs/persistent.mlir | not %mla-opt --mla-verify-async 2>&1 | FileCheck %s --check-prefix=OLDEST
// OLDEST: error: 'cta.arrive' op arrives for a slot other than the next (ring "k")

// for one that was not awaited yet,
// RUN: sed '/release v/d; s/.*await v/cta.arrive %%v_free[%%i0] : !bar\n&/' %S/Inputs/persistent.mlir | not %mla-opt --mla-verify-async 2>&1 | FileCheck %s --check-prefix=YET
// YET: error: 'cta.arrive' op arrives for a slot that the role does not hold (ring "v")

// or for one that an MMA still reads.
// RUN: sed '/%%w = cta.mma_wait/d; s/.*release k/&\n%%w = cta.mma_wait %%p pending 0 : !flight/' %S/Inputs/persistent.mlir | not %mla-opt --mla-verify-async 2>&1 | FileCheck %s --check-prefix=READ
// READ: error: 'cta.arrive' op releases a slot that an MMA may still read (ring "k")

// A carried slot was released one iteration earlier.
// RUN: sed 's/%%release = %%kr/%%release = %%n0/; /parity0 : .bars/s/$/\ncta.arrive %%k_free[%%index0] : !bars/; /release last k/d' %S/Inputs/persistent.mlir | not %mla-opt --mla-verify-async 2>&1 | FileCheck %s --check-prefix=CARRIED
// CARRIED: error: 'cta.mma_async' op reads a slot that the role does not hold (ring "k")

// A copy writes another slot,
// RUN: sed '/acquire k/{n;s/%%index/%%i0/}' %S/Inputs/persistent.mlir | not %mla-opt --mla-verify-async 2>&1 | FileCheck %s --check-prefix=COPY
// COPY: error: 'cta.copy_async' op writes a slot that the role does not hold (ring "k")

// or signals another barrier.
// RUN: sed 's/\(cta.copy_async.*\)k_full\(.*\)/&\n\1k_free\2/' %S/Inputs/persistent.mlir | not %mla-opt --mla-verify-async 2>&1 | FileCheck %s --check-prefix=SIGNAL
// SIGNAL: error: 'cta.copy_async' op signals a barrier other than that of its slot (ring "k")

// A vector is stored after it was published,
// RUN: sed '/publish v/d; s/.*store_shared.*/cta.arrive %%v_full[%%i0] : !bar\n&/' %S/Inputs/persistent.mlir | not %mla-opt --mla-verify-async 2>&1 | FileCheck %s --check-prefix=PUBLISHED
// PUBLISHED: error: 'cta.arrive' op publishes a slot that is not filled (ring "v")

// or loaded after it was released.
// RUN: sed '/release v/d; s/.*load_shared.*/cta.arrive %%v_free[%%i0] : !bar\n&/' %S/Inputs/persistent.mlir | not %mla-opt --mla-verify-async 2>&1 | FileCheck %s --check-prefix=RELEASED
// RELEASED: error: 'cta.load_shared' op reads a slot that the role does not hold (ring "v")

// A slot is the result of a branch.
// RUN: sed 's/%%x = cta.load_shared %%s/%%y = scf.if %%cond -> !vslot {\nscf.yield %%s : !vslot\n} else {\nscf.yield %%s : !vslot\n}\n%%x = cta.load_shared %%y/' %S/Inputs/persistent.mlir | not %mla-opt --mla-verify-async 2>&1 | FileCheck %s --check-prefix=TOLD
// TOLD: error: 'cta.load_shared' op accesses a slot whose ring is ambiguous
