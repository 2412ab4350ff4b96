// Columns of a gather past the end of the memref arrive as zeros: of the second block of
// 128 bytes of 96 columns, the threads of the upper half copy no bytes. A TMA copy of
// rows along dimension 1 has the coordinates column, head, row and batch.
//
// RUN: %mla-opt %S/../Conformance/copy-dims.mlir --mla-cta-pipeline --convert-mla-to-nvvm | FileCheck %s
// CHECK:       llvm.func @copy_dims
// CHECK:         "cp.async.bulk.tensor.4d.{{[^"]*}} [$0], [$1, {$3, $4, $5, $6}], [$2];", {{.*}} %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}, %[[HEAD:[0-9]+]], %[[ROW:[0-9]+]], %[[BATCH:[0-9]+]] :
// The second block of the same tile.
// CHECK:         "cp.async.bulk.tensor.4d.{{.*}} %[[HEAD]], %[[ROW]], %[[BATCH]] :
// CHECK:         "cp.async.cg.shared.global [$0+0], [$1+0], 16, $2;", {{.*}} %{{[0-9]+}}, %{{[0-9]+}}, %[[READ:[0-9]+]] :
// CHECK:         %[[FOUR:[0-9]+]] = llvm.mlir.constant(4 : i32) : i32
// CHECK-NEXT:    %[[HAS:[0-9]+]] = llvm.icmp "slt" %{{[0-9]+}}, %[[FOUR]] : i32
// CHECK:         %[[PART:[0-9]+]] = llvm.select %[[HAS]], %[[READ]], %{{[0-9]+}} : i1, i32
// CHECK-NEXT:    {{.*}}"cp.async.cg.shared.global [$0+8192], [$1+128], 16, $2;", {{.*}} %{{[0-9]+}}, %{{[0-9]+}}, %[[PART]] :
