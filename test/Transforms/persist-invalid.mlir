// RUN: %mla-opt %s --mla-persist --verify-diagnostics --split-input-file

#persist = #mla.schedule<"s" after ["persist"], roles = [<"r", warps = 4, registers = 128>],
  table = [<"x" in ["r"]>]>

func.func @offset(%m: memref<?xf32>, %n: index) attributes {mla.schedule = #persist} {
  // expected-error @+1 {{expected a grid with lower bound 0 and step 1}}
  scf.forall (%t) = (1) to (8) step (2) {
    %v = tile.load %m[%t] : memref<?xf32> -> tensor<64xf32>
    tile.store %v, %m[%t] {tile.label = "x"} : tensor<64xf32>, memref<?xf32>
  }
  return
}

// -----

#persist = #mla.schedule<"s" after ["persist"], roles = [<"r", warps = 4, registers = 128>],
  table = [<"x" in ["r"]>]>

func.func @results(%init: tensor<64xf32>) -> tensor<64xf32> attributes {mla.schedule = #persist} {
  // expected-error @+1 {{expected a grid without results}}
  %r = scf.forall (%t) in (8) shared_outs(%out = %init) -> tensor<64xf32> {
  }
  return %r : tensor<64xf32>
}
