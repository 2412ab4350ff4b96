// Errors of the tile dialect: boxes that do not fit their memref, shapes that do not
// match, dimensions that do not exist.
// RUN: %mla-opt %s -verify-diagnostics -split-input-file

func.func @load_indices(%m: memref<?x128xf32>, %c: index) {
  // expected-error @below {{expected 2 indices for 'memref<?x128xf32>', got 1}}
  %0 = tile.load %m[%c] : memref<?x128xf32> -> tensor<64xf32>
  return
}

// -----

func.func @load_rank(%m: memref<128xf32>, %c: index) {
  // expected-error @below {{expected a tile of rank <= 1, got 'tensor<8x64xf32>'}}
  %0 = tile.load %m[%c] : memref<128xf32> -> tensor<8x64xf32>
  return
}

// -----

func.func @load_element(%m: memref<128xf32>, %c: index) {
  // expected-error @below {{expected tile elements of type 'f32', got 'bf16'}}
  %0 = tile.load %m[%c] : memref<128xf32> -> tensor<64xbf16>
  return
}

// -----

func.func @load_padding(%m: memref<128xi32>, %c: index) {
  // expected-error @below {{expected padding of type 'i32', got 'i64'}}
  %0 = tile.load %m[%c] pad -1 : i64 : memref<128xi32> -> tensor<64xi32>
  return
}

// -----

func.func @store_element(%t: tensor<64xf32>, %m: memref<128xbf16>, %c: index) {
  // expected-error @below {{expected tile elements of type 'bf16', got 'f32'}}
  tile.store %t, %m[%c] : tensor<64xf32>, memref<128xbf16>
  return
}

// -----

func.func @store_indices(%t: tensor<64xf32>, %m: memref<128xf32>, %c: index) {
  // expected-error @below {{expected 1 indices for 'memref<128xf32>', got 2}}
  tile.store %t, %m[%c, %c] : tensor<64xf32>, memref<128xf32>
  return
}

// -----

func.func @gather_rows(%kv: memref<?x1x64xbf16>, %rows: tensor<32xi32>, %c: index) {
  // expected-error @below {{expected a result of rank 1 or 2 with 32 rows, got 'tensor<64x64xbf16>'}}
  %0 = tile.gather %kv[%rows][%c, %c]
      : memref<?x1x64xbf16>, tensor<32xi32> -> tensor<64x64xbf16>
  return
}

// -----

func.func @gather_rank(%kv: memref<?x1x64xbf16>, %rows: tensor<32xi32>, %c: index) {
  // expected-error @below {{expected a result of rank 1 or 2 with 32 rows, got 'tensor<32x1x64xbf16>'}}
  %0 = tile.gather %kv[%rows][%c, %c]
      : memref<?x1x64xbf16>, tensor<32xi32> -> tensor<32x1x64xbf16>
  return
}

// -----

func.func @gather_indices(%kv: memref<?x?x64xbf16>, %rows: tensor<64xi32>, %c: index) {
  // expected-error @below {{expected static sizes above 0 after the first of the 2 leading dimensions of 'memref<?x?x64xbf16>', which have no index}}
  %0 = tile.gather %kv[%rows][%c]
      : memref<?x?x64xbf16>, tensor<64xi32> -> tensor<64x64xbf16>
  return
}

// -----

func.func @gather_too_many_indices(%kv: memref<?x64xbf16>, %rows: tensor<64xi32>, %c: index) {
  // expected-error @below {{expected fewer indices than the 2 dimensions of 'memref<?x64xbf16>', got 2}}
  %0 = tile.gather %kv[%rows][%c, %c]
      : memref<?x64xbf16>, tensor<64xi32> -> tensor<64x64xbf16>
  return
}

// -----

func.func @gather_dim_of_matrix(%kv: memref<?x64xbf16>, %rows: tensor<64xi32>, %c: index) {
  // expected-error @below {{expected `dim` below 1 and an index for each other dimension of 'memref<?x64xbf16>', got `dim` 1 and 1 indices}}
  %0 = tile.gather %kv[%rows][%c] dim 1
      : memref<?x64xbf16>, tensor<64xi32> -> tensor<64x64xbf16>
  return
}

// -----

func.func @gather_dim(%table: memref<?x?xi32>, %rows: tensor<64xi32>, %c: index) {
  // expected-error @below {{expected `dim` below 2 and an index for each other dimension of 'memref<?x?xi32>', got `dim` 2 and 1 indices}}
  %0 = tile.gather %table[%rows][%c] dim 2
      : memref<?x?xi32>, tensor<64xi32> -> tensor<64xi32>
  return
}

// -----

func.func @gather_dim_indices(%kv: memref<?x?x1x64xbf16>, %rows: tensor<64xi32>, %c: index) {
  // expected-error @below {{expected `dim` below 3 and an index for each other dimension of 'memref<?x?x1x64xbf16>', got `dim` 1 and 2 indices}}
  %0 = tile.gather %kv[%rows][%c, %c] dim 1
      : memref<?x?x1x64xbf16>, tensor<64xi32> -> tensor<64x64xbf16>
  return
}

// -----

func.func @gather_block_vector(%table: memref<?xi32>, %rows: tensor<64xi32>, %first: i32) {
  // expected-error @below {{expected `block` only with a matrix, got 'tensor<64xi32>'}}
  %0 = tile.gather %table[%rows][] block %first : memref<?xi32>, tensor<64xi32> -> tensor<64xi32>
  return
}

// -----

func.func @merge_one(%t: tensor<64x64xf32>, %m: memref<?x3x22x64xf32>, %c: index) {
  // expected-error @below {{expected `merge` of a dimension that the tile does not cover and of the one that its first dimension covers, got [1] for 'tensor<64x64xf32>' in 'memref<?x3x22x64xf32>'}}
  tile.store %t, %m[%c, %c, %c, %c] merge [1] : tensor<64x64xf32>, memref<?x3x22x64xf32>
  return
}

// -----

func.func @merge_columns(%t: tensor<64x64xf32>, %m: memref<?x3x22x64xf32>, %c: index) {
  // expected-error @below {{got [1, 3] for 'tensor<64x64xf32>'}}
  tile.store %t, %m[%c, %c, %c, %c] merge [1, 3] : tensor<64x64xf32>, memref<?x3x22x64xf32>
  return
}

// -----

func.func @merge_covered(%t: tensor<64x64xf32>, %m: memref<?x3x22x64xf32>, %c: index) {
  // expected-error @below {{got [2, 2] for 'tensor<64x64xf32>'}}
  tile.store %t, %m[%c, %c, %c, %c] merge [2, 2] : tensor<64x64xf32>, memref<?x3x22x64xf32>
  return
}

// -----

func.func @merge_rank(%t: tensor<64x64xf32>, %m: memref<?x3x22x64xf32>, %c: index) {
  // expected-error @below {{got [4, 2] for 'tensor<64x64xf32>'}}
  tile.store %t, %m[%c, %c, %c, %c] merge [4, 2] : tensor<64x64xf32>, memref<?x3x22x64xf32>
  return
}

// -----

func.func @merge_scalar(%t: tensor<f32>, %m: memref<3x22xf32>, %c: index) {
  // expected-error @below {{got [0, 1] for 'tensor<f32>'}}
  tile.store %t, %m[%c, %c] merge [0, 1] : tensor<f32>, memref<3x22xf32>
  return
}

// -----

func.func @merge_dynamic_outer(%t: tensor<64xf32>, %m: memref<?x22xf32>, %c: index) {
  // expected-error @below {{expected static sizes of the merged dimensions [0, 1], got 'memref<?x22xf32>'}}
  tile.store %t, %m[%c, %c] merge [0, 1] : tensor<64xf32>, memref<?x22xf32>
  return
}

// -----

func.func @merge_dynamic_inner(%t: tensor<64xf32>, %m: memref<3x?xf32>, %c: index) {
  // expected-error @below {{expected static sizes of the merged dimensions [0, 1], got 'memref<3x?xf32>'}}
  tile.store %t, %m[%c, %c] merge [0, 1] : tensor<64xf32>, memref<3x?xf32>
  return
}

// -----

func.func @merge_by(%t: tensor<64xf32>, %m: memref<3x22xf32>, %c: index) {
  // expected-error @below {{expected `by` after `merge`}}
  tile.store %t, %m[%c, %c] by 11 : tensor<64xf32>, memref<3x22xf32>
  return
}

// -----

func.func @merge_by_more(%t: tensor<64xf32>, %m: memref<3x22xf32>, %c: index) {
  // expected-error @below {{expected to merge at least 1 element of dimension 1 of 'memref<3x22xf32>', at most all, got 23}}
  tile.store %t, %m[%c, %c] merge [0, 1] by 23 : tensor<64xf32>, memref<3x22xf32>
  return
}

// -----

func.func @merge_by_none(%t: tensor<64xf32>, %m: memref<3x?xf32>, %c: index) {
  // expected-error @below {{got 0}}
  tile.store %t, %m[%c, %c] merge [0, 1] by 0 : tensor<64xf32>, memref<3x?xf32>
  return
}

// -----

func.func @merge_size(%t: tensor<64xf32>, %m: memref<65536x32768xf32>, %c: index) {
  // expected-error @below {{expected fewer than 2^31 merged elements, got 65536 times 32768}}
  tile.store %t, %m[%c, %c] merge [0, 1] : tensor<64xf32>, memref<65536x32768xf32>
  return
}

// -----

func.func @min_type(%v: tensor<64xi1>) {
  // expected-error @below {{must be 1D tensor of 32-bit signless integer values}}
  %0 = "tile.min"(%v) : (tensor<64xi1>) -> tensor<64xi32>
  return
}

// -----

func.func @softmax_positions(%s: tensor<64x32xf32>, %m: tensor<64xf32>, %v: tensor<32xi32>, %scale: f32) {
  // expected-error @below {{expected limits (below) for valid positions}}
  %p, %m1, %l1, %r = tile.online_softmax %s, %m, %m valid %v : tensor<32xi32> scale %scale
      : tensor<64x32xf32>, tensor<64xf32>
  return
}

// -----

func.func @softmax_flags_below(%s: tensor<64x32xf32>, %m: tensor<64xf32>, %v: tensor<32xi1>, %b: tensor<64xi32>, %scale: f32) {
  // expected-error @below {{expected valid positions for limits (below)}}
  %p, %m1, %l1, %r = tile.online_softmax %s, %m, %m valid %v : tensor<32xi1> below %b : tensor<64xi32> scale %scale
      : tensor<64x32xf32>, tensor<64xf32>
  return
}

// -----

func.func @softmax_limits(%s: tensor<64x32xf32>, %m: tensor<64xf32>, %v: tensor<32xi32>, %scale: f32) {
  // expected-error @below {{expected a limit for each of 64 rows, got 'tensor<32xi32>'}}
  %p, %m1, %l1, %r = tile.online_softmax %s, %m, %m valid %v : tensor<32xi32> below %v : tensor<32xi32> scale %scale
      : tensor<64x32xf32>, tensor<64xf32>
  return
}

// -----

func.func @gather_row_type(%kv: memref<?x1x64xbf16>, %rows: tensor<64xi64>, %c: index) {
  // expected-error @below {{operand #1 must be 1D tensor of 32-bit signless integer values}}
  %0 = tile.gather %kv[%rows][%c, %c]
      : memref<?x1x64xbf16>, tensor<64xi64> -> tensor<64x64xbf16>
  return
}

// -----

func.func @view_offsets(%t: tensor<64x576xbf16>) {
  // expected-error @below {{expected 2 offsets and a result of rank 2 with element type 'bf16'}}
  %0 = tile.view %t [0] : tensor<64x576xbf16> -> tensor<64x512xbf16>
  return
}

// -----

func.func @view_element(%t: tensor<64x576xbf16>) {
  // expected-error @below {{expected 2 offsets and a result of rank 2 with element type 'bf16'}}
  %0 = tile.view %t [0, 0] : tensor<64x576xbf16> -> tensor<64x512xf16>
  return
}

// -----

func.func @view_bounds(%t: tensor<64x576xbf16>) {
  // expected-error @below {{expected 512 elements from 128 inside dimension 1 of 'tensor<64x576xbf16>'}}
  %0 = tile.view %t [0, 128] : tensor<64x576xbf16> -> tensor<64x512xbf16>
  return
}

// -----

func.func @view_overflow(%t: tensor<64x576xbf16>) {
  // expected-error @below {{expected 32 elements from 9223372036854775807 inside dimension 0 of 'tensor<64x576xbf16>'}}
  %0 = tile.view %t [9223372036854775807, 0] : tensor<64x576xbf16> -> tensor<32x576xbf16>
  return
}

// -----

func.func @view_negative(%t: tensor<64x576xbf16>) {
  // expected-error @below {{expected 32 elements from -8 inside dimension 0 of 'tensor<64x576xbf16>'}}
  %0 = tile.view %t [-8, 0] : tensor<64x576xbf16> -> tensor<32x576xbf16>
  return
}

// -----

func.func @dot_rank(%a: tensor<64xbf16>, %b: tensor<64x16xbf16>) {
  // expected-error @below {{expected operands and a result of rank 2, got 'tensor<64xbf16>'}}
  %0 = tile.dot %a, %b : tensor<64xbf16>, tensor<64x16xbf16> -> tensor<64x16xf32>
  return
}

// -----

func.func @dot_element(%a: tensor<64x32xbf16>, %b: tensor<32x16xbf16>) {
  // expected-error @below {{expected an f32 result, got 'tensor<64x16xbf16>'}}
  %0 = tile.dot %a, %b : tensor<64x32xbf16>, tensor<32x16xbf16> -> tensor<64x16xbf16>
  return
}

// -----

func.func @dot_reduction(%a: tensor<64x32xbf16>, %b: tensor<32x16xbf16>) {
  // expected-error @below {{expected equal reduction sizes, got 32 and 16}}
  %0 = tile.dot %a, %b transpose_b
      : tensor<64x32xbf16>, tensor<32x16xbf16> -> tensor<64x32xf32>
  return
}

// -----

func.func @dot_result(%a: tensor<64x32xbf16>, %b: tensor<32x16xbf16>) {
  // expected-error @below {{expected a 64x16 result, got 'tensor<16x64xf32>'}}
  %0 = tile.dot %a, %b : tensor<64x32xbf16>, tensor<32x16xbf16> -> tensor<16x64xf32>
  return
}

// -----

func.func @dot_acc(%a: tensor<64x32xbf16>, %b: tensor<32x16xbf16>, %acc: tensor<64x8xf32>) {
  // expected-error @below {{expected acc of type 'tensor<64x16xf32>', got 'tensor<64x8xf32>'}}
  %0 = tile.dot %a, %b acc %acc : tensor<64x8xf32>
      : tensor<64x32xbf16>, tensor<32x16xbf16> -> tensor<64x16xf32>
  return
}

// -----

func.func @reduce_dim(%s: tensor<64x32xf32>) {
  // expected-error @below {{expected dim in [0, 2), got 2}}
  %0 = tile.reduce max %s dim 2 : tensor<64x32xf32> -> tensor<64xf32>
  return
}

// -----

func.func @reduce_shape(%s: tensor<64x32xf32>) {
  // expected-error @below {{expected 'tensor<64x32xf32>' without dimension 1, got 'tensor<32xf32>'}}
  %0 = tile.reduce max %s dim 1 : tensor<64x32xf32> -> tensor<32xf32>
  return
}

// -----

func.func @reduce_element(%s: tensor<64x32xf32>) {
  // expected-error @below {{expected 'tensor<64x32xf32>' without dimension 1, got 'tensor<64xbf16>'}}
  %0 = tile.reduce sum %s dim 1 : tensor<64x32xf32> -> tensor<64xbf16>
  return
}

// -----

func.func @fold(%s: tensor<32xf32>) {
  // expected-error @below {{expected a matrix of f32, got 'tensor<32xf32>'}}
  %0 = tile.fold %s : tensor<32xf32> -> tensor<8xf32>
  return
}

// -----

func.func @fold(%s: tensor<64x32xf32>) {
  // expected-error @below {{expected the rows of 'tensor<64x32xf32>' and a divisor of its columns, got 'tensor<64x12xf32>'}}
  %0 = tile.fold %s : tensor<64x32xf32> -> tensor<64x12xf32>
  return
}

// -----

func.func @fold(%s: tensor<64x32xf32>) {
  // expected-error @below {{expected the rows of 'tensor<64x32xf32>' and a divisor of its columns, got 'tensor<32x8xf32>'}}
  %0 = tile.fold %s : tensor<64x32xf32> -> tensor<32x8xf32>
  return
}

// -----

func.func @broadcast_dim(%v: tensor<64xf32>) {
  // expected-error @below {{expected dim in [0, 2), got -1}}
  %0 = tile.broadcast %v dim -1 : tensor<64xf32> -> tensor<64x32xf32>
  return
}

// -----

func.func @broadcast_shape(%v: tensor<64xf32>) {
  // expected-error @below {{expected 'tensor<64x32xf32>' without dimension 0, got 'tensor<64xf32>'}}
  %0 = tile.broadcast %v dim 0 : tensor<64xf32> -> tensor<64x32xf32>
  return
}

// -----

func.func @iota_type() {
  // expected-error @below {{result #0 must be 1D tensor of 32-bit signless integer values}}
  %0 = tile.iota : tensor<64xindex>
  return
}

// -----

func.func @softmax_rows(%s: tensor<64x32xf32>, %m: tensor<32xf32>, %scale: f32) {
  // expected-error @below {{expected 'tensor<64x32xf32>' without dimension 1, got 'tensor<32xf32>'}}
  %p, %m1, %l1, %r = tile.online_softmax %s, %m, %m scale %scale
      : tensor<64x32xf32>, tensor<32xf32>
  return
}

// -----

func.func @softmax_valid_lazy(%s: tensor<64x32xf32>, %m: tensor<64xf32>, %v: tensor<32xi1>, %scale: f32) {
  // expected-error @below {{expected valid flags or a threshold (lazy), got both}}
  %p, %m1, %l1, %r = tile.online_softmax %s, %m, %m valid %v : tensor<32xi1> scale %scale lazy 8.0
      : tensor<64x32xf32>, tensor<64xf32>
  return
}

// -----

func.func @softmax_valid(%s: tensor<64x32xf32>, %m: tensor<64xf32>, %v: tensor<64xi1>, %scale: f32) {
  // expected-error @below {{expected a valid flag for each of 32 columns, got 'tensor<64xi1>'}}
  %p, %m1, %l1, %r = tile.online_softmax %s, %m, %m valid %v : tensor<64xi1> scale %scale
      : tensor<64x32xf32>, tensor<64xf32>
  return
}

// -----

func.func @softmax_threshold_negative(%s: tensor<64x32xf32>, %m: tensor<64xf32>, %scale: f32) {
  // expected-error @below {{expected a threshold in [0, 64], got -1}}
  %p, %m1, %l1, %r = tile.online_softmax %s, %m, %m scale %scale lazy -1.0
      : tensor<64x32xf32>, tensor<64xf32>
  return
}

// -----

func.func @softmax_threshold_nan(%s: tensor<64x32xf32>, %m: tensor<64xf32>, %scale: f32) {
  // expected-error @below {{expected a threshold in [0, 64], got nan}}
  %p, %m1, %l1, %r = tile.online_softmax %s, %m, %m scale %scale lazy 0x7FC00000
      : tensor<64x32xf32>, tensor<64xf32>
  return
}

// -----

func.func @softmax_threshold_large(%s: tensor<64x32xf32>, %m: tensor<64xf32>, %scale: f32) {
  // expected-error @below {{expected a threshold in [0, 64], got 1.000000e+30}}
  %p, %m1, %l1, %r = tile.online_softmax %s, %m, %m scale %scale lazy 1.0e30
      : tensor<64x32xf32>, tensor<64xf32>
  return
}

// -----

func.func @transpose_shape(%x: tensor<64x16xbf16>) {
  // expected-error @below {{expected 'tensor<64x16xbf16>' with its dimensions exchanged, got 'tensor<64x16xbf16>'}}
  %0 = tile.transpose %x : tensor<64x16xbf16> -> tensor<64x16xbf16>
  return
}

// -----

func.func @gather_vector_rows(%table: memref<?x8xi32>, %rows: tensor<32xi32>, %c: index) {
  // expected-error @below {{expected a result of rank 1 or 2 with 32 rows, got 'tensor<64xi32>'}}
  %0 = tile.gather %table[%rows][%c] : memref<?x8xi32>, tensor<32xi32> -> tensor<64xi32>
  return
}

// -----

func.func @concat_dimension(%a: tensor<32x64xbf16>) {
  // expected-error @below {{expected dim in [0, 2), got 2}}
  %0 = tile.concat %a dim 2 : tensor<32x64xbf16> -> tensor<32x64xbf16>
  return
}

// -----

func.func @load_dims_count(%m: memref<?x?x64xf32>, %c: index) {
  // expected-error @below {{expected 2 dims, one for each dimension of the tile, got 1}}
  %0 = tile.load %m[%c, %c, %c] dims [0] : memref<?x?x64xf32> -> tensor<8x64xf32>
  return
}

// -----

func.func @concat_shape(%a: tensor<32x64xbf16>, %b: tensor<32x32xbf16>) {
  // expected-error @below {{expected parts that differ from 'tensor<64x64xbf16>' only in dimension 0, got 'tensor<32x32xbf16>'}}
  %0 = tile.concat %a, %b dim 0 : tensor<32x64xbf16>, tensor<32x32xbf16> -> tensor<64x64xbf16>
  return
}

// -----

func.func @load_dims_descend(%m: memref<?x?x64xf32>, %c: index) {
  // expected-error @below {{expected ascending dims in [0, 3), got 0}}
  %0 = tile.load %m[%c, %c, %c] dims [2, 0] : memref<?x?x64xf32> -> tensor<8x64xf32>
  return
}

// -----

func.func @concat_rank(%a: tensor<32x64xbf16>, %b: tensor<64xbf16>) {
  // expected-error @below {{expected parts that differ from 'tensor<33x64xbf16>' only in dimension 0, got 'tensor<64xbf16>'}}
  %0 = tile.concat %a, %b dim 0 : tensor<32x64xbf16>, tensor<64xbf16> -> tensor<33x64xbf16>
  return
}

// -----

func.func @store_dims_outside(%m: memref<?x64xf32>, %t: tensor<64xf32>, %c: index) {
  // expected-error @below {{expected ascending dims in [0, 2), got 2}}
  tile.store %t, %m[%c, %c] dims [2] : tensor<64xf32>, memref<?x64xf32>
  return
}

// -----

func.func @concat_element(%a: tensor<32x64xbf16>, %b: tensor<32x64xf16>) {
  // expected-error @below {{expected parts that differ from 'tensor<64x64xbf16>' only in dimension 0, got 'tensor<32x64xf16>'}}
  %0 = tile.concat %a, %b dim 0 : tensor<32x64xbf16>, tensor<32x64xf16> -> tensor<64x64xbf16>
  return
}

// -----

func.func @store_bounds(%m: memref<?x64xf32>, %t: tensor<64xf32>, %c: index) {
  // expected-error @below {{expected at most 1 bounds, one for each dimension of 'tensor<64xf32>', got 2}}
  tile.store %t, %m[%c, %c] bounds [%c, %c] : tensor<64xf32>, memref<?x64xf32>
  return
}

// -----

func.func @concat_size(%a: tensor<32x64xbf16>, %b: tensor<16x64xbf16>) {
  // expected-error @below {{expected parts with a total size of 64 in dimension 0, got 48}}
  %0 = tile.concat %a, %b dim 0 : tensor<32x64xbf16>, tensor<16x64xbf16> -> tensor<64x64xbf16>
  return
}
