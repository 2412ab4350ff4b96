// mla-tile: sizes that the operator does not support, and a second operator.
// RUN: %mla-opt %s --mla-choose-schedule --mla-tile -verify-diagnostics -split-input-file
// RUN: not %mla-opt %S/Inputs/sparse_prefill.mlir --mla-choose-schedule=schedule=auto:block_kv=40 --mla-tile 2>&1 | FileCheck %s --check-prefix=KEYS
// RUN: not %mla-opt %S/Inputs/sparse_prefill.mlir --mla-choose-schedule=schedule=auto:block_kv=512 --mla-tile 2>&1 | FileCheck %s --check-prefix=MANY
// RUN: not %mla-opt %S/Inputs/sparse_prefill.mlir --mla-choose-schedule=schedule=seesaw --mla-tile=threshold=-1 2>&1 | FileCheck %s --check-prefix=NEGATIVE
// RUN: not %mla-opt %S/Inputs/sparse_prefill.mlir --mla-choose-schedule=schedule=seesaw --mla-tile=threshold=nan 2>&1 | FileCheck %s --check-prefix=NAN

// RUN: not %mla-opt %S/Inputs/sparse_prefill.mlir --mla-choose-schedule=schedule=swapped:rows=12 --mla-tile 2>&1 | FileCheck %s --check-prefix=COLUMNS
// COLUMNS: error: 'mla.sparse_prefill' op expected tile size 'rows' a multiple of 8 up to 32 where heads are columns of MMAs, got 12
// RUN: not %mla-opt %S/Inputs/sparse_prefill.mlir --mla-choose-schedule=schedule=seesaw:rows=32 --mla-tile 2>&1 | FileCheck %s --check-prefix=ROWS
// ROWS: error: 'mla.sparse_prefill' op expected tile size 'rows' of 64 where heads are rows of MMAs, got 32
// NEGATIVE: error: 'mla.sparse_prefill' op expected a threshold in [0, 64], got -1
// NAN: error: 'mla.sparse_prefill' op expected a threshold in [0, 64], got nan
// KEYS: error: 'mla.sparse_prefill' op expected tile size 'block_kv' a multiple of 32 in [32, 256], got 40
// MANY: error: 'mla.sparse_prefill' op expected tile size 'block_kv' a multiple of 32 in [32, 256], got 512

!indices = memref<?x1x?xi32>
func.func @heads(%q: memref<?x192x576xbf16>, %kv: memref<?x1x576xbf16>,
                 %indices: !indices, %scale: f32, %out: memref<?x192x512xbf16>,
                 %max: memref<?x192xf32>, %lse: memref<?x192xf32>) {
  // expected-error @below {{expected 1 <= h_q <= 128, got 192}}
  mla.sparse_prefill
      ins(%q, %kv, %indices, %scale : memref<?x192x576xbf16>, memref<?x1x576xbf16>, !indices)
      outs(%out, %max, %lse : memref<?x192x512xbf16>, memref<?x192xf32>, memref<?x192xf32>)
  return
}

// -----

func.func @kv_heads(%q: memref<?x128x576xbf16>, %kv: memref<?x2x576xbf16>,
                    %indices: memref<?x2x?xi32>, %scale: f32, %out: memref<?x128x512xbf16>,
                    %max: memref<?x128xf32>, %lse: memref<?x128xf32>) {
  // expected-error @below {{expected h_kv = 1, got 2}}
  mla.sparse_prefill
      ins(%q, %kv, %indices, %scale : memref<?x128x576xbf16>, memref<?x2x576xbf16>, memref<?x2x?xi32>)
      outs(%out, %max, %lse : memref<?x128x512xbf16>, memref<?x128xf32>, memref<?x128xf32>)
  return
}

// -----

func.func @dynamic_kv_heads(%q: memref<?x128x576xbf16>, %kv: memref<?x?x576xbf16>,
                            %indices: memref<?x?x?xi32>, %scale: f32, %out: memref<?x128x512xbf16>,
                            %max: memref<?x128xf32>, %lse: memref<?x128xf32>) {
  // expected-error @below {{expected h_kv = 1, got a dynamic size}}
  mla.sparse_prefill
      ins(%q, %kv, %indices, %scale : memref<?x128x576xbf16>, memref<?x?x576xbf16>, memref<?x?x?xi32>)
      outs(%out, %max, %lse : memref<?x128x512xbf16>, memref<?x128xf32>, memref<?x128xf32>)
  return
}

// -----

!indices = memref<?x1x?xi32>
func.func @columns(%q: memref<?x128x192xbf16>, %kv: memref<?x1x192xbf16>,
                   %indices: !indices, %scale: f32, %out: memref<?x128x128xbf16>,
                   %max: memref<?x128xf32>, %lse: memref<?x128xf32>) {
  // expected-error @below {{expected d_qk/d_v of 576/512 or 512/512, got 192/128}}
  mla.sparse_prefill
      ins(%q, %kv, %indices, %scale : memref<?x128x192xbf16>, memref<?x1x192xbf16>, !indices)
      outs(%out, %max, %lse : memref<?x128x128xbf16>, memref<?x128xf32>, memref<?x128xf32>)
  return
}

// -----

!q = memref<?x64x512xbf16>
!kv = memref<?x1x512xbf16>
!indices = memref<?x1x?xi32>
!stat = memref<?x64xf32>
func.func @two(%q: !q, %kv: !kv, %indices: !indices, %scale: f32,
               %out: !q, %max: !stat, %lse: !stat) {
  mla.sparse_prefill ins(%q, %kv, %indices, %scale : !q, !kv, !indices)
      outs(%out, %max, %lse : !q, !stat, !stat)
  // expected-error @below {{expected one mla operator per function, got a second one}}
  mla.sparse_prefill ins(%q, %kv, %indices, %scale : !q, !kv, !indices)
      outs(%out, %max, %lse : !q, !stat, !stat)
  return
}
