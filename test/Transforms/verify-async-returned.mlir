// mla-verify-async follows a ring that another one returns, and refuses a program
// with one step wrong. The program is Inputs/ping-pong.mlir.

// RUN: %mla-opt %S/Inputs/ping-pong.mlir --mla-materialize-barriers --mla-elide-barriers --canonicalize --cse -o %t
// RUN: %mla-opt %t --mla-verify-async | FileCheck %s
// CHECK: cta.verified

// A round too early: the writer would fill a slot that has not been read.
// RUN: sed 's/"ask" ahead 1/"ask" ahead 0/' %t | not %mla-opt --mla-verify-async 2>&1 | FileCheck %s --check-prefix=EARLY
// EARLY: error: 'cta.arrive' op hands on a slot that the role does not hold (ring "answer")

// A round too late: nothing says that the first slot is free.
// RUN: sed 's/"answer" ahead 0/"answer" ahead 1/' %t | not %mla-opt --mla-verify-async 2>&1 | FileCheck %s --check-prefix=LATE
// LATE: error: 'cta.store_shared' op writes a slot that the role does not hold (ring "ask")

// RUN: sed 's/returned_by "ask" ahead 1/returned_by "ask" ahead 2/' %t | not %mla-opt --mla-verify-async 2>&1 | FileCheck %s --check-prefix=AHEAD
// AHEAD: error: 'cta.ring' op is returned by another ring: expected one slot of each, over no other, and `ahead` 0 or 1

// RUN: sed 's/returned_by "ask"/returned_by "nobody"/' %t | not %mla-opt --mla-verify-async 2>&1 | FileCheck %s --check-prefix=NOBODY
// NOBODY: error: 'cta.ring' op expected a full mbarrier of its own, and one of another ring named nobody

// A ring cannot return itself.
// RUN: sed 's/returned_by "ask"/returned_by "answer"/' %t | not %mla-opt --mla-verify-async 2>&1 | FileCheck %s --check-prefix=ITSELF
// ITSELF: error: 'cta.ring' op expected a full mbarrier of its own, and one of another ring named answer

// A free barrier would be waited for by nobody.
// RUN: sed 's/shared_bytes = 528/shared_bytes = 536/; s/.*"ask.full".*/&\n%%free = cta.mbarrier "ask.free" count 4 at 528 : !cta.mbarrier<1>/' %t | not %mla-opt --mla-verify-async 2>&1 | FileCheck %s --check-prefix=OWN
// OWN: error: 'cta.mbarrier' op frees nothing: the place is free when answer is full

// A reader that does not wait holds nothing, though the writer begins with a
// round.
// RUN: awk '/mbarrier_wait/ && ++n == 1 { held = $0; next } { print } /load_shared/ && held { print held; held = "" }' %t > %t.unasked
// RUN: not %mla-opt --mla-verify-async %t.unasked 2>&1 | FileCheck %s --check-prefix=UNASKED
// UNASKED: error: 'cta.load_shared' op reads a slot that the role does not hold
