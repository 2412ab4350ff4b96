// mla-pipeline refuses stages that run an op before what it uses.
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
