// What the cta dialect refuses: types that do not parse, views out of bounds,
// tiles that do not agree, MMAs that no warpgroup instruction computes.
// RUN: %mla-opt %s -verify-diagnostics -split-input-file

// expected-error @below {{expected a depth and at least one dimension}}
func.func @ring_type(%r: !cta.ring<2xf32>) { return }

// -----

// expected-error @below {{expected elements of an integer or floating-point type, got 'index'}}
func.func @ring_element(%r: !cta.ring<2x64x64xindex>) { return }

// -----

// expected-error @below {{expected 1 to 16777216 slots, got 0}}
func.func @ring_empty(%r: !cta.ring<0x64x64xbf16>) { return }

// -----

// expected-error @below {{expected at most 16777216 elements, got 4 tiles of 4611686018427387904, 2}}
func.func @ring_overflow(%r: !cta.ring<4x4611686018427387904x2xbf16>) { return }

// -----

// expected-error @below {{expected elements of an integer or floating-point type, got 'vector<4xf32>'}}
func.func @buffer_element(%b: !cta.buffer<64xvector<4xf32>>) { return }

// -----

// expected-error @below {{expected sizes of at least 1, got 0}}
func.func @buffer_empty(%b: !cta.buffer<64x0xbf16>) { return }

// -----

// expected-error @below {{expected at most 16777216 elements, got 1 tiles of 4294967296, 4294967296}}
func.func @descriptor_overflow(%d: !cta.descriptor<4294967296x4294967296xbf16, k, offset = 0, leading = 16, stride = 1024, step = 32, block_step = 8192>) { return }

// -----

// expected-error @below {{expected a matrix, got rank 1}}
func.func @descriptor_rank(%d: !cta.descriptor<64xbf16, k, offset = 0, leading = 16, stride = 1024, step = 32, block_step = 8192>) { return }

// -----

// expected-error @below {{expected bytes of shared memory, 0 to 232448, got 9223372036854775807}}
func.func @descriptor_bytes(%d: !cta.descriptor<64x64xbf16, k, offset = 0, leading = 16, stride = 9223372036854775807, step = 32, block_step = 8192>) { return }

// -----

// expected-error @below {{expected a step of at least 1, got 0}}
func.func @descriptor_step(%d: !cta.descriptor<64x64xbf16, k, offset = 0, leading = 16, stride = 1024, step = 0, block_step = 8192>) { return }

// -----

// expected-error @below {{expected a tile of at most 232448 bytes, got 262144}}
func.func @descriptor_size(%d: !cta.descriptor<256x512xbf16, k, offset = 0, leading = 16, stride = 1024, step = 32, block_step = 8192>) { return }

// -----

// expected-error @below {{expected major 'k' or 'mn', got 'm'}}
func.func @descriptor_type(%d: !cta.descriptor<64x64xbf16, m, offset = 0, leading = 16, stride = 1024, step = 32, block_step = 8192>) { return }

// -----

func.func @role_outside() {
  // expected-error @below {{expects parent op 'scf.forall'}}
  cta.role "a" warps 4 registers 24 {
  }
  return
}

// -----

func.func @view_rank(%b: !cta.buffer<64x64xbf16>) {
  // expected-error @below {{expected 2 offsets and a result of rank 2 with the element type and layout of '!cta.buffer<64x64xbf16>'}}
  %0 = cta.view %b [0] : !cta.buffer<64x64xbf16> -> !cta.buffer<64x32xbf16>
  return
}

// -----

#swizzled = #cta.shared_layout<swizzle = 128, rows = 64>
func.func @view_layout(%b: !cta.buffer<64x64xbf16, #swizzled>) {
  // expected-error @below {{expected 2 offsets and a result of rank 2 with the element type and layout of '!cta.buffer<64x64xbf16, #cta.shared_layout<swizzle = 128, rows = 64>>'}}
  %0 = cta.view %b [0, 0] : !cta.buffer<64x64xbf16, #swizzled> -> !cta.buffer<64x32xbf16>
  return
}

// -----

func.func @view_bounds(%b: !cta.buffer<64x64xbf16>) {
  // expected-error @below {{expected 32 elements from 48 inside dimension 1 of '!cta.buffer<64x64xbf16>'}}
  %0 = cta.view %b [0, 48] : !cta.buffer<64x64xbf16> -> !cta.buffer<64x32xbf16>
  return
}

// -----

func.func @gather_rows(%kv: memref<?x64xbf16>, %rows: tensor<32xi32>, %c: index,
                       %b: !cta.buffer<64x64xbf16>) {
  // expected-error @below {{expected as many row indices as rows of '!cta.buffer<64x64xbf16>', got 'tensor<32xi32>'}}
  cta.gather_async %kv[%rows][%c] to %b
      : memref<?x64xbf16>, tensor<32xi32>, !cta.buffer<64x64xbf16>
  return
}

// -----

func.func @gather_dim(%kv: memref<?x64xbf16>, %rows: tensor<64xi32>, %c: index,
                      %b: !cta.buffer<64x64xbf16>) {
  // expected-error @below {{expected `dim` below 1 and an index for each other dimension of 'memref<?x64xbf16>', got `dim` 1 and 1 indices}}
  cta.gather_async %kv[%rows][%c] dim 1 to %b
      : memref<?x64xbf16>, tensor<64xi32>, !cta.buffer<64x64xbf16>
  return
}

// -----

func.func @copy_dims_number(%kv: memref<?x?x64xbf16>, %c: index, %b: !cta.buffer<64x64xbf16>) {
  // expected-error @below {{expected 2 dims, one for each dimension of the tile, got 1}}
  cta.copy_async %kv[%c, %c, %c] dims [2] to %b : memref<?x?x64xbf16>, !cta.buffer<64x64xbf16>
  return
}

// -----

func.func @copy_dims_last(%kv: memref<?x?x64xbf16>, %c: index, %b: !cta.buffer<64x64xbf16>) {
  // expected-error @below {{expected dims that end with the last dimension, 2, got 1}}
  cta.copy_async %kv[%c, %c, %c] dims [0, 1] to %b : memref<?x?x64xbf16>, !cta.buffer<64x64xbf16>
  return
}

// -----

func.func @gather_map(%kv: memref<?x64xbf16>, %rows: tensor<64xi32>, %c: index,
                      %map: !cta.tensor_map, %b: !cta.buffer<64x64xbf16>) {
  // expected-error @below {{expected a tensor map and a barrier only with `block`}}
  cta.gather_async %kv[%rows][%c] to %b map %map
      : memref<?x64xbf16>, tensor<64xi32>, !cta.buffer<64x64xbf16>
  return
}

// -----

func.func @gather_barrier(%kv: memref<?x64xbf16>, %rows: tensor<64xi32>, %c: index,
                          %first: i32, %full: !cta.mbarrier<1>, %b: !cta.buffer<64x64xbf16>) {
  // expected-error @below {{expected a barrier and its index, or neither}}
  "cta.gather_async"(%kv, %rows, %c, %b, %first, %full)
      <{operandSegmentSizes = array<i32: 1, 1, 1, 1, 1, 0, 1, 0>}>
      : (memref<?x64xbf16>, tensor<64xi32>, index, !cta.buffer<64x64xbf16>, i32, !cta.mbarrier<1>) -> ()
  return
}

// -----

func.func @gather_indices(%kv: memref<?x?x64xbf16>, %rows: tensor<64xi32>, %c: index,
                          %b: !cta.buffer<64x64xbf16>) {
  // expected-error @below {{expected static sizes above 0 after the first of the 2 leading dimensions of 'memref<?x?x64xbf16>', which have no index}}
  cta.gather_async %kv[%rows][%c] to %b
      : memref<?x?x64xbf16>, tensor<64xi32>, !cta.buffer<64x64xbf16>
  return
}

// -----

func.func @store_shape(%t: tensor<32xf32>, %b: !cta.buffer<64xf32>) {
  // expected-error @below {{expected a fragment and a buffer of the same shape and element type, got 'tensor<32xf32>' and '!cta.buffer<64xf32>'}}
  cta.store_shared %t to %b : tensor<32xf32>, !cta.buffer<64xf32>
  return
}

// -----

func.func @load_element(%b: !cta.buffer<64xf32>) {
  // expected-error @below {{expected a fragment and a buffer of the same shape and element type, got 'tensor<64xbf16>' and '!cta.buffer<64xf32>'}}
  %0 = cta.load_shared %b : !cta.buffer<64xf32> -> tensor<64xbf16>
  return
}

// -----

func.func @convert_shape(%t: tensor<64x32xbf16, #cta.layout<acc>>) {
  // expected-error @below {{expected one shape and element type}}
  %0 = cta.convert_layout %t : tensor<64x32xbf16, #cta.layout<acc>>
      -> tensor<64x64xbf16, #cta.layout<a_operand>>
  return
}

// -----

// Any other change of layout moves data.
func.func @convert_layouts(%t: tensor<64xf32, #cta.layout<row>>) {
  // expected-error @below {{expected layouts acc and a_operand, got 'tensor<64xf32, #cta.layout<row>>' and 'tensor<64xf32, #cta.layout<column>>'}}
  %0 = cta.convert_layout %t : tensor<64xf32, #cta.layout<row>>
      -> tensor<64xf32, #cta.layout<column>>
  return
}

// -----

func.func @mma_rank(%a: tensor<64xbf16>, %b: !cta.buffer<64x64xbf16>) {
  // expected-error @below {{expected operands and result of rank 2}}
  %0 = cta.mma_async %a, %b : tensor<64xbf16>, !cta.buffer<64x64xbf16>
      -> !cta.in_flight<tensor<64x64xf32>>
  return
}

// -----

func.func @mma_elements(%a: !cta.buffer<64x64xf16>, %b: !cta.buffer<64x64xbf16>) {
  // expected-error @below {{expected operands of one element type, got 'f16' and 'bf16'}}
  %0 = cta.mma_async %a, %b : !cta.buffer<64x64xf16>, !cta.buffer<64x64xbf16>
      -> !cta.in_flight<tensor<64x64xf32>>
  return
}

// -----

func.func @mma_rows(%a: !cta.buffer<96x64xbf16>, %b: !cta.buffer<64x64xbf16>) {
  // expected-error @below {{expected a multiple of 64 rows, got 96}}
  %0 = cta.mma_async %a, %b : !cta.buffer<96x64xbf16>, !cta.buffer<64x64xbf16>
      -> !cta.in_flight<tensor<96x64xf32>>
  return
}

// -----

func.func @mma_register_rows(%a: tensor<128x64xbf16>, %b: !cta.buffer<64x64xbf16>) {
  // expected-error @below {{expected 64 rows (one warpgroup), got 128}}
  %0 = cta.mma_async %a, %b : tensor<128x64xbf16>, !cta.buffer<64x64xbf16>
      -> !cta.in_flight<tensor<128x64xf32>>
  return
}

// -----

func.func @reduce_warp(%s: tensor<64x16xf32>) {
  // expected-error @below {{expected a matrix with a multiple of 64 rows and a vector of 4 values a column, got 'tensor<64x16xf32>' and 'tensor<16xf32>'}}
  %m = cta.reduce_warp max %s : tensor<64x16xf32> -> tensor<16xf32>
  return
}

// -----

func.func @reduce_warp_kind(%s: tensor<64x16xf32>) {
  // expected-error @below {{expected max or sum, got product}}
  %m = cta.reduce_warp product %s : tensor<64x16xf32> -> tensor<64xf32>
  return
}

// -----

func.func @mma_transposed_fragment(%a: tensor<64x64xbf16>, %b: !cta.buffer<64x64xbf16>) {
  // expected-error @below {{expected A in shared memory to transpose it}}
  %0 = cta.mma_async %a, %b transpose_a : tensor<64x64xbf16>, !cta.buffer<64x64xbf16>
      -> !cta.in_flight<tensor<64x64xf32>>
  return
}

// -----

func.func @mma_columns(%a: !cta.buffer<64x64xbf16>, %b: !cta.buffer<64x512xbf16>) {
  // expected-error @below {{expected a multiple of 8 columns in [8, 256], got 512}}
  %0 = cta.mma_async %a, %b : !cta.buffer<64x64xbf16>, !cta.buffer<64x512xbf16>
      -> !cta.in_flight<tensor<64x512xf32>>
  return
}

// -----

func.func @mma_column_step(%a: !cta.buffer<64x64xbf16>, %b: !cta.buffer<64x12xbf16>) {
  // expected-error @below {{expected a multiple of 8 columns in [8, 256], got 12}}
  %0 = cta.mma_async %a, %b : !cta.buffer<64x64xbf16>, !cta.buffer<64x12xbf16>
      -> !cta.in_flight<tensor<64x12xf32>>
  return
}

// -----

func.func @mma_reduction(%a: !cta.buffer<64x64xbf16>, %b: !cta.buffer<32x64xbf16>) {
  // expected-error @below {{expected equal reduction sizes, a multiple of 16, got 64 and 32}}
  %0 = cta.mma_async %a, %b : !cta.buffer<64x64xbf16>, !cta.buffer<32x64xbf16>
      -> !cta.in_flight<tensor<64x64xf32>>
  return
}

// -----

func.func @mma_reduction_step(%a: !cta.buffer<64x24xbf16>, %b: !cta.buffer<24x64xbf16>) {
  // expected-error @below {{expected equal reduction sizes, a multiple of 16, got 24 and 24}}
  %0 = cta.mma_async %a, %b : !cta.buffer<64x24xbf16>, !cta.buffer<24x64xbf16>
      -> !cta.in_flight<tensor<64x64xf32>>
  return
}

// -----

func.func @mma_result(%a: !cta.buffer<64x64xbf16>, %b: !cta.buffer<64x32xbf16>) {
  // expected-error @below {{expected a 64x32xf32 result, got 'tensor<64x64xf32>'}}
  %0 = cta.mma_async %a, %b : !cta.buffer<64x64xbf16>, !cta.buffer<64x32xbf16>
      -> !cta.in_flight<tensor<64x64xf32>>
  return
}

// -----

func.func @mma_acc(%a: !cta.buffer<64x64xbf16>, %b: !cta.buffer<64x64xbf16>,
                   %acc: !cta.in_flight<tensor<64x32xf32>>) {
  // expected-error @below {{expected acc of type 'tensor<64x64xf32>', got 'tensor<64x32xf32>'}}
  %0 = cta.mma_async %a, %b acc %acc : !cta.in_flight<tensor<64x32xf32>>
      : !cta.buffer<64x64xbf16>, !cta.buffer<64x64xbf16>
      -> !cta.in_flight<tensor<64x64xf32>>
  return
}

// -----

// An accumulator in flight is not a fragment: nothing else may read it.
func.func @in_flight_store(%a: !cta.buffer<64x64xbf16>, %b: !cta.buffer<64x64xf32>) {
  %0 = cta.mma_async %a, %a : !cta.buffer<64x64xbf16>, !cta.buffer<64x64xbf16>
      -> !cta.in_flight<tensor<64x64xf32>>
  // expected-error @below {{invalid kind of type specified: expected builtin.tensor, but found '!cta.in_flight<tensor<64x64xf32>>'}}
  cta.store_shared %0 to %b : !cta.in_flight<tensor<64x64xf32>>, !cta.buffer<64x64xf32>
  return
}

// -----

// B comes from shared memory.
func.func @mma_b(%a: !cta.buffer<64x64xbf16>, %b: tensor<64x64xbf16>) {
  // expected-error @below {{operand #1 must be}}
  %0 = cta.mma_async %a, %b : !cta.buffer<64x64xbf16>, tensor<64x64xbf16>
      -> !cta.in_flight<tensor<64x64xf32>>
  return
}

// -----

func.func @role_warps() {
  scf.forall (%i) in (8) {
    // expected-error @below {{expected 1 to 32 warps, got -4}}
    cta.role "a" warps -4 registers 24 {
    }
  }
  return
}

// -----

func.func @role_registers() {
  scf.forall (%i) in (8) {
    // expected-error @below {{expected 1 to 255 registers, got 9223372036854775807}}
    cta.role "a" warps 4 registers 9223372036854775807 {
    }
  }
  return
}

// -----

// expected-error @below {{expected cta.shared_bytes to be an i64 in [0, 2^31), got 9223372036854775807 : i64}}
func.func @shared_bytes() attributes {cta.shared_bytes = 9223372036854775807 : i64} { return }

// -----

func.func @copy_indices(%m: memref<?x64xbf16>, %i: index, %b: !cta.buffer<64x64xbf16>) {
  // expected-error @below {{expected 2 indices for 'memref<?x64xbf16>', got 1}}
  cta.copy_async %m[%i] to %b : memref<?x64xbf16>, !cta.buffer<64x64xbf16>
  return
}

// -----

func.func @copy_barrier(%m: memref<?x64xbf16>, %i: index, %b: !cta.buffer<64x64xbf16>, %f: !cta.mbarrier<1>) {
  // expected-error @below {{expected a barrier and its index, or neither}}
  "cta.copy_async"(%m, %i, %i, %b, %f) <{operandSegmentSizes = array<i32: 1, 2, 1, 0, 1, 0>}>
    : (memref<?x64xbf16>, index, index, !cta.buffer<64x64xbf16>, !cta.mbarrier<1>) -> ()
  return
}

// -----

func.func @reduce_warp_dim(%s: tensor<64x16xf32>) {
  // expected-error @below {{expected a result that differs from the source in no dimension but 0, which is no larger, got 'tensor<64x16xf32>' and 'tensor<4x8xf32>'}}
  %m = cta.reduce_warp max %s dim 0 : tensor<64x16xf32> -> tensor<4x8xf32>
  return
}

// -----

func.func @ring_over_over() {
  %k = cta.ring "k" at 0 : !cta.ring<1x64x64xbf16>
  %p = cta.ring "p" at 0 aliases(%k : !cta.ring<1x64x64xbf16>) : !cta.ring<1x64xf32>
  // expected-error @below {{expected a ring below that is declared by cta.ring and lies over no other}}
  %q = cta.ring "q" at 0 aliases(%p : !cta.ring<1x64xf32>) : !cta.ring<1x8xf32>
  return
}

// -----

// expected-error @below {{expected as many strides as threads, got 1 and 2}}
func.func private @direct_strides(tensor<8x8xf32, #cta.direct<threads = [4, 2], strides = [1], vector = 1>>)

// -----

// expected-error @below {{expected a vector of a power of two up to 16, got 3}}
func.func private @direct_vector(tensor<12xf32, #cta.direct<threads = [4], strides = [1], vector = 3>>)

// -----

// expected-error @below {{expected threads and strides that are powers of two up to 1024, got 6}}
func.func private @direct_threads(tensor<12xf32, #cta.direct<threads = [6], strides = [1], vector = 1>>)

// -----

// expected-error @below {{expected at most 1024 threads, got 64, 32 apart}}
func.func private @direct_span(tensor<64xf32, #cta.direct<threads = [64], strides = [32], vector = 1>>)

// -----

// expected-error @below {{expected dimensions to go by different bits of a thread's number}}
func.func private @direct_bits(tensor<8x8xf32, #cta.direct<threads = [4, 8], strides = [4, 1], vector = 1>>)

// -----

// expected-error @below {{expected a layout of rank 2, got 1}}
func.func private @direct_rank(tensor<8x8xf32, #cta.direct<threads = [8], strides = [1], vector = 1>>)

// -----

// expected-error @below {{expected dimension 1 to be a multiple of 32, got 48}}
func.func private @direct_shape(tensor<8x48xf32, #cta.direct<threads = [4, 8], strides = [8, 1], vector = 4>>)


// -----

func.func @ring_of_argument(%k: !cta.ring<1x64xf32>) {
  // expected-error @below {{expected rings that are declared by cta.ring}}
  %b = cta.mbarrier "b" full(%k : !cta.ring<1x64xf32>) count 1 at 256 : !cta.mbarrier<1>
  return
}

// -----

func.func @filled_twice() {
  %k = cta.ring "k" at 0 : !cta.ring<1x64xf32>
  // expected-error @below {{expected one array of mbarriers that says that ring "k" is full}}
  %b = cta.mbarrier "b" full(%k : !cta.ring<1x64xf32>) count 1 at 256 : !cta.mbarrier<1>
  %c = cta.mbarrier "c" full(%k : !cta.ring<1x64xf32>) count 1 at 264 : !cta.mbarrier<1>
  return
}

// -----

func.func @emptied_twice() {
  %k = cta.ring "k" at 0 : !cta.ring<1x64xf32>
  // expected-error @below {{expected one array of mbarriers that says that ring "k" is empty}}
  %b = cta.mbarrier "b" empty(%k : !cta.ring<1x64xf32>) count 1 at 256 : !cta.mbarrier<1>
  %c = cta.mbarrier "c" empty(%k : !cta.ring<1x64xf32>) count 1 at 264 : !cta.mbarrier<1>
  return
}

// -----

func.func @returned_by_itself() {
  %k = cta.ring "k" at 0 : !cta.ring<1x64xf32>
  // expected-error @below {{says twice what becomes of ring "k"}}
  %b = cta.mbarrier "b" full(%k : !cta.ring<1x64xf32>) empty(%k : !cta.ring<1x64xf32>) distance [0] count 1 at 256 : !cta.mbarrier<1>
  return
}

// -----

func.func @two_ahead() {
  %k = cta.ring "k" at 0 : !cta.ring<1x64xf32>
  %v = cta.ring "v" at 512 : !cta.ring<1x64xf32>
  // expected-error @below {{expected `distance` 0 or 1 for each empty ring of mbarriers that fill another, got [2]}}
  %b = cta.mbarrier "b" full(%k : !cta.ring<1x64xf32>) empty(%v : !cta.ring<1x64xf32>) distance [2] count 1 at 256 : !cta.mbarrier<1>
  return
}

// -----

func.func @ahead_of_nothing() {
  %v = cta.ring "v" at 512 : !cta.ring<1x64xf32>
  // expected-error @below {{expected `distance` 0 or 1 for each empty ring of mbarriers that fill another, got [0]}}
  %b = cta.mbarrier "b" empty(%v : !cta.ring<1x64xf32>) distance [0] count 1 at 256 : !cta.mbarrier<1>
  return
}

// -----

func.func @bytes_of_nothing() {
  // expected-error @below {{expected bytes for a ring that they fill}}
  %b = cta.mbarrier "b" count 1 bytes 16 at 256 : !cta.mbarrier<1>
  return
}

// -----

// expected-error @below {{expected a swizzle of 0 or 128 bytes, got 64}}
func.func @swizzle(%b: !cta.buffer<64x64xbf16, #cta.shared_layout<swizzle = 64, rows = 64>>) { return }

// -----

// expected-error @below {{expected at least 1 row, got 0}}
func.func @layout_rows(%b: !cta.buffer<64x64xbf16, #cta.shared_layout<swizzle = 128, rows = 0>>) { return }

// -----

// expected-error @below {{expected 1 to 16777216 mbarriers, got 4611686018427387904}}
func.func @mbarriers(%b: !cta.mbarrier<4611686018427387904>) { return }

// -----

func.func @ring_place() {
  // expected-error @below {{expected a place in the 232448 bytes of shared memory, got 73728 at 221184}}
  %0 = cta.ring "k" at 221184 : !cta.ring<1x64x576xbf16>
  return
}

// -----

func.func @ring_far_away() {
  // expected-error @below {{expected a place in the 232448 bytes of shared memory, got 73728 at 9223372036854775807}}
  %0 = cta.ring "k" at 9223372036854775807 : !cta.ring<1x64x576xbf16>
  return
}

// -----

func.func @mbarrier_place() {
  // expected-error @below {{expected a place in the 232448 bytes of shared memory, got 16 at 232440}}
  %0 = cta.mbarrier "b" count 1 at 232440 : !cta.mbarrier<2>
  return
}

// -----

func.func @buffer_place() {
  // expected-error @below {{expected a place in the 232448 bytes of shared memory, got 256 at 232400}}
  %0 = cta.buffer "b" at 232400 : !cta.buffer<64xf32>
  return
}

// -----

func.func @buffer_over(%r: !cta.ring<2x64x64xbf16>) {
  // expected-error @below {{expected 8192 bytes within one of 2 slots of 8192, got byte 4096}}
  %0 = cta.buffer "b" aliases %r[4096] : !cta.ring<2x64x64xbf16> : !cta.buffer<64x64xbf16>
  return
}

// -----

func.func @buffer_no_byte(%r: !cta.ring<2x64x64xbf16>) {
  // expected-error @below {{expected a base and a byte in it, or neither}}
  %0 = "cta.buffer"(%r) {name = "b"} : (!cta.ring<2x64x64xbf16>) -> !cta.buffer<64x64xbf16>
  return
}

// -----

// expected-error @below {{expected at most 16777216 rows, got 9223372036854775807}}
func.func @layout_rows_huge(%b: !cta.buffer<64xf32, #cta.shared_layout<swizzle = 0, rows = 9223372036854775807>>) { return }
