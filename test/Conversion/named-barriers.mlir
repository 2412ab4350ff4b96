// Named barriers: bar.sync and bar.arrive with the number and the threads of the
// declaration.
//
// RUN: mla-opt %s --convert-mla-to-nvvm | FileCheck %s

// CHECK-LABEL: llvm.func @named_barriers(
func.func @named_barriers() attributes {cta.verified} {
  scf.forall (%i) in (1) {
    %full = cta.named_barrier "full" id 3 threads 192
    %empty = cta.named_barrier "empty" id 15 threads 160
    // CHECK:     scf.if
    // CHECK-DAG: %[[FULL:.*]] = llvm.mlir.constant(3 : i32)
    // CHECK-DAG: %[[THREADS:.*]] = llvm.mlir.constant(192 : i32)
    // CHECK:     nvvm.barrier.arrive id = %[[FULL]] number_of_threads = %[[THREADS]]
    // CHECK-DAG: %[[EMPTY:.*]] = llvm.mlir.constant(15 : i32)
    // CHECK-DAG: %[[OTHERS:.*]] = llvm.mlir.constant(160 : i32)
    // CHECK:     nvvm.barrier id = %[[EMPTY]] number_of_threads = %[[OTHERS]]
    cta.role "from" warps 4 registers 128 {
      cta.named_arrive %full
      cta.named_sync %empty
    }
    // CHECK:     else
    // CHECK:     nvvm.barrier id = %{{.*}} number_of_threads = %{{.*}}
    cta.role "to" warps 2 registers 128 {
      cta.named_sync %full
    }
  }
  return
}
