// Sparse MLA prefill in tile ops, similar to the output of --mla-tile for
// mla.sparse_prefill with h_q = 128, d_qk = 576, d_v = 512, topk_length and
// attn_sink. A grid point is a query and a block of 64 heads; the loop iterates over
// tiles of 64 indices. Exponentials are in base 2.

func.func @sparse_prefill(
    %Q: memref<?x128x576xbf16, strided<[?, ?, 1]>> {mla.name = "q"},
    %KV: memref<?x1x576xbf16, strided<[?, ?, 1]>> {mla.name = "kv"},
    %I: memref<?x1x?xi32, strided<[?, ?, 1]>> {mla.name = "indices"},
    %scale: f32 {mla.name = "scale"},
    %topk_length: memref<?xi32> {mla.name = "topk_length"},
    %sink: memref<128xf32> {mla.name = "attn_sink"},
    %O: memref<?x128x512xbf16, strided<[?, ?, 1]>> {mla.name = "out"},
    %M: memref<?x128xf32, strided<[?, 1]>> {mla.name = "max_logits"},
    %L: memref<?x128xf32, strided<[?, 1]>> {mla.name = "lse"}) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c2 = arith.constant 2 : index
  %c64 = arith.constant 64 : index
  %log2e = arith.constant 1.44269504 : f32
  %s_q = memref.dim %Q, %c0 : memref<?x128x576xbf16, strided<[?, ?, 1]>>
  %s_kv = memref.dim %KV, %c0 : memref<?x1x576xbf16, strided<[?, ?, 1]>>
  %topk = memref.dim %I, %c2 : memref<?x1x?xi32, strided<[?, ?, 1]>>
  %s_kv_i32 = arith.index_cast %s_kv : index to i32
  %scale2 = arith.mulf %scale, %log2e : f32

  scf.forall (%token, %block) in (%s_q, 2) {
    %head = arith.muli %block, %c64 : index
    %given_i32 = memref.load %topk_length[%token] : memref<?xi32>
    %given = arith.index_cast %given_i32 : i32 to index
    %positive = arith.maxsi %given, %c0 : index
    %length = arith.minsi %positive, %topk : index
    %length_i32 = arith.index_cast %length : index to i32
    %tiles = arith.ceildivsi %length, %c64 : index

    %q = tile.load %Q[%token, %head, %c0] {tile.label = "q"} : memref<?x128x576xbf16, strided<[?, ?, 1]>> -> tensor<64x576xbf16>
    %o_start = arith.constant dense<0.0> : tensor<64x512xf32>
    %m_start = arith.constant dense<0xFF800000> : tensor<64xf32>
    %l_start = arith.constant dense<0.0> : tensor<64xf32>
    %o, %m, %l = scf.for %t = %c0 to %tiles step %c1
        iter_args(%o_in = %o_start, %m_in = %m_start, %l_in = %l_start)
        -> (tensor<64x512xf32>, tensor<64xf32>, tensor<64xf32>) {
      // Entry t is valid if t < length and 0 <= index < s_kv.
      %first = arith.muli %t, %c64 : index
      %first_i32 = arith.index_cast %first : index to i32
      %rows = tile.load %I[%token, %c0, %first] pad -1 : i32 {tile.label = "rows"} : memref<?x1x?xi32, strided<[?, ?, 1]>> -> tensor<64xi32>
      %iota = tile.iota : tensor<64xi32>
      %firsts = tensor.splat %first_i32 : tensor<64xi32>
      %place = arith.addi %iota, %firsts : tensor<64xi32>
      %lengths = tensor.splat %length_i32 : tensor<64xi32>
      %sizes = tensor.splat %s_kv_i32 : tensor<64xi32>
      %none = arith.constant dense<-1> : tensor<64xi32>
      %listed = arith.cmpi slt, %place, %lengths : tensor<64xi32>
      %low = arith.cmpi sgt, %rows, %none : tensor<64xi32>
      %high = arith.cmpi slt, %rows, %sizes : tensor<64xi32>
      %exists = arith.andi %low, %high : tensor<64xi1>
      %valid = arith.andi %exists, %listed : tensor<64xi1>
      %safe = arith.select %valid, %rows, %none : tensor<64xi1>, tensor<64xi32>

      %k = tile.gather %KV[%safe][%c0, %c0] {tile.label = "k"} : memref<?x1x576xbf16, strided<[?, ?, 1]>>, tensor<64xi32> -> tensor<64x576xbf16>
      %s = tile.dot %q, %k transpose_b {tile.label = "qk"} : tensor<64x576xbf16>, tensor<64x576xbf16> -> tensor<64x64xf32>
      %mask = tile.broadcast %valid dim 0 : tensor<64xi1> -> tensor<64x64xi1>
      %minf = arith.constant dense<0xFF800000> : tensor<64x64xf32>
      %masked = arith.select %mask, %s, %minf {tile.label = "mask"} : tensor<64x64xi1>, tensor<64x64xf32>
      %p, %m_out, %l_out, %r = tile.online_softmax %masked, %m_in, %l_in valid %valid : tensor<64xi1> scale %scale2 {tile.label = "softmax"} : tensor<64x64xf32>, tensor<64xf32>
      %p_bf16 = arith.truncf %p {tile.label = "p"} : tensor<64x64xf32> to tensor<64x64xbf16>
      %rs = tile.broadcast %r dim 1 : tensor<64xf32> -> tensor<64x512xf32>
      %o_scaled = arith.mulf %o_in, %rs {tile.label = "rescale"} : tensor<64x512xf32>
      %v = tile.view %k [0, 0] {tile.label = "v"} : tensor<64x576xbf16> -> tensor<64x512xbf16>
      %o_out = tile.dot %p_bf16, %v acc %o_scaled : tensor<64x512xf32> {tile.label = "pv"} : tensor<64x64xbf16>, tensor<64x512xbf16> -> tensor<64x512xf32>
      scf.yield %o_out, %m_out, %l_out : tensor<64x512xf32>, tensor<64xf32>, tensor<64xf32>
    }

    // Without a valid entry the maximum is -inf: out = 0, lse = +inf and
    // max_logits = -inf. max_logits is also -inf if all valid scores are.
    %zero = arith.constant dense<0.0> : tensor<64xf32>
    %pinf = arith.constant dense<0x7F800000> : tensor<64xf32>
    %ninf = arith.constant dense<0xFF800000> : tensor<64xf32>
    %empty = arith.cmpf oeq, %m, %ninf : tensor<64xf32>
    %nothing = arith.cmpf oeq, %l, %zero : tensor<64xf32>
    %scales = tensor.splat %scale : tensor<64xf32>
    %max = arith.mulf %m, %scales : tensor<64xf32>
    %max_logits = arith.select %nothing, %ninf, %max : tensor<64xi1>, tensor<64xf32>
    tile.store %max_logits, %M[%token, %head] {tile.label = "store_max"} : tensor<64xf32>, memref<?x128xf32, strided<[?, 1]>>
    %log = math.log %l : tensor<64xf32>
    %sum_log = arith.addf %log, %max : tensor<64xf32>
    %lse = arith.select %empty, %pinf, %sum_log : tensor<64xi1>, tensor<64xf32>
    tile.store %lse, %L[%token, %head] {tile.label = "store_lse"} : tensor<64xf32>, memref<?x128xf32, strided<[?, 1]>>

    // The sink is an additional term of the denominator, without a value.
    %sinks = tile.load %sink[%head] : memref<128xf32> -> tensor<64xf32>
    %log2es = tensor.splat %log2e : tensor<64xf32>
    %above = arith.subf %sinks, %max : tensor<64xf32>
    %above2 = arith.mulf %above, %log2es : tensor<64xf32>
    %sink_weight = math.exp2 %above2 : tensor<64xf32>
    %denominator = arith.addf %l, %sink_weight : tensor<64xf32>
    %ones = arith.constant dense<1.0> : tensor<64xf32>
    %inverse = arith.divf %ones, %denominator : tensor<64xf32>
    %factor = arith.select %empty, %zero, %inverse : tensor<64xi1>, tensor<64xf32>
    %factors = tile.broadcast %factor dim 1 : tensor<64xf32> -> tensor<64x512xf32>
    %o_final = arith.mulf %o, %factors {tile.label = "normalise"} : tensor<64x512xf32>
    %out = arith.truncf %o_final : tensor<64x512xf32> to tensor<64x512xbf16>
    tile.store %out, %O[%token, %head, %c0] {tile.label = "store_out"} : tensor<64x512xbf16>, memref<?x128x512xbf16, strided<[?, ?, 1]>>
  }
  return
}
