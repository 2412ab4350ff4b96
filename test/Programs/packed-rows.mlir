// REQUIRES: jit
// Causal decode with several queries per request: a tile holds rows of (query, head),
// which the output's stores divide; Q is gathered, and an element of the scores is valid
// if its token's position is below its row's limit. Tokens are gathered along the second
// dimension of a contiguous cache. Token 4 of each request is no token.
//
// A template: packed_rows.py fills in the schedules of mla.decode and the number of rows of a
// tile. It keeps the lines of the lazy softmax (@lazy) or of the exact one (@exact), and
// of one cache (@one) or of two, whose rows side by side are K (@two).
//
// RUN: %python %S/packed_rows.py --jit=mla-jit %s

#schedule = ${schedule}

!q = memref<?x7x3x576xbf16, strided<[?, ?, ?, 1]>>
!c_kv = memref<?x?x512xbf16, strided<[?, ?, 1]>>
!k_rope = memref<?x?x64xbf16, strided<[?, ?, 1]>>
!cache = memref<?x?x2x576xbf16, strided<[?, ?, ?, 1]>>
!out = memref<?x7x3x512xbf16, strided<[?, ?, ?, 1]>>
!lse = memref<?x7x3xf32, strided<[?, ?, ?]>>

func.func @packed_rows(%q: !q {mla.name = "q", mla.dims = ["batch", "", "", ""]},
                       @one %cache: !cache {mla.name = "cache", mla.dims = ["batch", "capacity", "", ""]},
                       @two %c_kv: !c_kv {mla.name = "c_kv", mla.dims = ["batch", "capacity", ""]},
                       @two %k_rope: !k_rope {mla.name = "k_rope", mla.dims = ["batch", "capacity", ""]},
                       %lengths: memref<?xi32> {mla.name = "lengths", mla.dims = ["batch"]},
                       %out: !out {mla.name = "out", mla.dims = ["batch", "", "", ""]},
                       %lse: !lse {mla.name = "lse", mla.dims = ["batch", "", ""]})
    attributes {mla.schedule = #schedule} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c64 = arith.constant 64 : index
  %c_rows = arith.constant ${rows} : index
  %c_all = arith.constant 21 : index
  %scale = arith.constant 0.06 : f32
  %batch = memref.dim %q, %c0 : !q
  scf.forall (%request, %n) in (%batch, ${tiles}) {
    %length_i32 = memref.load %lengths[%request] : memref<?xi32>
    %length = arith.index_cast %length_i32 : i32 to index

    // Rows of Q, and the position that each row's tokens are below.
    %first = arith.muli %n, %c_rows : index
    %first_i32 = arith.index_cast %first : index to i32
    %firsts = tensor.splat %first_i32 : tensor<${rows}xi32>
    %i = tile.iota : tensor<${rows}xi32>
    %row = arith.addi %i, %firsts : tensor<${rows}xi32>
    %all = arith.constant dense<21> : tensor<${rows}xi32>
    %outside = arith.constant dense<-1> : tensor<${rows}xi32>
    %inside = arith.cmpi slt, %row, %all : tensor<${rows}xi32>
    %base = arith.muli %request, %c_all : index
    %base_i32 = arith.index_cast %base : index to i32
    %bases = tensor.splat %base_i32 : tensor<${rows}xi32>
    %numbers = arith.addi %row, %bases : tensor<${rows}xi32>
    %q_rows = arith.select %inside, %numbers, %outside : tensor<${rows}xi1>, tensor<${rows}xi32>
    %qt = tile.gather %q[%q_rows][%c0] {tile.label = "q"} : !q, tensor<${rows}xi32> -> tensor<${rows}x576xbf16>
    %heads = arith.constant dense<3> : tensor<${rows}xi32>
    %six = arith.constant dense<6> : tensor<${rows}xi32>
    %query = arith.divui %row, %heads : tensor<${rows}xi32>
    %newer = arith.subi %six, %query : tensor<${rows}xi32>
    %lengths_r = tensor.splat %length_i32 : tensor<${rows}xi32>
    %limit = arith.subi %lengths_r, %newer : tensor<${rows}xi32>

    %o0 = arith.constant dense<0.0> : tensor<${rows}x512xf32>
    @lazy %least = arith.constant dense<0xFF7FFFFF> : tensor<${rows}xf32>
    @exact %none = arith.constant dense<0xFF800000> : tensor<${rows}xf32>
    %l0 = arith.constant dense<0.0> : tensor<${rows}xf32>
    @lazy %r:3 = scf.for %t = %c0 to %length step %c64 iter_args(%o = %o0, %m = %least, %l = %l0)
    @lazy     -> (tensor<${rows}x512xf32>, tensor<${rows}xf32>, tensor<${rows}xf32>) {
    @exact %r:3 = scf.for %t = %c0 to %length step %c64 iter_args(%o = %o0, %m = %none, %l = %l0)
    @exact     -> (tensor<${rows}x512xf32>, tensor<${rows}xf32>, tensor<${rows}xf32>) {
      %t_i32 = arith.index_cast %t : index to i32
      %starts = tensor.splat %t_i32 : tensor<64xi32>
      %j = tile.iota : tensor<64xi32>
      %token = arith.addi %j, %starts : tensor<64xi32>
      %ends = tensor.splat %length_i32 : tensor<64xi32>
      %four = arith.constant dense<4> : tensor<64xi32>
      %before = arith.cmpi slt, %token, %ends : tensor<64xi32>
      %other = arith.cmpi ne, %token, %four : tensor<64xi32>
      %is_token = arith.andi %before, %other : tensor<64xi1>
      %no_row = arith.constant dense<-1> : tensor<64xi32>
      %k_rows = arith.select %is_token, %token, %no_row {tile.label = "indices"} : tensor<64xi1>, tensor<64xi32>
      @two %latent = tile.gather %c_kv[%k_rows][%request, %c0] dim 1 : !c_kv, tensor<64xi32> -> tensor<64x512xbf16>
      @two %rope = tile.gather %k_rope[%k_rows][%request, %c0] dim 1 : !k_rope, tensor<64xi32> -> tensor<64x64xbf16>
      @two %k = tile.concat %latent, %rope dim 1 {tile.label = "k"} : tensor<64x512xbf16>, tensor<64x64xbf16> -> tensor<64x576xbf16>
      @one %k = tile.gather %cache[%k_rows][%request, %c1, %c0] dim 1 {tile.label = "k"} : !cache, tensor<64xi32> -> tensor<64x576xbf16>
      %last = arith.constant dense<2147483647> : tensor<64xi32>
      %position = arith.select %is_token, %token, %last {tile.label = "valid"} : tensor<64xi1>, tensor<64xi32>
      %v = tile.view %k [0, 0] : tensor<64x576xbf16> -> tensor<64x512xbf16>
      %s = tile.dot %qt, %k transpose_b {tile.label = "qk"} : tensor<${rows}x576xbf16>, tensor<64x576xbf16> -> tensor<${rows}x64xf32>
      %positions = tile.broadcast %position dim 0 : tensor<64xi32> -> tensor<${rows}x64xi32>
      %limits = tile.broadcast %limit dim 1 : tensor<${rows}xi32> -> tensor<${rows}x64xi32>
      %below = arith.cmpi slt, %positions, %limits {tile.label = "mask"} : tensor<${rows}x64xi32>
      %nothing = arith.constant dense<0xFF800000> : tensor<${rows}x64xf32>
      %masked = arith.select %below, %s, %nothing {tile.label = "mask"} : tensor<${rows}x64xi1>, tensor<${rows}x64xf32>
      @lazy %p, %m1, %l1, %alpha = tile.online_softmax %masked, %m, %l scale %scale lazy 8.0 {tile.label = "softmax"} : tensor<${rows}x64xf32>, tensor<${rows}xf32>
      @exact %p, %m1, %l1, %alpha = tile.online_softmax %masked, %m, %l valid %position : tensor<64xi32> below %limit : tensor<${rows}xi32> scale %scale {tile.label = "softmax"} : tensor<${rows}x64xf32>, tensor<${rows}xf32>
      %pb = arith.truncf %p {tile.label = "p"} : tensor<${rows}x64xf32> to tensor<${rows}x64xbf16>
      %alphas = tile.broadcast %alpha dim 1 : tensor<${rows}xf32> -> tensor<${rows}x512xf32>
      @lazy %rescaled = arith.mulf %o, %alphas {tile.label = "rescale", tile.often_one} : tensor<${rows}x512xf32>
      @exact %rescaled = arith.mulf %o, %alphas {tile.label = "rescale"} : tensor<${rows}x512xf32>
      %o1 = tile.dot %pb, %v acc %rescaled : tensor<${rows}x512xf32> {tile.label = "pv"} : tensor<${rows}x64xbf16>, tensor<64x512xbf16> -> tensor<${rows}x512xf32>
      scf.yield %o1, %m1, %l1 : tensor<${rows}x512xf32>, tensor<${rows}xf32>, tensor<${rows}xf32>
    } {tile.padded}
    // The maximum of a lazy softmax begins at the least number, so that it does not tell.
    @lazy %zeros = arith.constant dense<0> : tensor<${rows}xi32>
    @lazy %empty = arith.cmpi sle, %limit, %zeros {tile.label = "stats"} : tensor<${rows}xi32>
    @exact %empty = arith.cmpf oeq, %r#1, %none {tile.label = "stats"} : tensor<${rows}xf32>
    // In base 2, like the exponentials.
    %scales = tensor.splat %scale : tensor<${rows}xf32>
    %logit = arith.mulf %r#1, %scales {tile.label = "stats"} : tensor<${rows}xf32>
    %log = math.log2 %r#2 {tile.label = "stats"} : tensor<${rows}xf32>
    %sum = arith.addf %logit, %log {tile.label = "stats"} : tensor<${rows}xf32>
    %infinite = arith.constant dense<0x7F800000> : tensor<${rows}xf32>
    %stat = arith.select %empty, %infinite, %sum {tile.label = "stats"} : tensor<${rows}xi1>, tensor<${rows}xf32>
    tile.store %stat, %lse[%request, %first, %c0] merge [1, 2] {tile.label = "stats"} : tensor<${rows}xf32>, !lse
    %one = arith.constant dense<1.0> : tensor<${rows}xf32>
    %quotient = arith.divf %one, %r#2 {tile.label = "inverse"} : tensor<${rows}xf32>
    %inverse = arith.select %empty, %l0, %quotient {tile.label = "inverse"} : tensor<${rows}xi1>, tensor<${rows}xf32>
    %inverses = tile.broadcast %inverse dim 1 : tensor<${rows}xf32> -> tensor<${rows}x512xf32>
    %scaled = arith.mulf %r#0, %inverses {tile.label = "normalise"} : tensor<${rows}x512xf32>
    %result = arith.truncf %scaled : tensor<${rows}x512xf32> to tensor<${rows}x512xbf16>
    tile.store %result, %out[%request, %first, %c0, %c0] merge [1, 2] {tile.label = "out"} : tensor<${rows}x512xbf16>, !out
  }
  return
}
