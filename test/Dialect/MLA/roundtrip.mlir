// Operators with and without optional operands, and the attributes of a schedule.
// RUN: %mla-opt %s | FileCheck %s
// RUN: %mla-opt %s | %mla-opt | FileCheck %s
// RUN: %mla-opt %s --mlir-print-op-generic | %mla-opt | FileCheck %s

!q = memref<?x128x576xbf16, strided<[?, ?, 1]>>
!kv = memref<?x1x576xbf16, strided<[?, ?, 1]>>
!indices = memref<?x1x?xi32, strided<[?, ?, 1]>>
!out = memref<?x128x512xbf16, strided<[?, ?, 1]>>
!stat = memref<?x128xf32, strided<[?, 1]>>

// CHECK-LABEL: func @sparse_prefill
// CHECK:         mla.sparse_prefill ins(%{{.*}}, %{{.*}}, %{{.*}}, %{{.*}} : memref<?x128x576xbf16, strided<[?, ?, 1]>>, memref<?x1x576xbf16, strided<[?, ?, 1]>>, memref<?x1x?xi32, strided<[?, ?, 1]>>)
// CHECK-SAME:      outs(%{{.*}}, %{{.*}}, %{{.*}} : memref<?x128x512xbf16, strided<[?, ?, 1]>>, memref<?x128xf32, strided<[?, 1]>>, memref<?x128xf32, strided<[?, 1]>>)
func.func @sparse_prefill(%q: !q, %kv: !kv, %indices: !indices, %scale: f32,
                          %out: !out, %max: !stat, %lse: !stat) {
  mla.sparse_prefill ins(%q, %kv, %indices, %scale : !q, !kv, !indices)
      outs(%out, %max, %lse : !out, !stat, !stat)
  return
}

// CHECK-LABEL: func @optional_operands
// CHECK:         mla.sparse_prefill
// CHECK-SAME:      topk_length(%{{.*}} : memref<?xi32>)
// CHECK-SAME:      attn_sink(%{{.*}} : memref<128xf32>)
// CHECK-SAME:      outs
// CHECK:         mla.sparse_prefill
// CHECK-NOT:       topk_length
// CHECK-SAME:      attn_sink(%{{.*}} : memref<128xf32>)
func.func @optional_operands(%q: !q, %kv: !kv, %indices: !indices, %scale: f32,
                             %length: memref<?xi32>, %sink: memref<128xf32>,
                             %out: !out, %max: !stat, %lse: !stat) {
  mla.sparse_prefill ins(%q, %kv, %indices, %scale : !q, !kv, !indices)
      topk_length(%length : memref<?xi32>) attn_sink(%sink : memref<128xf32>)
      outs(%out, %max, %lse : !out, !stat, !stat)
  mla.sparse_prefill ins(%q, %kv, %indices, %scale : !q, !kv, !indices)
      attn_sink(%sink : memref<128xf32>)
      outs(%out, %max, %lse : !out, !stat, !stat)
  return
}

// Default values of a row are not printed.
// CHECK-LABEL: func @schedule
// CHECK:         schedule = #mla.schedule<"mine",
// CHECK-SAME:      roles = [<"math", warps = 4, registers = 240>, <"load", warps = 1, registers = 24>],
// CHECK-SAME:      table = [<"q" in{{ ?}}["load"]>, <"qk" in{{ ?}}["math"], order = 2>, <"pv" in{{ ?}}["math", "load"], split = 1, stage = 1, order = 3>],
// CHECK-SAME:      rings = [<"k", depth = 2>, <"valid", depth = 4>]>
func.func @schedule(%q: !q, %kv: !kv, %indices: !indices, %scale: f32,
                    %out: !out, %max: !stat, %lse: !stat) {
  mla.sparse_prefill ins(%q, %kv, %indices, %scale : !q, !kv, !indices)
      outs(%out, %max, %lse : !out, !stat, !stat)
      {schedule = #mla.schedule<"mine",
         roles = [<"math", warps = 4, registers = 240>,
                  <"load", warps = 1, registers = 24>],
         table = [<"q" in ["load"]>,
                  <"qk" in ["math"], split = -1, stage = 0, order = 2>,
                  <"pv" in ["math", "load"], split = 1, stage = 1, order = 3>],
         rings = [<"k", depth = 2>, <"valid", depth = 4>]>}
  return
}

// The attributes on their own; a schedule without rings.
// CHECK-LABEL: func @attributes
// CHECK-SAME:    mla.place = #mla.place<"pv" in{{ ?}}["a", "b"], split = 1>
// CHECK-SAME:    mla.ring = #mla.ring<"k", depth = 3>
// CHECK-SAME:    mla.role = #mla.role<"a", warps = 4, registers = 216>
// CHECK-SAME:    mla.schedule = #mla.schedule<"s", roles = [<"a", warps = 4, registers = 216>], table = [<"q" in{{ ?}}["a"]>]>
func.func @attributes() attributes {
  mla.role = #mla.role<"a", warps = 4, registers = 216>,
  mla.place = #mla.place<"pv" in ["a", "b"], split = 1>,
  mla.ring = #mla.ring<"k", depth = 3>,
  mla.schedule = #mla.schedule<"s", roles = [<"a", warps = 4, registers = 216>],
                               table = [<"q" in ["a"]>]>} {
  return
}

// The passes that a schedule enables, and a ring inside another.
// CHECK-LABEL: func @rewrites_and_over
// CHECK-SAME:    mla.ring = #mla.ring<"p", depth = 1, aliases = "k", byte = 0>
// CHECK-SAME:    mla.schedule = #mla.schedule<"s" after{{ ?}}["pair-tiles", "split-width"], roles = [<"a", warps = 4, registers = 216>], table = [<"q" in{{ ?}}["a"]>], rings = [<"k", depth = 1>, <"p", depth = 1, aliases = "k", byte = 32768>]>
func.func @rewrites_and_over() attributes {
  mla.ring = #mla.ring<"p", depth = 1, aliases = "k", byte = 0>,
  mla.schedule = #mla.schedule<"s" after ["pair-tiles", "split-width"],
                               roles = [<"a", warps = 4, registers = 216>],
                               table = [<"q" in ["a"]>],
                               rings = [<"k", depth = 1>,
                                        <"p", depth = 1, aliases = "k", byte = 32768>]>} {
  return
}

// CHECK-LABEL: func @ring
// CHECK-SAME:    a = #mla.ring<"k", depth = 2 to 3>
func.func @ring() attributes {a = #mla.ring<"k", depth = 2 to 3>} { return }

// Default values of options are not printed.
// CHECK-LABEL: func @options
// CHECK:         outs({{.*}}) {attn_sink_optional, empty_lse = "-inf", lse_base = "2", topk_length_optional}
// CHECK:         outs({{.*}} : memref<?x128x512xbf16>, memref<?x128xf32>, memref<?x128xf32>){{$}}
func.func @options(%q: memref<?x128x576xbf16>, %kv: memref<?x1x576xbf16>, %indices: memref<?x1x?xi32>, %scale: f32,
                   %length: memref<?xi32>, %sink: memref<?xf32>,
                   %out: memref<?x128x512xbf16>, %max: memref<?x128xf32>, %lse: memref<?x128xf32>) {
  mla.sparse_prefill ins(%q, %kv, %indices, %scale : memref<?x128x576xbf16>, memref<?x1x576xbf16>, memref<?x1x?xi32>)
      topk_length(%length : memref<?xi32>) attn_sink(%sink : memref<?xf32>)
      outs(%out, %max, %lse : memref<?x128x512xbf16>, memref<?x128xf32>, memref<?x128xf32>)
      {empty_lse = "-inf", lse_base = "2", topk_length_optional, attn_sink_optional}
  mla.sparse_prefill ins(%q, %kv, %indices, %scale : memref<?x128x576xbf16>, memref<?x1x576xbf16>, memref<?x1x?xi32>)
      outs(%out, %max, %lse : memref<?x128x512xbf16>, memref<?x128xf32>, memref<?x128xf32>)
      {empty_lse = "+inf", lse_base = "e"}
  return
}

// Optional outputs.
// CHECK-LABEL: func @optional_outputs
// CHECK:         mla.combine ins(%{{.*}}, %{{.*}} : memref<?x?x512xf32>, memref<?x?xf32>) outs(%{{.*}} : memref<?x512xbf16>){{$}}
// CHECK:         mla.combine ins({{.*}}) outs(%{{.*}} : memref<?x512xbf16>) lse(%{{.*}} : memref<?xf32>){{$}}
// CHECK:         mla.combine ins({{.*}}) num_splits(%{{.*}} : memref<?xi32>) outs({{.*}}) lse({{.*}}) {lse_optional}
func.func @optional_outputs(%partial_out: memref<?x?x512xf32>, %partial_lse: memref<?x?xf32>, %splits: memref<?xi32>,
                            %out: memref<?x512xbf16>, %lse: memref<?xf32>) {
  mla.combine ins(%partial_out, %partial_lse : memref<?x?x512xf32>, memref<?x?xf32>) outs(%out : memref<?x512xbf16>)
  mla.combine ins(%partial_out, %partial_lse : memref<?x?x512xf32>, memref<?x?xf32>) outs(%out : memref<?x512xbf16>)
      lse(%lse : memref<?xf32>)
  mla.combine ins(%partial_out, %partial_lse : memref<?x?x512xf32>, memref<?x?xf32>)
      num_splits(%splits : memref<?xi32>) outs(%out : memref<?x512xbf16>) lse(%lse : memref<?xf32>) {lse_optional}
  return
}

// Any strides of lse, here those of a transposed view, and a plan without strides.
// CHECK-LABEL: func @decode
// CHECK:         mla.decode ins
// CHECK-SAME:      block_table(%{{.*}} : memref<?x?xi32>)
// CHECK-SAME:      outs(%{{.*}}, %{{.*}}, %{{.*}} : memref<?x2x16x512xbf16>, memref<?x2x16xf32, strided<[32, 1, 2]>>, memref<?x8xi32>)
// CHECK-SAME:      {batch_invariant = "yes", causal = "yes", partials = "f32"}
func.func @decode(%q: memref<?x2x16x576xbf16>, %cache: memref<?x64x2x576xbf16>, %table: memref<?x?xi32>,
                  %lengths: memref<?xi32>, %scale: f32, %out: memref<?x2x16x512xbf16>,
                  %lse: memref<?x2x16xf32, strided<[32, 1, 2]>>, %plan: memref<?x8xi32>) {
  mla.decode ins(%q, %cache, %lengths, %scale : memref<?x2x16x576xbf16>, memref<?x64x2x576xbf16>, memref<?xi32>)
      block_table(%table : memref<?x?xi32>)
      outs(%out, %lse, %plan : memref<?x2x16x512xbf16>, memref<?x2x16xf32, strided<[32, 1, 2]>>, memref<?x8xi32>)
      {causal = "yes", partials = "f32", batch_invariant = "yes"}
  return
}

// Sequences of a batch, in the layout bhsd; and packed ones.
// CHECK-LABEL: func @prefill
// CHECK:         mla.prefill ins
// CHECK-SAME:      outs(%{{.*}}, %{{.*}} : memref<?x?x16x128xbf16, strided<[?, 128, ?, 1]>>, memref<?x?x16xf32, strided<[?, 1, ?]>>) {causal = "yes"}
// CHECK:         mla.prefill ins
// CHECK-SAME:      cu_seqlens_q(%{{.*}} : memref<?xi32>) cu_seqlens_k(%{{.*}} : memref<?xi32>) outs
func.func @prefill(%q: memref<?x?x16x192xbf16, strided<[?, 192, ?, 1]>>, %k: memref<?x?x16x192xbf16, strided<[?, 192, ?, 1]>>,
                   %v: memref<?x?x16x128xbf16, strided<[?, 128, ?, 1]>>, %scale: f32, %bounds: memref<?xi32>,
                   %out: memref<?x?x16x128xbf16, strided<[?, 128, ?, 1]>>, %lse: memref<?x?x16xf32, strided<[?, 1, ?]>>) {
  mla.prefill ins(%q, %k, %v, %scale : memref<?x?x16x192xbf16, strided<[?, 192, ?, 1]>>, memref<?x?x16x192xbf16, strided<[?, 192, ?, 1]>>, memref<?x?x16x128xbf16, strided<[?, 128, ?, 1]>>)
      outs(%out, %lse : memref<?x?x16x128xbf16, strided<[?, 128, ?, 1]>>, memref<?x?x16xf32, strided<[?, 1, ?]>>)
      {causal = "yes"}
  mla.prefill ins(%q, %k, %v, %scale : memref<?x?x16x192xbf16, strided<[?, 192, ?, 1]>>, memref<?x?x16x192xbf16, strided<[?, 192, ?, 1]>>, memref<?x?x16x128xbf16, strided<[?, 128, ?, 1]>>)
      cu_seqlens_q(%bounds : memref<?xi32>) cu_seqlens_k(%bounds : memref<?xi32>)
      outs(%out, %lse : memref<?x?x16x128xbf16, strided<[?, 128, ?, 1]>>, memref<?x?x16xf32, strided<[?, 1, ?]>>)
  return
}

// A contiguous cache of any number of rows per request, whose tensors have the last
// columns apart.
// CHECK-LABEL: func @decode_contiguous
// CHECK:         mla.decode ins
// CHECK-SAME:      q_rope(%{{.*}} : memref<?x1x16x64xbf16>) k_rope(%{{.*}} : memref<?x?x1x64xbf16>) outs(
func.func @decode_contiguous(%q: memref<?x1x16x512xbf16>, %q_rope: memref<?x1x16x64xbf16>, %cache: memref<?x?x1x512xbf16>,
                             %k_rope: memref<?x?x1x64xbf16>, %lengths: memref<?xi32>, %scale: f32,
                             %out: memref<?x1x16x512xbf16>, %lse: memref<?x1x16xf32>, %plan: memref<?x8xi32>) {
  mla.decode ins(%q, %cache, %lengths, %scale : memref<?x1x16x512xbf16>, memref<?x?x1x512xbf16>, memref<?xi32>)
      q_rope(%q_rope : memref<?x1x16x64xbf16>) k_rope(%k_rope : memref<?x?x1x64xbf16>)
      outs(%out, %lse, %plan : memref<?x1x16x512xbf16>, memref<?x1x16xf32>, memref<?x8xi32>)
  return
}
