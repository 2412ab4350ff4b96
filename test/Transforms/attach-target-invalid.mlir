// mla-attach-target: conflicting targets, and limits and instructions of a target.
//
// RUN: not mla-opt %s --mla-attach-target=target=sm_90 2>&1 | FileCheck %s --check-prefix=UNKNOWN
// UNKNOWN: error: unknown target 'sm_90', expected one of sm_80, sm_90a
// RUN: not mla-opt %s --mla-attach-target=target=sm_80 --mla-attach-target 2>&1 | FileCheck %s --check-prefix=OTHER
// OTHER: error: 'func.func' op expected a function without a target or with target sm_90a, got "sm_80"

// A program that fits sm_90a but not sm_80.
// RUN: mla-opt %s --mla-attach-target --mla-stage-shared -o /dev/null
// RUN: not mla-opt %s --mla-attach-target=target=sm_80 --mla-stage-shared 2>&1 | FileCheck %s --check-prefix=SHARED
// SHARED: error: 'func.func' op needs 221232 bytes of shared memory, a CTA has 166912

// sm_80 lacks the instructions, too.
// RUN: not mla-opt %S/Inputs/verified.mlir --mla-attach-target=target=sm_80 --mla-verify-async 2>&1 | FileCheck %s --check-prefix=VERIFY
// VERIFY: error: 'cta.tensor_map' op needs TMA, which sm_80 does not have

// The built-in schedules need instructions that sm_80 lacks; --mla-schedule reports
// that.
// RUN: not mla-opt %S/Inputs/sparse_prefill.mlir --mla-cta-pipeline="target=sm_80 schedule=shared-p" 2>&1 | FileCheck %s --check-prefix=SCHEDULE
// SCHEDULE: error: 'cta.{{copy|mma}}_async' op needs {{TMA|wgmma}}, which sm_80 does not have

func.func @fits() {
  scf.forall (%i) in (8) {
    %k = cta.ring "k" : !cta.ring<3x64x576xbf16>
  }
  return
}
