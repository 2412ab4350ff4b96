// As in levels-invalid.mlir, for functions with an mla operator.
//
// RUN: mla-opt %s --mla-choose-schedule -split-input-file -verify-diagnostics
// RUN: mla-opt %s --mla-tile -split-input-file -verify-diagnostics
// RUN: mla-opt %s --mla-kernel-pipeline -split-input-file -verify-diagnostics

func.func @store(%q: memref<?x16x576xbf16>, %kv: memref<?x1x576xbf16>, %indices: memref<?x1x?xi32>, %scale: f32,
    %out: memref<?x16x512xbf16>, %max: memref<?x16xf32>, %lse: memref<?x16xf32>) {
  %c0 = arith.constant 0 : index
  // expected-error @below {{'memref.store' op is not allowed outside the grid of a function with an mla operator; expected arith, math, memref.dim, memref.load, tensor.splat, an mla operator}}
  memref.store %scale, %lse[%c0, %c0] : memref<?x16xf32>
  mla.sparse_prefill ins(%q, %kv, %indices, %scale : memref<?x16x576xbf16>, memref<?x1x576xbf16>, memref<?x1x?xi32>)
      outs(%out, %max, %lse : memref<?x16x512xbf16>, memref<?x16xf32>, memref<?x16xf32>)
  return
}

// -----

func.func @dealloc(%q: memref<?x16x576xbf16>, %kv: memref<?x1x576xbf16>, %indices: memref<?x1x?xi32>, %scale: f32,
    %out: memref<?x16x512xbf16>, %max: memref<?x16xf32>, %lse: memref<?x16xf32>) {
  %c0 = arith.constant 0 : index
  // expected-error @below {{'memref.dealloc' op is not allowed outside the grid of a function with an mla operator; expected arith, math, memref.dim, memref.load, tensor.splat, an mla operator}}
  memref.dealloc %lse : memref<?x16xf32>
  mla.sparse_prefill ins(%q, %kv, %indices, %scale : memref<?x16x576xbf16>, memref<?x1x576xbf16>, memref<?x1x?xi32>)
      outs(%out, %max, %lse : memref<?x16x512xbf16>, memref<?x16xf32>, memref<?x16xf32>)
  return
}

// -----

func.func @itself(%q: memref<?x16x576xbf16>, %kv: memref<?x1x576xbf16>, %indices: memref<?x1x?xi32>, %scale: f32,
    %out: memref<?x16x512xbf16>, %max: memref<?x16xf32>, %lse: memref<?x16xf32>) {
  %c0 = arith.constant 0 : index
  // expected-error @below {{'func.call' op is not allowed outside the grid of a function with an mla operator; expected arith, math, memref.dim, memref.load, tensor.splat, an mla operator}}
  func.call @itself(%q, %kv, %indices, %scale, %out, %max, %lse) : (memref<?x16x576xbf16>, memref<?x1x576xbf16>, memref<?x1x?xi32>, f32, memref<?x16x512xbf16>, memref<?x16xf32>, memref<?x16xf32>) -> ()
  mla.sparse_prefill ins(%q, %kv, %indices, %scale : memref<?x16x576xbf16>, memref<?x1x576xbf16>, memref<?x1x?xi32>)
      outs(%out, %max, %lse : memref<?x16x512xbf16>, memref<?x16xf32>, memref<?x16xf32>)
  return
}

// -----

func.func @loop(%q: memref<?x16x576xbf16>, %kv: memref<?x1x576xbf16>, %indices: memref<?x1x?xi32>, %scale: f32,
    %out: memref<?x16x512xbf16>, %max: memref<?x16xf32>, %lse: memref<?x16xf32>) {
  %c0 = arith.constant 0 : index
  // expected-error @below {{'scf.for' op is not allowed outside the grid of a function with an mla operator; expected arith, math, memref.dim, memref.load, tensor.splat, an mla operator}}
  scf.for %i = %c0 to %c0 step %c0 {
  }
  mla.sparse_prefill ins(%q, %kv, %indices, %scale : memref<?x16x576xbf16>, memref<?x1x576xbf16>, memref<?x1x?xi32>)
      outs(%out, %max, %lse : memref<?x16x512xbf16>, memref<?x16xf32>, memref<?x16xf32>)
  return
}

// -----

func.func @sync(%q: memref<?x16x576xbf16>, %kv: memref<?x1x576xbf16>, %indices: memref<?x1x?xi32>, %scale: f32,
    %out: memref<?x16x512xbf16>, %max: memref<?x16xf32>, %lse: memref<?x16xf32>) {
  %c0 = arith.constant 0 : index
  // expected-error @below {{'cta.sync' op is not allowed outside the grid of a function with an mla operator; expected arith, math, memref.dim, memref.load, tensor.splat, an mla operator}}
  cta.sync
  mla.sparse_prefill ins(%q, %kv, %indices, %scale : memref<?x16x576xbf16>, memref<?x1x576xbf16>, memref<?x1x?xi32>)
      outs(%out, %max, %lse : memref<?x16x512xbf16>, memref<?x16xf32>, memref<?x16xf32>)
  return
}
