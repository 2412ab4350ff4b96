// RUN: %mla-opt %s --mla-decompose-softmax -split-input-file -verify-diagnostics

// A schedule with lazy rescaling, for a softmax without a threshold.
func.func @exact(%s: tensor<64x32xf32>, %m: tensor<64xf32>, %scale: f32)
    attributes {mla.schedule = #mla.schedule<"lazy" after ["lazy-rescale"],
      roles = [<"r", warps = 4, registers = 128>], table = [<"x" in ["r"]>]>} {
  // expected-error @below {{expected a threshold (lazy), because schedule "lazy" requests lazy-rescale}}
  %p, %m1, %l1, %r = tile.online_softmax %s, %m, %m scale %scale
      : tensor<64x32xf32>, tensor<64xf32>
  return
}

// -----

// expected-error @below {{schedule "lazy" requests lazy-rescale: expected a tile.online_softmax, got none}}
func.func @no_softmax(%s: tensor<64x32xf32>)
    attributes {mla.schedule = #mla.schedule<"lazy" after ["lazy-rescale"],
      roles = [<"r", warps = 4, registers = 128>], table = [<"x" in ["r"]>]>} {
  %x = math.exp2 %s : tensor<64x32xf32>
  return
}
