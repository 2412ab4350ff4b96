// mla-verify-schedule accepts the built-in schedules for every variant of the
// operators. A program is not checked again after folding.
// DEFINE: %{rewrite} = --mla-pair-tiles --mla-split-width --mla-split-tail --mla-persist --mla-decompose-softmax \
// DEFINE:   --mla-split-sums --mla-defer-sums --mla-fold-sums --mla-swap-ab --mla-verify-schedule
// RUN: %python %S/Inputs/variants.py > %t.mlir
// RUN: %mla-opt %t.mlir --mla-choose-schedule=schedule=seesaw --mla-tile %{rewrite} --canonicalize --cse --mla-schedule | FileCheck %s
// RUN: %mla-opt %t.mlir --mla-choose-schedule=schedule=shared-p --mla-tile %{rewrite} --canonicalize --cse --mla-schedule | FileCheck %s
// RUN: %mla-opt %t.mlir --mla-choose-schedule=schedule=split-columns --mla-tile %{rewrite} --canonicalize --cse --mla-schedule | FileCheck %s
// RUN: %mla-opt %t.mlir --mla-choose-schedule=schedule=swapped --mla-tile %{rewrite} --canonicalize --cse --mla-schedule | FileCheck %s
// CHECK-COUNT-152: mla.schedule_verified
// RUN: %python %S/Inputs/variants.py decode > %t.decode.mlir
// RUN: %mla-opt %t.decode.mlir --mla-choose-schedule=schedule=seesaw --mla-expand-operators --mla-tile %{rewrite} --canonicalize --cse --mla-schedule | FileCheck %s --check-prefix=DECODE
// RUN: %mla-opt %t.decode.mlir --mla-choose-schedule=schedule=split-columns --mla-expand-operators --mla-tile %{rewrite} --canonicalize --cse --mla-schedule | FileCheck %s --check-prefix=DECODE
// RUN: %mla-opt %t.decode.mlir --mla-choose-schedule=schedule=swapped --mla-expand-operators --mla-tile %{rewrite} --canonicalize --cse --mla-schedule | FileCheck %s --check-prefix=DECODE
// Three kernels each.
// DECODE-COUNT-384: mla.schedule_verified
// DECODE-NOT: mla.schedule_verified

// RUN: %python %S/Inputs/variants.py prefill > %t.prefill.mlir
// RUN: %mla-opt %t.prefill.mlir --mla-choose-schedule=schedule=persistent --mla-tile %{rewrite} --canonicalize --cse --mla-schedule | FileCheck %s --check-prefix=PREFILL
// RUN: %mla-opt %t.prefill.mlir --mla-choose-schedule=schedule=two-consumers --mla-tile %{rewrite} --canonicalize --cse --mla-schedule | FileCheck %s --check-prefix=PREFILL
// PREFILL-COUNT-256: mla.schedule_verified
// All of them fit in shared memory.
// RUN: %mla-opt %t.prefill.mlir --mla-cta-pipeline | FileCheck %s --check-prefix=FITS
// FITS-COUNT-256: cta.verified

// So does the whole pipeline, also for a program whose loop was folded.
// RUN: grep -A5 "func @h64_d512_topk1(" %t.mlir > %t.one.mlir
// RUN: %mla-opt %t.one.mlir --mla-choose-schedule=schedule=shared-p --mla-tile %{rewrite} --canonicalize --cse -o %t.folded.mlir
// RUN: not grep 'scf.for %' %t.folded.mlir
// RUN: %mla-opt %t.folded.mlir --mla-cta-pipeline | FileCheck %s --check-prefix=FOLDED
// FOLDED: cta.verified

// Rows and rings of ops that are folded after the check are accepted.
// RUN: %mla-opt %s --mla-verify-schedule --canonicalize --mla-schedule | FileCheck %s --check-prefix=EMPTY
// RUN: not %mla-opt %s --canonicalize --mla-schedule 2>&1 | FileCheck %s --check-prefix=UNKNOWN
// EMPTY-LABEL: func @no_iteration
// EMPTY-NOT:     cta.ring
// EMPTY:         tile.store
// UNKNOWN: error: {{.*}}schedule "s": row "x" matches nothing in the program, expected y

#s = #mla.schedule<"s", roles = [<"a", warps = 4, registers = 64>, <"b", warps = 4, registers = 64>],
  table = [<"x" in ["a"]>, <"x.load" in ["b"]>, <"y" in ["b"]>],
  rings = [<"x", depth = 2>]>
func.func @no_iteration(%m: memref<?xf32>) attributes {mla.schedule = #s} {
  %c0 = arith.constant 0 : index
  %c64 = arith.constant 64 : index
  scf.forall (%i) in (8) {
    scf.for %j = %c64 to %c0 step %c64 {
      %v = tile.load %m[%j] : memref<?xf32> -> tensor<64xf32>
      %x = math.exp2 %v {tile.label = "x"} : tensor<64xf32>
      tile.store %x, %m[%j] {tile.label = "y"} : tensor<64xf32>, memref<?xf32>
    }
    %w = tile.load %m[%c64] : memref<?xf32> -> tensor<64xf32>
    tile.store %w, %m[%i] {tile.label = "y"} : tensor<64xf32>, memref<?xf32>
  }
  return
}
