// Stores whose rows count through two dimensions: the number of a row is divided by a
// constant; the row check compares the number, before division.
//
// RUN: mla-opt %s --convert-mla-to-nvvm -split-input-file | FileCheck %s

// CHECK-LABEL: llvm.func @whole
// Two rows for each thread, each divided once.
// CHECK:         %[[N:.*]] = llvm.trunc %[[AT:.*]] : i64 to i32
// CHECK-NEXT:    %[[Q:.*]] = llvm.udiv %[[N]], %[[BY:.*]] : i32
// CHECK:         %[[H:.*]] = llvm.urem %[[N]], %[[BY]] : i32
// CHECK:         llvm.icmp "ult" %[[AT]]
// CHECK-NEXT:    scf.if
// CHECK:         llvm.udiv
// CHECK:         llvm.urem
// CHECK-NOT:     llvm.udiv
// CHECK:         llvm.return
func.func @whole(%in: memref<?xf32>, %out: memref<3x22x16xbf16, strided<[?, ?, 1]>>) attributes {cta.verified} {
  %c0 = arith.constant 0 : index
  %c64 = arith.constant 64 : index
  scf.forall (%i) in (2) {
    cta.role "all" warps 4 registers 168 {
      %v = memref.load %in[%c0] : memref<?xf32>
      %f = tensor.splat %v : tensor<64x16xf32, #cta.layout<acc>>
      %x = arith.truncf %f : tensor<64x16xf32, #cta.layout<acc>> to tensor<64x16xbf16, #cta.layout<acc>>
      tile.store %x, %out[%c64, %c0, %c0] merge [0, 1] : tensor<64x16xbf16, #cta.layout<acc>>, memref<3x22x16xbf16, strided<[?, ?, 1]>>
    }
  }
  return
}

// -----

// 64 rows of 66, all inside: no check. A start that may leave the dimension is checked.
// CHECK-LABEL: llvm.func @inside
// CHECK:         llvm.udiv
// CHECK-NOT:     llvm.icmp "ult"
// CHECK:         llvm.mlir.constant(5 : i64)
// CHECK:         llvm.icmp "ult"
// CHECK:         llvm.return
func.func @inside(%in: memref<?xf32>, %out: memref<3x22x16xf32>) attributes {cta.verified} {
  %c0 = arith.constant 0 : index
  %c5 = arith.constant 5 : index
  scf.forall (%i) in (2) {
    cta.role "all" warps 4 registers 168 {
      %v = memref.load %in[%c0] : memref<?xf32>
      %f = tensor.splat %v : tensor<64x16xf32, #cta.layout<acc>>
      tile.store %f, %out[%c0, %c0, %c0] merge [0, 1] : tensor<64x16xf32, #cta.layout<acc>>, memref<3x22x16xf32>
      tile.store %f, %out[%c0, %c5, %c0] merge [0, 1] : tensor<64x16xf32, #cta.layout<acc>>, memref<3x22x16xf32>
    }
  }
  return
}
