// mla-pipeline: stages that would run an op before its operands.
// RUN: %mla-opt %s --mla-pipeline -verify-diagnostics -split-input-file

// In an earlier stage than its operand.
func.func @earlier_stage(%m: memref<?xf32>, %lb: index, %ub: index, %step: index) {
  // expected-error @below {{cannot pipeline the loop: an op would run before a value of the same iteration that it uses}}
  scf.for %i = %lb to %ub step %step {
    %x = memref.load %m[%i] {cta.stage = 1, cta.order = 0} : memref<?xf32>
    // expected-error @below {{operation scheduled before its operands}}
    memref.store %x, %m[%i] {cta.stage = 0, cta.order = 1} : memref<?xf32>
  } {cta.stage}
  return
}

// -----

// The prologue would have a copy of the body for each stage.
func.func @many_stages(%m: memref<?xf32>, %lb: index, %ub: index, %step: index) {
  // expected-error @below {{expected at most 64 stages, got 1000000001}}
  scf.for %i = %lb to %ub step %step {
    %x = memref.load %m[%i] {cta.stage = 0, cta.order = 0} : memref<?xf32>
    memref.store %x, %m[%i] {cta.stage = 1000000000, cta.order = 1} : memref<?xf32>
  } {cta.stage}
  return
}

// -----

func.func @no_order(%m: memref<?xf32>, %lb: index, %ub: index, %step: index) {
  scf.for %i = %lb to %ub step %step {
    // expected-error @below {{expected 32-bit integers as cta.stage and cta.order}}
    %x = memref.load %m[%i] {cta.stage = 0} : memref<?xf32>
  } {cta.stage}
  return
}

// -----

func.func @wide_stage(%m: memref<?xf32>, %lb: index, %ub: index, %step: index) {
  scf.for %i = %lb to %ub step %step {
    // expected-error @below {{expected 32-bit integers as cta.stage and cta.order}}
    %x = memref.load %m[%i] {cta.stage = -9223372036854775808, cta.order = 0} : memref<?xf32>
  } {cta.stage}
  return
}
