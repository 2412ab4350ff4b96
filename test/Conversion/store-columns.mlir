// Stores of packed accumulators: 8 bytes per lane, after neighbouring lanes have
// exchanged pairs, if the columns of each row start at a multiple of 4; else pairs.
//
// RUN: %mla-opt %s --convert-mla-to-nvvm -split-input-file | FileCheck %s

// All lanes exchange, also those whose row is outside: only the store is in the branch.
// CHECK-LABEL: llvm.func @wide
// Registers 0 and 2 are columns of the two groups of 8 in a lane's first row, 1 and 3
// in its second.
// CHECK:         llvm.mlir.poison : vector<4xi32>
// CHECK:         %[[LANE:.*]] = llvm.and
// CHECK-NEXT:    %[[ONE:.*]] = llvm.mlir.constant(1 : i32) : i32
// CHECK-NEXT:    %[[BIT:.*]] = llvm.and %[[LANE]], %[[ONE]] : i32
// CHECK:         %[[ODD:.*]] = llvm.icmp "ne" %[[BIT]], %{{.*}} : i32
// CHECK:         %[[TWELVE:.*]] = llvm.mlir.constant(12 : i32) : i32
// CHECK:         %[[ZERO:.*]] = llvm.mlir.constant(0 : i32) : i32
// CHECK:         %[[SHIFT:.*]] = llvm.select %[[ODD]], %[[TWELVE]], %[[ZERO]] : i1, i32
// CHECK:         %[[AT:.*]] = llvm.getelementptr %{{.*}}[%[[SHIFT]]] : {{.*}}, i8
// CHECK:         %[[I0:.*]] = llvm.mlir.constant(0 : i32) : i32
// CHECK:         %[[MINE:.*]] = llvm.extractelement %[[X:.*]][%[[I0]] : i32] : vector<4xi32>
// CHECK:         %[[I2:.*]] = llvm.mlir.constant(2 : i32) : i32
// CHECK:         %[[NEXT:.*]] = llvm.extractelement %[[X]][%[[I2]] : i32] : vector<4xi32>
// CHECK:         %[[SENT:.*]] = llvm.select %[[ODD]], %[[MINE]], %[[NEXT]] : i1, i32
// CHECK:         %[[NEIGHBOUR:.*]] = llvm.mlir.constant(1 : i32) : i32
// CHECK:         %[[GOT:.*]] = nvvm.shfl.sync {{ ?}}bfly %{{.*}}, %[[SENT]], %[[NEIGHBOUR]], %{{.*}} : i32 -> i32
// CHECK:         %[[LOW:.*]] = llvm.select %[[ODD]], %[[GOT]], %[[MINE]] : i1, i32
// CHECK:         %[[HIGH:.*]] = llvm.select %[[ODD]], %[[NEXT]], %[[GOT]] : i1, i32
// CHECK:         %[[L:.*]] = llvm.insertelement %[[LOW]], %{{.*}} : vector<2xi32>
// CHECK:         %[[PAIR:.*]] = llvm.insertelement %[[HIGH]], %[[L]]{{.*}} : vector<2xi32>
// CHECK:         %[[INSIDE:.*]] = llvm.icmp "ult"
// CHECK-NEXT:    scf.if %[[INSIDE]] {
// CHECK-NEXT:      llvm.store %[[PAIR]], %[[AT]] : vector<2xi32>
// CHECK-NEXT:    }
// CHECK:         %[[I1:.*]] = llvm.mlir.constant(1 : i32) : i32
// CHECK:         llvm.extractelement %[[X]][%[[I1]] : i32]
// CHECK:         %[[I3:.*]] = llvm.mlir.constant(3 : i32) : i32
// CHECK:         llvm.extractelement %[[X]][%[[I3]] : i32]
// CHECK:         nvvm.shfl.sync {{ ?}}bfly
// CHECK:         scf.if
// CHECK-NEXT:      llvm.store %{{.*}} : vector<2xi32>
// CHECK-NEXT:    }
// CHECK-NOT:     llvm.store
// CHECK:         llvm.return
func.func @wide(%in: memref<?xf32>, %out: memref<?x16xbf16>) attributes {cta.verified} {
  %c0 = arith.constant 0 : index
  scf.forall (%i) in (2) {
    cta.role "all" warps 4 registers 168 {
      %v = memref.load %in[%c0] : memref<?xf32>
      %f = tensor.splat %v : tensor<64x16xf32, #cta.layout<acc>>
      %x = arith.truncf %f : tensor<64x16xf32, #cta.layout<acc>> to tensor<64x16xbf16, #cta.layout<acc>>
      tile.store %x, %out[%c0, %c0] : tensor<64x16xbf16, #cta.layout<acc>>, memref<?x16xbf16>
    }
  }
  return
}

// -----

// Column 4 of rows of 36 elements is a multiple of 4 too. Two pairs of groups lie 32
// bytes apart; rows that are always inside need no branch.
// CHECK-LABEL: llvm.func @from_column_4
// CHECK-COUNT-2: nvvm.shfl.sync {{ ?}}bfly
// CHECK-NOT:     scf.if
// CHECK:         llvm.store %{{.*}}, %[[AT:.*]] : vector<2xi32>
// CHECK-NEXT:    %[[NEXT:.*]] = llvm.getelementptr %[[AT]][32] : {{.*}}, i8
// CHECK-NEXT:    llvm.store %{{.*}}, %[[NEXT]] : vector<2xi32>
// CHECK-COUNT-2: nvvm.shfl.sync {{ ?}}bfly
// CHECK-NOT:     scf.if
// CHECK-COUNT-2: llvm.store %{{.*}} : vector<2xi32>
// CHECK-NOT:     llvm.store
// CHECK:         llvm.return
func.func @from_column_4(%in: memref<?xf32>, %out: memref<64x36xbf16>) attributes {cta.verified} {
  %c0 = arith.constant 0 : index
  %c4 = arith.constant 4 : index
  scf.forall (%i) in (2) {
    cta.role "all" warps 4 registers 168 {
      %v = memref.load %in[%c0] : memref<?xf32>
      %f = tensor.splat %v : tensor<64x32xf32, #cta.layout<acc>>
      %x = arith.truncf %f : tensor<64x32xf32, #cta.layout<acc>> to tensor<64x32xbf16, #cta.layout<acc>>
      tile.store %x, %out[%c0, %c4] : tensor<64x32xbf16, #cta.layout<acc>>, memref<64x36xbf16>
    }
  }
  return
}

// -----

// Strides known at the launch are multiples of 16 bytes.
// CHECK-LABEL: llvm.func @strides
// CHECK:         nvvm.shfl.sync {{ ?}}bfly
// CHECK:         llvm.store %{{.*}} : vector<2xi32>
func.func @strides(%in: memref<?xf32>, %out: memref<?x16xbf16, strided<[?, 1]>>)
    attributes {cta.verified} {
  %c0 = arith.constant 0 : index
  scf.forall (%i) in (2) {
    cta.role "all" warps 4 registers 168 {
      %v = memref.load %in[%c0] : memref<?xf32>
      %f = tensor.splat %v : tensor<64x16xf32, #cta.layout<acc>>
      %x = arith.truncf %f : tensor<64x16xf32, #cta.layout<acc>> to tensor<64x16xbf16, #cta.layout<acc>>
      tile.store %x, %out[%c0, %c0] : tensor<64x16xbf16, #cta.layout<acc>>, memref<?x16xbf16, strided<[?, 1]>>
    }
  }
  return
}

// -----

// From column 2 on, a lane's 8 bytes would start at a multiple of 4 only.
// CHECK-LABEL: llvm.func @from_column_2
// CHECK-NOT:     shfl.sync {{ ?}}bfly
// CHECK:         scf.if
// CHECK-COUNT-2: llvm.store %{{.*}} : i32
// CHECK:         scf.if
// CHECK-COUNT-2: llvm.store %{{.*}} : i32
// CHECK-NOT:     llvm.store
// CHECK:         llvm.return
func.func @from_column_2(%in: memref<?xf32>, %out: memref<?x20xbf16>) attributes {cta.verified} {
  %c0 = arith.constant 0 : index
  %c2 = arith.constant 2 : index
  scf.forall (%i) in (2) {
    cta.role "all" warps 4 registers 168 {
      %v = memref.load %in[%c0] : memref<?xf32>
      %f = tensor.splat %v : tensor<64x16xf32, #cta.layout<acc>>
      %x = arith.truncf %f : tensor<64x16xf32, #cta.layout<acc>> to tensor<64x16xbf16, #cta.layout<acc>>
      tile.store %x, %out[%c0, %c2] : tensor<64x16xbf16, #cta.layout<acc>>, memref<?x20xbf16>
    }
  }
  return
}

// -----

// Rows of 18 elements: every second one starts at a multiple of 2 only.
// CHECK-LABEL: llvm.func @odd_rows
// CHECK-NOT:     shfl.sync {{ ?}}bfly
// CHECK-COUNT-4: llvm.store %{{.*}} : i32
// CHECK-NOT:     llvm.store
// CHECK:         llvm.return
func.func @odd_rows(%in: memref<?xf32>, %out: memref<?x18xbf16>) attributes {cta.verified} {
  %c0 = arith.constant 0 : index
  scf.forall (%i) in (2) {
    cta.role "all" warps 4 registers 168 {
      %v = memref.load %in[%c0] : memref<?xf32>
      %f = tensor.splat %v : tensor<64x16xf32, #cta.layout<acc>>
      %x = arith.truncf %f : tensor<64x16xf32, #cta.layout<acc>> to tensor<64x16xbf16, #cta.layout<acc>>
      tile.store %x, %out[%c0, %c0] : tensor<64x16xbf16, #cta.layout<acc>>, memref<?x18xbf16>
    }
  }
  return
}

// -----

// Three groups of 8 columns: the last one has nothing to trade with.
// CHECK-LABEL: llvm.func @three_groups
// CHECK-NOT:     shfl.sync {{ ?}}bfly
// CHECK-COUNT-6: llvm.store %{{.*}} : i32
// CHECK-NOT:     llvm.store
// CHECK:         llvm.return
func.func @three_groups(%in: memref<?xf32>, %out: memref<?x24xbf16>) attributes {cta.verified} {
  %c0 = arith.constant 0 : index
  scf.forall (%i) in (2) {
    cta.role "all" warps 4 registers 168 {
      %v = memref.load %in[%c0] : memref<?xf32>
      %f = tensor.splat %v : tensor<64x24xf32, #cta.layout<acc>>
      %x = arith.truncf %f : tensor<64x24xf32, #cta.layout<acc>> to tensor<64x24xbf16, #cta.layout<acc>>
      tile.store %x, %out[%c0, %c0] : tensor<64x24xbf16, #cta.layout<acc>>, memref<?x24xbf16>
    }
  }
  return
}

// -----

// An f32 pair is 8 bytes as it is.
// CHECK-LABEL: llvm.func @f32
// CHECK-NOT:     shfl.sync {{ ?}}bfly
// CHECK-COUNT-4: llvm.store %{{.*}} : vector<2xf32>
// CHECK-NOT:     llvm.store
// CHECK:         llvm.return
func.func @f32(%in: memref<?xf32>, %out: memref<?x16xf32>) attributes {cta.verified} {
  %c0 = arith.constant 0 : index
  scf.forall (%i) in (2) {
    cta.role "all" warps 4 registers 168 {
      %v = memref.load %in[%c0] : memref<?xf32>
      %f = tensor.splat %v : tensor<64x16xf32, #cta.layout<acc>>
      tile.store %f, %out[%c0, %c0] : tensor<64x16xf32, #cta.layout<acc>>, memref<?x16xf32>
    }
  }
  return
}
