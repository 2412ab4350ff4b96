//===- Decode.td - dense MLA decode over a paged cache -----*- tablegen -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

include "mla/Dialect/MLA/Operators.td"

defvar Elements = MLA_Elements<["bf16", "f16"], "dtype">;
defvar Results = MLA_Elements<["bf16", "f16", "f32"], "out_dtype">;

def MLA_DecodeOp : MLA_Operator<"decode"> {
  let summary = "dense MLA decode over a paged cache, with optional KV splits";
  let description = [{
    For each request, softmax attention of its s_q newest tokens over all its
    tokens. K is the whole KV row, V its first d_v columns. Token t of request r
    is row t % page_size of page block_table[r][t / page_size]. The semantics are
    those of FlashMLA's `flash_mla_with_kvcache` without indices; its lse layout
    [b, h_q, s_q] is a matter of strides.

    Request r has cache_seqlens[r] tokens, clamped to [0, max_pages * page_size].
    With `causal = "yes"` query i attends to the tokens
    t <= i + cache_seqlens[r] - s_q, otherwise to all. Table entries of other
    tokens are never used; tokens of a page outside [0, num_pages) are skipped.

    With several splits, the tokens of a request are divided evenly in units of
    64, whatever the schedule's tiles are, and split i has the attention over its tokens only;
    `mla.combine` merges the splits. The division depends on the lengths on the
    device, so a captured graph may be replayed with other lengths. Short
    requests leave splits empty. With one split the results are final.

    num_pages * page_size and max_pages * page_size are at most 2^31 - 257.

    A query that attends to no token, in its split, gets out = 0 and the lse that
    `empty_lse` gives.

    ```mlir
    mla.decode ins(%q, %k_cache, %block_table, %cache_seqlens, %scale : ...)
        outs(%out, %lse : ...) {causal = "yes"}
    ```
  }];
  let sizes = [
    MLA_RunTimeSize<"splits", 1, "parts into which tokens are divided", least=1,
                    tuned=1>,
    MLA_RunTimeSize<"b", 64, "requests", tuned=1>,
    MLA_RunTimeSize<"s_q", 1, "queries per request, its newest tokens">,
    MLA_StaticSize<"h_q", 128, "query heads", most=128, alias="h">,
    MLA_FixedSize<"h_kv", 1, "KV heads">,
    MLA_StaticSize<"d_qk", 576, "head dimension of q and k_cache">,
    MLA_StaticSize<"d_v", 512, "head dimension of the output">,
    MLA_RunTimeSize<"num_pages", 65536, "pages of k_cache">,
    MLA_StaticSize<"page_size", 64,
                   "tokens per page: a power of two up to 256 or a multiple of "
                   "64">,
    MLA_RunTimeSize<"max_pages", 64, "pages per request in block_table",
                    tuned=1>];
  let operands = [
    MLA_Input<"q", Elements, ["b", "s_q", "h_q", "d_qk"], "queries">,
    MLA_Input<"k_cache", Elements, ["num_pages", "page_size", "h_kv", "d_qk"],
              "keys; the first d_v columns are the values">,
    MLA_Input<"block_table", MLA_I32, ["b", "max_pages"],
              "pages of each request, in order">,
    MLA_Input<"cache_seqlens", MLA_I32, ["b"], "number of tokens of each request">,
    MLA_PositiveScalar<"scale", "multiplies q k^T">,
    MLA_Output<"out", Results, ["splits", "b", "s_q", "h_q", "d_v"],
               "the output">,
    MLA_Output<"lse", MLA_F32, ["splits", "b", "s_q", "h_q"],
               "log-sum-exp of the logits">];
  let hasVerifier = 1;
  let options = [
    MLA_Option<"causal", ["no", "yes"],
               "whether a query attends only to tokens up to its own">,
    MLA_Option<"lse_base", ["e", "2"], "base of the logarithm of lse">,
    MLA_Option<"empty_lse", ["+inf", "-inf"],
               "lse of a query that attends to no token">];
}
