!q = memref<?x2x16x576xbf16>
!cache = memref<?x64x2x576xbf16>
!out = memref<?x2x16x512xbf16>
!lse = memref<?x2x16xf32, strided<[?, ?, ?]>>
func.func @attend(%q: !q, %cache: !cache, %table: memref<?x?xi32>, %lengths: memref<?xi32>,
                  %scale: f32, %out: !out, %lse: !lse, %plan: memref<?x8xi32>) {
  mla.decode ins(%q, %cache, %lengths, %scale : !q, !cache, memref<?xi32>) block_table(%table : memref<?x?xi32>)
      outs(%out, %lse, %plan : !out, !lse, memref<?x8xi32>) {causal = "yes"}
  return
}
