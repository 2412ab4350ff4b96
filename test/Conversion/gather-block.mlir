// A gather with `block` is a branch: one thread expects the bytes, without an arrival,
// and copies the rows by TMA, or all threads copy 16 bytes at a time. Coordinates are
// column, head, token in the page and page. All threads arrive after both.
//
// RUN: sed 's/${request}//; s/${dim}//; s/${page}/128/' %S/../Conformance/gather-block.mlir > %t.mlir
// RUN: %mla-opt %t.mlir --mla-cta-pipeline > %t.cta
// RUN: %mla-opt %t.cta --convert-mla-to-nvvm | FileCheck %s
// CHECK:       llvm.func @gather_block
// CHECK:         cp.async.bulk.tensor.2d
// CHECK:         %[[FIRST:.*]] = llvm.load %{{.*}} : !llvm.ptr<1> -> i32
// CHECK:         llvm.inline_asm {{.*}}mbarrier.try_wait
// CHECK:         %[[ZERO:.*]] = llvm.mlir.constant(0 : i32) : i32
// CHECK-NEXT:    %[[IS_BLOCK:.*]] = llvm.icmp "sge" %[[FIRST]], %[[ZERO]] : i32
// CHECK-NEXT:    scf.if %[[IS_BLOCK]] {
// CHECK-DAG:       %[[TOKEN:.*]] = llvm.urem %[[FIRST]], %[[PAGE:.*]] : i32
// CHECK-DAG:       %[[PAGE_NUMBER:.*]] = llvm.udiv %[[FIRST]], %[[PAGE]] : i32
// CHECK:           %[[THREAD_0:.*]] = llvm.icmp "eq"
// CHECK-NEXT:      scf.if %[[THREAD_0]] {
// CHECK:             %[[BYTES:.*]] = llvm.mlir.constant(8192 : i32) : i32
// CHECK-NEXT:        llvm.inline_asm {{.*}} "mbarrier.expect_tx.relaxed.cta.shared::cta.b64 [$0], $1;", "r,r,~{memory}" %[[BARRIER:.*]], %[[BYTES]] :
// CHECK:             "cp.async.bulk.tensor.4d.shared::cluster.global.mbarrier::complete_tx::bytes [$0], [$1, {$3, $4, $5, $6}], [$2];", {{.*}} %{{.*}}, %{{.*}}, %[[BARRIER]], %{{.*}}, %{{.*}}, %[[TOKEN]], %[[PAGE_NUMBER]] :
// CHECK-NOT:       cp.async
// CHECK:         } else {
// CHECK-COUNT-4:   cp.async.cg.shared.global
// CHECK-NOT:     cp.async
// CHECK:         scf.if
// CHECK:           "mbarrier.expect_tx.
// CHECK:         } else {
// CHECK-COUNT-4:   cp.async.cg.shared.global
// CHECK-NOT:     cp.async.c
// CHECK:         nvvm.cp.async.mbarrier.arrive %{{.*}} {noinc = true}
//
// A tensor map and a barrier are needed.
// RUN: sed '/cta.gather_async/s/ map %[0-9]* signals %[0-9]*\[%[0-9]*\] : !cta.mbarrier<2>//' %t.cta > %t.none
// RUN: not %mla-opt %t.none --convert-mla-to-nvvm 2>&1 | FileCheck %s --check-prefix=NONE
// NONE: error: 'cta.gather_async' op expected a tensor map and a barrier
//
// Without pages the coordinates are column, head, token and request.
// RUN: sed 's/${request}/%c2, /; s/${dim}/dim 1 /; s/${page}/?/' %S/../Conformance/gather-block.mlir > %t.tokens.mlir
// RUN: %mla-opt %t.tokens.mlir --mla-cta-pipeline | %mla-opt --convert-mla-to-nvvm | FileCheck %s --check-prefix=TOKENS
// TOKENS:      %[[IS_BLOCK:.*]] = llvm.icmp "sge" %[[FIRST:.*]], %{{.*}} : i32
// TOKENS-NEXT: scf.if %[[IS_BLOCK]] {
// TOKENS-NEXT:   %[[TWO:.*]] = llvm.mlir.constant(2 : i64) : i64
// TOKENS-NOT:    llvm.urem
// TOKENS:        %[[REQUEST:.*]] = llvm.trunc %[[TWO]] : i64 to i32
// TOKENS:        "cp.async.bulk.tensor.4d.shared::cluster.global.mbarrier::complete_tx::bytes [$0], [$1, {$3, $4, $5, $6}], [$2];", {{.*}} %[[FIRST]], %[[REQUEST]] :
