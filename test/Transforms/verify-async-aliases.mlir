// mla-verify-async: a ring that aliases another is synchronised by the barriers of
// the ring below. Each case damages one line of Inputs/aliases.mlir.

// RUN: %mla-opt --mla-verify-async %S/Inputs/aliases.mlir | FileCheck %s
// CHECK: cta.verified

// Valid: the writer holds the slot below until it has published,
// RUN: sed '/math releases k/d; s/.*publish p/&\ncta.arrive %%k_free[%%i0] : !bar/' %S/Inputs/aliases.mlir | %mla-opt --mla-verify-async | FileCheck %s

// and the reader awaits that slot first.
// RUN: sed '/out awaits k/d; s/.*await p/%%kp = arith.andi %%kn, %%i1 : i32\ncta.mbarrier_wait %%k_full[%%i0] parity %%kp : !bar\n&/' %S/Inputs/aliases.mlir | %mla-opt --mla-verify-async | FileCheck %s

// The writer writes before it awaits the slot below,
// RUN: sed '/store_shared/d; s/.*math awaits k/%%u0 = cta.slot %%p[%%i0] : !pring\ncta.store_shared %%some to %%u0 : !p, !pslot\ncta.fence_async\n&/' %S/Inputs/aliases.mlir | not %mla-opt --mla-verify-async 2>&1 | FileCheck %s --check-prefix=UNAWAITED
// UNAWAITED: error: 'cta.store_shared' op writes a slot that the role does not hold (ring "p")

// or while its own MMA reads the bytes below.
// RUN: sed '/%%w = cta.mma_wait %%f/d; s/.*math releases k//; s/.*publish p/&\n%%w = cta.mma_wait %%f pending 0 : !flight\ncta.arrive %%k_free[%%i0] : !bar/' %S/Inputs/aliases.mlir | not %mla-opt --mla-verify-async 2>&1 | FileCheck %s --check-prefix=INFLIGHT
// INFLIGHT: error: 'cta.store_shared' op writes a slot that an MMA may still read (ring "p")

// It publishes while its own MMA reads the slot.
// RUN: sed 's/.*cta.fence_async.*/&\n%%ud = cta.descriptor %%u : !pslot -> !pdesc\ncta.mma_fence\n%%g = cta.mma_async %%ud, %%ud transpose_b : !pdesc, !pdesc -> !flight\ncta.mma_commit/; s/.*publish p/&\n%%v = cta.mma_wait %%g pending 0 : !flight/' %S/Inputs/aliases.mlir | not %mla-opt --mla-verify-async 2>&1 | FileCheck %s --check-prefix=OWN
// OWN: error: 'cta.arrive' op publishes a slot that an MMA may still read (ring "p")

// It publishes twice,
// RUN: sed 's/.*publish p/&\n&/' %S/Inputs/aliases.mlir | not %mla-opt --mla-verify-async 2>&1 | FileCheck %s --check-prefix=TWICE
// TWICE: error: 'scf.for' op waits -1 times more than it arrives in each iteration

// not in every round,
// RUN: sed '/role "math"/,/role "out"/{s/.*%%u = .*/scf.if %%cond {\n&/; s/.*publish p/&\n}/}' %S/Inputs/aliases.mlir | not %mla-opt --mla-verify-async 2>&1 | FileCheck %s --check-prefix=ROUND
// ROUND: error: 'scf.if' op waits -1 times more than it arrives in one branch only

// or one round late.
// RUN: sed 's/.*%%i1 = .*/&\n%%i2 = arith.constant 2 : i32/; /role "math"/,/role "out"/{s/%%next = .*/%%next = arith.addi %%kn, %%i2 : i32/; s/.*math releases k/&\n%%k1 = arith.addi %%kn, %%i1 : i32\n%%parity1 = arith.andi %%k1, %%i1 : i32\ncta.mbarrier_wait %%k_full[%%i0] parity %%parity1 : !bar\ncta.arrive %%k_free[%%i0] : !bar/; s/.*publish p/&\ncta.store_shared %%some to %%u : !p, !pslot\ncta.fence_async\n&/}' %S/Inputs/aliases.mlir | not %mla-opt --mla-verify-async 2>&1 | FileCheck %s --check-prefix=LATE
// LATE: error: 'cta.mbarrier_wait' op waits for a slot that the role itself holds (ring "p")

// The reader does not await,
// RUN: sed '/await p/d' %S/Inputs/aliases.mlir | not %mla-opt --mla-verify-async 2>&1 | FileCheck %s --check-prefix=READER
// READER: error: 'cta.ring' op expected a role that reads it and then releases the slot of k

// awaits twice,
// RUN: sed 's/.*await p/&\n&/' %S/Inputs/aliases.mlir | not %mla-opt --mla-verify-async 2>&1 | FileCheck %s --check-prefix=AGAIN
// AGAIN: error: 'scf.for' op waits 1 times more than it arrives in each iteration

// for the other phase, or always for the same.
// RUN: sed 's/parity %%pp/parity %%i1/' %S/Inputs/aliases.mlir | not %mla-opt --mla-verify-async 2>&1 | FileCheck %s --check-prefix=PHASE
// RUN: sed 's/%%pp = arith.andi %%pn, %%i1/%%pp = arith.andi %%i0, %%i1/' %S/Inputs/aliases.mlir | not %mla-opt --mla-verify-async 2>&1 | FileCheck %s --check-prefix=PHASE
// PHASE: error: 'cta.mbarrier_wait' op waits for a phase other than the next (ring "p")

// It releases the slot below before it reads,
// RUN: sed '/out releases k/d; s/%%ud = .*/cta.arrive %%k_free[%%i0] : !bar\n&/' %S/Inputs/aliases.mlir | not %mla-opt --mla-verify-async 2>&1 | FileCheck %s --check-prefix=READ
// READ: error: 'cta.mma_async' op reads a slot that the role does not hold (ring "p")

// before it awaits,
// RUN: sed '/out awaits k/d; /out releases k/d; s/.*await p/%%kp = arith.andi %%kn, %%i1 : i32\ncta.mbarrier_wait %%k_full[%%i0] parity %%kp : !bar\ncta.arrive %%k_free[%%i0] : !bar\n&/' %S/Inputs/aliases.mlir | not %mla-opt --mla-verify-async 2>&1 | FileCheck %s --check-prefix=EARLY
// EARLY: error: 'cta.arrive' op arrives for a slot that the role does not hold (ring "p")

// while an MMA still reads the aliasing slot,
// RUN: sed 's/.*out releases k/%%ul = cta.descriptor %%u : !pslot -> !left\ncta.mma_fence\n%%g = cta.mma_async %%ud, %%ul : !pdesc, !left -> !flight\ncta.mma_commit\n&\n%%v = cta.mma_wait %%g pending 0 : !flight/' %S/Inputs/aliases.mlir | not %mla-opt --mla-verify-async 2>&1 | FileCheck %s --check-prefix=PENDING
// PENDING: error: 'cta.arrive' op releases a slot that an MMA may still read (ring "p")

// or never.
// RUN: sed '/"k.empty"/s/count 8/count 4/; /out awaits k/d; /out releases k/d' %S/Inputs/aliases.mlir | not %mla-opt --mla-verify-async 2>&1 | FileCheck %s --check-prefix=NEVER
// NEVER: error: 'scf.for' op waits 1 times more than it arrives in each iteration

// Another role reads the bytes below,
// RUN: sed 's/-> !left/-> !right/; s/!pdesc, !left/!pdesc, !right/' %S/Inputs/aliases.mlir | not %mla-opt --mla-verify-async 2>&1 | FileCheck %s --check-prefix=UNDER
// UNDER: error: 'cta.mma_async' op reads bytes that the aliasing ring may have overwritten (ring "p")

// or the writer does after it has published,
// RUN: sed '/math releases k/d; s/.*publish p/&\ncta.mma_fence\n%%g = cta.mma_async %%sd, %%sd transpose_b : !whole, !whole -> !flight\ncta.mma_commit\n%%v = cta.mma_wait %%g pending 0 : !flight\ncta.arrive %%k_free[%%i0] : !bar/' %S/Inputs/aliases.mlir | not %mla-opt --mla-verify-async 2>&1 | FileCheck %s --check-prefix=UNDER
// RUN: sed '/math releases k/d; s/.*cta.fence_async.*/&\ncta.mma_fence\n%%g = cta.mma_async %%sd, %%sd transpose_b : !whole, !whole -> !flight\ncta.mma_commit\n%%v = cta.mma_wait %%g pending 0 : !flight/; s/.*publish p/&\ncta.arrive %%k_free[%%i0] : !bar/' %S/Inputs/aliases.mlir | not %mla-opt --mla-verify-async 2>&1 | FileCheck %s --check-prefix=UNDER
// RUN: sed '/math releases k/d; s/.*store_shared.*/scf.if %%cond {\n&\ncta.fence_async\n}\ncta.mma_fence\n%%g = cta.mma_async %%sd, %%sd transpose_b : !whole, !whole -> !flight\ncta.mma_commit\n%%v = cta.mma_wait %%g pending 0 : !flight\n&/; s/.*publish p/&\ncta.arrive %%k_free[%%i0] : !bar/' %S/Inputs/aliases.mlir | not %mla-opt --mla-verify-async 2>&1 | FileCheck %s --check-prefix=UNDER

// The next round reads what is written after it was published.
// RUN: sed 's/.*publish p/&\ncta.store_shared %%some to %%u : !p, !pslot\ncta.fence_async/' %S/Inputs/aliases.mlir | not %mla-opt --mla-verify-async 2>&1 | FileCheck %s --check-prefix=UNDER

// Loads are per warp, and each warp waits only for its own.
// RUN: sed 's/.*math releases k/%%l = cta.load_shared %%s : !slot -> tensor<64x128xbf16, #cta.layout<acc>>\n&/' %S/Inputs/aliases.mlir | not %mla-opt --mla-verify-async 2>&1 | FileCheck %s --check-prefix=LOAD
// LOAD: error: 'cta.load_shared' op reads bytes that the aliasing ring may have overwritten (ring "p")

// The aliasing ring has an empty barrier of its own,
// RUN: sed 's/.*"p.full".*/&\n%%p_free = cta.mbarrier "p.empty" empty(%%p : !pring) count 4 at 24600 : !bar\ncta.mbarrier_init %%p_free : !bar/; s/bytes = 24600/bytes = 24608/' %S/Inputs/aliases.mlir | not %mla-opt --mla-verify-async 2>&1 | FileCheck %s --check-prefix=FREE
// FREE: error: 'cta.mbarrier' op expected no empty mbarrier for ring "p", which is empty when the aliased ring "k" is

// is outside of the slot below,
// RUN: sed 's/"p" at 8192/"p" at 16384/' %S/Inputs/aliases.mlir | not %mla-opt --mla-verify-async 2>&1 | FileCheck %s --check-prefix=OUTSIDE
// OUTSIDE: error: 'cta.ring' op expected one slot inside the only slot of k, got bytes [16384, 24576) of 1 x 16384

// overlaps another aliasing ring,
// RUN: sed 's/.*"p.full".*/&\n%%q = cta.ring "q" at 8192 aliases(%%k : !ring) : !pring/' %S/Inputs/aliases.mlir | not %mla-opt --mla-verify-async 2>&1 | FileCheck %s --check-prefix=SHARED
// SHARED: error: 'cta.ring' op is at bytes [8192, 16384) of k, which overlap another ring that aliases it

// has a depth other than 1,
// RUN: sed 's/^!pring = !cta.ring<1x/!pring = !cta.ring<2x/' %S/Inputs/aliases.mlir | not %mla-opt --mla-verify-async 2>&1 | FileCheck %s --check-prefix=DEEP
// DEEP: error: 'cta.ring' op expected one slot inside the only slot of k, got bytes [8192, 24576) of 1 x 16384

// or aliases a ring without barriers.
// RUN: sed 's/ full(%%k : !ring) count 1 bytes 16384/ count 1/' %S/Inputs/aliases.mlir | not %mla-opt --mla-verify-async 2>&1 | FileCheck %s --check-prefix=BELOW
// BELOW: error: 'cta.ring' op expected a full and an empty mbarrier
