//===- Decode.td - dense MLA decode over a paged cache -----*- tablegen -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

include "mla/Dialect/MLA/Operators.td"

defvar Elements = MLA_Elements<["bf16", "f16"], "dtype">;
defvar Results = MLA_Elements<["bf16", "f16", "f32"], "out_dtype">;

def MLA_DecodeOp : MLA_Operator<"decode"> {
  let summary = "dense MLA decode over a paged cache, whole or in KV splits";
  let description = [{
    Softmax attention of the s_q newest tokens of each request over all tokens
    of the request, whose KV rows lie in the pages that `block_table` lists; V
    is the first d_v columns of a KV row. Token t of request r is row
    t % page_size of page block_table[r][t / page_size].

    Request r has cache_seqlens[r] tokens, a number below 0 or above
    max_pages * page_size counting as the nearer of the two. With `causal =
    "yes"` query i sees the tokens t <= i + cache_seqlens[r] - s_q, else all of
    them. Table entries of other tokens are never read; a page outside
    [0, num_pages) has no tokens.

    With more than one split the tokens of a request are divided evenly, in
    tiles of the schedule's block_kv, and split i holds the attention over part
    i alone: mla.combine merges them. The lengths are read on the device, so
    that a captured graph follows them; short requests leave splits empty. With
    one split the result is the whole.

    A query without a token, in a split too, has out = 0 and the lse of
    `empty_lse`. Semantics are those of FlashMLA's `flash_mla_with_kvcache`
    without indices, whose lse is [b, h_q, s_q]: strides say so.

    ```mlir
    mla.decode ins(%q, %k_cache, %block_table, %cache_seqlens, %scale : ...)
        outs(%out, %lse : ...) {causal = "yes"}
    ```
  }];
  let sizes = [
    MLA_RunTimeSize<"splits", 1, "parts of a request's tokens", least=1,
                    tuned=1>,
    MLA_RunTimeSize<"b", 64, "requests", least=0, tuned=1>,
    MLA_RunTimeSize<"s_q", 1, "queries a request, the newest tokens">,
    MLA_StaticSize<"h_q", 128, "query heads", most=128, alias="h">,
    MLA_FixedSize<"h_kv", 1, "heads of k_cache">,
    MLA_StaticSize<"d_qk", 576, "head dimension of q and k_cache">,
    MLA_StaticSize<"d_v", 512, "head dimension of the output">,
    MLA_RunTimeSize<"num_pages", 65536, "pages of the cache">,
    MLA_StaticSize<"page_size", 64,
                   "tokens a page: a power of two up to 256, or a multiple of "
                   "64">,
    MLA_RunTimeSize<"max_pages", 64, "pages that the table has a request",
                    least=0, tuned=1>];
  let operands = [
    MLA_Input<"q", Elements, ["b", "s_q", "h_q", "d_qk"], "queries">,
    MLA_Input<"k_cache", Elements, ["num_pages", "page_size", "h_kv", "d_qk"],
              "keys; the values are their first d_v columns">,
    MLA_Input<"block_table", MLA_I32, ["b", "max_pages"],
              "the pages of each request in order">,
    MLA_Input<"cache_seqlens", MLA_I32, ["b"], "tokens of each request">,
    MLA_PositiveScalar<"scale", "multiplies q k^T">,
    MLA_Output<"out", Results, ["splits", "b", "s_q", "h_q", "d_v"],
               "the output">,
    MLA_Output<"lse", MLA_F32, ["splits", "b", "s_q", "h_q"],
               "the logarithm of the sum of exponentials">];
  let hasVerifier = 1;
  let options = [
    MLA_Option<"causal", ["no", "yes"],
               "query i sees no token after its own, i + cache_seqlens - s_q">,
    MLA_Option<"lse_base", ["e", "2"], "base of the logarithm in lse">,
    MLA_Option<"empty_lse", ["+inf", "-inf"], "lse of a query without a token">];
}
