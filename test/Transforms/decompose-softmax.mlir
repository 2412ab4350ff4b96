// mla-decompose-softmax: online_softmax as row max, merged max, rescale factor,
// exponentials and row sum, each with a label of its own.
// RUN: %mla-opt %s --mla-decompose-softmax | FileCheck %s

// CHECK-LABEL: func @labelled
// CHECK-SAME:    %[[S:[^:]*]]: tensor<64x32xf32>, %[[M:[^:]*]]: tensor<64xf32>, %[[L:[^:]*]]: tensor<64xf32>, %[[SCALE:[^:]*]]: f32
// CHECK-NOT:     tile.online_softmax
// new_max = max(max, scale * row_max(scores)): one multiply a row, not an element.
// CHECK:         %[[ROWMAX:.*]] = tile.reduce {{.*}}max %[[S]] dim 1 {tile.label = "softmax.rowmax"}
// CHECK:         %[[SCALEROW:.*]] = tensor.splat %[[SCALE]] : tensor<64xf32>
// CHECK:         %[[SCALED:.*]] = arith.mulf %[[ROWMAX]], %[[SCALEROW]] {tile.label = "softmax.rowmax"}
// CHECK:         %[[M1:.*]] = arith.maxnumf %[[M]], %[[SCALED]] {tile.label = "softmax.max"}
// rescale = 2^(max - new_max)
// CHECK:         %[[D:.*]] = arith.subf %[[M]], %[[M1]] {tile.label = "softmax.rescale"}
// CHECK:         %[[R:.*]] = math.exp2 %[[D]] {tile.label = "softmax.rescale"}
// weights = 2^(scale * scores - new_max): the multiply and the subtraction may
// contract.
// CHECK:         %[[SCALETILE:.*]] = tensor.splat %[[SCALE]] : tensor<64x32xf32>
// CHECK:         %[[X:.*]] = arith.mulf %[[S]], %[[SCALETILE]] fastmath<contract> {tile.label = "softmax.weights"}
// CHECK:         %[[MB:.*]] = tile.broadcast %[[M1]] dim 1
// CHECK:         %[[Y:.*]] = arith.subf %[[X]], %[[MB]] fastmath<contract> {tile.label = "softmax.weights"}
// CHECK:         %[[W:.*]] = math.exp2 %[[Y]] {tile.label = "softmax.weights"}
// new_sum = sum * rescale + row_sum(weights)
// CHECK:         %[[ROWSUM:.*]] = tile.reduce {{.*}}sum %[[W]] dim 1 {tile.label = "softmax.rowsum"}
// CHECK:         %[[LR:.*]] = arith.mulf %[[L]], %[[R]] fastmath<contract> {tile.label = "softmax.sum"}
// CHECK:         %[[L1:.*]] = arith.addf %[[LR]], %[[ROWSUM]] fastmath<contract> {tile.label = "softmax.sum"}
// CHECK:         return %[[W]], %[[M1]], %[[L1]], %[[R]]
func.func @labelled(%s: tensor<64x32xf32>, %m: tensor<64xf32>,
                    %l: tensor<64xf32>, %scale: f32)
    -> (tensor<64x32xf32>, tensor<64xf32>, tensor<64xf32>, tensor<64xf32>) {
  %p, %m1, %l1, %r = tile.online_softmax %s, %m, %l scale %scale
      {tile.label = "softmax"} : tensor<64x32xf32>, tensor<64xf32>
  return %p, %m1, %l1, %r
      : tensor<64x32xf32>, tensor<64xf32>, tensor<64xf32>, tensor<64xf32>
}

// Without a label the parts have none; one inside a loop is decomposed there.
// CHECK-LABEL: func @nested
// CHECK:         scf.for
// CHECK-NOT:       tile.label
// CHECK:           tile.reduce {{.*}}max
// CHECK:           tile.reduce {{.*}}sum
// CHECK:           scf.yield
func.func @nested(%s: tensor<64x32xf32>, %m: tensor<64xf32>, %l: tensor<64xf32>,
                  %scale: f32, %c0: index, %c1: index, %n: index)
    -> (tensor<64xf32>, tensor<64xf32>) {
  %0:2 = scf.for %i = %c0 to %n step %c1 iter_args(%a = %m, %b = %l)
      -> (tensor<64xf32>, tensor<64xf32>) {
    %p, %m1, %l1, %r = tile.online_softmax %s, %a, %b scale %scale
        : tensor<64x32xf32>, tensor<64xf32>
    scf.yield %m1, %l1 : tensor<64xf32>, tensor<64xf32>
  }
  return %0#0, %0#1 : tensor<64xf32>, tensor<64xf32>
}

// A reference that moves only where it is exceeded by more than the threshold.
// CHECK-LABEL: func @lazy
// CHECK-SAME:    %[[S:[^:]*]]: tensor<64x32xf32>, %[[M:[^:]*]]: tensor<64xf32>
// CHECK:         %[[ROWMAX:.*]] = arith.mulf {{.*}} {tile.label = "softmax.rowmax"}
// CHECK:         %[[T:.*]] = arith.constant dense<8.000000e+00> : tensor<64xf32>
// CHECK:         %[[BOUND:.*]] = arith.addf %[[M]], %[[T]] {tile.label = "softmax.max"}
// CHECK:         %[[MOVES:.*]] = arith.cmpf ogt, %[[ROWMAX]], %[[BOUND]] {tile.label = "softmax.max"}
// CHECK:         %[[M1:.*]] = arith.select %[[MOVES]], %[[ROWMAX]], %[[M]] {tile.label = "softmax.max"}
// CHECK:         arith.subf %[[M]], %[[M1]] {tile.label = "softmax.rescale"}
// CHECK:         tile.broadcast %[[M1]] dim 1
func.func @lazy(%s: tensor<64x32xf32>, %m: tensor<64xf32>, %l: tensor<64xf32>,
                %scale: f32)
    -> (tensor<64x32xf32>, tensor<64xf32>, tensor<64xf32>, tensor<64xf32>) {
  %p, %m1, %l1, %r = tile.online_softmax %s, %m, %l scale %scale lazy 8.0
      {tile.label = "softmax"} : tensor<64x32xf32>, tensor<64xf32>
  return %p, %m1, %l1, %r
      : tensor<64x32xf32>, tensor<64xf32>, tensor<64xf32>, tensor<64xf32>
}

// The top score, tracked beside the softmax, takes its row maximum.
// CHECK-LABEL: func @top
// CHECK-SAME:    %[[S:[^:]*]]: tensor<64x32xf32>, %[[M:[^:]*]]: tensor<64xf32>
// CHECK:         %[[BEFORE:.*]] = tile.reduce {{.*}}max %[[S]] dim 1 :
// CHECK:         %[[ROWMAX:.*]] = tile.reduce {{.*}}max %[[S]] dim 1 {tile.label = "softmax.rowmax"}
// CHECK-NOT:     tile.reduce {{ ?}}max
// CHECK:         arith.maxnumf %[[BEFORE]], %[[ROWMAX]]
func.func @top(%s: tensor<64x32xf32>, %m: tensor<64xf32>, %scale: f32)
    -> (tensor<64x32xf32>, tensor<64xf32>) {
  %before = tile.reduce max %s dim 1 : tensor<64x32xf32> -> tensor<64xf32>
  %p, %m1, %l1, %r = tile.online_softmax %s, %m, %m scale %scale lazy 8.0
      {tile.label = "softmax"} : tensor<64x32xf32>, tensor<64xf32>
  %after = tile.reduce max %s dim 1 : tensor<64x32xf32> -> tensor<64xf32>
  %top = arith.maxnumf %before, %after : tensor<64xf32>
  return %p, %top : tensor<64x32xf32>, tensor<64xf32>
}
