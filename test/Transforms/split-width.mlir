// mla-split-width: gathered tiles and the output are split by columns.
// RUN: %mla-opt %s --mla-split-width | FileCheck %s
// The pass is idempotent.
// RUN: %mla-opt %s --mla-split-width --mla-split-width | FileCheck %s

#s = #mla.schedule<"s" after ["split-width"], roles = [<"r", warps = 4, registers = 128>],
  table = [<"x" in ["r"]>]>

// CHECK-LABEL: func @attention
// CHECK:         %[[Q:.*]] = tile.load
// The halves of the accumulator are carried separately.
// CHECK:         %[[R:.*]]:3 = scf.for {{.*}} iter_args(%[[OL:.*]] = %{{.*}}, %[[OR:.*]] = %{{.*}}, %[[A:.*]] = %{{.*}}) -> (tensor<64x256xf32>, tensor<64x256xf32>, tensor<64xf32>)
// The left part has half the columns of V, the right part the remaining ones.
// CHECK:           %[[KL:.*]] = tile.gather {{.*}} {tile.label = "k.l"} {{.*}} -> tensor<64x256xbf16>
// CHECK:           %[[KR:.*]] = tile.gather {{.*}} {tile.label = "k.r"} {{.*}} -> tensor<64x320xbf16>
// Scores: a chain of two MMAs, over the left and the right columns.
// CHECK:           %[[QL:.*]] = tile.view %[[Q]] [0, 0] {{.*}} -> tensor<64x256xbf16>
// CHECK:           %[[SL:.*]] = tile.dot %[[QL]], %[[KL]] transpose_b {tile.label = "qk.l"}
// CHECK:           %[[QR:.*]] = tile.view %[[Q]] [0, 256] {{.*}} -> tensor<64x320xbf16>
// CHECK:           %[[S:.*]] = tile.dot %[[QR]], %[[KR]] acc %[[SL]] {{.*}} transpose_b {tile.label = "qk.r"}
// CHECK:           %[[P:.*]] = arith.truncf %[[S]]
// CHECK:           %[[XL:.*]] = arith.mulf %[[OL]], %{{.*}} {tile.label = "rescale.l"} : tensor<64x256xf32>
// CHECK:           %[[XR:.*]] = arith.mulf %[[OR]], %{{.*}} {tile.label = "rescale.r"} : tensor<64x256xf32>
// CHECK:           %[[YL:.*]] = tile.dot %[[P]], %[[KL]] acc %[[XL]] {{.*}} {tile.label = "pv.l"}
// The right half of V is the right part without its last columns.
// CHECK:           %[[VR:.*]] = tile.view %[[KR]] [0, 0] {{.*}} -> tensor<64x256xbf16>
// CHECK:           %[[YR:.*]] = tile.dot %[[P]], %[[VR]] acc %[[XR]] {{.*}} {tile.label = "pv.r"}
// CHECK:           scf.yield %[[YL]], %[[YR]], %[[A]]
// CHECK:         %[[OUTL:.*]] = arith.truncf %[[R]]#0
// CHECK:         %[[OUTR:.*]] = arith.truncf %[[R]]#1
// CHECK:         tile.store %[[OUTL]], %{{.*}} {tile.label = "out.l"} : tensor<64x256xbf16>
// CHECK:         tile.store %[[OUTR]], %{{.*}} {tile.label = "out.r"} : tensor<64x256xbf16>
// CHECK-NOT:     tensor<64x512x
func.func @attention(%q: memref<64x576xbf16>, %kv: memref<?x576xbf16>,
                     %idx: memref<?xi32>, %out: memref<64x512xbf16>,
                     %a: tensor<64xf32>, %n: index)
    attributes {mla.schedule = #s} {
  %c0 = arith.constant 0 : index
  %c64 = arith.constant 64 : index
  %zero = arith.constant dense<0.0> : tensor<64x512xf32>
  scf.forall (%t) in (1) {
    %qt = tile.load %q[%c0, %c0] {tile.label = "q"} : memref<64x576xbf16> -> tensor<64x576xbf16>
    %o:2 = scf.for %i = %c0 to %n step %c64 iter_args(%acc = %zero, %s = %a)
        -> (tensor<64x512xf32>, tensor<64xf32>) {
      %rows = tile.load %idx[%i] : memref<?xi32> -> tensor<64xi32>
      %k = tile.gather %kv[%rows][%c0] {tile.label = "k"} : memref<?x576xbf16>, tensor<64xi32> -> tensor<64x576xbf16>
      %v = tile.view %k [0, 0] : tensor<64x576xbf16> -> tensor<64x512xbf16>
      %sc = tile.dot %qt, %k transpose_b {tile.label = "qk"} : tensor<64x576xbf16>, tensor<64x576xbf16> -> tensor<64x64xf32>
      %p = arith.truncf %sc {tile.label = "p"} : tensor<64x64xf32> to tensor<64x64xbf16>
      %b = tile.broadcast %s dim 1 : tensor<64xf32> -> tensor<64x512xf32>
      %x = arith.mulf %acc, %b {tile.label = "rescale"} : tensor<64x512xf32>
      %y = tile.dot %p, %v acc %x : tensor<64x512xf32> {tile.label = "pv"} : tensor<64x64xbf16>, tensor<64x512xbf16> -> tensor<64x512xf32>
      scf.yield %y, %s : tensor<64x512xf32>, tensor<64xf32>
    }
    %r = arith.truncf %o#0 {tile.label = "round"} : tensor<64x512xf32> to tensor<64x512xbf16>
    tile.store %r, %out[%c0, %c0] {tile.label = "out"} : tensor<64x512xbf16>, memref<64x512xbf16>
  }
  return
}
