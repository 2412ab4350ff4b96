// mla-verify-async: a case for every error. Each damages one line of
// Inputs/verified.mlir.

// Ops of an earlier level remain: an acquire,
// RUN: sed 's/cta.mbarrier_wait %%k_free.*/%%acquired = cta.acquire %%k : !ring/' %S/Inputs/verified.mlir | not %mla-opt --mla-verify-async 2>&1 | FileCheck %s --check-prefix=ACQUIRE
// ACQUIRE: error: 'cta.acquire' op expected mbarriers in its place; run --mla-materialize-barriers first

// a release,
// RUN: sed 's/cta.arrive %%k_free.*/cta.release %%k : !ring/' %S/Inputs/verified.mlir | not %mla-opt --mla-verify-async 2>&1 | FileCheck %s --check-prefix=RELEASE
// RELEASE: error: 'cta.release' op expected mbarriers in its place; run --mla-materialize-barriers first

// a ring without barriers,
// RUN: sed 's/ full(%%k : !ring) count 1 bytes 8192/ count 1/' %S/Inputs/verified.mlir | not %mla-opt --mla-verify-async 2>&1 | FileCheck %s --check-prefix=BARRIERS
// BARRIERS: error: 'cta.ring' op expected a full and an empty mbarrier; run --mla-materialize-barriers first

// an MMA with a slot instead of a descriptor,
// RUN: sed 's/%%a = cta.mma_async %%pd, %%kd : !desc, !desc/%%a = cta.mma_async %%pd, %%ks : !desc, !slot/' %S/Inputs/verified.mlir | not %mla-opt --mla-verify-async 2>&1 | FileCheck %s --check-prefix=DESCRIPTOR
// DESCRIPTOR: error: 'cta.mma_async' op expected a descriptor operand; run --mla-wgmma-descriptors first

// a fragment without a layout,
// RUN: sed 's/^!p = .*/!p = tensor<64x64xbf16>/' %S/Inputs/verified.mlir | not %mla-opt --mla-verify-async 2>&1 | FileCheck %s --check-prefix=LAYOUT
// LAYOUT: error: 'arith.addf' op expected a fragment with a layout, got 'tensor<64x64xbf16>'; run --mla-assign-layouts first

// a program without allocated shared memory.
// RUN: sed 's/attributes {cta.shared_bytes = 16416 : i64}//' %S/Inputs/verified.mlir | not %mla-opt --mla-verify-async 2>&1 | FileCheck %s --check-prefix=STAGED
// STAGED: error: 'func.func' op expected attribute cta.shared_bytes; run --mla-stage-shared first

// Budgets: shared memory,
// RUN: sed 's/shared_bytes = 16416/shared_bytes = 232464/' %S/Inputs/verified.mlir | not %mla-opt --mla-verify-async 2>&1 | FileCheck %s --check-prefix=SHARED
// SHARED: error: 'func.func' op needs 232464 bytes of shared memory, a CTA has 232448

// registers.
// RUN: sed 's/"soft" warps 4 registers 96/"soft" warps 12 registers 104/' %S/Inputs/verified.mlir | not %mla-opt --mla-verify-async 2>&1 | FileCheck %s --check-prefix=REGISTERS
// REGISTERS: error: 'func.func' op roles need 68352 registers, an SM has 65536

// MMAs: a result in flight is read,
// RUN: sed 's/%%e = math.exp2 .*/%%e = arith.select %%cond, %%a, %%a : !flight/' %S/Inputs/verified.mlir | not %mla-opt --mla-verify-async 2>&1 | FileCheck %s --check-prefix=INFLIGHT
// INFLIGHT: error: 'arith.select' op reads an MMA result in flight

// a fence is missing,
// RUN: sed '/cta.mma_fence .* of the scores/d' %S/Inputs/verified.mlir | not %mla-opt --mla-verify-async 2>&1 | FileCheck %s --check-prefix=FENCE
// FENCE: error: 'cta.mma_async' op expected cta.mma_fence before the MMA; run --mla-insert-mma-sync first

// a register write is between the fence and the MMA,
// RUN: sed 's/cta.mma_fence .* of the scores/cta.mma_fence\n%%z = arith.addf %%some, %%some : !p/' %S/Inputs/verified.mlir | not %mla-opt --mla-verify-async 2>&1 | FileCheck %s --check-prefix=WRITE
// WRITE: error: 'cta.mma_async' op expected cta.mma_fence before the MMA; run --mla-insert-mma-sync first

// a pending count is missing,
// RUN: sed 's/%%w = cta.mma_wait %%a pending 0/%%w = cta.mma_wait %%a/' %S/Inputs/verified.mlir | not %mla-opt --mla-verify-async 2>&1 | FileCheck %s --check-prefix=COUNT
// COUNT: error: 'cta.mma_wait' op expected a pending count; run --mla-insert-mma-sync first

// a commit is missing,
// RUN: sed '/cta.mma_commit .* of the scores/d; s/%%o pending 1/%%o pending 0/' %S/Inputs/verified.mlir | not %mla-opt --mla-verify-async 2>&1 | FileCheck %s --check-prefix=COMMIT
// COMMIT: error: 'cta.mma_wait' op waits for an MMA that is not committed on every path

// a pending count is one too large, in straight-line code,
// RUN: sed 's/%%w = cta.mma_wait %%a pending 0/%%w = cta.mma_wait %%a pending 1/' %S/Inputs/verified.mlir | not %mla-opt --mla-verify-async 2>&1 | FileCheck %s --check-prefix=COVERS
// COVERS: error: 'cta.mma_wait' op covers nothing: 1 groups may be pending, but only 0 are younger than the one awaited

// and for an MMA of the previous iteration.
// RUN: sed 's/%%done = cta.mma_wait %%o pending 1/%%done = cta.mma_wait %%o pending 2/' %S/Inputs/verified.mlir | not %mla-opt --mla-verify-async 2>&1 | FileCheck %s --check-prefix=CARRIED
// CARRIED: error: 'cta.mma_wait' op covers nothing: 2 groups may be pending, but only 1 are younger than the one awaited

// Rings: a release is missing in a loop,
// RUN: sed '/release k/d' %S/Inputs/verified.mlir | not %mla-opt --mla-verify-async 2>&1 | FileCheck %s --check-prefix=LOOP
// LOOP: error: 'cta.mbarrier' op expects 4 arrivals per phase, its roles make 0

// a slot is awaited twice in a loop,
// RUN: sed 's/\(cta.mbarrier_wait %%k_full.*\) .. await k/\1\n\1/' %S/Inputs/verified.mlir | not %mla-opt --mla-verify-async 2>&1 | FileCheck %s --check-prefix=TWICE
// TWICE: error: 'scf.for' op waits 1 times more than it arrives in each iteration

// a slot is released in one branch only,
// RUN: sed 's/%%e = math.exp2 .*/cta.arrive %%k_free[%%i0] : !bar/' %S/Inputs/verified.mlir | not %mla-opt --mla-verify-async 2>&1 | FileCheck %s --check-prefix=BRANCH
// BRANCH: error: 'scf.if' op waits -1 times more than it arrives in one branch only

// a slot is released twice,
// RUN: sed 's/\(cta.arrive %%p_free.*\) .. release p/\1\n\1/' %S/Inputs/verified.mlir | not %mla-opt --mla-verify-async 2>&1 | FileCheck %s --check-prefix=ROLE
// ROLE: error: 'cta.role' op waits -1 times more on "p.full" than it arrives on "p.empty"

// a slot is filled and not published,
// RUN: sed '/cta.arrive %%p_full/d' %S/Inputs/verified.mlir | not %mla-opt --mla-verify-async 2>&1 | FileCheck %s --check-prefix=PUBLISH
// PUBLISH: error: 'cta.mbarrier' op expects 4 arrivals per phase, its roles make 0

// a slot is filled without being acquired,
// RUN: sed '/cta.mbarrier_wait %%p_free/d' %S/Inputs/verified.mlir | not %mla-opt --mla-verify-async 2>&1 | FileCheck %s --check-prefix=UNACQUIRED
// UNACQUIRED: error: 'cta.role' op waits -1 times more on "p.empty" than it arrives on "p.full"

// a slot is read without being awaited,
// RUN: sed '/await p/d' %S/Inputs/verified.mlir | not %mla-opt --mla-verify-async 2>&1 | FileCheck %s --check-prefix=UNAWAITED
// UNAWAITED: error: 'cta.role' op waits -1 times more on "p.full" than it arrives on "p.empty"

// a barrier expects the arrival of one warp too many,
// RUN: sed '/"k.empty"/s/count 4/count 5/' %S/Inputs/verified.mlir | not %mla-opt --mla-verify-async 2>&1 | FileCheck %s --check-prefix=ARRIVALS
// ARRIVALS: error: 'cta.mbarrier' op expects 5 arrivals per phase, its roles make 4

// a role arrives in two ways,
// RUN: sed 's/cta.arrive %%p_full.*/&\ncta.arrive_copies %%p_full[%%i0] : !bar/' %S/Inputs/verified.mlir | not %mla-opt --mla-verify-async 2>&1 | FileCheck %s --check-prefix=KINDS
// KINDS: error: 'cta.mbarrier' op expects 4 arrivals per phase, its roles make 132

// a barrier is not initialised,
// RUN: sed '/cta.mbarrier_init %%k_full/d' %S/Inputs/verified.mlir | not %mla-opt --mla-verify-async 2>&1 | FileCheck %s --check-prefix=INIT
// INIT: error: 'cta.mbarrier' op is never initialised

// the expected bytes are not those of the copy.
// RUN: sed 's/bytes 8192/bytes 4096/' %S/Inputs/verified.mlir | not %mla-opt --mla-verify-async 2>&1 | FileCheck %s --check-prefix=BYTES
// BYTES: error: 'cta.arrive_expect' op expects 4096 bytes, its copies transfer 8192

// The barrier declares other bytes than its roles expect.
// RUN: sed '/"k.full"/s/bytes 8192/bytes 4096/' %S/Inputs/verified.mlir | not %mla-opt --mla-verify-async 2>&1 | FileCheck %s --check-prefix=DECLARES
// RUN: sed '/"k.full"/s/ bytes 8192//' %S/Inputs/verified.mlir | not %mla-opt --mla-verify-async 2>&1 | FileCheck %s --check-prefix=DECLARES
// DECLARES: error: 'cta.mbarrier' op declares {{4096|0}} bytes per phase, its roles expect 8192

// A role expects other bytes in one branch.
// RUN: sed 's/.*cta.arrive_expect.*/scf.if %%cond {\n&\n} else {\ncta.arrive_expect %%k_full[%%i0] bytes 0 : !bar\n}/; s/bytes 8192 : !bar/bytes 0 : !bar/' %S/Inputs/verified.mlir > %t.branch
// RUN: sed 's/.*cta.copy_async.*/&\ncta.arrive_expect %%k_full[%%i0] bytes 8192 : !bar/' %t.branch | not %mla-opt --mla-verify-async 2>&1 | FileCheck %s --check-prefix=OTHER
// OTHER: error: 'cta.arrive_expect' op expects 8192 bytes, another arrival of the role on this barrier expects 0

// A copy signals no barrier.
// RUN: sed 's/ signals %%k_full.%%i0. : !bar//' %S/Inputs/verified.mlir | not %mla-opt --mla-verify-async 2>&1 | FileCheck %s --check-prefix=SIGNAL
// SIGNAL: error: 'cta.arrive_expect' op expects 8192 bytes, its copies transfer 0

// A generic write is published to the async proxy without a fence.
// RUN: sed '/cta.fence_async/d' %S/Inputs/verified.mlir | not %mla-opt --mla-verify-async 2>&1 | FileCheck %s --check-prefix=PROXY
// PROXY: error: 'cta.arrive' op publishes generic writes to the async proxy without cta.fence_async; run --mla-insert-async-fences first

// Barriers are used before they are visible to the async proxy.
// RUN: sed '/cta.mbarrier_init_fence/d' %S/Inputs/verified.mlir | not %mla-opt --mla-verify-async 2>&1 | FileCheck %s --check-prefix=MORE0
// MORE0: expected cta.mbarrier_init_fence and cta.sync between it and the first role

// Roles start before the barriers are initialised.
// RUN: sed '/cta.sync/d' %S/Inputs/verified.mlir | not %mla-opt --mla-verify-async 2>&1 | FileCheck %s --check-prefix=MORE1
// MORE1: expected cta.mbarrier_init_fence and cta.sync between it and the first role

// Two barriers overlap.
// RUN: sed 's/at 16392/at 16384/' %S/Inputs/verified.mlir | not %mla-opt --mla-verify-async 2>&1 | FileCheck %s --check-prefix=MORE2
// MORE2: which another op uses

// A tile is not aligned for its swizzle.
// RUN: sed 's/"p" at 8192/"p" at 8704/' %S/Inputs/verified.mlir | not %mla-opt --mla-verify-async 2>&1 | FileCheck %s --check-prefix=ALIGN
// ALIGN: 'cta.ring' op expected an offset that is a multiple of 1024, the period of its swizzle, got 8704

// Two rings overlap.
// RUN: sed 's/"p" at 8192/"p" at 0/' %S/Inputs/verified.mlir | not %mla-opt --mla-verify-async 2>&1 | FileCheck %s --check-prefix=MORE3
// MORE3: which another op uses

// A carried MMA result in flight is read.
// RUN: sed 's/%%e = math.exp2 .*/%%e = arith.select %%cond, %%o, %%o : !flight/' %S/Inputs/verified.mlir | not %mla-opt --mla-verify-async 2>&1 | FileCheck %s --check-prefix=MORE4
// MORE4: reads an MMA result in flight

// Two rings with the same name: the barriers of both are checked.
// RUN: sed 's/"k"/"p"/; s/"k.full"/"p.full"/; s/"k.empty"/"p.empty"/' %S/Inputs/verified.mlir | %mla-opt --mla-verify-async | FileCheck %s --check-prefix=MORE5
// MORE5: cta.verified
// RUN: sed 's/"k"/"p"/; s/"k.full"/"p.full"/; /"k.empty"/s/count 4/count 9/' %S/Inputs/verified.mlir | not %mla-opt --mla-verify-async 2>&1 | FileCheck %s --check-prefix=MORE6
// MORE6: expects 9 arrivals per phase, its roles make 4

// A barrier is initialised twice,
// RUN: sed 's/cta.mbarrier_init %%k_full.*/&\n&/' %S/Inputs/verified.mlir | not %mla-opt --mla-verify-async 2>&1 | FileCheck %s --check-prefix=REINIT
// REINIT: error: 'cta.mbarrier' op is initialised twice

// or after the first role.
// RUN: sed '/cta.mbarrier_init %%p_free/d; s/.*cta.role "soft".*/cta.mbarrier_init %%p_free : !bar\n&/' %S/Inputs/verified.mlir | not %mla-opt --mla-verify-async 2>&1 | FileCheck %s --check-prefix=LATE
// LATE: error: 'cta.mbarrier_init' op expected cta.mbarrier_init_fence and cta.sync between it and the first role

// A slot is released before its last reader has finished.
// RUN: sed '/release k/d; s/cta.mma_fence .* of the scores/cta.arrive %%k_free[%%i0] : !bar\n&/' %S/Inputs/verified.mlir | not %mla-opt --mla-verify-async 2>&1 | FileCheck %s --check-prefix=EARLY
// EARLY: error: 'cta.mma_async' op reads a slot that the role does not hold (ring "k")

// A slot is read before it is awaited.
// RUN: sed '/await p/d; s/cta.arrive %%p_free.*/cta.mbarrier_wait %%p_full[%%i0] parity %%i0 : !bar\n&/' %S/Inputs/verified.mlir | not %mla-opt --mla-verify-async 2>&1 | FileCheck %s --check-prefix=UNREADY
// UNREADY: error: 'cta.mma_async' op reads a slot that the role does not hold (ring "p")

// A slot is published before it is filled.
// RUN: sed '/cta.arrive %%p_full/d; s/%%x = arith.addf.*/cta.arrive %%p_full[%%i0] : !bar\n&/' %S/Inputs/verified.mlir | not %mla-opt --mla-verify-async 2>&1 | FileCheck %s --check-prefix=EMPTY
// EMPTY: error: 'cta.arrive' op publishes a slot that is not filled (ring "p")

// A reader waits for the previous phase.
// RUN: sed 's/cta.mbarrier_wait %%p_full.%%i0. parity %%i0/cta.mbarrier_wait %%p_full[%%i0] parity %%i1/' %S/Inputs/verified.mlir | not %mla-opt --mla-verify-async 2>&1 | FileCheck %s --check-prefix=PHASE
// PHASE: error: 'cta.mbarrier_wait' op waits for a phase other than the next (ring "p")

// A loop waits for the same phase in every iteration.
// RUN: sed 's/%%parity = arith.andi %%count, %%i1/%%parity = arith.andi %%i0, %%i1/' %S/Inputs/verified.mlir | not %mla-opt --mla-verify-async 2>&1 | FileCheck %s --check-prefix=SAME
// SAME: error: 'cta.mbarrier_wait' op waits for a phase other than the next (ring "k")

// A role overwrites a slot that its own MMA still reads.
// RUN: sed 's/cta.store_shared.*/%%sd = cta.descriptor %%s : !slot -> !desc\ncta.mma_fence\n%%q = cta.mma_async %%sd, %%sd : !desc, !desc -> !flight\ncta.mma_commit\n&/' %S/Inputs/verified.mlir | not %mla-opt --mla-verify-async 2>&1 | FileCheck %s --check-prefix=OVERWRITE
// OVERWRITE: error: 'cta.store_shared' op writes a slot that an MMA may still read (ring "p")

// A ring has more slots than barriers.
// RUN: sed 's/^!ring = !cta.ring<1x/!ring = !cta.ring<2x/; s/shared_bytes = 16416/shared_bytes = 65536/; s/"p" at 8192/"p" at 32768/' %S/Inputs/verified.mlir | not %mla-opt --mla-verify-async 2>&1 | FileCheck %s --check-prefix=SLOTS
// SLOTS: error: 'cta.mbarrier' op expected one mbarrier for each slot of ring "k", 2, got 1

// An op with an effect between two roles has no defined order.
// RUN: sed 's/.*cta.role "soft"/cta.sync\n&/' %S/Inputs/verified.mlir | not %mla-opt --mla-verify-async 2>&1 | FileCheck %s --check-prefix=BETWEEN
// BETWEEN: error: 'cta.sync' op expected no op with an effect between two roles

// Declarations and constants are accepted there.
// RUN: sed 's/.*cta.role "soft"/%%half = cta.named_barrier "half" id 1 threads 64\n%%two = arith.addi %%i1, %%i1 : i32\n&/' %S/Inputs/verified.mlir | %mla-opt --mla-verify-async | FileCheck %s --check-prefix=DECLARED
// DECLARED: cta.verified
