// Errors of the mla dialect: schedules with unknown names or too many registers,
// operands that do not match the table or each other.
// RUN: %mla-opt %s -verify-diagnostics -split-input-file

// expected-error @below {{role "a": expected 1 to 32 warps, got 0}}
func.func @f() attributes {a = #mla.role<"a", warps = 0, registers = 24>} { return }

// -----

// expected-error @below {{role "a": expected 1 to 32 warps, got 33}}
func.func @f() attributes {a = #mla.role<"a", warps = 33, registers = 24>} { return }

// -----

// expected-error @below {{role "a": expected registers a multiple of 8 in [24, 240] (setmaxnreg), got 16}}
func.func @f() attributes {a = #mla.role<"a", warps = 4, registers = 16>} { return }

// -----

// expected-error @below {{role "a": expected registers a multiple of 8 in [24, 240] (setmaxnreg), got 28}}
func.func @f() attributes {a = #mla.role<"a", warps = 4, registers = 28>} { return }

// -----

// expected-error @below {{role "a": expected registers a multiple of 8 in [24, 240] (setmaxnreg), got 248}}
func.func @f() attributes {a = #mla.role<"a", warps = 4, registers = 248>} { return }

// -----

// expected-error @below {{ring "k": expected depth >= 1, got 0}}
func.func @f() attributes {a = #mla.ring<"k", depth = 0>} { return }

// -----

// expected-error @below {{ring "p": expected depth 1 of a ring that aliases "k", got 2}}
func.func @f() attributes {a = #mla.ring<"p", depth = 2, aliases = "k", byte = 0>} { return }

// -----

// expected-error @below {{ring "k": expected a maximum depth of at least the depth, and no 'aliases', got 3 to 2}}
func.func @f() attributes {a = #mla.ring<"k", depth = 3 to 2>} { return }

// -----

// expected-error @below {{ring "p": expected byte >= 0, got -1024}}
func.func @f() attributes {a = #mla.ring<"p", depth = 1, aliases = "k", byte = -1024>} { return }

// -----

// A byte offset without a ring.
// expected-error @below {{expected 'aliases'}}
func.func @f() attributes {a = #mla.ring<"p", depth = 1, byte = 1024>} { return }

// -----

// expected-error @below {{schedule "s": role "a" is declared twice}}
func.func @f() attributes {a = #mla.schedule<"s",
  roles = [<"a", warps = 4, registers = 24>, <"a", warps = 8, registers = 24>],
  table = [<"q" in ["a"]>]>} { return }

// -----

// expected-error @below {{schedule "s": roles need 92160 registers, an SM has 65536 ("a" 32*4*240, "b" 32*8*240)}}
func.func @f() attributes {a = #mla.schedule<"s",
  roles = [<"a", warps = 4, registers = 240>, <"b", warps = 8, registers = 240>],
  table = [<"q" in ["a"]>]>} { return }

// -----

// expected-error @below {{expected mla.target to be a string, got 90 : i64}}
func.func @f() attributes {mla.target = 90} { return }

// -----

// expected-error @below {{unknown target 'sm_100', expected one of sm_80, sm_90a}}
func.func @f() attributes {mla.target = "sm_100"} { return }

// -----

// expected-error @below {{schedule "s": ring "k" has two rows}}
func.func @f() attributes {a = #mla.schedule<"s",
  roles = [<"a", warps = 4, registers = 24>], table = [<"q" in ["a"]>],
  rings = [<"k", depth = 1>, <"k", depth = 2>]>} { return }

// -----

// expected-error @below {{schedule "s": label "q" has two rows}}
func.func @f() attributes {a = #mla.schedule<"s",
  roles = [<"a", warps = 4, registers = 24>],
  table = [<"q" in ["a"]>, <"q" in ["a"], order = 1>]>} { return }

// -----

// expected-error @below {{schedule "s": row "q" names role "b", which is not declared, expected a}}
func.func @f() attributes {a = #mla.schedule<"s",
  roles = [<"a", warps = 4, registers = 24>],
  table = [<"q" in ["b"]>]>} { return }

// -----

func.func @rank(%q: memref<?x576xbf16>, %kv: memref<?x1x576xbf16>, %indices: memref<?x1x?xi32>, %scale: f32,
                %out: memref<?x128x512xbf16>, %max: memref<?x128xf32>, %lse: memref<?x128xf32>) {
  // expected-error @below {{q: expected rank 3, got 2}}
  mla.sparse_prefill ins(%q, %kv, %indices, %scale : memref<?x576xbf16>, memref<?x1x576xbf16>, memref<?x1x?xi32>)
      outs(%out, %max, %lse : memref<?x128x512xbf16>, memref<?x128xf32>, memref<?x128xf32>)
  return
}

// -----

func.func @element_type(%q: memref<?x128x576xbf16>, %kv: memref<?x1x576xf16>, %indices: memref<?x1x?xi32>, %scale: f32,
                        %out: memref<?x128x512xbf16>, %max: memref<?x128xf32>, %lse: memref<?x128xf32>) {
  // expected-error @below {{kv: expected element type bf16, as q has, got f16}}
  mla.sparse_prefill ins(%q, %kv, %indices, %scale : memref<?x128x576xbf16>, memref<?x1x576xf16>, memref<?x1x?xi32>)
      outs(%out, %max, %lse : memref<?x128x512xbf16>, memref<?x128xf32>, memref<?x128xf32>)
  return
}

// -----

func.func @element_type_of_out(%q: memref<?x128x576xf16>, %kv: memref<?x1x576xf16>, %indices: memref<?x1x?xi32>, %scale: f32,
                               %out: memref<?x128x512xbf16>, %max: memref<?x128xf32>, %lse: memref<?x128xf32>) {
  // expected-error @below {{out: expected element type f16, as q has, got bf16}}
  mla.sparse_prefill ins(%q, %kv, %indices, %scale : memref<?x128x576xf16>, memref<?x1x576xf16>, memref<?x1x?xi32>)
      outs(%out, %max, %lse : memref<?x128x512xbf16>, memref<?x128xf32>, memref<?x128xf32>)
  return
}

// -----

func.func @d_qk(%q: memref<?x128x576xbf16>, %kv: memref<?x1x512xbf16>, %indices: memref<?x1x?xi32>, %scale: f32,
                %out: memref<?x128x512xbf16>, %max: memref<?x128xf32>, %lse: memref<?x128xf32>) {
  // expected-error @below {{kv: expected d_qk = 576 in dimension 2, got 512}}
  mla.sparse_prefill ins(%q, %kv, %indices, %scale : memref<?x128x576xbf16>, memref<?x1x512xbf16>, memref<?x1x?xi32>)
      outs(%out, %max, %lse : memref<?x128x512xbf16>, memref<?x128xf32>, memref<?x128xf32>)
  return
}

// -----

func.func @h_kv(%q: memref<?x128x576xbf16>, %kv: memref<?x1x576xbf16>, %indices: memref<?x2x?xi32>, %scale: f32,
                %out: memref<?x128x512xbf16>, %max: memref<?x128xf32>, %lse: memref<?x128xf32>) {
  // expected-error @below {{indices: expected h_kv = 1 in dimension 1, got 2}}
  mla.sparse_prefill ins(%q, %kv, %indices, %scale : memref<?x128x576xbf16>, memref<?x1x576xbf16>, memref<?x2x?xi32>)
      outs(%out, %max, %lse : memref<?x128x512xbf16>, memref<?x128xf32>, memref<?x128xf32>)
  return
}

// -----

func.func @s_q(%q: memref<4x128x576xbf16>, %kv: memref<?x1x576xbf16>, %indices: memref<5x1x?xi32>, %scale: f32,
               %out: memref<?x128x512xbf16>, %max: memref<?x128xf32>, %lse: memref<?x128xf32>) {
  // expected-error @below {{indices: expected s_q = 4 in dimension 0, got 5}}
  mla.sparse_prefill ins(%q, %kv, %indices, %scale : memref<4x128x576xbf16>, memref<?x1x576xbf16>, memref<5x1x?xi32>)
      outs(%out, %max, %lse : memref<?x128x512xbf16>, memref<?x128xf32>, memref<?x128xf32>)
  return
}

// -----

func.func @indices_type(%q: memref<?x128x576xbf16>, %kv: memref<?x1x576xbf16>, %indices: memref<?x1x?xi64>, %scale: f32,
                        %out: memref<?x128x512xbf16>, %max: memref<?x128xf32>, %lse: memref<?x128xf32>) {
  // expected-error @below {{indices: expected element type i32, got i64}}
  mla.sparse_prefill ins(%q, %kv, %indices, %scale : memref<?x128x576xbf16>, memref<?x1x576xbf16>, memref<?x1x?xi64>)
      outs(%out, %max, %lse : memref<?x128x512xbf16>, memref<?x128xf32>, memref<?x128xf32>)
  return
}

// -----

func.func @h_q_out(%q: memref<?x128x576xbf16>, %kv: memref<?x1x576xbf16>, %indices: memref<?x1x?xi32>, %scale: f32,
                   %out: memref<?x64x512xbf16>, %max: memref<?x128xf32>, %lse: memref<?x128xf32>) {
  // expected-error @below {{out: expected h_q = 128 in dimension 1, got 64}}
  mla.sparse_prefill ins(%q, %kv, %indices, %scale : memref<?x128x576xbf16>, memref<?x1x576xbf16>, memref<?x1x?xi32>)
      outs(%out, %max, %lse : memref<?x64x512xbf16>, memref<?x128xf32>, memref<?x128xf32>)
  return
}

// -----

func.func @h_q_max(%q: memref<?x128x576xbf16>, %kv: memref<?x1x576xbf16>, %indices: memref<?x1x?xi32>, %scale: f32,
                   %out: memref<?x128x512xbf16>, %max: memref<?x64xf32>, %lse: memref<?x128xf32>) {
  // expected-error @below {{max_logits: expected h_q = 128 in dimension 1, got 64}}
  mla.sparse_prefill ins(%q, %kv, %indices, %scale : memref<?x128x576xbf16>, memref<?x1x576xbf16>, memref<?x1x?xi32>)
      outs(%out, %max, %lse : memref<?x128x512xbf16>, memref<?x64xf32>, memref<?x128xf32>)
  return
}

// -----

func.func @lse_type(%q: memref<?x128x576xbf16>, %kv: memref<?x1x576xbf16>, %indices: memref<?x1x?xi32>, %scale: f32,
                    %out: memref<?x128x512xbf16>, %max: memref<?x128xf32>, %lse: memref<?x128xbf16>) {
  // expected-error @below {{lse: expected element type f32, got bf16}}
  mla.sparse_prefill ins(%q, %kv, %indices, %scale : memref<?x128x576xbf16>, memref<?x1x576xbf16>, memref<?x1x?xi32>)
      outs(%out, %max, %lse : memref<?x128x512xbf16>, memref<?x128xf32>, memref<?x128xbf16>)
  return
}

// -----

func.func @stride(%q: memref<?x128x576xbf16, strided<[?, ?, ?]>>, %kv: memref<?x1x576xbf16>, %indices: memref<?x1x?xi32>, %scale: f32,
                  %out: memref<?x128x512xbf16>, %max: memref<?x128xf32>, %lse: memref<?x128xf32>) {
  // expected-error @below {{q: expected a contiguous last dimension (stride 1), got 'memref<?x128x576xbf16, strided<[?, ?, ?]>>'}}
  mla.sparse_prefill ins(%q, %kv, %indices, %scale : memref<?x128x576xbf16, strided<[?, ?, ?]>>, memref<?x1x576xbf16>, memref<?x1x?xi32>)
      outs(%out, %max, %lse : memref<?x128x512xbf16>, memref<?x128xf32>, memref<?x128xf32>)
  return
}

// -----

func.func @topk_length(%q: memref<?x128x576xbf16>, %kv: memref<?x1x576xbf16>, %indices: memref<?x1x?xi32>, %scale: f32, %topk_length: memref<?x1xi32>,
                       %out: memref<?x128x512xbf16>, %max: memref<?x128xf32>, %lse: memref<?x128xf32>) {
  // expected-error @below {{topk_length: expected rank 1, got 2}}
  mla.sparse_prefill ins(%q, %kv, %indices, %scale : memref<?x128x576xbf16>, memref<?x1x576xbf16>, memref<?x1x?xi32>)
      topk_length(%topk_length : memref<?x1xi32>)
      outs(%out, %max, %lse : memref<?x128x512xbf16>, memref<?x128xf32>, memref<?x128xf32>)
  return
}

// -----

func.func @attn_sink(%q: memref<?x128x576xbf16>, %kv: memref<?x1x576xbf16>, %indices: memref<?x1x?xi32>, %scale: f32, %attn_sink: memref<64xf32>,
                     %out: memref<?x128x512xbf16>, %max: memref<?x128xf32>, %lse: memref<?x128xf32>) {
  // expected-error @below {{attn_sink: expected h_q = 128 in dimension 0, got 64}}
  mla.sparse_prefill ins(%q, %kv, %indices, %scale : memref<?x128x576xbf16>, memref<?x1x576xbf16>, memref<?x1x?xi32>)
      attn_sink(%attn_sink : memref<64xf32>)
      outs(%out, %max, %lse : memref<?x128x512xbf16>, memref<?x128xf32>, memref<?x128xf32>)
  return
}

// -----

func.func @dynamic_heads(%q: memref<?x?x576xbf16>, %kv: memref<?x1x576xbf16>, %indices: memref<?x1x?xi32>, %scale: f32,
                         %out: memref<?x?x512xbf16>, %max: memref<?x?xf32>, %lse: memref<?x?xf32>) {
  // expected-error @below {{expected static h_q, d_qk and d_v}}
  mla.sparse_prefill ins(%q, %kv, %indices, %scale : memref<?x?x576xbf16>, memref<?x1x576xbf16>, memref<?x1x?xi32>)
      outs(%out, %max, %lse : memref<?x?x512xbf16>, memref<?x?xf32>, memref<?x?xf32>)
  return
}

// -----

func.func @d_v(%q: memref<?x128x576xbf16>, %kv: memref<?x1x576xbf16>, %indices: memref<?x1x?xi32>, %scale: f32,
               %out: memref<?x128x640xbf16>, %max: memref<?x128xf32>, %lse: memref<?x128xf32>) {
  // expected-error @below {{expected d_v <= d_qk, got 640 > 576}}
  mla.sparse_prefill ins(%q, %kv, %indices, %scale : memref<?x128x576xbf16>, memref<?x1x576xbf16>, memref<?x1x?xi32>)
      outs(%out, %max, %lse : memref<?x128x640xbf16>, memref<?x128xf32>, memref<?x128xf32>)
  return
}

// -----

// expected-error @below {{ring "k": expected numbers below 2^31, got 2147483648}}
func.func @f() attributes {a = #mla.ring<"k", depth = 2147483648>} { return }

// -----

func.func @no_entries(%q: memref<?x128x576xbf16>, %kv: memref<?x1x576xbf16>, %indices: memref<?x1x0xi32>, %scale: f32,
                       %out: memref<?x128x512xbf16>, %max: memref<?x128xf32>, %lse: memref<?x128xf32>) {
  // expected-error @below {{indices: expected topk >= 1 or '?', got 0}}
  mla.sparse_prefill ins(%q, %kv, %indices, %scale : memref<?x128x576xbf16>, memref<?x1x576xbf16>, memref<?x1x0xi32>)
      outs(%out, %max, %lse : memref<?x128x512xbf16>, memref<?x128xf32>, memref<?x128xf32>)
  return
}

// -----

// Kernels compute indices in 32 bits.
func.func @too_many_rows(%q: memref<?x64x576xbf16>, %kv: memref<2147483648x1x576xbf16>,
    %i: memref<?x1x?xi32>, %s: f32, %o: memref<?x64x512xbf16>, %m: memref<?x64xf32>, %l: memref<?x64xf32>) {
  // expected-error @below {{kv: expected s_kv of at most 2147483647 in dimension 0, got 2147483648}}
  mla.sparse_prefill ins(%q, %kv, %i, %s : memref<?x64x576xbf16>, memref<2147483648x1x576xbf16>, memref<?x1x?xi32>)
      outs(%o, %m, %l : memref<?x64x512xbf16>, memref<?x64xf32>, memref<?x64xf32>)
  return
}

// -----

func.func @one_memref_for_two_outputs(%q: memref<?x128x576xbf16>, %kv: memref<?x1x576xbf16>, %indices: memref<?x1x?xi32>, %scale: f32,
                                      %out: memref<?x128x512xbf16>, %lse: memref<?x128xf32>) {
  // expected-error @below {{max_logits: expected a memref of its own, got one that is another operand too}}
  mla.sparse_prefill ins(%q, %kv, %indices, %scale : memref<?x128x576xbf16>, memref<?x1x576xbf16>, memref<?x1x?xi32>)
      outs(%out, %lse, %lse : memref<?x128x512xbf16>, memref<?x128xf32>, memref<?x128xf32>)
  return
}

// -----

func.func @output_over_input(%q: memref<?x128x512xbf16>, %kv: memref<?x1x512xbf16>, %indices: memref<?x1x?xi32>, %scale: f32,
                             %max: memref<?x128xf32>, %lse: memref<?x128xf32>) {
  // expected-error @below {{out: expected a memref of its own, got one that is another operand too}}
  mla.sparse_prefill ins(%q, %kv, %indices, %scale : memref<?x128x512xbf16>, memref<?x1x512xbf16>, memref<?x1x?xi32>)
      outs(%q, %max, %lse : memref<?x128x512xbf16>, memref<?x128xf32>, memref<?x128xf32>)
  return
}

// -----

// expected-error @below {{schedule "s": unknown rewrite "split-witdh" in 'after', expected one of split-width, split-tail, split-sums, pair-tiles, persist, fold-sums, swap-ab, defer-sums and 1 more}}
func.func @f() attributes {a = #mla.schedule<"s" after ["split-witdh"],
  roles = [<"a", warps = 4, registers = 128>], table = [<"q" in ["a"]>]>} { return }

// -----

// expected-error @below {{schedule "s": rewrite "persist" is listed twice}}
func.func @f() attributes {a = #mla.schedule<"s" after ["persist", "pair-tiles", "persist"],
  roles = [<"a", warps = 4, registers = 128>], table = [<"q" in ["a"]>]>} { return }

// -----

// expected-error @below {{ring "p": expected 'aliases' to name another ring, got itself}}
func.func @f() attributes {a = #mla.ring<"p", depth = 1, aliases = "p", byte = 0>} { return }

// -----

func.func @lse_base(%q: memref<?x128x576xbf16>, %kv: memref<?x1x576xbf16>, %indices: memref<?x1x?xi32>, %scale: f32,
    %out: memref<?x128x512xbf16>, %max: memref<?x128xf32>, %lse: memref<?x128xf32>) {
  // expected-error @below {{lse_base: expected 'e' or '2', got '10'}}
  mla.sparse_prefill ins(%q, %kv, %indices, %scale : memref<?x128x576xbf16>, memref<?x1x576xbf16>, memref<?x1x?xi32>)
      outs(%out, %max, %lse : memref<?x128x512xbf16>, memref<?x128xf32>, memref<?x128xf32>)
      {lse_base = "10"}
  return
}

// -----

func.func @empty_lse(%q: memref<?x128x576xbf16>, %kv: memref<?x1x576xbf16>, %indices: memref<?x1x?xi32>, %scale: f32,
    %out: memref<?x128x512xbf16>, %max: memref<?x128xf32>, %lse: memref<?x128xf32>) {
  // expected-error @below {{empty_lse: expected '+inf' or '-inf', got 'inf'}}
  mla.sparse_prefill ins(%q, %kv, %indices, %scale : memref<?x128x576xbf16>, memref<?x1x576xbf16>, memref<?x1x?xi32>)
      outs(%out, %max, %lse : memref<?x128x512xbf16>, memref<?x128xf32>, memref<?x128xf32>)
      {empty_lse = "inf"}
  return
}

// -----

func.func @optional_length(%q: memref<?x128x576xbf16>, %kv: memref<?x1x576xbf16>, %indices: memref<?x1x?xi32>, %scale: f32,
    %out: memref<?x128x512xbf16>, %max: memref<?x128xf32>, %lse: memref<?x128xf32>) {
  // expected-error @below {{topk_length_optional: expected the operand topk_length, got none}}
  mla.sparse_prefill ins(%q, %kv, %indices, %scale : memref<?x128x576xbf16>, memref<?x1x576xbf16>, memref<?x1x?xi32>)
      outs(%out, %max, %lse : memref<?x128x512xbf16>, memref<?x128xf32>, memref<?x128xf32>)
      {topk_length_optional}
  return
}

// -----

func.func @optional_sink(%q: memref<?x128x576xbf16>, %kv: memref<?x1x576xbf16>, %indices: memref<?x1x?xi32>, %scale: f32,
    %out: memref<?x128x512xbf16>, %max: memref<?x128xf32>, %lse: memref<?x128xf32>) {
  // expected-error @below {{attn_sink_optional: expected the operand attn_sink, got none}}
  mla.sparse_prefill ins(%q, %kv, %indices, %scale : memref<?x128x576xbf16>, memref<?x1x576xbf16>, memref<?x1x?xi32>)
      outs(%out, %max, %lse : memref<?x128x512xbf16>, memref<?x128xf32>, memref<?x128xf32>)
      {attn_sink_optional}
  return
}

// -----

func.func @optional_fixed(%q: memref<?x128x576xbf16>, %kv: memref<?x1x576xbf16>, %indices: memref<?x1x?xi32>, %scale: f32, %attn_sink: memref<128xf32>,
    %out: memref<?x128x512xbf16>, %max: memref<?x128xf32>, %lse: memref<?x128xf32>) {
  // expected-error @below {{attn_sink: expected run-time sizes of an operand that a launch may omit, got 'memref<128xf32>'}}
  mla.sparse_prefill ins(%q, %kv, %indices, %scale : memref<?x128x576xbf16>, memref<?x1x576xbf16>, memref<?x1x?xi32>)
      attn_sink(%attn_sink : memref<128xf32>)
      outs(%out, %max, %lse : memref<?x128x512xbf16>, memref<?x128xf32>, memref<?x128xf32>)
      {attn_sink_optional}
  return
}

// -----

func.func @optional_length_fixed(%q: memref<?x128x576xbf16>, %kv: memref<?x1x576xbf16>, %indices: memref<?x1x?xi32>, %scale: f32, %length: memref<4xi32>,
    %out: memref<?x128x512xbf16>, %max: memref<?x128xf32>, %lse: memref<?x128xf32>) {
  // expected-error @below {{topk_length: expected run-time sizes of an operand that a launch may omit, got 'memref<4xi32>'}}
  mla.sparse_prefill ins(%q, %kv, %indices, %scale : memref<?x128x576xbf16>, memref<?x1x576xbf16>, memref<?x1x?xi32>)
      topk_length(%length : memref<4xi32>)
      outs(%out, %max, %lse : memref<?x128x512xbf16>, memref<?x128xf32>, memref<?x128xf32>)
      {topk_length_optional}
  return
}

// -----

// Sizes that are dynamic in q: the other operands must agree.
func.func @s_q(%q: memref<?x128x576xbf16>, %kv: memref<?x1x576xbf16>, %indices: memref<4x1x?xi32>, %scale: f32,
               %out: memref<8x128x512xbf16>, %max: memref<?x128xf32>, %lse: memref<?x128xf32>) {
  // expected-error @below {{out: expected s_q = 4 in dimension 0, got 8}}
  mla.sparse_prefill ins(%q, %kv, %indices, %scale : memref<?x128x576xbf16>, memref<?x1x576xbf16>, memref<4x1x?xi32>)
      outs(%out, %max, %lse : memref<8x128x512xbf16>, memref<?x128xf32>, memref<?x128xf32>)
  return
}

// -----

func.func @lse_absent(%partial_out: memref<?x?x512xf32>, %partial_lse: memref<?x?xf32>, %out: memref<?x512xbf16>) {
  // expected-error @below {{lse_optional: expected the operand lse, got none}}
  mla.combine ins(%partial_out, %partial_lse : memref<?x?x512xf32>, memref<?x?xf32>)
      outs(%out : memref<?x512xbf16>) {lse_optional}
  return
}

// -----

func.func @lse_static(%partial_out: memref<?x?x512xf32>, %partial_lse: memref<?x?xf32>, %out: memref<?x512xbf16>,
                      %lse: memref<8xf32>) {
  // expected-error @below {{lse: expected run-time sizes of an operand that a launch may omit, got 'memref<8xf32>'}}
  mla.combine ins(%partial_out, %partial_lse : memref<?x?x512xf32>, memref<?x?xf32>)
      outs(%out : memref<?x512xbf16>) lse(%lse : memref<8xf32>) {lse_optional}
  return
}

// -----

func.func @lse_element(%partial_out: memref<?x?x512xf32>, %partial_lse: memref<?x?xf32>, %splits: memref<?xi32>,
                       %out: memref<?x512xbf16>) {
  // expected-error @below {{lse: expected element type f32, got i32}}
  mla.combine ins(%partial_out, %partial_lse : memref<?x?x512xf32>, memref<?x?xf32>)
      num_splits(%splits : memref<?xi32>) outs(%out : memref<?x512xbf16>) lse(%splits : memref<?xi32>)
  return
}

// -----

!q = memref<?x1x16x576xbf16>
!cache = memref<?x64x1x576xbf16>
!out = memref<?x1x16x512xbf16>
func.func @plan_rows(%q: !q, %cache: !cache, %table: memref<?x?xi32>, %lengths: memref<?xi32>, %scale: f32,
                     %out: !out, %lse: memref<?x1x16xf32>, %plan: memref<?x8xi32, strided<[?, 1]>>) {
  // expected-error @below {{plan: expected a contiguous memref, got 'memref<?x8xi32, strided<[?, 1]>>'}}
  mla.decode ins(%q, %cache, %lengths, %scale : !q, !cache, memref<?xi32>) block_table(%table : memref<?x?xi32>)
      outs(%out, %lse, %plan : !out, memref<?x1x16xf32>, memref<?x8xi32, strided<[?, 1]>>)
  return
}

// -----

// Strides of lse may be any, those of out only up to the last.
!q = memref<?x1x16x576xbf16>
!cache = memref<?x64x1x576xbf16>
!out = memref<?x1x16x512xbf16, strided<[?, ?, ?, ?]>>
!lse = memref<?x1x16xf32, strided<[?, ?, ?]>>
func.func @out_columns(%q: !q, %cache: !cache, %table: memref<?x?xi32>, %lengths: memref<?xi32>, %scale: f32,
                       %out: !out, %lse: !lse, %plan: memref<?x8xi32>) {
  // expected-error @below {{out: expected a contiguous last dimension (stride 1), got 'memref<?x1x16x512xbf16, strided<[?, ?, ?, ?]>>'}}
  mla.decode ins(%q, %cache, %lengths, %scale : !q, !cache, memref<?xi32>) block_table(%table : memref<?x?xi32>)
      outs(%out, %lse, %plan : !out, !lse, memref<?x8xi32>)
  return
}

// -----

!q = memref<?x1x16x512xbf16>
!cache = memref<?x?x1x512xbf16>
!out = memref<?x1x16x512xbf16>
!lse = memref<?x1x16xf32>
func.func @q_rope_alone(%q: !q, %cache: !cache, %table: memref<?x?xi32>, %lengths: memref<?xi32>, %scale: f32,
                     %out: !out, %lse: !lse, %plan: memref<?x8xi32>, %q_rope: memref<?x1x16x64xbf16>,
                     %k_rope: memref<?x?x1x64xbf16>) {
  // expected-error @below {{expected q_rope and k_rope or neither, got q_rope alone}}
  mla.decode ins(%q, %cache, %lengths, %scale : !q, !cache, memref<?xi32>) q_rope(%q_rope : memref<?x1x16x64xbf16>)
      outs(%out, %lse, %plan : !out, !lse, memref<?x8xi32>)
  return
}

// -----

!q = memref<?x1x16x512xbf16>
!cache = memref<?x?x1x512xbf16>
!out = memref<?x1x16x512xbf16>
!lse = memref<?x1x16xf32>
func.func @k_rope_alone(%q: !q, %cache: !cache, %table: memref<?x?xi32>, %lengths: memref<?xi32>, %scale: f32,
                     %out: !out, %lse: !lse, %plan: memref<?x8xi32>, %q_rope: memref<?x1x16x64xbf16>,
                     %k_rope: memref<?x?x1x64xbf16>) {
  // expected-error @below {{expected q_rope and k_rope or neither, got k_rope alone}}
  mla.decode ins(%q, %cache, %lengths, %scale : !q, !cache, memref<?xi32>) k_rope(%k_rope : memref<?x?x1x64xbf16>)
      outs(%out, %lse, %plan : !out, !lse, memref<?x8xi32>)
  return
}

// -----

!q = memref<?x1x16x576xbf16>
!cache = memref<?x?x1x576xbf16>
!out = memref<?x1x16x512xbf16>
!lse = memref<?x1x16xf32>
func.func @rope_twice(%q: !q, %cache: !cache, %table: memref<?x?xi32>, %lengths: memref<?xi32>, %scale: f32,
                     %out: !out, %lse: !lse, %plan: memref<?x8xi32>, %q_rope: memref<?x1x16x64xbf16>,
                     %k_rope: memref<?x?x1x64xbf16>) {
  // expected-error @below {{expected d_qk = d_v with q_rope and k_rope, got 576 and 512}}
  mla.decode ins(%q, %cache, %lengths, %scale : !q, !cache, memref<?xi32>) q_rope(%q_rope : memref<?x1x16x64xbf16>) k_rope(%k_rope : memref<?x?x1x64xbf16>)
      outs(%out, %lse, %plan : !out, !lse, memref<?x8xi32>)
  return
}

// -----

!q = memref<3x1x16x512xbf16>
!cache = memref<4x?x1x512xbf16>
!out = memref<3x1x16x512xbf16>
!lse = memref<3x1x16xf32>
func.func @requests_of_cache(%q: !q, %cache: !cache, %table: memref<?x?xi32>, %lengths: memref<?xi32>, %scale: f32,
                     %out: !out, %lse: !lse, %plan: memref<?x8xi32>, %q_rope: memref<?x1x16x64xbf16>,
                     %k_rope: memref<?x?x1x64xbf16>) {
  // expected-error @below {{expected num_pages = b without block_table, got 4 and 3}}
  mla.decode ins(%q, %cache, %lengths, %scale : !q, !cache, memref<?xi32>)
      outs(%out, %lse, %plan : !out, !lse, memref<?x8xi32>)
  return
}

// -----

!q = memref<?x1x16x512xbf16>
!cache = memref<4x?x1x512xbf16>
!out = memref<?x1x16x512xbf16>
!lse = memref<?x1x16xf32>
func.func @requests_at_run_time(%q: !q, %cache: !cache, %table: memref<?x?xi32>, %lengths: memref<?xi32>, %scale: f32,
                     %out: !out, %lse: !lse, %plan: memref<?x8xi32>, %q_rope: memref<?x1x16x64xbf16>,
                     %k_rope: memref<?x?x1x64xbf16>) {
  // expected-error @below {{expected num_pages = b without block_table, got 4 and a run-time size}}
  mla.decode ins(%q, %cache, %lengths, %scale : !q, !cache, memref<?xi32>)
      outs(%out, %lse, %plan : !out, !lse, memref<?x8xi32>)
  return
}

// -----

!q = memref<?x1x16x512xbf16>
!cache = memref<?x64x1x512xbf16>
!out = memref<?x1x16x512xbf16>
!lse = memref<?x1x16xf32>
func.func @omitted_table(%q: !q, %cache: !cache, %table: memref<?x?xi32>, %lengths: memref<?xi32>, %scale: f32,
                     %out: !out, %lse: !lse, %plan: memref<?x8xi32>, %q_rope: memref<?x1x16x64xbf16>,
                     %k_rope: memref<?x?x1x64xbf16>) {
  // expected-error @below {{block_table_optional: expected an operand that a launch may omit, got block_table}}
  mla.decode ins(%q, %cache, %lengths, %scale : !q, !cache, memref<?xi32>) block_table(%table : memref<?x?xi32>)
      outs(%out, %lse, %plan : !out, !lse, memref<?x8xi32>) {block_table_optional}
  return
}

// -----

!q = memref<?x?x4x192xbf16>
!k = memref<?x?x4x192xbf16>
!v = memref<?x?x4x128xbf16>
!out = memref<?x?x4x128xbf16>
!lse = memref<?x?x4xf32>
func.func @one_cu_seqlens(%q: !q, %k: !k, %v: !v, %scale: f32, %bounds: memref<?xi32>, %out: !out, %lse: !lse) {
  // expected-error @below {{expected both cu_seqlens_q and cu_seqlens_k or neither, got present and absent}}
  mla.prefill ins(%q, %k, %v, %scale : !q, !k, !v) cu_seqlens_q(%bounds : memref<?xi32>) outs(%out, %lse : !out, !lse)
  return
}

// -----

!q = memref<?x?x4x192xbf16>
!k = memref<?x?x4x192xbf16>
!v = memref<?x?x4x128xbf16>
!out = memref<?x?x4x128xbf16>
!lse = memref<?x?x4xf32>
func.func @optional_cu_seqlens(%q: !q, %k: !k, %v: !v, %scale: f32, %bounds: memref<?xi32>, %out: !out, %lse: !lse) {
  // expected-error @below {{expected cu_seqlens of every launch or of none, got one that a launch may omit}}
  mla.prefill ins(%q, %k, %v, %scale : !q, !k, !v) cu_seqlens_q(%bounds : memref<?xi32>) cu_seqlens_k(%bounds : memref<?xi32>) outs(%out, %lse : !out, !lse) {cu_seqlens_q_optional, cu_seqlens_k_optional}
  return
}

// -----

!q = memref<2x?x4x192xbf16>
!k = memref<?x?x4x192xbf16>
!v = memref<?x?x4x128xbf16>
!out = memref<?x?x4x128xbf16>
!lse = memref<?x?x4xf32>
func.func @packed_batch(%q: !q, %k: !k, %v: !v, %scale: f32, %bounds: memref<?xi32>, %out: !out, %lse: !lse) {
  // expected-error @below {{expected b = 1 with cu_seqlens, got 2}}
  mla.prefill ins(%q, %k, %v, %scale : !q, !k, !v) cu_seqlens_q(%bounds : memref<?xi32>) cu_seqlens_k(%bounds : memref<?xi32>) outs(%out, %lse : !out, !lse)
  return
}

// -----

!q = memref<?x?x4x192xbf16>
!k = memref<?x?x4x192xf16>
!v = memref<?x?x4x128xbf16>
!out = memref<?x?x4x128xbf16>
!lse = memref<?x?x4xf32>
func.func @prefill_elements(%q: !q, %k: !k, %v: !v, %scale: f32, %bounds: memref<?xi32>, %out: !out, %lse: !lse) {
  // expected-error @below {{k: expected element type bf16, as q has, got f16}}
  mla.prefill ins(%q, %k, %v, %scale : !q, !k, !v) outs(%out, %lse : !out, !lse)
  return
}

// -----

!q = memref<?x?x4x192xbf16>
!k = memref<?x?x4x128xbf16>
!v = memref<?x?x4x128xbf16>
!out = memref<?x?x4x128xbf16>
!lse = memref<?x?x4xf32>
func.func @prefill_columns(%q: !q, %k: !k, %v: !v, %scale: f32, %bounds: memref<?xi32>, %out: !out, %lse: !lse) {
  // expected-error @below {{k: expected d_qk = 192 in dimension 3, got 128}}
  mla.prefill ins(%q, %k, %v, %scale : !q, !k, !v) outs(%out, %lse : !out, !lse)
  return
}

// -----

!q = memref<?x?x4x192xbf16>
!k = memref<?x65x4x192xbf16>
!v = memref<?x64x4x128xbf16>
!out = memref<?x?x4x128xbf16>
!lse = memref<?x?x4xf32>
func.func @prefill_lengths(%q: !q, %k: !k, %v: !v, %scale: f32, %bounds: memref<?xi32>, %out: !out, %lse: !lse) {
  // expected-error @below {{v: expected s_kv = 65 in dimension 1, got 64}}
  mla.prefill ins(%q, %k, %v, %scale : !q, !k, !v) outs(%out, %lse : !out, !lse)
  return
}

// -----

!q = memref<?x?x4x192xbf16>
!k = memref<?x?x4x192xbf16>
!v = memref<?x?x4x128xbf16, strided<[?, ?, ?, 2]>>
!out = memref<?x?x4x128xbf16>
!lse = memref<?x?x4xf32>
func.func @prefill_strides(%q: !q, %k: !k, %v: !v, %scale: f32, %bounds: memref<?xi32>, %out: !out, %lse: !lse) {
  // expected-error @below {{v: expected a contiguous last dimension (stride 1), got 'memref<?x?x4x128xbf16, strided<[?, ?, ?, 2]>>'}}
  mla.prefill ins(%q, %k, %v, %scale : !q, !k, !v) outs(%out, %lse : !out, !lse)
  return
}
