// Bulk copies print what they parse.
// RUN: %mla-opt %s | FileCheck %s
// RUN: %mla-opt %s | %mla-opt | FileCheck %s
// RUN: %mla-opt %s --mlir-print-op-generic | %mla-opt | FileCheck %s

// CHECK-LABEL: func @bulk
func.func @bulk(%b: !cta.buffer<64x64xf32>, %M: memref<?x?xf32>, %map: !cta.tensor_map,
                %full: !cta.mbarrier<2>, %i: i32, %x: index) {
  scf.forall (%n) in (1) {
    cta.role "a" warps 4 registers 240 {
      // CHECK: cta.bulk_load %{{.*}}[%{{.*}}, %{{.*}}] to %{{.*}} : memref<?x?xf32>, !cta.buffer<64x64xf32>
      cta.bulk_load %M[%x, %x] to %b : memref<?x?xf32>, !cta.buffer<64x64xf32>
      // CHECK: cta.bulk_load {{.*}} signals %{{.*}}[%{{.*}}] : !cta.mbarrier<2> : memref<?x?xf32>, !cta.buffer<64x64xf32>
      cta.bulk_load %M[%x, %x] to %b signals %full[%i] : !cta.mbarrier<2> : memref<?x?xf32>, !cta.buffer<64x64xf32>
      // CHECK: cta.elect warp 3 {
      cta.elect warp 3 {
        // CHECK: cta.store_async %{{.*}} to %{{.*}}[%{{.*}}, %{{.*}}] : !cta.buffer<64x64xf32>, memref<?x?xf32>
        cta.store_async %b to %M[%x, %x] : !cta.buffer<64x64xf32>, memref<?x?xf32>
        // CHECK: cta.store_async {{.*}} map %{{.*}} :
        cta.store_async %b to %M[%x, %x] map %map : !cta.buffer<64x64xf32>, memref<?x?xf32>
        // CHECK: cta.bulk_store %{{.*}} to
        cta.bulk_store %b to %M[%x, %x] : !cta.buffer<64x64xf32>, memref<?x?xf32>
        // CHECK: cta.bulk_commit
        cta.bulk_commit
        // CHECK: cta.bulk_wait 1 read
        cta.bulk_wait 1 read
        // CHECK: cta.bulk_wait 0{{$}}
        cta.bulk_wait 0
      }
    }
  }
  return
}
