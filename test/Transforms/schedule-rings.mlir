// mla-schedule: which tiles share rings, and which roles fill which parts of a slot.
// RUN: %mla-opt %s --mla-schedule -split-input-file | FileCheck %s

#loops = #mla.schedule<"loops",
  roles = [<"math", warps = 4, registers = 240>, <"more", warps = 4, registers = 96>, <"load", warps = 4, registers = 24>],
  table = [<"k" in ["load"]>, <"v" in ["load"]>, <"s" in ["math"]>, <"x" in ["more"]>, <"out" in ["math"]>, <"more" in ["more"]>],
  rings = [<"k", depth = 2>]>

// Consecutive loops share the ring of a label if its tiles are filled by the same
// kind of op and have the same readers: not "v", which is gathered in the second
// loop, nor "x", which has one reader less there. A nested loop shares no ring with
// the loop around it, because both tiles are needed at once.
// CHECK-LABEL: func @loops
// CHECK:         %[[K:.*]] = cta.ring "k" : !cta.ring<2x64x64xbf16>
// CHECK-NEXT:    %[[V:.*]] = cta.ring "v" : !cta.ring<1x64x64xbf16>
// CHECK-NEXT:    %[[X:.*]] = cta.ring "x" : !cta.ring<1x64xf32>
// CHECK-NEXT:    %[[V1:.*]] = cta.ring "v.4" : !cta.ring<1x64x64xbf16>
// CHECK-NEXT:    %[[K1:.*]] = cta.ring "k.5" : !cta.ring<1x64x64xbf16>
// CHECK-NOT:     cta.ring "
// CHECK:         cta.role "math"
// CHECK:           scf.for
// CHECK:             cta.await %[[K]]
// CHECK:             cta.await %[[V]]
// CHECK:           scf.for
// CHECK:             cta.await %[[K]]
// CHECK:             cta.await %[[V1]]
// CHECK:             scf.for
// CHECK:               cta.await %[[K1]]
// CHECK:         cta.role "load"
// CHECK:           scf.for
// CHECK:             cta.acquire %[[K]]
// CHECK:             cta.acquire %[[V]]
// CHECK:           scf.for
// CHECK:             cta.acquire %[[K]]
// CHECK:             cta.acquire %[[V1]]
// CHECK:             scf.for
// CHECK:               cta.acquire %[[K1]]
func.func @loops(%kv: memref<?x64xbf16>, %l: memref<?xf32>, %out: memref<?x64xf32>, %n: index)
    attributes {mla.schedule = #loops} {
  %c0 = arith.constant 0 : index
  %c64 = arith.constant 64 : index
  %zero = arith.constant dense<0.0> : tensor<64x64xf32>
  scf.forall (%i) in (8) {
    %f = scf.for %t = %c0 to %n step %c64 iter_args(%acc = %zero) -> tensor<64x64xf32> {
      %k = tile.load %kv[%t, %c0] {tile.label = "k"} : memref<?x64xbf16> -> tensor<64x64xbf16>
      %v = tile.load %kv[%t, %c0] {tile.label = "v"} : memref<?x64xbf16> -> tensor<64x64xbf16>
      %l0 = tile.load %l[%t] : memref<?xf32> -> tensor<64xf32>
      %x = math.absf %l0 {tile.label = "x"} : tensor<64xf32>
      tile.store %x, %l[%t] {tile.label = "more"} : tensor<64xf32>, memref<?xf32>
      %s = tile.dot %k, %v acc %acc : tensor<64x64xf32> {tile.label = "s"} : tensor<64x64xbf16>, tensor<64x64xbf16> -> tensor<64x64xf32>
      scf.yield %s : tensor<64x64xf32>
    }
    %g = scf.for %t = %c0 to %n step %c64 iter_args(%acc = %f) -> tensor<64x64xf32> {
      %rows = tile.iota : tensor<64xi32>
      %k = tile.load %kv[%t, %c0] {tile.label = "k"} : memref<?x64xbf16> -> tensor<64x64xbf16>
      %v = tile.gather %kv[%rows][%c0] {tile.label = "v"} : memref<?x64xbf16>, tensor<64xi32> -> tensor<64x64xbf16>
      %l0 = tile.load %l[%t] : memref<?xf32> -> tensor<64xf32>
      %x = math.absf %l0 {tile.label = "x"} : tensor<64xf32>
      tile.store %x, %l[%t] {tile.label = "out"} : tensor<64xf32>, memref<?xf32>
      %s = tile.dot %k, %v acc %acc : tensor<64x64xf32> {tile.label = "s"} : tensor<64x64xbf16>, tensor<64x64xbf16> -> tensor<64x64xf32>
      %h = scf.for %u = %c0 to %n step %c64 iter_args(%b = %s) -> tensor<64x64xf32> {
        %k1 = tile.load %kv[%u, %c0] {tile.label = "k"} : memref<?x64xbf16> -> tensor<64x64xbf16>
        %s1 = tile.dot %k1, %v acc %b : tensor<64x64xf32> {tile.label = "s"} : tensor<64x64xbf16>, tensor<64x64xbf16> -> tensor<64x64xf32>
        scf.yield %s1 : tensor<64x64xf32>
      }
      scf.yield %h : tensor<64x64xf32>
    }
    tile.store %g, %out[%i, %c0] {tile.label = "out"} : tensor<64x64xf32>, memref<?x64xf32>
  }
  return
}

// -----

#parts = #mla.schedule<"parts",
  roles = [<"low", warps = 4, registers = 160>, <"high", warps = 4, registers = 160>],
  table = [<"x" in ["low", "high"], split = 0>, <"y" in ["low", "high"], split = 1>, <"z" in ["low"]>]>

// Each role stores its part of a tile into its part of the slot. A role that needs
// more than it has in registers reads the slot: "low" twice, with one await.
// CHECK-LABEL: func @parts
// CHECK:         %[[X:.*]] = cta.ring "x" : !cta.ring<1x128x128xbf16>
// CHECK-NOT:     cta.ring "
// CHECK:         cta.role "low"
// CHECK:           %[[P:.*]] = math.exp2
// CHECK-NEXT:      %[[A:.*]] = cta.acquire %[[X]]
// CHECK-NEXT:      %[[AV:.*]] = cta.view %[[A]] [0, 0] : !cta.buffer<128x128xbf16> -> !cta.buffer<64x128xbf16>
// CHECK-NEXT:      cta.store_shared %[[P]] to %[[AV]]
// CHECK:           %[[S:.*]] = cta.await %[[X]]
// CHECK-NEXT:      %[[SV:.*]] = cta.view %[[S]] [0, 0] : !cta.buffer<128x128xbf16> -> !cta.buffer<128x64xbf16>
// CHECK-NEXT:      cta.load_shared %[[SV]]
// CHECK:           cta.load_shared %[[S]]
// CHECK:         cta.role "high"
// CHECK:           %[[P:.*]] = math.exp2
// CHECK-NEXT:      %[[A:.*]] = cta.acquire %[[X]]
// CHECK-NEXT:      %[[AV:.*]] = cta.view %[[A]] [64, 0] : !cta.buffer<128x128xbf16> -> !cta.buffer<64x128xbf16>
// CHECK-NEXT:      cta.store_shared %[[P]] to %[[AV]]
// CHECK:           %[[S:.*]] = cta.await %[[X]]
// CHECK-NEXT:      %[[SV:.*]] = cta.view %[[S]] [0, 64] : !cta.buffer<128x128xbf16> -> !cta.buffer<128x64xbf16>
// CHECK-NEXT:      cta.load_shared %[[SV]]
func.func @parts(%m: memref<?x128xbf16>) attributes {mla.schedule = #parts} {
  %c0 = arith.constant 0 : index
  %one = arith.constant dense<1.0> : tensor<128x128xbf16>
  scf.forall (%i) in (8) {
    %x = math.exp2 %one {tile.label = "x"} : tensor<128x128xbf16>
    %y = math.absf %x {tile.label = "y"} : tensor<128x128xbf16>
    %z = math.absf %x {tile.label = "z"} : tensor<128x128xbf16>
    tile.store %y, %m[%i, %c0] {tile.label = "y"} : tensor<128x128xbf16>, memref<?x128xbf16>
    tile.store %z, %m[%i, %c0] {tile.label = "z"} : tensor<128x128xbf16>, memref<?x128xbf16>
  }
  return
}

// -----

#own = #mla.schedule<"own",
  roles = [<"math", warps = 4, registers = 160>, <"load", warps = 4, registers = 24>],
  table = [<"k" in ["load"]>, <"s" in ["math"]>, <"p" in ["math"]>, <"t" in ["math"]>, <"u" in ["math"]>]>

// A role stages a tile that it has computed if an MMA reads it from shared memory:
// as B or transposed, but not as A, which may be in registers.
// CHECK-LABEL: func @own
// CHECK:         %[[K:.*]] = cta.ring "k"
// CHECK-NEXT:    %[[P:.*]] = cta.ring "p"
// CHECK-NOT:     cta.ring "
// CHECK:         cta.role "math"
// CHECK:           %[[F:.*]] = arith.truncf
// CHECK-NEXT:      %[[A:.*]] = cta.acquire %[[P]]
// CHECK-NEXT:      cta.store_shared %[[F]] to %[[A]]
// CHECK-NEXT:      %[[S:.*]] = cta.await %[[P]]
// CHECK-NEXT:      cta.mma_async %[[F]], %[[S]]
// CHECK:           cta.mma_async %[[S]], %[[S]] transpose_a
// CHECK:         cta.role "load"
func.func @own(%m: memref<?x64xbf16>, %out: memref<?x64xf32>) attributes {mla.schedule = #own} {
  %c0 = arith.constant 0 : index
  scf.forall (%i) in (8) {
    %k = tile.load %m[%i, %c0] {tile.label = "k"} : memref<?x64xbf16> -> tensor<64x64xbf16>
    %s = tile.dot %k, %k {tile.label = "s"} : tensor<64x64xbf16>, tensor<64x64xbf16> -> tensor<64x64xf32>
    %p = arith.truncf %s {tile.label = "p"} : tensor<64x64xf32> to tensor<64x64xbf16>
    %t = tile.dot %p, %p {tile.label = "t"} : tensor<64x64xbf16>, tensor<64x64xbf16> -> tensor<64x64xf32>
    %u = tile.dot %p, %p transpose_a {tile.label = "u"} : tensor<64x64xbf16>, tensor<64x64xbf16> -> tensor<64x64xf32>
    tile.store %t, %out[%i, %c0] {tile.label = "t"} : tensor<64x64xf32>, memref<?x64xf32>
    tile.store %u, %out[%i, %c0] {tile.label = "u"} : tensor<64x64xf32>, memref<?x64xf32>
  }
  return
}

// -----

#pages = #mla.schedule<"pages",
  roles = [<"math", warps = 4, registers = 160>, <"load", warps = 4, registers = 24>],
  table = [<"k" in ["load"]>, <"s" in ["math"]>]>

// The parts of a tile fill one slot: one page by TMA, one by a gather.
// CHECK-LABEL: func @pages
// CHECK:         %[[K:.*]] = cta.ring "k" : !cta.ring<1x64x64xbf16>
// CHECK:         cta.role "load"
// CHECK:           %[[ROWS:.*]] = tile.iota
// CHECK-NEXT:      %[[S:.*]] = cta.acquire %[[K]]
// CHECK-NEXT:      %[[S0:.*]] = cta.view %[[S]] [0, 0] : !cta.buffer<64x64xbf16> -> !cta.buffer<32x64xbf16>
// CHECK-NEXT:      cta.copy_async {{.*}} to %[[S0]]
// CHECK-NEXT:      %[[S1:.*]] = cta.view %[[S]] [32, 0] : !cta.buffer<64x64xbf16> -> !cta.buffer<32x64xbf16>
// CHECK-NEXT:      cta.gather_async %{{.*}}[%[[ROWS]]]{{.*}} to %[[S1]]
func.func @pages(%m: memref<?x64xbf16>, %out: memref<?x64xf32>) attributes {mla.schedule = #pages} {
  %c0 = arith.constant 0 : index
  scf.forall (%i) in (8) {
    %rows = tile.iota : tensor<32xi32>
    %k0 = tile.load %m[%i, %c0] : memref<?x64xbf16> -> tensor<32x64xbf16>
    %k1 = tile.gather %m[%rows][%c0] : memref<?x64xbf16>, tensor<32xi32> -> tensor<32x64xbf16>
    %k = tile.concat %k0, %k1 dim 0 {tile.label = "k"} : tensor<32x64xbf16>, tensor<32x64xbf16> -> tensor<64x64xbf16>
    %s = tile.dot %k, %k {tile.label = "s"} : tensor<64x64xbf16>, tensor<64x64xbf16> -> tensor<64x64xf32>
    tile.store %s, %out[%i, %c0] {tile.label = "s"} : tensor<64x64xf32>, memref<?x64xf32>
  }
  return
}
