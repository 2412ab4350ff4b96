// A new elementwise op needs no schedule: a tanh soft cap between the scores and the
// mask has no label, runs in the role of the scores, and goes through all passes.
// RUN: %mla-opt %s --mla-schedule | FileCheck %s
// RUN: %mla-opt %s --mla-schedule --mla-assign-layouts --mla-pipeline --canonicalize --cse \
// RUN:   --mla-stage-shared --mla-materialize-barriers --mla-wgmma-descriptors \
// RUN:   --mla-insert-async-fences --mla-insert-mma-sync --canonicalize --cse \
// RUN:   --mla-verify-async | FileCheck %s --check-prefix=VERIFIED

#schedule = #mla.schedule<"soft-cap",
  roles = [<"math", warps = 4, registers = 240>, <"load", warps = 4, registers = 40>],
  table = [<"q" in ["load"]>, <"k" in ["load"]>, <"valid" in ["load"]>,
           <"qk" in ["math"], order = 0>, <"qk.wait" in ["math"], order = 2>,
           <"mask" in ["math"], order = 2>, <"softmax" in ["math"], order = 2>,
           <"pv" in ["math"], order = 2>, <"pv.wait" in ["math"], stage = 1, order = 1>,
           <"out" in ["math"]>],
  rings = [<"k", depth = 2>, <"valid", depth = 2>]>

// CHECK-LABEL: func @soft_cap
// CHECK:         cta.role "math"
// CHECK:           scf.for
// CHECK:             %[[S:.*]] = cta.mma_wait
// CHECK:             %[[X:.*]] = arith.divf %[[S]], %{{.*}} : tensor<64x64xf32>
// CHECK:             %[[Y:.*]] = math.tanh %[[X]] : tensor<64x64xf32>
// CHECK:             %[[C:.*]] = arith.mulf %[[Y]], %{{.*}} : tensor<64x64xf32>
// CHECK:             arith.select %{{.*}}, %[[C]], %{{.*}} {{{.*}}tile.label = "mask"}
// CHECK:         cta.role "load"
// CHECK-NOT:       math.tanh

// VERIFIED-LABEL: func @soft_cap
// VERIFIED-SAME:    cta.verified
// Prologue and steady state, and nowhere else.
// VERIFIED-COUNT-2: math.tanh {{.*}} : tensor<64x64xf32, #cta.layout<acc>>
// VERIFIED-NOT:     math.tanh
func.func @soft_cap(%q: memref<?x64xbf16>, %kv: memref<?x128xbf16>, %indices: memref<?xi32>,
                    %cap: f32, %out: memref<?x64xf32>, %n: index, %tokens: index)
    attributes {mla.schedule = #schedule} {
  %c0 = arith.constant 0 : index
  %c64 = arith.constant 64 : index
  %rows32 = arith.constant 4096 : i32
  %zeros = arith.constant dense<0.0> : tensor<64x64xf32>
  %none = arith.constant dense<0xFF800000> : tensor<64x64xf32>
  scf.forall (%i) in (%tokens) {
    %qt = tile.load %q[%i, %c0] {tile.label = "q"} : memref<?x64xbf16> -> tensor<64x64xbf16>
    %o = scf.for %j = %c0 to %n step %c64 iter_args(%acc = %zeros) -> tensor<64x64xf32> {
      %rows = tile.load %indices[%j] pad -1 : i32 : memref<?xi32> -> tensor<64xi32>
      %k = tile.gather %kv[%rows][%c0] {tile.label = "k"}
          : memref<?x128xbf16>, tensor<64xi32> -> tensor<64x128xbf16>
      %count = tensor.splat %rows32 : tensor<64xi32>
      %valid = arith.cmpi ult, %rows, %count {tile.label = "valid"} : tensor<64xi32>
      %keys = tile.view %k [0, 0] : tensor<64x128xbf16> -> tensor<64x64xbf16>
      %v = tile.view %k [0, 64] : tensor<64x128xbf16> -> tensor<64x64xbf16>
      %s = tile.dot %qt, %keys transpose_b {tile.label = "qk"}
          : tensor<64x64xbf16>, tensor<64x64xbf16> -> tensor<64x64xf32>
      %caps = tensor.splat %cap : tensor<64x64xf32>
      %x = arith.divf %s, %caps : tensor<64x64xf32>
      %y = math.tanh %x : tensor<64x64xf32>
      %c = arith.mulf %y, %caps : tensor<64x64xf32>
      %mask = tile.broadcast %valid dim 0 : tensor<64xi1> -> tensor<64x64xi1>
      %masked = arith.select %mask, %c, %none {tile.label = "mask"}
          : tensor<64x64xi1>, tensor<64x64xf32>
      %w = math.exp2 %masked {tile.label = "softmax.weights"} : tensor<64x64xf32>
      %p = arith.truncf %w : tensor<64x64xf32> to tensor<64x64xbf16>
      %next = tile.dot %p, %v acc %acc : tensor<64x64xf32> {tile.label = "pv"}
          : tensor<64x64xbf16>, tensor<64x64xbf16> -> tensor<64x64xf32>
      scf.yield %next : tensor<64x64xf32>
    }
    tile.store %o, %out[%i, %c0] {tile.label = "out"} : tensor<64x64xf32>, memref<?x64xf32>
  }
  return
}
