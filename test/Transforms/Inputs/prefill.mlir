// mla.prefill: an input of whole-pipeline tests.
!q = memref<?x?x8x192xbf16, strided<[?, ?, ?, 1]>>
!v = memref<?x?x8x128xbf16, strided<[?, ?, ?, 1]>>
!stat = memref<?x?x8xf32, strided<[?, ?, ?]>>

func.func @prefill(%q: !q, %k: !q, %v: !v, %scale: f32, %out: !v, %lse: !stat) {
  mla.prefill ins(%q, %k, %v, %scale : !q, !q, !v) outs(%out, %lse : !v, !stat)
      {causal = "yes"}
  return
}
