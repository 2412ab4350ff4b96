// mla-decompose-softmax: row max, running max, rescale factor, exponentials and
// sums, each with a label.
// RUN: %mla-opt %s --mla-decompose-softmax | FileCheck %s

// CHECK-LABEL: func @labelled
// CHECK-SAME:    %[[S:[^:]*]]: tensor<64x32xf32>, %[[M:[^:]*]]: tensor<64xf32>, %[[L:[^:]*]]: tensor<64xf32>, %[[SCALE:[^:]*]]: f32
// CHECK-NOT:     tile.online_softmax
// CHECK:         %[[ROWMAX:.*]] = tile.reduce {{.*}}max %[[S]] dim 1 {tile.label = "softmax.rowmax"}
// reference = max(new_max, lowest), where both are one op away from the row maximum
// CHECK:         %[[LOWEST:.*]] = arith.constant dense<-3.40282347E+38> : tensor<64xf32>
// CHECK:         %[[FINITE:.*]] = arith.maximumf %[[M]], %[[LOWEST]] {tile.label = "softmax.max"}
// CHECK-DAG:     %[[M1:.*]] = arith.maximumf %[[M]], %[[ROWMAX]] {tile.label = "softmax.max"}
// CHECK-DAG:     %[[REF:.*]] = arith.maximumf %[[FINITE]], %[[ROWMAX]] {tile.label = "softmax.max"}
// rescale = 2^(scale * (max - reference))
// CHECK:         %[[D:.*]] = arith.subf %[[M]], %[[REF]] {tile.label = "softmax.rescale"}
// CHECK:         %[[SCALEROW:.*]] = tensor.splat %[[SCALE]] : tensor<64xf32>
// CHECK:         %[[SD:.*]] = arith.mulf %[[D]], %[[SCALEROW]] {tile.label = "softmax.rescale"}
// CHECK:         %[[R:.*]] = math.exp2 %[[SD]] {tile.label = "softmax.rescale"}
// weights = 2^(scale * (scores - reference)), which may be reassociated
// CHECK:         %[[MB:.*]] = tile.broadcast %[[REF]] dim 1
// CHECK:         %[[X:.*]] = arith.subf %[[S]], %[[MB]] fastmath<reassoc,contract> {tile.label = "softmax.weights"}
// CHECK:         %[[SCALETILE:.*]] = tensor.splat %[[SCALE]] : tensor<64x32xf32>
// CHECK:         %[[Y:.*]] = arith.mulf %[[X]], %[[SCALETILE]] fastmath<reassoc,contract> {tile.label = "softmax.weights"}
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

// Without a label the new ops have none. A softmax in a loop is decomposed in place.
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

// Lazy: the reference moves only if it is exceeded by more than the threshold.
// CHECK-LABEL: func @lazy
// CHECK-SAME:    %[[S:[^:]*]]: tensor<64x32xf32>, %[[M:[^:]*]]: tensor<64xf32>, %{{[^:]*}}: tensor<64xf32>, %[[SCALE:[^:]*]]: f32
// CHECK:         %[[ROWMAX:.*]] = tile.reduce {{.*}} {tile.label = "softmax.rowmax"}
// The threshold in units of scores.
// CHECK:         %[[EIGHT:.*]] = arith.constant 8.000000e+00 : f32
// CHECK:         %[[T:.*]] = arith.divf %[[EIGHT]], %[[SCALE]] : f32
// CHECK:         %[[SLACK:.*]] = tensor.splat %[[T]] : tensor<64xf32>
// CHECK:         %[[BOUND:.*]] = arith.addf %[[M]], %[[SLACK]] {tile.label = "softmax.max"}
// The comparison is unordered, so that NaN propagates.
// CHECK:         %[[MOVES:.*]] = arith.cmpf ugt, %[[ROWMAX]], %[[BOUND]] {tile.label = "softmax.max"}
// CHECK:         %[[MAX:.*]] = arith.maximumf %[[M]], %[[ROWMAX]] {tile.label = "softmax.max"}
// CHECK:         %[[M1:.*]] = arith.select %[[MOVES]], %[[MAX]], %[[M]] {tile.label = "softmax.max"}
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

// The exact maximum, carried separately, reuses the row maximum.
// CHECK-LABEL: func @top
// CHECK-SAME:    %[[S:[^:]*]]: tensor<64x32xf32>, %[[M:[^:]*]]: tensor<64xf32>
// CHECK:         %[[BEFORE:.*]] = tile.reduce {{.*}}max %[[S]] dim 1 :
// CHECK:         %[[ROWMAX:.*]] = tile.reduce {{.*}}max %[[S]] dim 1 {tile.label = "softmax.rowmax"}
// CHECK-NOT:     tile.reduce {{ ?}}max
// CHECK:         arith.maximumf %[[BEFORE]], %[[ROWMAX]]
func.func @top(%s: tensor<64x32xf32>, %m: tensor<64xf32>, %scale: f32)
    -> (tensor<64x32xf32>, tensor<64xf32>) {
  %before = tile.reduce max %s dim 1 : tensor<64x32xf32> -> tensor<64xf32>
  %p, %m1, %l1, %r = tile.online_softmax %s, %m, %m scale %scale lazy 8.0
      {tile.label = "softmax"} : tensor<64x32xf32>, tensor<64xf32>
  %after = tile.reduce max %s dim 1 : tensor<64x32xf32> -> tensor<64xf32>
  %top = arith.maximumf %before, %after : tensor<64xf32>
  return %p, %top : tensor<64x32xf32>, tensor<64xf32>
}

// With flags of valid columns, the maximum of a row with a valid column is finite.
// CHECK-LABEL: func @valid
// CHECK-SAME:    %[[S:[^:]*]]: tensor<64x32xf32>, %[[M:[^:]*]]: tensor<64xf32>, %[[V:[^:]*]]: tensor<32xi1>
// CHECK:         %[[OF:.*]] = tile.reduce {{.*}}max %[[S]] dim 1 {tile.label = "softmax.rowmax"}
// CHECK:         %[[ANY:.*]] = tile.any %[[V]] {tile.label = "softmax.rowmax"} : tensor<32xi1> -> tensor<64xi1>
// CHECK:         %[[LEAST:.*]] = arith.select %[[ANY]], %{{.*}}, %{{.*}} {tile.label = "softmax.rowmax"}
// CHECK:         %[[ROWMAX:.*]] = arith.maximumf %[[OF]], %[[LEAST]] {tile.label = "softmax.rowmax"}
// CHECK:         arith.maximumf %[[M]], %[[ROWMAX]] {tile.label = "softmax.max"}
func.func @valid(%s: tensor<64x32xf32>, %m: tensor<64xf32>, %v: tensor<32xi1>,
                 %scale: f32) -> tensor<64xf32> {
  %p, %m1, %l1, %r = tile.online_softmax %s, %m, %m valid %v : tensor<32xi1>
      scale %scale {tile.label = "softmax"} : tensor<64x32xf32>, tensor<64xf32>
  return %m1 : tensor<64xf32>
}

// With swapped operands, the scores of valid columns are bounded instead.
// CHECK-LABEL: func @swapped
// CHECK-SAME:    %[[S:[^:]*]]: tensor<64x32xf32>, %[[M:[^:]*]]: tensor<64xf32>, %[[V:[^:]*]]: tensor<32xi1>
// CHECK-NOT:     tile.any
// CHECK:         %[[FINITE:.*]] = arith.maximumf %[[S]], %{{.*}}
// CHECK:         %[[B:.*]] = tile.broadcast %[[V]] dim 0
// CHECK:         %[[BOUNDED:.*]] = arith.select %[[B]], %[[FINITE]], %[[S]]
// CHECK:         %[[ROWMAX:.*]] = tile.reduce {{.*}}max %[[BOUNDED]] dim 1
// CHECK:         arith.maximumf %[[M]], %[[ROWMAX]]
func.func @swapped(%s: tensor<64x32xf32>, %m: tensor<64xf32>, %v: tensor<32xi1>,
                   %scale: f32) -> tensor<64xf32>
    attributes {mla.schedule = #mla.schedule<"swap" after ["swap-ab"],
      roles = [<"r", warps = 4, registers = 128>], table = [<"x" in ["r"]>]>} {
  %p, %m1, %l1, %r = tile.online_softmax %s, %m, %m valid %v : tensor<32xi1>
      scale %scale : tensor<64x32xf32>, tensor<64xf32>
  return %m1 : tensor<64xf32>
}

// With positions and limits, a row has a valid column if the first position is below its
// limit.
// CHECK-LABEL: func @positions
// CHECK-SAME:    %[[S:[^:]*]]: tensor<64x32xf32>, %[[M:[^:]*]]: tensor<64xf32>, %[[P:[^:]*]]: tensor<32xi32>, %[[L:[^:]*]]: tensor<64xi32>
// CHECK:         %[[OF:.*]] = tile.reduce {{.*}}max %[[S]] dim 1 {tile.label = "softmax.rowmax"}
// CHECK:         %[[MIN:.*]] = tile.min %[[P]] {tile.label = "softmax.rowmax"} : tensor<32xi32> -> tensor<64xi32>
// CHECK:         %[[ANY:.*]] = arith.cmpi slt, %[[MIN]], %[[L]] {tile.label = "softmax.rowmax"}
// CHECK:         %[[LEAST:.*]] = arith.select %[[ANY]], %{{.*}}, %{{.*}} {tile.label = "softmax.rowmax"}
// CHECK:         %[[ROWMAX:.*]] = arith.maximumf %[[OF]], %[[LEAST]] {tile.label = "softmax.rowmax"}
// CHECK:         arith.maximumf %[[M]], %[[ROWMAX]] {tile.label = "softmax.max"}
func.func @positions(%s: tensor<64x32xf32>, %m: tensor<64xf32>, %v: tensor<32xi32>,
                     %below: tensor<64xi32>, %scale: f32) -> tensor<64xf32> {
  %p, %m1, %l1, %r = tile.online_softmax %s, %m, %m valid %v : tensor<32xi32> below %below : tensor<64xi32>
      scale %scale {tile.label = "softmax"} : tensor<64x32xf32>, tensor<64xf32>
  return %m1 : tensor<64xf32>
}

// CHECK-LABEL: func @swapped_positions
// CHECK-SAME:    %[[S:[^:]*]]: tensor<64x32xf32>, %[[M:[^:]*]]: tensor<64xf32>, %[[P:[^:]*]]: tensor<32xi32>, %[[L:[^:]*]]: tensor<64xi32>
// CHECK-NOT:     tile.min
// CHECK:         %[[FINITE:.*]] = arith.maximumf %[[S]], %{{.*}}
// CHECK:         %[[PS:.*]] = tile.broadcast %[[P]] dim 0
// CHECK:         %[[LS:.*]] = tile.broadcast %[[L]] dim 1
// CHECK:         %[[F:.*]] = arith.cmpi slt, %[[PS]], %[[LS]] {tile.label = "softmax.rowmax"}
// CHECK:         %[[BOUNDED:.*]] = arith.select %[[F]], %[[FINITE]], %[[S]]
// CHECK:         tile.reduce {{.*}}max %[[BOUNDED]] dim 1
func.func @swapped_positions(%s: tensor<64x32xf32>, %m: tensor<64xf32>, %v: tensor<32xi32>,
                             %below: tensor<64xi32>, %scale: f32) -> tensor<64xf32>
    attributes {mla.schedule = #mla.schedule<"swap" after ["swap-ab"],
      roles = [<"r", warps = 4, registers = 128>], table = [<"x" in ["r"]>]>} {
  %p, %m1, %l1, %r = tile.online_softmax %s, %m, %m valid %v : tensor<32xi32> below %below : tensor<64xi32>
      scale %scale {tile.label = "softmax"} : tensor<64x32xf32>, tensor<64xf32>
  return %m1 : tensor<64xf32>
}
