// A kernel that may be launched before the kernels before it have ended accesses a
// workspace before cta.launch_wait: a role that the wait does not dominate.
// RUN: mla-opt %S/../Programs/split-sums.mlir --mla-cta-pipeline | sed -e '/cta.launch_wait/d' -e 's/cta.role "producer".*/&\n cta.launch_wait/' > %t.mlir
// RUN: not mla-opt %t.mlir --mla-verify-async 2>&1 | FileCheck %s
// CHECK: error: 'tile.store' op accesses a workspace before cta.launch_wait; kernels before this one may still be running
// CHECK: note: the wait
// CHECK: error: 'tile.load' op accesses a workspace before cta.launch_wait
