// Every op of the tile dialect, with and without its optional parts.
// RUN: %mla-opt %s | FileCheck %s
// RUN: %mla-opt %s | %mla-opt | FileCheck %s
// RUN: %mla-opt %s --mlir-print-op-generic | %mla-opt | FileCheck %s

// CHECK-LABEL: func @memory
// CHECK-SAME:    %[[Q:.*]]: memref<?x128x576xbf16>, %[[I:.*]]: memref<?x1x?xi32>, %[[O:.*]]: memref<?x128xf32>, %[[C:.*]]: index
func.func @memory(%q: memref<?x128x576xbf16>, %indices: memref<?x1x?xi32>,
                  %out: memref<?x128xf32>, %c: index) {
  // CHECK: tile.load %[[Q]][%[[C]], %[[C]], %[[C]]] {tile.label = "q"} : memref<?x128x576xbf16> -> tensor<64x576xbf16>
  %0 = tile.load %q[%c, %c, %c] {tile.label = "q"}
      : memref<?x128x576xbf16> -> tensor<64x576xbf16>
  // CHECK: tile.load %[[I]][%[[C]], %[[C]], %[[C]]] pad -1 : i32 : memref<?x1x?xi32> -> tensor<64xi32>
  %1 = tile.load %indices[%c, %c, %c] pad -1 : i32
      : memref<?x1x?xi32> -> tensor<64xi32>
  // CHECK: %[[V:.*]] = tile.load %[[O]]
  %2 = tile.load %out[%c, %c] : memref<?x128xf32> -> tensor<64xf32>
  // CHECK: tile.store %[[V]], %[[O]][%[[C]], %[[C]]] : tensor<64xf32>, memref<?x128xf32>
  tile.store %2, %out[%c, %c] : tensor<64xf32>, memref<?x128xf32>
  return
}

// CHECK-LABEL: func @gather
// CHECK-SAME:    %[[KV:.*]]: memref<?x1x576xbf16>, %[[ROWS:.*]]: tensor<64xi32>, %[[C:.*]]: index
// CHECK:         tile.gather %[[KV]][%[[ROWS]]]{{ ?}}[%[[C]], %[[C]]] : memref<?x1x576xbf16>, tensor<64xi32> -> tensor<64x576xbf16>
func.func @gather(%kv: memref<?x1x576xbf16>, %rows: tensor<64xi32>, %c: index) {
  %0 = tile.gather %kv[%rows][%c, %c]
      : memref<?x1x576xbf16>, tensor<64xi32> -> tensor<64x576xbf16>
  return
}

// CHECK-LABEL: func @view
// CHECK:         tile.view %{{.*}} [0, 256] : tensor<64x576xbf16> -> tensor<64x256xbf16>
func.func @view(%k: tensor<64x576xbf16>) {
  %0 = tile.view %k [0, 256] : tensor<64x576xbf16> -> tensor<64x256xbf16>
  return
}

// CHECK-LABEL: func @dot
// CHECK-SAME:    %[[A:.*]]: tensor<64x32xbf16>, %[[B:.*]]: tensor<32x16xbf16>, %[[AT:.*]]: tensor<32x64xbf16>, %[[BT:.*]]: tensor<16x32xbf16>, %[[ACC:.*]]: tensor<64x16xf32>
func.func @dot(%a: tensor<64x32xbf16>, %b: tensor<32x16xbf16>,
               %at: tensor<32x64xbf16>, %bt: tensor<16x32xbf16>,
               %acc: tensor<64x16xf32>) {
  // CHECK: tile.dot %[[A]], %[[B]] : tensor<64x32xbf16>, tensor<32x16xbf16> -> tensor<64x16xf32>
  %0 = tile.dot %a, %b : tensor<64x32xbf16>, tensor<32x16xbf16> -> tensor<64x16xf32>
  // CHECK: tile.dot %[[A]], %[[BT]] transpose_b : tensor<64x32xbf16>, tensor<16x32xbf16>
  %1 = tile.dot %a, %bt transpose_b
      : tensor<64x32xbf16>, tensor<16x32xbf16> -> tensor<64x16xf32>
  // CHECK: tile.dot %[[AT]], %[[BT]] acc %[[ACC]] : tensor<64x16xf32> transpose_a transpose_b : tensor<32x64xbf16>, tensor<16x32xbf16>
  %2 = tile.dot %at, %bt acc %acc : tensor<64x16xf32> transpose_a transpose_b
      : tensor<32x64xbf16>, tensor<16x32xbf16> -> tensor<64x16xf32>
  return
}

// CHECK-LABEL: func @rows_and_columns
// CHECK-SAME:    %[[S:.*]]: tensor<64x32xf32>, %[[R:.*]]: tensor<64xf32>, %[[C:.*]]: tensor<32xf32>
func.func @rows_and_columns(%s: tensor<64x32xf32>, %r: tensor<64xf32>,
                            %c: tensor<32xf32>) {
  // CHECK: tile.reduce {{ ?}}max %[[S]] dim 1 : tensor<64x32xf32> -> tensor<64xf32>
  %0 = tile.reduce max %s dim 1 : tensor<64x32xf32> -> tensor<64xf32>
  // CHECK: tile.reduce {{ ?}}sum %[[S]] dim 0 : tensor<64x32xf32> -> tensor<32xf32>
  %1 = tile.reduce sum %s dim 0 : tensor<64x32xf32> -> tensor<32xf32>
  // CHECK: tile.fold %[[S]] : tensor<64x32xf32> -> tensor<64x8xf32>
  %f = tile.fold %s : tensor<64x32xf32> -> tensor<64x8xf32>
  // CHECK: tile.broadcast %[[R]] dim 1 : tensor<64xf32> -> tensor<64x32xf32>
  %2 = tile.broadcast %r dim 1 : tensor<64xf32> -> tensor<64x32xf32>
  // CHECK: tile.broadcast %[[C]] dim 0 : tensor<32xf32> -> tensor<64x32xf32>
  %3 = tile.broadcast %c dim 0 : tensor<32xf32> -> tensor<64x32xf32>
  // CHECK: tile.iota : tensor<64xi32>
  %4 = tile.iota : tensor<64xi32>
  return
}

// CHECK-LABEL: func @online_softmax
// CHECK:         tile.online_softmax %{{.*}}, %{{.*}}, %{{.*}} scale %{{.*}} {tile.label = "softmax"} : tensor<64x32xf32>, tensor<64xf32>
func.func @online_softmax(%s: tensor<64x32xf32>, %m: tensor<64xf32>,
                          %l: tensor<64xf32>, %scale: f32) {
  %p, %m1, %l1, %r = tile.online_softmax %s, %m, %l scale %scale
      {tile.label = "softmax"} : tensor<64x32xf32>, tensor<64xf32>
  // CHECK: scale %{{.*}} lazy 8.000000e+00 : tensor<64x32xf32>, tensor<64xf32>
  %p2, %m2, %l2, %r2 = tile.online_softmax %s, %m, %l scale %scale lazy 8.0
      : tensor<64x32xf32>, tensor<64xf32>
  // CHECK: %[[V:.*]] = arith.constant dense<true> : tensor<32xi1>
  %v = arith.constant dense<true> : tensor<32xi1>
  // CHECK: tile.online_softmax %{{.*}}, %{{.*}}, %{{.*}} valid %[[V]] : tensor<32xi1> scale %{{.*}} : tensor<64x32xf32>, tensor<64xf32>
  %p3, %m3, %l3, %r3 = tile.online_softmax %s, %m, %l valid %v : tensor<32xi1>
      scale %scale : tensor<64x32xf32>, tensor<64xf32>
  // CHECK: tile.any %[[V]] : tensor<32xi1> -> tensor<64xi1>
  %any = tile.any %v : tensor<32xi1> -> tensor<64xi1>
  // CHECK: tile.online_softmax %{{.*}}, %{{.*}}, %{{.*}} valid %[[P:.*]] : tensor<32xi32> below %[[B:.*]] : tensor<64xi32> scale %{{.*}} : tensor<64x32xf32>, tensor<64xf32>
  %positions = tile.iota : tensor<32xi32>
  %limits = tile.iota : tensor<64xi32>
  %p4, %m4, %l4, %r4 = tile.online_softmax %s, %m, %l valid %positions : tensor<32xi32>
      below %limits : tensor<64xi32> scale %scale : tensor<64x32xf32>, tensor<64xf32>
  // CHECK: tile.min %[[P]] : tensor<32xi32> -> tensor<64xi32>
  %min = tile.min %positions : tensor<32xi32> -> tensor<64xi32>
  return
}

// The attribute of a reduction on its own.
// CHECK-LABEL: func @attributes
// CHECK-SAME:    max = #tile<reduce_kind max>, sum = #tile<reduce_kind sum>
func.func @attributes() attributes {max = #tile<reduce_kind max>,
                                    sum = #tile<reduce_kind sum>} {
  return
}

// CHECK-LABEL: func @transpose
// CHECK:         tile.transpose %{{.*}} : tensor<64x16xbf16> -> tensor<16x64xbf16>
func.func @transpose(%x: tensor<64x16xbf16>) {
  %0 = tile.transpose %x : tensor<64x16xbf16> -> tensor<16x64xbf16>
  return
}

// Windows: dimensions other than the last ones, with bounds; a 1-D gather.
// CHECK-LABEL: func @windows
// CHECK:         tile.load %{{.*}}[%{{.*}}, %{{.*}}, %{{.*}}] dims [0, 2] bounds{{ ?}}[%{{.*}}] pad 0.000000e+00 : f32 {tile.label = "p"} : memref<?x?x64xf32> -> tensor<8x64xf32>
// CHECK:         tile.load %{{.*}}[%{{.*}}, %{{.*}}, %{{.*}}] bounds{{ ?}}[%{{.*}}, %{{.*}}] : memref<?x?x64xf32> -> tensor<8x64xf32>
// CHECK:         tile.store %{{.*}}, %{{.*}}[%{{.*}}, %{{.*}}, %{{.*}}] dims [1] bounds{{ ?}}[%{{.*}}] : tensor<4xf32>, memref<?x?x64xf32>
// CHECK:         tile.gather %{{.*}}[%{{.*}}] [%{{.*}}] : memref<?x8xi32>, tensor<32xi32> -> tensor<32xi32>
// CHECK:         tile.gather %{{.*}}[%{{.*}}] [%{{.*}}] dim 1 : memref<?x8xi32>, tensor<32xi32> -> tensor<32xi32>
// CHECK:         tile.gather %{{.*}}[%{{.*}}] [%{{.*}}] : memref<?x16x64xbf16>, tensor<32xi32> -> tensor<32x64xbf16>
// CHECK:         tile.gather %{{.*}}[%{{.*}}] [%{{.*}}] block %{{.*}} : memref<?x16x64xbf16>, tensor<32xi32> -> tensor<32x64xbf16>
// CHECK:         tile.gather %{{.*}}[%{{.*}}] [%{{.*}}, %{{.*}}] dim 1 block %{{.*}} : memref<?x16x64xbf16>, tensor<32xi32> -> tensor<32x64xbf16>
func.func @windows(%m: memref<?x?x64xf32>, %t: tensor<4xf32>, %table: memref<?x8xi32>,
                   %cache: memref<?x16x64xbf16>, %rows: tensor<32xi32>, %c: index,
                   %first: i32) {
  %0 = tile.load %m[%c, %c, %c] dims [0, 2] bounds [%c] pad 0.0 : f32 {tile.label = "p"} : memref<?x?x64xf32> -> tensor<8x64xf32>
  %1 = tile.load %m[%c, %c, %c] bounds [%c, %c] : memref<?x?x64xf32> -> tensor<8x64xf32>
  tile.store %t, %m[%c, %c, %c] dims [1] bounds [%c] : tensor<4xf32>, memref<?x?x64xf32>
  %2 = tile.gather %table[%rows][%c] : memref<?x8xi32>, tensor<32xi32> -> tensor<32xi32>
  %3 = tile.gather %table[%rows][%c] dim 1 : memref<?x8xi32>, tensor<32xi32> -> tensor<32xi32>
  %4 = tile.gather %cache[%rows][%c] : memref<?x16x64xbf16>, tensor<32xi32> -> tensor<32x64xbf16>
  %5 = tile.gather %cache[%rows][%c] block %first : memref<?x16x64xbf16>, tensor<32xi32> -> tensor<32x64xbf16>
  %6 = tile.gather %cache[%rows][%c, %c] dim 1 block %first : memref<?x16x64xbf16>, tensor<32xi32> -> tensor<32x64xbf16>
  return
}

// Rows that count through two dimensions.
// CHECK-LABEL: func @merge
// CHECK:         tile.store %{{.*}}, %{{.*}}[%{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}] merge [1, 2] : tensor<64x8xf32>, memref<?x3x22x8xf32>
// CHECK:         tile.store %{{.*}}, %{{.*}}[%{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}] dims [2, 3] merge [0, 2] by 11 bounds{{ ?}}[%{{.*}}] : tensor<64x8xf32>, memref<4x3x?x8xf32>
// CHECK:         tile.gather %{{.*}}[%{{.*}}] [%{{.*}}, %{{.*}}, %{{.*}}] dim 1 : memref<?x3x22x8xf32>, tensor<64xi32> -> tensor<64x8xf32>
func.func @merge(%t: tensor<64x8xf32>, %m: memref<?x3x22x8xf32>, %n: memref<4x3x?x8xf32>, %c: index) {
  tile.store %t, %m[%c, %c, %c, %c] merge [1, 2] : tensor<64x8xf32>, memref<?x3x22x8xf32>
  tile.store %t, %n[%c, %c, %c, %c] dims [2, 3] merge [0, 2] by 11 bounds [%c] : tensor<64x8xf32>, memref<4x3x?x8xf32>
  %rows = tile.iota : tensor<64xi32>
  %0 = tile.gather %m[%rows][%c, %c, %c] dim 1 : memref<?x3x22x8xf32>, tensor<64xi32> -> tensor<64x8xf32>
  return
}

// CHECK-LABEL: func @concat
// CHECK:         tile.concat %{{.*}}, %{{.*}} dim 1 : tensor<64x32xbf16>, tensor<64x16xbf16> -> tensor<64x48xbf16>
func.func @concat(%a: tensor<64x32xbf16>, %b: tensor<64x16xbf16>) -> tensor<64x48xbf16> {
  %0 = tile.concat %a, %b dim 1 : tensor<64x32xbf16>, tensor<64x16xbf16> -> tensor<64x48xbf16>
  return %0 : tensor<64x48xbf16>
}
