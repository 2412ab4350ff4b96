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

// A gathered Q stays whole: dots read it as A only.
// CHECK-LABEL: func @gathered_q
// CHECK:         tile.gather {{.*}} {tile.label = "q"} {{.*}} -> tensor<64x256xbf16>
// CHECK-COUNT-2: tile.gather {{.*}} -> tensor<64x128xbf16>
// CHECK-NOT:     tile.gather
func.func @gathered_q(%q: memref<?x256xbf16>, %kv: memref<?x256xbf16>, %idx: memref<?xi32>,
                      %out: memref<64x256xf32>) attributes {mla.schedule = #s} {
  %c0 = arith.constant 0 : index
  scf.forall (%t) in (1) {
    %rows = tile.load %idx[%c0] : memref<?xi32> -> tensor<64xi32>
    %qt = tile.gather %q[%rows][%c0] {tile.label = "q"} : memref<?x256xbf16>, tensor<64xi32> -> tensor<64x256xbf16>
    %k = tile.gather %kv[%rows][%c0] {tile.label = "k"} : memref<?x256xbf16>, tensor<64xi32> -> tensor<64x256xbf16>
    %v = tile.view %k [0, 0] : tensor<64x256xbf16> -> tensor<64x256xbf16>
    %s = tile.dot %qt, %k transpose_b {tile.label = "qk"} : tensor<64x256xbf16>, tensor<64x256xbf16> -> tensor<64x64xf32>
    %p = arith.truncf %s {tile.label = "p"} : tensor<64x64xf32> to tensor<64x64xbf16>
    %o = tile.dot %p, %v {tile.label = "pv"} : tensor<64x64xbf16>, tensor<64x256xbf16> -> tensor<64x256xf32>
    tile.store %o, %out[%c0, %c0] {tile.label = "out"} : tensor<64x256xf32>, memref<64x256xf32>
  }
  return
}

// Gathers side by side are one tile: the right part has the rest of the first and the
// second. Gathers one below the other are both split.
// CHECK-LABEL: func @concat
// CHECK:         %[[L:.*]] = tile.gather {{.*}} {tile.label = "k.l"} {{.*}} -> tensor<64x128xbf16>
// CHECK:         %[[A:.*]] = tile.gather {{.*}} -> tensor<64x128xbf16>
// CHECK:         %[[B:.*]] = tile.gather {{.*}} -> tensor<64x64xbf16>
// CHECK:         %[[R:.*]] = tile.concat %[[A]], %[[B]] dim 1 {tile.label = "k.r"}
// CHECK:         tile.gather {{.*}} -> tensor<32x128xbf16>
// CHECK:         tile.gather {{.*}} -> tensor<32x128xbf16>
// CHECK:         tile.concat %{{.*}}, %{{.*}} dim 0 {tile.label = "x.l"} : tensor<32x128xbf16>, tensor<32x128xbf16> -> tensor<64x128xbf16>
// CHECK:         tile.gather {{.*}} -> tensor<32x128xbf16>
// CHECK:         tile.gather {{.*}} -> tensor<32x128xbf16>
// CHECK:         tile.concat %{{.*}}, %{{.*}} dim 0 {tile.label = "x.r"}
// CHECK:         tile.dot %{{.*}}, %[[L]] transpose_b {tile.label = "qk.l"}
// CHECK:         tile.dot %{{.*}}, %[[R]] acc {{.*}} transpose_b {tile.label = "qk.r"}
// CHECK-NOT:     tile.gather
// CHECK-NOT:     tile.concat
func.func @concat(%q: tensor<64x320xbf16>, %kv: memref<?x256xbf16>, %rope: memref<?x64xbf16>,
                  %rows: tensor<64xi32>, %few: tensor<32xi32>, %out: memref<64x256xf32>)
    attributes {mla.schedule = #s} {
  %c0 = arith.constant 0 : index
  scf.forall (%t) in (1) {
    %a = tile.gather %kv[%rows][%c0] : memref<?x256xbf16>, tensor<64xi32> -> tensor<64x256xbf16>
    %b = tile.gather %rope[%rows][%c0] : memref<?x64xbf16>, tensor<64xi32> -> tensor<64x64xbf16>
    %k = tile.concat %a, %b dim 1 {tile.label = "k"} : tensor<64x256xbf16>, tensor<64x64xbf16> -> tensor<64x320xbf16>
    %c = tile.gather %kv[%few][%c0] : memref<?x256xbf16>, tensor<32xi32> -> tensor<32x256xbf16>
    %d = tile.gather %kv[%few][%c0] : memref<?x256xbf16>, tensor<32xi32> -> tensor<32x256xbf16>
    %x = tile.concat %c, %d dim 0 {tile.label = "x"} : tensor<32x256xbf16>, tensor<32x256xbf16> -> tensor<64x256xbf16>
    %s = tile.dot %q, %k transpose_b {tile.label = "qk"} : tensor<64x320xbf16>, tensor<64x320xbf16> -> tensor<64x64xf32>
    %p = arith.truncf %s {tile.label = "p"} : tensor<64x64xf32> to tensor<64x64xbf16>
    %v = tile.view %k [0, 0] : tensor<64x320xbf16> -> tensor<64x256xbf16>
    %w = tile.view %x [0, 0] : tensor<64x256xbf16> -> tensor<64x256xbf16>
    %o = tile.dot %p, %v {tile.label = "pv"} : tensor<64x64xbf16>, tensor<64x256xbf16> -> tensor<64x256xf32>
    %o2 = tile.dot %p, %w acc %o : tensor<64x256xf32> {tile.label = "pw"} : tensor<64x64xbf16>, tensor<64x256xbf16> -> tensor<64x256xf32>
    tile.store %o2, %out[%c0, %c0] {tile.label = "out"} : tensor<64x256xf32>, memref<64x256xf32>
  }
  return
}

// In a loop around the loop over tiles, whose state is not as wide as V.
// CHECK-LABEL: func @outer_loop
// CHECK:         scf.for %{{.*}} = %{{.*}} : i32 {
// CHECK:           scf.for {{.*}} -> (tensor<64x128xf32>, tensor<64x128xf32>)
// CHECK-COUNT-2:     tile.gather {{.*}} -> tensor<64x128xbf16>
// CHECK-NOT:         tile.gather
// CHECK:             scf.yield %{{.*}}, %{{.*}} : tensor<64x128xf32>, tensor<64x128xf32>
// CHECK-COUNT-2:   tile.store {{.*}} : tensor<64x128xf32>
// CHECK-NOT:     tile.store
// CHECK-NOT:     tensor<64x256xf32>
func.func @outer_loop(%q: memref<?x256xbf16>, %kv: memref<?x256xbf16>, %idx: memref<?xi32>,
                      %items: i32, %n: index, %out: memref<?x64x256xf32>) attributes {mla.schedule = #s} {
  %c0 = arith.constant 0 : index
  %c64 = arith.constant 64 : index
  %zero = arith.constant 0 : i32
  %one = arith.constant 1 : i32
  %none = arith.constant dense<0.0> : tensor<64x256xf32>
  scf.forall (%t) in (1) {
    scf.for %item = %zero to %items step %one : i32 {
      %at = arith.index_cast %item : i32 to index
      %qt = tile.load %q[%at, %c0] {tile.label = "q"} : memref<?x256xbf16> -> tensor<64x256xbf16>
      %o = scf.for %i = %c0 to %n step %c64 iter_args(%acc = %none) -> tensor<64x256xf32> {
        %rows = tile.load %idx[%i] : memref<?xi32> -> tensor<64xi32>
        %k = tile.gather %kv[%rows][%c0] {tile.label = "k"} : memref<?x256xbf16>, tensor<64xi32> -> tensor<64x256xbf16>
        %v = tile.view %k [0, 0] : tensor<64x256xbf16> -> tensor<64x256xbf16>
        %sc = tile.dot %qt, %k transpose_b {tile.label = "qk"} : tensor<64x256xbf16>, tensor<64x256xbf16> -> tensor<64x64xf32>
        %p = arith.truncf %sc {tile.label = "p"} : tensor<64x64xf32> to tensor<64x64xbf16>
        %y = tile.dot %p, %v acc %acc : tensor<64x256xf32> {tile.label = "pv"} : tensor<64x64xbf16>, tensor<64x256xbf16> -> tensor<64x256xf32>
        scf.yield %y : tensor<64x256xf32>
      }
      tile.store %o, %out[%at, %c0, %c0] {tile.label = "out"} : tensor<64x256xf32>, memref<?x64x256xf32>
    }
  }
  return
}
