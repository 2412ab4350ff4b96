// mla.sparse_prefill with all optional operands: the input of whole-pipeline tests.
!q = memref<?x128x576xbf16, strided<[?, ?, 1]>>
!kv = memref<?x1x576xbf16, strided<[?, ?, 1]>>
!indices = memref<?x1x?xi32, strided<[?, ?, 1]>>
!out = memref<?x128x512xbf16, strided<[?, ?, 1]>>
!stat = memref<?x128xf32, strided<[?, 1]>>

func.func @sparse_prefill(%q: !q, %kv: !kv, %indices: !indices, %scale: f32,
                          %length: memref<?xi32>, %sink: memref<128xf32>,
                          %out: !out, %max_logits: !stat, %lse: !stat) {
  mla.sparse_prefill ins(%q, %kv, %indices, %scale : !q, !kv, !indices)
      topk_length(%length : memref<?xi32>) attn_sink(%sink : memref<128xf32>)
      outs(%out, %max_logits, %lse : !out, !stat, !stat)
  return
}
