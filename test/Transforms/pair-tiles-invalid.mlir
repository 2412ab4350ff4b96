// RUN: %mla-opt %s --mla-pair-tiles --split-input-file --verify-diagnostics

#s = #mla.schedule<"pairs" after ["pair-tiles"], roles = [<"r", warps = 4, registers = 128>],
  table = [<"x" in ["r"]>]>

// No mark that an iteration past the end has no effect.
// expected-error @+1 {{schedule "pairs" requests pair-tiles: expected a loop with tile.padded, got none}}
func.func @unpadded(%m: memref<?xf32>, %n: index, %g: index)
    attributes {mla.schedule = #s} {
  %c0 = arith.constant 0 : index
  %c64 = arith.constant 64 : index
  scf.forall (%t) in (%g) {
    scf.for %i = %c0 to %n step %c64 {
      %v = tile.load %m[%i] : memref<?xf32> -> tensor<64xf32>
      tile.store %v, %m[%i] {tile.label = "x"} : tensor<64xf32>, memref<?xf32>
    }
  }
  return
}

// -----

// Doubling nested loops would let code size grow exponentially.
#s = #mla.schedule<"pairs" after ["pair-tiles"], roles = [<"r", warps = 4, registers = 128>],
  table = [<"x" in ["r"]>]>

func.func @nested(%m: memref<?xf32>, %n: index, %g: index) attributes {mla.schedule = #s} {
  %c0 = arith.constant 0 : index
  %c64 = arith.constant 64 : index
  scf.forall (%t) in (%g) {
    scf.for %i = %c0 to %n step %c64 {
      // expected-error @+1 {{expected no nested loops with tile.padded}}
      scf.for %j = %c0 to %n step %c64 {
        %v = tile.load %m[%j] : memref<?xf32> -> tensor<64xf32>
        tile.store %v, %m[%j] {tile.label = "x"} : tensor<64xf32>, memref<?xf32>
      } {tile.padded}
    } {tile.padded}
  }
  return
}
