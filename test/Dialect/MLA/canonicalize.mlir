// Canonicalisation and CSE keep operators, even two equal ones: they write memory.
// RUN: %mla-opt %s --canonicalize --cse | FileCheck %s

!q = memref<?x64x576xbf16>
!kv = memref<?x1x576xbf16>
!indices = memref<?x1x?xi32>
!out = memref<?x64x512xbf16>
!stat = memref<?x64xf32>

// CHECK-LABEL: func @twice
// CHECK-COUNT-2: mla.sparse_prefill
func.func @twice(%q: !q, %kv: !kv, %indices: !indices, %scale: f32,
                 %out: !out, %max: !stat, %lse: !stat) {
  mla.sparse_prefill ins(%q, %kv, %indices, %scale : !q, !kv, !indices)
      outs(%out, %max, %lse : !out, !stat, !stat)
  mla.sparse_prefill ins(%q, %kv, %indices, %scale : !q, !kv, !indices)
      outs(%out, %max, %lse : !out, !stat, !stat)
  return
}
