// Ops that are not allowed at the level of a program, or at their place in it. Every
// pass checks this before it runs, so all passes, the pipelines and the conversion
// report the same errors.
//
// RUN: mla-opt %s --mla-choose-schedule -split-input-file -verify-diagnostics
// RUN: mla-opt %s --mla-schedule -split-input-file -verify-diagnostics
// RUN: mla-opt %s --mla-wgmma-descriptors -split-input-file -verify-diagnostics
// RUN: mla-opt %s --mla-cta-pipeline -split-input-file -verify-diagnostics
// RUN: mla-opt %s --mla-kernel-pipeline -split-input-file -verify-diagnostics
// RUN: mla-opt %s --convert-mla-to-nvvm -split-input-file -verify-diagnostics

func.func @store_outside_tile(%m: memref<?xf32>, %x: f32) {
  %c0 = arith.constant 0 : index
  // expected-error @below {{'memref.store' op is not allowed outside the grid of a tile program; expected arith, math, memref.dim, memref.load, tensor.splat, one scf.forall and cta.tensor_map}}
  memref.store %x, %m[%c0] : memref<?xf32>
  scf.forall (%i) in (2) {
    %t = tensor.splat %x : tensor<64xf32>
    tile.store %t, %m[%i] : tensor<64xf32>, memref<?xf32>
  }
  return
}

// -----

func.func @store_outside(%m: memref<?xf32>, %x: f32) attributes {cta.verified} {
  %c0 = arith.constant 0 : index
  // expected-error @below {{'memref.store' op is not allowed outside the grid of a cta program; expected arith, math, memref.dim, memref.load, tensor.splat, one scf.forall and cta.tensor_map}}
  memref.store %x, %m[%c0] : memref<?xf32>
  scf.forall (%i) in (2) {
    cta.role "all" warps 4 registers 168 {
    }
  }
  return
}

// -----

func.func @store_in_tile_grid(%m: memref<?xf32>, %x: f32) {
  %c0 = arith.constant 0 : index
  scf.forall (%i) in (2) {
    // expected-error @below {{'memref.store' op is not allowed in the grid of a tile program; expected arith, math, memref.dim, memref.load, tensor.splat, tile, scf.for and scf.if}}
    memref.store %x, %m[%c0] : memref<?xf32>
    %t = tensor.splat %x : tensor<64xf32>
    tile.store %t, %m[%i] : tensor<64xf32>, memref<?xf32>
  }
  return
}

// -----

func.func @store_in_grid(%m: memref<?xf32>, %x: f32) attributes {cta.verified} {
  %c0 = arith.constant 0 : index
  scf.forall (%i) in (2) {
    // expected-error @below {{'memref.store' op is not allowed in the grid of a cta program, outside its roles; expected arith, math, memref.dim, memref.load, tensor.splat, cta.role, declarations of rings, buffers and barriers, their initialisation, scf.for and scf.if}}
    memref.store %x, %m[%c0] : memref<?xf32>
    cta.role "all" warps 4 registers 168 {
    }
  }
  return
}

// -----

func.func @store_in_role(%m: memref<?xf32>, %x: f32) attributes {cta.verified} {
  %c0 = arith.constant 0 : index
  scf.forall (%i) in (2) {
    cta.role "all" warps 4 registers 168 {
      // expected-error @below {{'memref.store' op is not allowed in a role of a cta program; expected arith, math, memref.dim, memref.load, tensor.splat, cta, tile, scf.for, scf.if and scf.while}}
      memref.store %x, %m[%c0] : memref<?xf32>
    }
  }
  return
}

// -----

func.func @store_behind_roles(%m: memref<?xf32>, %x: f32) attributes {cta.verified} {
  %c0 = arith.constant 0 : index
  scf.forall (%i) in (2) {
    cta.role "all" warps 4 registers 168 {
    }
    // expected-error @below {{'memref.store' op is not allowed in the grid of a cta program, outside its roles}}
    memref.store %x, %m[%c0] : memref<?xf32>
  }
  return
}

// -----

func.func @copy(%m: memref<?xf32>, %x: f32) attributes {cta.verified} {
  %c0 = arith.constant 0 : index
  // expected-error @below {{'memref.copy' op is not allowed outside the grid of a cta program}}
  memref.copy %m, %m : memref<?xf32> to memref<?xf32>
  scf.forall (%i) in (2) {
    cta.role "all" warps 4 registers 168 {
    }
  }
  return
}

// -----

func.func @dealloc(%m: memref<?xf32>, %x: f32) attributes {cta.verified} {
  %c0 = arith.constant 0 : index
  // expected-error @below {{'memref.dealloc' op is not allowed outside the grid of a cta program}}
  memref.dealloc %m : memref<?xf32>
  scf.forall (%i) in (2) {
    cta.role "all" warps 4 registers 168 {
    }
  }
  return
}

// -----

func.func @atomic(%m: memref<?xf32>, %x: f32) attributes {cta.verified} {
  %c0 = arith.constant 0 : index
  scf.forall (%i) in (2) {
    // expected-error @below {{'memref.atomic_rmw' op is not allowed in the grid of a cta program, outside its roles}}
    %old = memref.atomic_rmw addf %x, %m[%c0] : (f32, memref<?xf32>) -> f32
    cta.role "all" warps 4 registers 168 {
    }
  }
  return
}

// -----

func.func @itself(%m: memref<?xf32>, %x: f32) attributes {cta.verified} {
  %c0 = arith.constant 0 : index
  // expected-error @below {{'func.call' op is not allowed outside the grid of a cta program}}
  func.call @itself(%m, %x) : (memref<?xf32>, f32) -> ()
  scf.forall (%i) in (2) {
    cta.role "all" warps 4 registers 168 {
    }
  }
  return
}

// -----

func.func @itself_in_tile_grid(%m: memref<?xf32>, %x: f32) {
  %c0 = arith.constant 0 : index
  scf.forall (%i) in (2) {
    // expected-error @below {{'func.call' op is not allowed in the grid of a tile program}}
    func.call @itself_in_tile_grid(%m, %x) : (memref<?xf32>, f32) -> ()
    %t = tensor.splat %x : tensor<64xf32>
    tile.store %t, %m[%i] : tensor<64xf32>, memref<?xf32>
  }
  return
}

// -----

func.func @itself_in_role(%m: memref<?xf32>, %x: f32) attributes {cta.verified} {
  %c0 = arith.constant 0 : index
  scf.forall (%i) in (2) {
    cta.role "all" warps 4 registers 168 {
      // expected-error @below {{'func.call' op is not allowed in a role of a cta program}}
      func.call @itself_in_role(%m, %x) : (memref<?xf32>, f32) -> ()
    }
  }
  return
}

// -----

func.func @sync_outside(%m: memref<?xf32>, %x: f32) attributes {cta.verified} {
  %c0 = arith.constant 0 : index
  // expected-error @below {{'cta.sync' op is not allowed outside the grid of a cta program}}
  cta.sync
  scf.forall (%i) in (2) {
    cta.role "all" warps 4 registers 168 {
    }
  }
  return
}

// -----

func.func @fence_async_outside(%m: memref<?xf32>, %x: f32) attributes {cta.verified} {
  %c0 = arith.constant 0 : index
  // expected-error @below {{'cta.fence_async' op is not allowed outside the grid of a cta program}}
  cta.fence_async
  scf.forall (%i) in (2) {
    cta.role "all" warps 4 registers 168 {
    }
  }
  return
}

// -----

func.func @mma_commit_outside(%m: memref<?xf32>, %x: f32) attributes {cta.verified} {
  %c0 = arith.constant 0 : index
  // expected-error @below {{'cta.mma_commit' op is not allowed outside the grid of a cta program}}
  cta.mma_commit
  scf.forall (%i) in (2) {
    cta.role "all" warps 4 registers 168 {
    }
  }
  return
}

// -----

func.func @mma_fence_outside(%m: memref<?xf32>, %x: f32) attributes {cta.verified} {
  %c0 = arith.constant 0 : index
  // expected-error @below {{'cta.mma_fence' op is not allowed outside the grid of a cta program}}
  cta.mma_fence
  scf.forall (%i) in (2) {
    cta.role "all" warps 4 registers 168 {
    }
  }
  return
}

// -----

func.func @fence_async_in_grid(%m: memref<?xf32>, %x: f32) attributes {cta.verified} {
  %c0 = arith.constant 0 : index
  scf.forall (%i) in (2) {
    // expected-error @below {{'cta.fence_async' op is not allowed in the grid of a cta program, outside its roles}}
    cta.fence_async
    cta.role "all" warps 4 registers 168 {
    }
  }
  return
}

// -----

func.func @mma_commit_in_grid(%m: memref<?xf32>, %x: f32) attributes {cta.verified} {
  %c0 = arith.constant 0 : index
  scf.forall (%i) in (2) {
    // expected-error @below {{'cta.mma_commit' op is not allowed in the grid of a cta program, outside its roles}}
    cta.mma_commit
    cta.role "all" warps 4 registers 168 {
    }
  }
  return
}

// -----

func.func @mma_fence_in_grid(%m: memref<?xf32>, %x: f32) attributes {cta.verified} {
  %c0 = arith.constant 0 : index
  scf.forall (%i) in (2) {
    // expected-error @below {{'cta.mma_fence' op is not allowed in the grid of a cta program, outside its roles}}
    cta.mma_fence
    cta.role "all" warps 4 registers 168 {
    }
  }
  return
}

// -----

func.func @sync_in_tile_grid(%m: memref<?xf32>, %x: f32) {
  %c0 = arith.constant 0 : index
  scf.forall (%i) in (2) {
    cta.sync
    %y = tensor.splat %x : tensor<64xf32>
    // expected-error @below {{'tile.store' op is not allowed in the grid of a cta program, outside its roles}}
    tile.store %y, %m[%i] : tensor<64xf32>, memref<?xf32>
    %t = tensor.splat %x : tensor<64xf32>
    tile.store %t, %m[%i] : tensor<64xf32>, memref<?xf32>
  }
  return
}

// -----

func.func @tile_store_in_grid(%m: memref<?xf32>, %x: f32) attributes {cta.verified} {
  %c0 = arith.constant 0 : index
  scf.forall (%i) in (2) {
    %t = tensor.splat %x : tensor<64xf32>
    // expected-error @below {{'tile.store' op is not allowed in the grid of a cta program, outside its roles}}
    tile.store %t, %m[%c0] : tensor<64xf32>, memref<?xf32>
    cta.role "all" warps 4 registers 168 {
    }
  }
  return
}

// -----

func.func @tile_store_outside(%m: memref<?xf32>, %x: f32) attributes {cta.verified} {
  %c0 = arith.constant 0 : index
  %t = tensor.splat %x : tensor<64xf32>
  // expected-error @below {{'tile.store' op is not allowed outside the grid of a cta program}}
  tile.store %t, %m[%c0] : tensor<64xf32>, memref<?xf32>
  scf.forall (%i) in (2) {
    cta.role "all" warps 4 registers 168 {
    }
  }
  return
}

// -----

func.func @loop_outside(%m: memref<?xf32>, %x: f32) attributes {cta.verified} {
  %c0 = arith.constant 0 : index
  // expected-error @below {{'scf.for' op is not allowed outside the grid of a cta program}}
  scf.for %j = %c0 to %c0 step %c0 {
  }
  scf.forall (%i) in (2) {
    cta.role "all" warps 4 registers 168 {
    }
  }
  return
}

// -----

func.func @nested(%m: memref<?xf32>, %x: f32) attributes {cta.verified} {
  %c0 = arith.constant 0 : index
  scf.forall (%i) in (2) {
    cta.role "all" warps 4 registers 168 {
      scf.for %j = %c0 to %c0 step %c0 {
        // expected-error @below {{'memref.store' op is not allowed in a role of a cta program}}
        memref.store %x, %m[%c0] : memref<?xf32>
      }
    }
  }
  return
}

// -----

func.func @nested_in_grid(%m: memref<?xf32>, %x: f32) attributes {cta.verified} {
  %c0 = arith.constant 0 : index
  scf.forall (%i) in (2) {
    scf.for %j = %c0 to %c0 step %c0 {
      // expected-error @below {{'memref.dealloc' op is not allowed in the grid of a cta program, outside its roles}}
      memref.dealloc %m : memref<?xf32>
    }
    cta.role "all" warps 4 registers 168 {
    }
  }
  return
}

// -----

func.func @initialisation_in_role(%m: memref<?xf32>, %x: f32) attributes {cta.verified} {
  %c0 = arith.constant 0 : index
  scf.forall (%i) in (2) {
    %b = cta.mbarrier "b" count 1 at 0 : !cta.mbarrier<1>
    cta.role "all" warps 4 registers 168 {
      // expected-error @below {{'cta.mbarrier_init' op is not allowed in a role of a cta program}}
      cta.mbarrier_init %b : !cta.mbarrier<1>
    }
  }
  return
}

// -----

func.func @machine(%m: memref<?xf32>, %x: f32) attributes {cta.verified} {
  %c0 = arith.constant 0 : index
  scf.forall (%i) in (2) {
    cta.role "all" warps 4 registers 168 {
      // expected-error @below {{'nvvm.barrier0' op is not allowed in a role of a cta program}}
      nvvm.barrier0
    }
  }
  return
}

// -----

func.func @machine_outside(%m: memref<?xf32>, %x: f32) attributes {cta.verified} {
  %c0 = arith.constant 0 : index
  // expected-error @below {{'llvm.inline_asm' op is not allowed outside the grid of a cta program}}
  llvm.inline_asm has_side_effects "trap;", "" : () -> ()
  scf.forall (%i) in (2) {
    cta.role "all" warps 4 registers 168 {
    }
  }
  return
}

// -----

func.func @allocation(%m: memref<?xf32>, %x: f32) attributes {cta.verified} {
  %c0 = arith.constant 0 : index
  scf.forall (%i) in (2) {
    cta.role "all" warps 4 registers 168 {
      // expected-error @below {{'memref.alloca' op is not allowed in a role of a cta program}}
      %s = memref.alloca() : memref<4xf32>
    }
  }
  return
}

// -----

func.func @grid_in_role(%m: memref<?xf32>, %x: f32) attributes {cta.verified} {
  %c0 = arith.constant 0 : index
  scf.forall (%i) in (2) {
    cta.role "all" warps 4 registers 168 {
      // expected-error @below {{'scf.forall' op is not allowed in a role of a cta program}}
      scf.forall (%j) in (2) {
      }
    }
  }
  return
}

// -----

func.func @grid_in_grid(%m: memref<?xf32>, %x: f32) {
  %c0 = arith.constant 0 : index
  scf.forall (%i) in (2) {
    // expected-error @below {{'scf.forall' op is not allowed in the grid of a tile program}}
    scf.forall (%j) in (2) {
    }
    %t = tensor.splat %x : tensor<64xf32>
    tile.store %t, %m[%i] : tensor<64xf32>, memref<?xf32>
  }
  return
}

// -----

func.func @other_memref(%m: memref<?xf32>, %x: f32) attributes {cta.verified} {
  %c0 = arith.constant 0 : index
  %c = arith.constant true
  // expected-error @below {{'arith.select' op has a value of type 'memref<?xf32>'; expected memrefs to be arguments of the function}}
  %n = arith.select %c, %m, %m : memref<?xf32>
  scf.forall (%i) in (2) {
    cta.role "all" warps 4 registers 168 {
    }
  }
  return
}

// -----

func.func @wide(%m: memref<?xf32>, %x: f32) attributes {cta.verified} {
  %c0 = arith.constant 0 : index
  scf.forall (%i) in (2) {
    cta.role "all" warps 4 registers 168 {
      // expected-error @below {{'arith.constant' op has a value of type 'i128'; expected numbers of at most 64 bits}}
      %w = arith.constant 1 : i128
    }
  }
  return
}

// -----

func.func @vector(%m: memref<?xf32>, %x: f32) attributes {cta.verified} {
  %c0 = arith.constant 0 : index
  scf.forall (%i) in (2) {
    cta.role "all" warps 4 registers 168 {
      // expected-error @below {{'arith.constant' op has a value of type 'vector<4xf32>'; expected numbers of at most 64 bits}}
      %w = arith.constant dense<1.0> : vector<4xf32>
    }
  }
  return
}

// -----

func.func @two_grids(%m: memref<?xf32>) {
  scf.forall (%i) in (2) {
  }
  // expected-error @below {{expected one scf.forall per function}}
  scf.forall (%i) in (2) {
  }
  return
}

// -----

// expected-error @below {{'func.func' op expected regions of one block}}
func.func @blocks(%c: i1) {
  scf.forall (%i) in (2) {
    cta.role "all" warps 4 registers 168 {
    }
  }
  cf.br ^bb1
^bb1:
  return
}

// -----

func.func @deep(%c: i1, %m: memref<?xf32>, %t: tensor<64xf32>) {
  %c0 = arith.constant 0 : index
  scf.forall (%i) in (2) {
  scf.if %c {
  scf.if %c {
  scf.if %c {
  scf.if %c {
  scf.if %c {
  scf.if %c {
  scf.if %c {
  scf.if %c {
  scf.if %c {
  scf.if %c {
  scf.if %c {
  scf.if %c {
  scf.if %c {
  scf.if %c {
  scf.if %c {
  scf.if %c {
  scf.if %c {
  scf.if %c {
  scf.if %c {
  scf.if %c {
  scf.if %c {
  scf.if %c {
  scf.if %c {
  scf.if %c {
  scf.if %c {
  scf.if %c {
  scf.if %c {
  scf.if %c {
  scf.if %c {
  scf.if %c {
  scf.if %c {
  // expected-error @below {{'scf.if' op expected at most 32 nested regions, got more}}
  scf.if %c {
  scf.if %c {
  tile.store %t, %m[%i] : tensor<64xf32>, memref<?xf32>
  }
  }
  }
  }
  }
  }
  }
  }
  }
  }
  }
  }
  }
  }
  }
  }
  }
  }
  }
  }
  }
  }
  }
  }
  }
  }
  }
  }
  }
  }
  }
  }
  }
  }
  return
}
