// mla-schedule: labelled ops go to the roles of their rows, other ops to the roles
// of their operands, and tiles travel between roles through rings.
// RUN: %mla-opt %s --mla-schedule -split-input-file | FileCheck %s

#one = #mla.schedule<"one",
  roles = [<"math", warps = 4, registers = 240>, <"load", warps = 4, registers = 24>],
  table = [<"q" in ["load"]>, <"k" in ["load"]>, <"qk" in ["math"], order = 1>,
           <"qk.wait" in ["math"], stage = 1, order = 3>,
           <"sum" in ["math"], stage = 1, order = 4>, <"out" in ["math"]>],
  rings = [<"k", depth = 2>]>

// Loads fill rings, MMAs read the slots, and a wait has the place of its own row.
// Elementwise ops without a label run with their operands, without a stage.
// CHECK-LABEL: func @async_loads
// CHECK-SAME:    %[[Q:[^:]*]]: memref<?x64xbf16>, %[[KV:[^:]*]]: memref<?x64xbf16>, %[[OUT:[^:]*]]: memref<?xf32>
// CHECK:         scf.forall (%[[I:.*]]) in
// CHECK:           %[[QR:.*]] = cta.ring "q" : !cta.ring<1x64x64xbf16>
// CHECK-NEXT:      %[[KR:.*]] = cta.ring "k" : !cta.ring<2x64x64xbf16>
// CHECK-NOT:       tile.
// CHECK:           cta.role "math" warps 4 registers 240 {
// CHECK-DAG:         %[[ZERO:.*]] = arith.constant dense<0.0{{.*}}> : tensor<64xf32>
// CHECK-DAG:         %[[QS:.*]] = cta.await %[[QR]]
// CHECK:             %[[R:.*]] = scf.for %[[J:.*]] = {{.*}} iter_args(%[[ACC:.*]] = %[[ZERO]])
// CHECK:               %[[KS:.*]] = cta.await %[[KR]] {cta.order = 1 : i64, cta.stage = 0 : i64}
// CHECK:               %[[MMA:.*]] = cta.mma_async %[[QS]], %[[KS]] transpose_b {cta.order = 1 : i64, cta.stage = 0 : i64}
// CHECK:               %[[S:.*]] = cta.mma_wait %[[MMA]] {cta.order = 3 : i64, cta.stage = 1 : i64}
// CHECK:               %[[E:.*]] = math.absf %[[S]] : tensor<64x64xf32>
// CHECK:               %[[SUM:.*]] = tile.reduce {{.*}}sum %[[E]] dim 1 {cta.order = 4 : i64, cta.stage = 1 : i64, tile.label = "sum.row"}
// CHECK:               %[[NEXT:.*]] = arith.addf %[[ACC]], %[[SUM]] {cta.order = 4 : i64, cta.stage = 1 : i64, tile.label = "sum"}
// CHECK:               scf.yield %[[NEXT]]
// CHECK:             } {cta.stage}
// CHECK:             tile.store %[[R]], %[[OUT]][%[[I]]]
// CHECK:           cta.role "load" warps 4 registers 24 {
// CHECK:             %[[QA:.*]] = cta.acquire %[[QR]]
// CHECK-NEXT:        cta.copy_async %[[Q]][%[[I]], %{{.*}}] to %[[QA]]
// CHECK:             scf.for %[[J:.*]] = {{.*}} {
// CHECK:               %[[ROWS:.*]] = tile.iota
// CHECK:               %[[KA:.*]] = cta.acquire %[[KR]] {cta.order = 0 : i64, cta.stage = 0 : i64}
// CHECK-NEXT:          cta.gather_async %[[KV]][%[[ROWS]]]{{.*}} to %[[KA]]
// CHECK:             } {cta.stage}
func.func @async_loads(%q: memref<?x64xbf16>, %kv: memref<?x64xbf16>, %out: memref<?xf32>,
                       %n: index) attributes {mla.schedule = #one} {
  %c0 = arith.constant 0 : index
  %c64 = arith.constant 64 : index
  %zero = arith.constant dense<0.0> : tensor<64xf32>
  scf.forall (%i) in (8) {
    %qt = tile.load %q[%i, %c0] {tile.label = "q"} : memref<?x64xbf16> -> tensor<64x64xbf16>
    %r = scf.for %j = %c0 to %n step %c64 iter_args(%acc = %zero) -> tensor<64xf32> {
      %rows = tile.iota : tensor<64xi32>
      %k = tile.gather %kv[%rows][%c0] {tile.label = "k"}
          : memref<?x64xbf16>, tensor<64xi32> -> tensor<64x64xbf16>
      %s = tile.dot %qt, %k transpose_b {tile.label = "qk"}
          : tensor<64x64xbf16>, tensor<64x64xbf16> -> tensor<64x64xf32>
      %e = math.absf %s : tensor<64x64xf32>
      // A label "sum.row" without a row of its own uses that of "sum".
      %sum = tile.reduce sum %e dim 1 {tile.label = "sum.row"} : tensor<64x64xf32> -> tensor<64xf32>
      %next = arith.addf %acc, %sum {tile.label = "sum"} : tensor<64xf32>
      scf.yield %next : tensor<64xf32>
    }
    tile.store %r, %out[%i] {tile.label = "out"} : tensor<64xf32>, memref<?xf32>
  }
  return
}

// -----

#split = #mla.schedule<"split",
  roles = [<"left", warps = 4, registers = 216>, <"right", warps = 4, registers = 216>,
           <"load", warps = 1, registers = 24>],
  table = [<"p" in ["load"]>, <"v" in ["load"]>, <"factor" in ["left"]>,
           <"pv" in ["left", "right"], split = 1>, <"scaled" in ["left", "right"], split = 1>,
           <"out" in ["left", "right"], split = 1>]>

// Each role computes its half of the columns: a view of B, a part of the
// accumulator, an offset in the output. The vector that only the left role computes
// goes to the right one through a ring; its broadcast is duplicated.
// CHECK-LABEL: func @split
// CHECK-SAME:    %[[OUT:[^:]*]]: memref<?x512xbf16>
// CHECK-DAG:       %[[FR:.*]] = cta.ring "factor" : !cta.ring<1x64xf32>
// CHECK-DAG:       %[[VR:.*]] = cta.ring "v" : !cta.ring<1x64x576xbf16>
// CHECK:           cta.role "left"
// CHECK:             %[[F:.*]] = math.exp2 %{{.*}} {tile.label = "factor"}
// CHECK:             %[[FA:.*]] = cta.acquire %[[FR]]
// CHECK-NEXT:        cta.store_shared %[[F]] to %[[FA]]
// CHECK:             %[[VS:.*]] = cta.await %[[VR]]
// CHECK:             %[[B:.*]] = cta.view %[[VS]] [0, 64] : {{.*}} -> !cta.buffer<64x256xbf16>
// CHECK:             cta.mma_async %{{.*}}, %[[B]] : {{.*}} -> !cta.in_flight<tensor<64x256xf32>>
// CHECK:             %[[FB:.*]] = tile.broadcast %[[F]] dim 1 : tensor<64xf32> -> tensor<64x256xf32>
// CHECK:             arith.mulf %{{.*}}, %[[FB]] {tile.label = "scaled"} : tensor<64x256xf32>
// CHECK:             tile.store %{{.*}}, %[[OUT]][%{{.*}}, %[[C0:.*]]] : tensor<64x256xbf16>
// CHECK:           cta.role "right"
// CHECK:             cta.view %{{.*}} [0, 320] : {{.*}} -> !cta.buffer<64x256xbf16>
// CHECK-DAG:         %[[FS:.*]] = cta.await %[[FR]]
// CHECK-DAG:         %[[G:.*]] = cta.load_shared %[[FS]]
// CHECK-DAG:         tile.broadcast %[[G]] dim 1 : tensor<64xf32> -> tensor<64x256xf32>
// CHECK-DAG:         %[[C256:.*]] = arith.constant 256 : index
// CHECK-DAG:         %[[AT:.*]] = arith.addi %{{.*}}, %[[C256]]
// CHECK:             tile.store %{{.*}}, %[[OUT]][%{{.*}}, %[[AT]]] : tensor<64x256xbf16>
// CHECK:           cta.role "load"
// CHECK-COUNT-2:     cta.copy_async
// CHECK-NOT:       tile.store
func.func @split(%out: memref<?x512xbf16>, %in: memref<?x64xbf16>, %values: memref<?x576xbf16>,
                 %factors: memref<?xf32>) attributes {mla.schedule = #split} {
  %c0 = arith.constant 0 : index
  scf.forall (%i) in (8) {
    %p = tile.load %in[%i, %c0] {tile.label = "p"} : memref<?x64xbf16> -> tensor<64x64xbf16>
    %k = tile.load %values[%i, %c0] {tile.label = "v"} : memref<?x576xbf16> -> tensor<64x576xbf16>
    %v = tile.view %k [0, 64] : tensor<64x576xbf16> -> tensor<64x512xbf16>
    %x = tile.load %factors[%i] : memref<?xf32> -> tensor<64xf32>
    %f = math.exp2 %x {tile.label = "factor"} : tensor<64xf32>
    %o = tile.dot %p, %v {tile.label = "pv"}
        : tensor<64x64xbf16>, tensor<64x512xbf16> -> tensor<64x512xf32>
    %fb = tile.broadcast %f dim 1 : tensor<64xf32> -> tensor<64x512xf32>
    %scaled = arith.mulf %o, %fb {tile.label = "scaled"} : tensor<64x512xf32>
    %result = arith.truncf %scaled : tensor<64x512xf32> to tensor<64x512xbf16>
    tile.store %result, %out[%i, %c0] {tile.label = "out"} : tensor<64x512xbf16>, memref<?x512xbf16>
  }
  return
}

// -----

#local = #mla.schedule<"local",
  roles = [<"a", warps = 4, registers = 216>, <"b", warps = 4, registers = 216>],
  table = [<"x" in ["a"]>, <"y" in ["a", "b"]>, <"store" in ["a"]>, <"store.b" in ["b"]>]>

// A loop is emitted in the roles that have ops in it. Both roles compute all of y.
// CHECK-LABEL: func @whole_in_both
// CHECK:         cta.role "a"
// CHECK:           scf.for
// CHECK:             arith.addf {{.*}} {{{.*}}tile.label = "x"}
// CHECK:           %[[Y:.*]] = math.exp2
// CHECK:           tile.store %[[Y]]
// CHECK:         cta.role "b"
// CHECK-NOT:       scf.for
// CHECK:           cta.await
// CHECK:           %[[X:.*]] = cta.load_shared
// CHECK:           %[[Y:.*]] = math.exp2 %[[X]]
// CHECK:           tile.store %[[Y]]
func.func @whole_in_both(%m: memref<?xf32>, %n: index) attributes {mla.schedule = #local} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %zero = arith.constant dense<0.0> : tensor<64xf32>
  scf.forall (%i) in (8) {
    %x = scf.for %j = %c0 to %n step %c1 iter_args(%acc = %zero) -> tensor<64xf32> {
      %v = tile.load %m[%j] : memref<?xf32> -> tensor<64xf32>
      %next = arith.addf %acc, %v {tile.label = "x"} : tensor<64xf32>
      scf.yield %next : tensor<64xf32>
    }
    %y = math.exp2 %x {tile.label = "y"} : tensor<64xf32>
    tile.store %y, %m[%i] {tile.label = "store"} : tensor<64xf32>, memref<?xf32>
    tile.store %y, %m[%c0] {tile.label = "store.b"} : tensor<64xf32>, memref<?xf32>
  }
  return
}

// -----

#take = #mla.schedule<"take",
  roles = [<"math", warps = 4, registers = 240>, <"side", warps = 4, registers = 24>],
  table = [<"x" in ["side"], order = 8>, <"x.load" in ["math"], order = -2>,
           <"y" in ["side"], order = 9>, <"sum" in ["math"], stage = 1, order = 3>]>

// The row "<label>.load" places the load of a tile from its ring. Without it, the
// tile is loaded where it is used: the row "y" places the op that computes y.
// CHECK-LABEL: func @load_rows
// CHECK-DAG:       %[[XR:.*]] = cta.ring "x"
// CHECK-DAG:       %[[YR:.*]] = cta.ring "y"
// CHECK:           cta.role "math"
// CHECK-DAG:         %[[XS:.*]] = cta.await %[[XR]] {cta.order = -2 : i64, cta.stage = 0 : i64}
// CHECK-DAG:         %[[X:.*]] = cta.load_shared %[[XS]] {cta.order = -2 : i64, cta.stage = 0 : i64}
// CHECK-DAG:         %[[YS:.*]] = cta.await %[[YR]] {cta.order = 3 : i64, cta.stage = 1 : i64}
// CHECK-DAG:         %[[Y:.*]] = cta.load_shared %[[YS]] {cta.order = 3 : i64, cta.stage = 1 : i64}
// CHECK:             arith.addf %[[X]], %[[Y]] {cta.order = 3 : i64, cta.stage = 1 : i64, tile.label = "sum"}
// CHECK:           cta.role "side"
// CHECK:             cta.acquire %[[XR]] {cta.order = 8 : i64, cta.stage = 0 : i64}
// CHECK:             cta.acquire %[[YR]] {cta.order = 9 : i64, cta.stage = 0 : i64}
func.func @load_rows(%m: memref<?xf32>, %n: index) attributes {mla.schedule = #take} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  scf.forall (%i) in (8) {
    scf.for %j = %c0 to %n step %c1 {
      %v = tile.load %m[%j] : memref<?xf32> -> tensor<64xf32>
      %x = math.absf %v {tile.label = "x"} : tensor<64xf32>
      %y = math.exp2 %v {tile.label = "y"} : tensor<64xf32>
      %sum = arith.addf %x, %y {tile.label = "sum"} : tensor<64xf32>
      tile.store %sum, %m[%i] {tile.label = "sum"} : tensor<64xf32>, memref<?xf32>
    }
  }
  return
}

// -----

#halves = #mla.schedule<"halves" after ["split-width"],
  roles = [<"load", warps = 4, registers = 64>],
  table = [<"k" in ["load"]>]>

// Written by hand, in the form that --mla-split-width produces.
// CHECK-LABEL: func @rewritten
// CHECK-COUNT-2: cta.gather_async
// CHECK-NOT:     tile.gather
func.func @rewritten(%kv: memref<?x128xbf16>)
    attributes {mla.schedule = #halves, mla.rewritten = ["split-width"]} {
  %c0 = arith.constant 0 : index
  %c64 = arith.constant 64 : index
  scf.forall (%i) in (8) {
    %rows = tile.iota : tensor<64xi32>
    %l = tile.gather %kv[%rows][%c0] {tile.label = "k.l"} : memref<?x128xbf16>, tensor<64xi32> -> tensor<64x64xbf16>
    %r = tile.gather %kv[%rows][%c64] {tile.label = "k.r"} : memref<?x128xbf16>, tensor<64xi32> -> tensor<64x64xbf16>
  }
  return
}

// -----

// A function without an scf.forall is unchanged.
// CHECK-LABEL: func @nothing(
// CHECK-NEXT:    return
func.func @nothing() { return }
