// REQUIRES: jit
// An operator outside the libraries: its table, tile program and schedule are in
// this folder; the passes are those of the project.
//
// RUN: rm -rf %t && mkdir -p %t
// RUN: mla-example-opt emit dense_attention > %t/op.mlir
// RUN: FileCheck %s --check-prefix=EMIT < %t/op.mlir
// EMIT: func.func @dense_attention(
// EMIT: mla.dense_attention ins(%arg0, %arg1, %arg2, %arg3 : memref<?x?x128xbf16, strided<[?, ?, 1]>>
// EMIT-SAME: outs(%arg4 : memref<?x?x128xbf16, strided<[?, ?, 1]>>) lse(%arg5 : memref<?x?xf32, strided<[?, 1]>>)
// RUN: mla-example-opt %t/op.mlir --mla-choose-schedule --mla-tile -o %t/tile.mlir
// RUN: FileCheck %s --check-prefix=TILE < %t/tile.mlir
// TILE: mla.dims = ["heads", "s_q", "d"], mla.name = "q"
// TILE: mla.name = "scale", mla.positive
// TILE: mla.operator = "dense_attention"
// Of the table's limits those that a run-time size does not have anyway.
// TILE-SAME: mla.size_limits = {s_kv = array<i64: 1, 2147483647>}
// TILE: scf.forall
//
// Options and sizes are set by name, as in `mla-jit emit`.
// RUN: mla-example-opt emit dense_attention dtype=f16 s_q=64 | FileCheck %s --check-prefix=HALF
// HALF: memref<?x64x128xf16, strided<[?, ?, 1]>>, memref<?x?x128xf16, strided<[?, ?, 1]>>
// RUN: not mla-example-opt emit dense_attention dtype=f32 2>&1 | FileCheck %s --check-prefix=DTYPE
// DTYPE: error: dtype: expected 'bf16' or 'f16', got 'f32'
// RUN: not mla-example-opt emit dense_atention 2>&1 | FileCheck %s --check-prefix=NAME
// NAME: error: expected dense_attention, got 'dense_atention'
//
// A size outside the limits of the table is refused before anything runs.
// RUN: not mla-jit run %t/tile.mlir --device=sim --sizes heads=1,s_q=1,s_kv=0 2>&1 | FileCheck %s --check-prefix=LIMIT
// RUN: not mla-jit run %t/tile.mlir --device=interpreter --sizes heads=1,s_q=1,s_kv=0 2>&1 | FileCheck %s --check-prefix=LIMIT
// LIMIT: error: {{.*}}size 's_kv': expected 1 to 2147483647, got 0
//
// The interpreter and the simulated kernel agree with the reference.
// RUN: mla-jit run %t/tile.mlir --device=interpreter --check --scale=0.0884 --sizes heads=2,s_q=130,s_kv=200
// RUN: mla-jit run %t/tile.mlir --device=sim --seeds=2 --check --scale=0.0884 \
// RUN:   --sizes heads=2,s_q=130,s_kv=200 --sizes heads=1,s_q=5,s_kv=64
//
// The optional output lse: absent at compile time, or omitted by a launch.
// RUN: mla-example-opt emit dense_attention lse=no > %t/no-lse.mlir
// RUN: FileCheck %s --check-prefix=NO-LSE < %t/no-lse.mlir
// NO-LSE: outs(%arg4 : memref<?x?x128xbf16, strided<[?, ?, 1]>>){{$}}
// RUN: mla-example-opt emit dense_attention lse=optional s_q=64 heads=2 > %t/optional-lse.mlir
// RUN: FileCheck %s --check-prefix=OPTIONAL < %t/optional-lse.mlir
// OPTIONAL: lse(%arg5 : memref<?x?xf32, strided<[?, 1]>>) {lse_optional}
// RUN: mla-example-opt %t/no-lse.mlir --mla-choose-schedule --mla-tile -o %t/no-lse-tile.mlir
// RUN: mla-jit run %t/no-lse-tile.mlir --device=sim --check --scale=0.0884 --sizes heads=1,s_q=5,s_kv=64
// RUN: mla-example-opt %t/optional-lse.mlir --mla-choose-schedule --mla-tile -o %t/optional-tile.mlir
// RUN: FileCheck %s --check-prefix=ARGUMENT < %t/optional-tile.mlir
// ARGUMENT: mla.dims = [2 : index, 64 : index], mla.name = "lse", mla.optional
// RUN: mla-jit run %t/optional-tile.mlir --device=interpreter --check --scale=0.0884 --sizes s_kv=64 --without lse
// RUN: mla-jit run %t/optional-tile.mlir --device=sim --check --scale=0.0884 --sizes s_kv=64 --without lse
// RUN: mla-jit run %t/optional-tile.mlir --device=sim --check --scale=0.0884 --sizes s_kv=64
// RUN: not mla-jit run %t/optional-tile.mlir --device=sim --scale=0.0884 --sizes s_kv=64 --without out 2>&1 | FileCheck %s --check-prefix=OUT
// OUT: argument 'out': cannot be left out; those that can: lse
//
// Operands that do not match the table are errors.
// RUN: mla-example-opt %s --mla-choose-schedule --mla-tile -verify-diagnostics -split-input-file

func.func @elements(%q: memref<?x?x128xbf16>, %k: memref<?x?x128xf32>, %v: memref<?x?x128xbf16>, %scale: f32,
                    %out: memref<?x?x128xbf16>, %lse: memref<?x?xf32>) {
  // expected-error @below {{k: expected element type bf16 or f16, got f32}}
  mla.dense_attention ins(%q, %k, %v, %scale : memref<?x?x128xbf16>, memref<?x?x128xf32>, memref<?x?x128xbf16>)
      outs(%out : memref<?x?x128xbf16>) lse(%lse : memref<?x?xf32>)
  return
}

// -----

func.func @other_elements(%q: memref<?x?x128xbf16>, %k: memref<?x?x128xbf16>, %v: memref<?x?x128xf16>, %scale: f32,
                          %out: memref<?x?x128xbf16>, %lse: memref<?x?xf32>) {
  // expected-error @below {{v: expected element type bf16, as q has, got f16}}
  mla.dense_attention ins(%q, %k, %v, %scale : memref<?x?x128xbf16>, memref<?x?x128xbf16>, memref<?x?x128xf16>)
      outs(%out : memref<?x?x128xbf16>) lse(%lse : memref<?x?xf32>)
  return
}

// -----

func.func @sizes(%q: memref<?x?x128xbf16>, %k: memref<?x8x128xbf16>, %v: memref<?x9x128xbf16>, %scale: f32,
                 %out: memref<?x?x128xbf16>, %lse: memref<?x?xf32>) {
  // expected-error @below {{v: expected s_kv = 8 in dimension 1, got 9}}
  mla.dense_attention ins(%q, %k, %v, %scale : memref<?x?x128xbf16>, memref<?x8x128xbf16>, memref<?x9x128xbf16>)
      outs(%out : memref<?x?x128xbf16>) lse(%lse : memref<?x?xf32>)
  return
}

// -----

func.func @covered(%q: memref<?x?x64xbf16>, %k: memref<?x?x64xbf16>, %v: memref<?x?x64xbf16>, %scale: f32,
                   %out: memref<?x?x64xbf16>, %lse: memref<?x?xf32>) {
  // expected-error @below {{expected d = 128, got 64}}
  mla.dense_attention ins(%q, %k, %v, %scale : memref<?x?x64xbf16>, memref<?x?x64xbf16>, memref<?x?x64xbf16>)
      outs(%out : memref<?x?x64xbf16>) lse(%lse : memref<?x?xf32>)
  return
}
