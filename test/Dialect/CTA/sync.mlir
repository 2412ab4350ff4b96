// Barriers, flags and cta.elect print what they parse.
// RUN: %mla-opt %s | FileCheck %s
// RUN: %mla-opt %s | %mla-opt | FileCheck %s
// RUN: %mla-opt %s --mlir-print-op-generic | %mla-opt | FileCheck %s

// CHECK-LABEL: func @named_barriers
func.func @named_barriers() {
  scf.forall (%i) in (1) {
    // CHECK: %[[B:.*]] = cta.named_barrier "b" id 3 threads 256
    %b = cta.named_barrier "b" id 3 threads 256
    cta.role "a" warps 4 registers 240 {
      // CHECK: cta.named_sync %[[B]]
      cta.named_sync %b
    }
    cta.role "b" warps 4 registers 240 {
      // CHECK: cta.named_arrive %[[B]]
      cta.named_arrive %b
    }
  }
  return
}

// CHECK-LABEL: func @fences
func.func @fences() {
  // CHECK: cta.fence_async{{$}}
  // CHECK: cta.fence_async global
  cta.fence_async
  cta.fence_async global
  return
}

// CHECK-LABEL: func @cluster
func.func @cluster() {
  // CHECK: %{{.*}} = cta.cluster_rank
  // CHECK: cta.cluster_arrive relaxed
  // CHECK: cta.cluster_arrive{{$}}
  // CHECK: cta.cluster_wait
  %rank = cta.cluster_rank
  cta.cluster_arrive relaxed
  cta.cluster_arrive
  cta.cluster_wait
  return
}

// Each CTA waits until the flag says its number.
// CHECK-LABEL: func @turns
func.func @turns(%turns: memref<?xi32>, %wide: memref<?xi64>, %me: i32, %next: i64) {
  scf.forall (%i) in (1) {
    cta.role "dq" warps 1 registers 24 {
      // CHECK: cta.elect {
      cta.elect {
        // CHECK: scf.while
        // CHECK: cta.load_acquire %{{.*}}[%{{.*}}] : memref<?xi32>
        scf.while : () -> () {
          %turn = cta.load_acquire %turns[%i] : memref<?xi32>
          %early = arith.cmpi ne, %turn, %me : i32
          scf.condition(%early)
        } do {
          scf.yield
        }
        // CHECK: cta.store_release %{{.*}}, %{{.*}}[%{{.*}}] : memref<?xi64>
        cta.store_release %next, %wide[%i] : memref<?xi64>
      }
    }
  }
  return
}

// CHECK-LABEL: func @launch
func.func @launch() {
  // CHECK: cta.launch_wait
  // CHECK: cta.launch_dependents
  cta.launch_wait
  cta.launch_dependents
  return
}
