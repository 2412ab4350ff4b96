// mla-verify-async adds up the arrivals and bytes of several fills, kinds and roles
// for one slot. Each case damages one line of Inputs/fills.mlir.

// RUN: %mla-opt %S/Inputs/fills.mlir --mla-materialize-barriers --mla-wgmma-descriptors --mla-insert-async-fences --mla-insert-mma-sync --canonicalize --cse -o %t
// RUN: %mla-opt %t --mla-verify-async | FileCheck %s
// CHECK: cta.verified
// CHECK: cta.mbarrier "k.full" {{.*}} count 133 bytes 4096

// An arrival of one kind is missing, in either role,
// RUN: sed '/arrive_copies/d' %t | not %mla-opt --mla-verify-async 2>&1 | FileCheck %s --check-prefix=COPIES
// COPIES: error: 'cta.mbarrier' op expects 133 arrivals per phase, its roles make 5
// RUN: sed '/arrive_expect/d' %t | not %mla-opt --mla-verify-async 2>&1 | FileCheck %s --check-prefix=EXPECT
// EXPECT: error: 'cta.mbarrier' op expects 133 arrivals per phase, its roles make 132

// or duplicated.
// RUN: sed 's/.*arrive_copies.*/&\n&/' %t | not %mla-opt --mla-verify-async 2>&1 | FileCheck %s --check-prefix=TWICE
// TWICE: error: 'scf.for' op waits -1 times more than it arrives in each iteration

// The bytes of one of two copies are not expected,
// RUN: sed '/arrive_expect/s/bytes 4096/bytes 2048/' %t | not %mla-opt --mla-verify-async 2>&1 | FileCheck %s --check-prefix=HALF
// HALF: error: 'cta.arrive_expect' op expects 2048 bytes, its copies transfer 4096

// or not declared.
// RUN: sed '/"k.full"/s/bytes 4096/bytes 2048/' %t | not %mla-opt --mla-verify-async 2>&1 | FileCheck %s --check-prefix=DECLARED
// DECLARED: error: 'cta.mbarrier' op declares 2048 bytes per phase, its roles expect 4096

// A fill follows the arrival of its kind, and precedes that of another kind.
// RUN: awk '/store_shared/ { held = $0; next } { print } /cta.arrive / && held { print held "\ncta.fence_async"; held = "" }' %t > %t.store
// RUN: not %mla-opt --mla-verify-async %t.store 2>&1 | FileCheck %s --check-prefix=STORE
// STORE: error: 'cta.arrive' op publishes a slot that is not filled (ring "k")
// RUN: awk '/gather_async/ { held = $0; next } { print } /cta.arrive_copies / && held { print held; held = "" }' %t > %t.gather
// RUN: not %mla-opt --mla-verify-async %t.gather 2>&1 | FileCheck %s --check-prefix=GATHER
// GATHER: error: 'cta.arrive_copies' op publishes a slot that is not filled (ring "k")

// A role awaits a slot before it has filled its own part.
// RUN: awk '/arrive_copies/ { held = $0; next } { print } /cta.mma_wait/ && held { print held; held = "" }' %t > %t.early
// RUN: not %mla-opt --mla-verify-async %t.early 2>&1 | FileCheck %s --check-prefix=EARLY
// EARLY: error: 'cta.mbarrier_wait' op waits for a slot that the role itself holds (ring "k")
