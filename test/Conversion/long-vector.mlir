// A vector of which each thread holds many elements: which of them are inside the memref
// is found once, as a range of 32 bits. A short one compares each index.
// RUN: mla-opt %s --split-input-file --convert-mla-to-nvvm | FileCheck %s

// CHECK-LABEL: llvm.func @long
// CHECK:       arith.maxsi %{{.*}} : i64
// CHECK:       arith.minsi %{{.*}} : i64
// CHECK:       llvm.trunc %{{.*}} : i64 to i32
// CHECK:       arith.maxsi %{{.*}} : i64
// CHECK:       arith.minsi %{{.*}} : i64
// CHECK:       llvm.trunc %{{.*}} : i64 to i32
// CHECK-NOT:   llvm.icmp "ult" %{{.*}} : i64
// CHECK-COUNT-12: llvm.icmp "ult" %{{.*}} : i32
// CHECK-NOT:   llvm.icmp "ult"
// CHECK:       llvm.return
func.func @long(%v: memref<?xf32>, %out: memref<64xf32>) attributes {cta.verified} {
  %c0 = arith.constant 0 : index
  scf.forall (%i) in (2) {
    cta.role "all" warps 4 registers 168 {
      %x = tile.load %v[%i] : memref<?xf32> -> tensor<48xf32, #cta.layout<column>>
      %y = tile.broadcast %x dim 0 : tensor<48xf32, #cta.layout<column>> -> tensor<64x48xf32, #cta.layout<acc>>
      %s = tile.reduce sum %y dim 1 : tensor<64x48xf32, #cta.layout<acc>> -> tensor<64xf32, #cta.layout<row>>
      tile.store %s, %out[%c0] : tensor<64xf32, #cta.layout<row>>, memref<64xf32>
    }
  }
  return
}

// -----

// CHECK-LABEL: llvm.func @short
// CHECK-COUNT-2: llvm.icmp "ult" %{{.*}} : i64
// CHECK-NOT:   llvm.icmp "ult" %{{.*}} : i32
// CHECK:       llvm.return
func.func @short(%v: memref<?xf32>, %out: memref<64xf32>) attributes {cta.verified} {
  %c0 = arith.constant 0 : index
  scf.forall (%i) in (2) {
    cta.role "all" warps 4 registers 168 {
      %x = tile.load %v[%i] : memref<?xf32> -> tensor<64xf32, #cta.layout<row>>
      tile.store %x, %out[%c0] : tensor<64xf32, #cta.layout<row>>, memref<64xf32>
    }
  }
  return
}
