// mla-verify-async: a ring whose slot is empty when another ring is full. Each case
// damages one line of Inputs/ping-pong.mlir.

// RUN: %mla-opt %S/Inputs/ping-pong.mlir --mla-materialize-barriers --mla-elide-barriers --canonicalize --cse -o %t
// RUN: %mla-opt %t --mla-verify-async | FileCheck %s
// CHECK: cta.verified

// One round early: the writer would fill a slot that has not been read.
// RUN: sed 's/distance .1./distance [0]/' %t | not %mla-opt --mla-verify-async 2>&1 | FileCheck %s --check-prefix=EARLY
// EARLY: error: 'cta.arrive' op arrives for a slot that the role does not hold (ring "answer")

// One round late: nothing signals that the first slot is empty.
// RUN: sed '/"answer.full"/s/distance .0./distance [1]/' %t | not %mla-opt --mla-verify-async 2>&1 | FileCheck %s --check-prefix=LATE
// LATE: error: 'cta.store_shared' op writes a slot that the role does not hold (ring "ask")

// No ring implies that it is empty.
// RUN: sed 's/ empty([^)]*) distance .1.//' %t | not %mla-opt --mla-verify-async 2>&1 | FileCheck %s --check-prefix=NOBODY
// NOBODY: error: 'cta.ring' op expected a full and an empty mbarrier; run --mla-materialize-barriers first

// Its depth is not 1.
// RUN: sed 's/ring<1x/ring<2x/g; s/mbarrier<1>/mbarrier<2>/g; s/at 256/at 1024/; s/at 512/at 2048/; s/at 520/at 2064/; s/shared_bytes = 528/shared_bytes = 2080/' %t | not %mla-opt --mla-verify-async 2>&1 | FileCheck %s --check-prefix=DEEP
// DEEP: error: 'cta.ring' op expected a depth of 1 for a ring whose slot is empty when another ring is full

// A reader that does not wait holds no slot, although the writer begins with one
// round.
// RUN: awk '/mbarrier_wait/ && ++n == 1 { held = $0; next } { print } /load_shared/ && held { print held; held = "" }' %t > %t.unasked
// RUN: not %mla-opt --mla-verify-async %t.unasked 2>&1 | FileCheck %s --check-prefix=UNASKED
// UNASKED: error: 'cta.load_shared' op reads a slot that the role does not hold
