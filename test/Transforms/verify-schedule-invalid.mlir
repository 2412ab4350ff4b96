// mla-verify-schedule: names in a schedule that match nothing in the program. The
// error lists the known names, nearest first.
// RUN: %mla-opt %s --mla-verify-schedule -split-input-file -verify-diagnostics
// --mla-schedule does the same check if the pass has not run.
// RUN: %mla-opt %s --mla-schedule -split-input-file -verify-diagnostics
// With the built-in schedules:
// DEFINE: %{word} =
// DEFINE: %{other} =
// DEFINE: %{schedule} =
// DEFINE: %{refuse} = %mla-opt %S/Inputs/sparse_prefill.mlir --mla-choose-schedule=schedule=%{schedule} --mla-tile \
// DEFINE:   | sed 's/%{word}/%{other}/' | not %mla-opt --mla-cta-pipeline 2>&1 | FileCheck %s
// REDEFINE: %{schedule} = shared-p
// REDEFINE: %{word} = "pv.wait"
// REDEFINE: %{other} = "pv.wiat"
// RUN: %{refuse} --check-prefix=WAIT
// WAIT: error: 'scf.forall' op schedule "shared-p": row "pv.wiat" matches nothing in the program, expected one of pv.wait,
// REDEFINE: %{word} = <"valid", depth
// REDEFINE: %{other} = <"valdi", depth
// RUN: %{refuse} --check-prefix=RING
// RING: error: {{.*}}schedule "shared-p": ring "valdi" matches no tile of the program, expected one of valid,
// REDEFINE: %{schedule} = seesaw
// REDEFINE: %{word} = "valid.0.load"
// REDEFINE: %{other} = "valid.load"
// RUN: %{refuse} --check-prefix=LOAD
// LOAD: error: {{.*}}schedule "seesaw": row "valid.load" matches nothing in the program, expected one of valid.0.load, valid.1.load,
// REDEFINE: %{word} = aliases = "k.0.r"
// REDEFINE: %{other} = aliases = "k.r"
// RUN: %{refuse} --check-prefix=OVER
// OVER: error: {{.*}}schedule "seesaw": ring "p.0" aliases "k.r", which matches no tile of the program, expected one of {{.*}}k.0.r
// REDEFINE: %{word} = "k.1.r.t"
// REDEFINE: %{other} = "k.2.r.t"
// RUN: %{refuse} --check-prefix=TAIL
// TAIL: error: {{.*}}schedule "seesaw" requests split-tail: expected a row 'L.t' of a gathered tile L

#s = #mla.schedule<"s", roles = [<"a", warps = 4, registers = 64>],
  table = [<"x" in ["a"]>, <"y" in ["a"]>]>
func.func @row(%m: memref<?xf32>) attributes {mla.schedule = #s} {
  // expected-error @below {{schedule "s": row "y" matches nothing in the program, expected x}}
  scf.forall (%i) in (8) {
    %x = tile.load %m[%i] : memref<?xf32> -> tensor<64xf32>
    tile.store %x, %m[%i] {tile.label = "x"} : tensor<64xf32>, memref<?xf32>
  }
  return
}

// -----

// Longer rows match all ops with this prefix.
#s = #mla.schedule<"s", roles = [<"a", warps = 4, registers = 64>],
  table = [<"x" in ["a"]>, <"x.0" in ["a"]>]>
func.func @longer_rows(%m: memref<?xf32>) attributes {mla.schedule = #s} {
  // expected-error @below {{schedule "s": row "x" matches no op: longer rows match all ops with that name}}
  scf.forall (%i) in (8) {
    %x = tile.load %m[%i] : memref<?xf32> -> tensor<64xf32>
    tile.store %x, %m[%i] {tile.label = "x.0"} : tensor<64xf32>, memref<?xf32>
  }
  return
}

// -----

#s = #mla.schedule<"s", roles = [<"a", warps = 4, registers = 64>, <"idle", warps = 4, registers = 64>],
  table = [<"x" in ["a"]>]>
func.func @role(%m: memref<?xf32>) attributes {mla.schedule = #s} {
  // expected-error @below {{schedule "s": role "idle" is in no row: it would run nothing}}
  scf.forall (%i) in (8) {
    %x = tile.load %m[%i] : memref<?xf32> -> tensor<64xf32>
    tile.store %x, %m[%i] {tile.label = "x"} : tensor<64xf32>, memref<?xf32>
  }
  return
}

// -----

// Only MMAs have waits.
#s = #mla.schedule<"s", roles = [<"a", warps = 4, registers = 64>],
  table = [<"x" in ["a"]>, <"x.wait" in ["a"]>]>
func.func @no_product(%m: memref<?xf32>) attributes {mla.schedule = #s} {
  // expected-error @below {{schedule "s": row "x.wait" matches no op: no MMA labelled 'x' is waited for}}
  scf.forall (%i) in (8) {
    %x = tile.load %m[%i] : memref<?xf32> -> tensor<64xf32>
    tile.store %x, %m[%i] {tile.label = "x"} : tensor<64xf32>, memref<?xf32>
  }
  return
}

// -----

// An MMA within a chain has no wait.
#s = #mla.schedule<"s", roles = [<"math", warps = 4, registers = 216>, <"load", warps = 4, registers = 40>],
  table = [<"a" in ["load"]>, <"x" in ["math"]>, <"x.wait" in ["math"]>, <"y" in ["math"]>, <"out" in ["math"]>]>
func.func @link(%m: memref<?x64xbf16>, %out: memref<?x64xf32>) attributes {mla.schedule = #s} {
  %c0 = arith.constant 0 : index
  // expected-error @below {{schedule "s": row "x.wait" matches no op: no MMA labelled 'x' is waited for}}
  scf.forall (%i) in (8) {
    %a = tile.load %m[%i, %c0] {tile.label = "a"} : memref<?x64xbf16> -> tensor<64x64xbf16>
    %x = tile.dot %a, %a {tile.label = "x"} : tensor<64x64xbf16>, tensor<64x64xbf16> -> tensor<64x64xf32>
    %y = tile.dot %a, %a acc %x : tensor<64x64xf32> {tile.label = "y"} : tensor<64x64xbf16>, tensor<64x64xbf16> -> tensor<64x64xf32>
    tile.store %y, %out[%i, %c0] {tile.label = "out"} : tensor<64x64xf32>, memref<?x64xf32>
  }
  return
}

// -----

// A store has a label, but computes no tile.
#s = #mla.schedule<"s", roles = [<"a", warps = 4, registers = 64>],
  table = [<"x" in ["a"]>], rings = [<"x", depth = 2>]>
func.func @no_tile(%m: memref<?xf32>) attributes {mla.schedule = #s} {
  // expected-error @below {{schedule "s": ring "x" matches no tile of the program, expected none}}
  scf.forall (%i) in (8) {
    %x = tile.load %m[%i] : memref<?xf32> -> tensor<64xf32>
    tile.store %x, %m[%i] {tile.label = "x"} : tensor<64xf32>, memref<?xf32>
  }
  return
}

// -----

#s = #mla.schedule<"s" after ["persist"], roles = [<"a", warps = 4, registers = 64>],
  table = [<"x" in ["a"]>]>
func.func @not_rewritten(%m: memref<?xf32>) attributes {mla.schedule = #s} {
  // expected-error @below {{expected "persist", which schedule "s" requests; run --mla-persist first}}
  scf.forall (%i) in (8) {
    %x = tile.load %m[%i] : memref<?xf32> -> tensor<64xf32>
    tile.store %x, %m[%i] {tile.label = "x"} : tensor<64xf32>, memref<?xf32>
  }
  return
}
