// Synchronisation that is refused.
// RUN: %mla-opt %s -verify-diagnostics -split-input-file

func.func @elect_outside() {
  // expected-error @below {{expected cta.role around it, got none}}
  cta.elect {
  }
  return
}

// -----

func.func @elect_warp() {
  scf.forall (%i) in (1) {
    cta.role "a" warps 4 registers 240 {
      // expected-error @below {{expected a warp in [0, 4), got 4}}
      cta.elect warp 4 {
      }
    }
  }
  return
}

// -----

func.func @elect_nested() {
  scf.forall (%i) in (1) {
    cta.role "a" warps 4 registers 240 {
      cta.elect {
        // expected-error @below {{expected the whole role, got one lane in cta.elect}}
        cta.elect {
        }
      }
    }
  }
  return
}

// -----

func.func @elect_end() {
  scf.forall (%cta) in (1) {
    cta.role "r" warps 1 registers 24 {
      "cta.elect"() ({
        // expected-error @below {{block with no terminator}}
        %0 = arith.constant 0 : i32
      }) : () -> ()
    }
  }
  return
}

// -----

func.func @named_id() {
  // expected-error @below {{attribute 'id' failed to satisfy constraint}}
  %0 = cta.named_barrier "b" id 0 threads 256
  return
}

// -----

func.func @named_id_too_large() {
  // expected-error @below {{expected an id of 1 to 15, got 16}}
  %0 = cta.named_barrier "b" id 16 threads 256
  return
}

// -----

func.func @named_too_many_threads() {
  // expected-error @below {{expected at most 1024 threads, got 1056}}
  %0 = cta.named_barrier "b" id 1 threads 1056
  return
}

// -----

func.func @named_threads() {
  // expected-error @below {{expected whole warps of 32 threads, got 100}}
  %0 = cta.named_barrier "b" id 1 threads 100
  return
}

// -----

func.func @named_role() {
  scf.forall (%i) in (1) {
    %b = cta.named_barrier "b" id 1 threads 64
    cta.role "a" warps 4 registers 240 {
      // expected-error @below {{expected a role of at most 64 threads, got 128}}
      cta.named_sync %b
    }
  }
  return
}

// -----

func.func @named_elect() {
  scf.forall (%i) in (1) {
    %b = cta.named_barrier "b" id 1 threads 256
    cta.role "a" warps 4 registers 240 {
      cta.elect {
        // expected-error @below {{expected the whole role, got one lane in cta.elect}}
        cta.named_arrive %b
      }
    }
  }
  return
}

// -----

func.func @cluster_elect() {
  scf.forall (%i) in (1) {
    cta.role "a" warps 4 registers 240 {
      cta.elect {
        // expected-error @below {{expected the whole role, got one lane in cta.elect}}
        cta.cluster_arrive
      }
    }
  }
  return
}

// -----

func.func @cluster_wait_elect() {
  scf.forall (%i) in (1) {
    cta.role "a" warps 4 registers 240 {
      cta.elect {
        // expected-error @below {{expected the whole role, got one lane in cta.elect}}
        cta.cluster_wait
      }
    }
  }
  return
}

// -----

func.func @acquire_indices(%M: memref<?x?xi32>, %i: index) {
  // expected-error @below {{expected 2 indices for 'memref<?x?xi32>', got 1}}
  %0 = cta.load_acquire %M[%i] : memref<?x?xi32>
  return
}

// -----

func.func @elect_fragment(%M: memref<64xf32>, %x: index) {
  scf.forall (%i) in (1) {
    cta.role "a" warps 4 registers 240 {
      cta.elect {
        // expected-error @below {{expected the whole role, got one lane in cta.elect}}
        %0 = tile.load %M[%x] : memref<64xf32> -> tensor<64xf32>
      }
    }
  }
  return
}

// -----

func.func @elect_mma(%f: !cta.in_flight<tensor<64x64xf32, #cta.layout<acc>>>) {
  scf.forall (%i) in (1) {
    cta.role "a" warps 4 registers 240 {
      cta.elect {
        // expected-error @below {{expected the whole role, got one lane in cta.elect}}
        %0 = cta.mma_wait %f pending 0 : !cta.in_flight<tensor<64x64xf32, #cta.layout<acc>>>
      }
    }
  }
  return
}

// -----

func.func @elect_sync() {
  scf.forall (%i) in (1) {
    cta.role "a" warps 4 registers 240 {
      cta.elect {
        // expected-error @below {{expected the whole role, got one lane in cta.elect}}
        cta.sync
      }
    }
  }
  return
}

// -----

func.func @elect_mma_fence() {
  scf.forall (%i) in (1) {
    cta.role "a" warps 4 registers 240 {
      cta.elect {
        // expected-error @below {{expected the whole role, got one lane in cta.elect}}
        cta.mma_fence
      }
    }
  }
  return
}

// -----

func.func @elect_mma_commit() {
  scf.forall (%i) in (1) {
    cta.role "a" warps 4 registers 240 {
      cta.elect {
        // expected-error @below {{expected the whole role, got one lane in cta.elect}}
        cta.mma_commit
      }
    }
  }
  return
}

// -----

func.func @elect_arrive_copies(%b: !cta.mbarrier<1>, %x: i32) {
  scf.forall (%i) in (1) {
    cta.role "a" warps 4 registers 240 {
      cta.elect {
        // expected-error @below {{expected the whole role, got one lane in cta.elect}}
        cta.arrive_copies %b[%x] : !cta.mbarrier<1>
      }
    }
  }
  return
}

// -----

func.func @named_argument(%b: !cta.named_barrier) {
  scf.forall (%i) in (1) {
    cta.role "a" warps 4 registers 240 {
      // expected-error @below {{expected a barrier declared by cta.named_barrier}}
      cta.named_arrive %b
    }
  }
  return
}

// -----

func.func @acquire_element(%M: memref<?xf32>, %i: index) {
  // expected-error @below {{'memref' must be memref of 32-bit signless integer or 64-bit signless integer values, but got 'memref<?xf32>'}}
  %0 = cta.load_acquire %M[%i] : memref<?xf32>
  return
}

// -----

func.func @release_role(%x: i32, %M: memref<?xi32>, %i: index) {
  // expected-error @below {{expected cta.elect around it, got the whole role}}
  cta.store_release %x, %M[%i] : memref<?xi32>
  return
}

// -----

func.func @release_indices(%x: i32, %M: memref<?x?xi32>, %n: index) {
  scf.forall (%i) in (1) {
    cta.role "a" warps 4 registers 240 {
      cta.elect {
        // expected-error @below {{expected 2 indices for 'memref<?x?xi32>', got 1}}
        cta.store_release %x, %M[%n] : memref<?x?xi32>
      }
    }
  }
  return
}

// -----

func.func @release_value(%x: i64, %M: memref<?xi32>, %n: index) {
  scf.forall (%i) in (1) {
    cta.role "a" warps 4 registers 240 {
      cta.elect {
        // expected-error @below {{failed to verify that value has the memref's element type}}
        "cta.store_release"(%x, %M, %n) : (i64, memref<?xi32>, index) -> ()
      }
    }
  }
  return
}
