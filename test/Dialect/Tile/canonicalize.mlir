// Folds of the tile dialect: views of a whole tile, and unused tiles.
// RUN: %mla-opt %s --canonicalize --cse | FileCheck %s

// CHECK-LABEL: func @whole_view
// CHECK-SAME:    %[[K:.*]]: tensor<64x576xbf16>
// CHECK-NEXT:    return %[[K]]
func.func @whole_view(%k: tensor<64x576xbf16>) -> tensor<64x576xbf16> {
  %0 = tile.view %k [0, 0] : tensor<64x576xbf16> -> tensor<64x576xbf16>
  return %0 : tensor<64x576xbf16>
}

// A view of a part remains.
// CHECK-LABEL: func @partial_view
// CHECK:         %[[V:.*]] = tile.view %{{.*}} [0, 64]
// CHECK-NEXT:    return %[[V]]
func.func @partial_view(%k: tensor<64x576xbf16>) -> tensor<64x512xbf16> {
  %0 = tile.view %k [0, 64] : tensor<64x576xbf16> -> tensor<64x512xbf16>
  return %0 : tensor<64x512xbf16>
}

// CHECK-LABEL: func @unused
// CHECK-NEXT:    return
func.func @unused(%m: memref<?x64xf32>, %kv: memref<?x64xbf16>, %c: index,
                  %scale: f32) {
  %rows = tile.iota : tensor<64xi32>
  %k = tile.gather %kv[%rows][%c] : memref<?x64xbf16>, tensor<64xi32> -> tensor<64x64xbf16>
  %s = tile.dot %k, %k transpose_b
      : tensor<64x64xbf16>, tensor<64x64xbf16> -> tensor<64x64xf32>
  %v = tile.load %m[%c, %c] : memref<?x64xf32> -> tensor<64xf32>
  %p, %m1, %l1, %r = tile.online_softmax %s, %v, %v scale %scale
      : tensor<64x64xf32>, tensor<64xf32>
  %sum = tile.reduce sum %p dim 1 : tensor<64x64xf32> -> tensor<64xf32>
  %b = tile.broadcast %sum dim 1 : tensor<64xf32> -> tensor<64x64xf32>
  return
}

// Equal tiles are merged, but not loads with a store between them.
// CHECK-LABEL: func @equal
// CHECK:         %[[A:.*]] = tile.load
// CHECK:         tile.store
// CHECK:         %[[B:.*]] = tile.load
// CHECK:         %[[R:.*]] = tile.broadcast %[[B]]
// CHECK-NOT:     tile.broadcast
// CHECK:         return %[[A]], %[[R]], %[[R]]
func.func @equal(%m: memref<?x64xf32>, %c: index)
    -> (tensor<64xf32>, tensor<64x8xf32>, tensor<64x8xf32>) {
  %a = tile.load %m[%c, %c] : memref<?x64xf32> -> tensor<64xf32>
  tile.store %a, %m[%c, %c] : tensor<64xf32>, memref<?x64xf32>
  %b = tile.load %m[%c, %c] : memref<?x64xf32> -> tensor<64xf32>
  %r = tile.broadcast %b dim 1 : tensor<64xf32> -> tensor<64x8xf32>
  %s = tile.broadcast %b dim 1 : tensor<64xf32> -> tensor<64x8xf32>
  return %a, %r, %s : tensor<64xf32>, tensor<64x8xf32>, tensor<64x8xf32>
}
