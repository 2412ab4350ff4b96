//===- Decode.td - dense MLA decode ------------------------*- tablegen -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

include "mla/Dialect/MLA/Operators.td"

defvar Elements = MLA_Elements<["bf16", "f16"], "dtype">;

def MLA_DecodeOp : MLA_Operator<"decode"> {
  let summary = "dense MLA decode over a paged or contiguous cache";
  let description = [{
    For each request, softmax attention of its s_q newest tokens over all its
    tokens. K is the whole KV row, V its first d_v columns. Query head h uses KV
    head h / (h_q / h_kv). The semantics are those of FlashMLA's
    `flash_mla_with_kvcache` without indices; its lse layout [b, h_q, s_q] is a
    matter of strides.

    With block_table the cache has pages: token t of request r is row
    t % page_size of page block_table[r][t / page_size], and page_size is static.
    Without block_table the cache is contiguous: token t of request r is row t of
    k_cache[r], so num_pages = b, and page_size, the rows that a request has room
    for, is any number, which may be known at launch only.

    With q_rope and k_rope, which are given together, these are the last columns of
    queries and keys, and q and k_cache are the first d_qk = d_v ones: the tensors
    that other libraries call q_nope and c_kv. Parts of one tensor may be given as
    two, with its strides.

    Request r has cache_seqlens[r] tokens, clamped to [0, max_pages * page_size],
    or to [0, page_size] without block_table. With `causal = "yes"` query i attends
    to the tokens t <= i + cache_seqlens[r] - s_q, otherwise to all. Table entries
    of other tokens are never used; a token of a page outside [0, num_pages) has
    score -inf. A query without a token whose score is above -inf gets out = 0 and
    the lse that `empty_lse` gives. attn_sink is a logit per head without a value:
    it is in the denominator of out, but not in lse.

    The operator is a program of three kernels. The first, in the phase `plan`,
    divides the tokens of all requests among `ctas` CTAs (usually one per SM) and
    writes the plan, which is opaque to the caller; the others read it. The second
    computes attention, in parts where the plan cuts a request, and the third
    merges these partial results. A plan may serve several launches, for example
    one per layer. It balances the work for the lengths that it was made of, and
    results are right for any other lengths.

    With `batch_invariant = "yes"` the result of a request does not depend on the
    other requests: each is cut into floordiv(floordiv(ctas, t), b) parts, at
    least one, where t is the number of CTAs per KV range
    (ceildiv(s_q * h_q / h_kv, rows of an output tile) * h_kv). The caller chooses
    ctas so that this number is the same for all batches.

    num_pages * page_size and max_pages * page_size, or page_size alone without
    block_table, are at most 2^31 - 257, and b * s_q * h_q is below 2^31.

    ```mlir
    mla.decode ins(%q, %k_cache, %cache_seqlens, %scale : ...)
        block_table(%block_table : ...) outs(%out, %lse, %plan : ...)
        {causal = "yes"}
    ```
  }];
  let sizes = [
    MLA_RunTimeSize<"b", 64, "requests", tuned=1>,
    MLA_StaticSize<"s_q", 1, "queries per request, its newest tokens", most=16>,
    MLA_StaticSize<"h_q", 128, "query heads", most=128, alias="h">,
    MLA_StaticSize<"h_kv", 1, "KV heads, a divisor of h_q", most=128>,
    MLA_StaticSize<"d_qk", 576, "columns of q and k_cache">,
    MLA_FixedSize<"d_rope", 64, "columns of q_rope and k_rope">,
    MLA_StaticSize<"d_v", 512, "head dimension of the output">,
    MLA_RunTimeSize<"num_pages", 65536,
                    "pages of k_cache; without block_table its requests, b">,
    MLA_MostlyStaticSize<"page_size", 64, 4096,
                         "tokens per page: a power of two up to 256 or a "
                         "multiple of 64; without block_table rows per request, "
                         "any number, also at run time">,
    MLA_RunTimeSize<"max_pages", 64, "pages per request in block_table",
                    tuned=1>,
    MLA_FixedSize<"plan_words", 8, "elements per row of plan">,
    MLA_RunTimeSize<"ctas", 132, "CTAs among which work is divided", least=1>];
  let operands = [
    MLA_Input<"q", Elements, ["b", "s_q", "h_q", "d_qk"], "queries">,
    MLA_FormInput<"q_rope", Elements, ["b", "s_q", "h_q", "d_rope"],
                  "the queries' last columns, if they are not in q">,
    MLA_Input<"k_cache", Elements, ["num_pages", "page_size", "h_kv", "d_qk"],
              "keys; the first d_v columns are the values">,
    MLA_FormInput<"k_rope", Elements,
                  ["num_pages", "page_size", "h_kv", "d_rope"],
                  "the keys' last columns, if they are not in k_cache",
                  usual=0, tuned=1>,
    MLA_FormInput<"block_table", MLA_I32, ["b", "max_pages"],
                  "pages of each request, in order", usual=1, tuned=1>,
    MLA_Input<"cache_seqlens", MLA_I32, ["b"], "number of tokens of each request">,
    MLA_PositiveScalar<"scale", "multiplies q k^T">,
    MLA_OptionalInput<"attn_sink", MLA_F32, ["h_q"], "attention sink of each head",
                      otherName="sink">,
    MLA_Output<"out", Elements, ["b", "s_q", "h_q", "d_v"], "the output">,
    MLA_Output<"lse", MLA_F32, ["b", "s_q", "h_q"],
               "log-sum-exp of the logits", "Strided">,
    MLA_Output<"plan", MLA_I32, ["ctas", "plan_words"],
               "the plan, a row per part", "Contiguous">];
  let hasVerifier = 1;
  let isProgram = 1;
  let options = [
    MLA_Option<"causal", ["no", "yes"],
               "whether a query attends only to tokens up to its own">,
    MLA_Option<"lse_base", ["e", "2"], "base of the logarithm of lse">,
    MLA_Option<"empty_lse", ["+inf", "-inf"],
               "lse of a query that attends to no token">,
    MLA_Option<"partials", ["out", "f32"],
               "element type of partial results: that of out, or f32">,
    MLA_Option<"batch_invariant", ["no", "yes"],
               "whether a result depends on its own request only", tuned=1>];
}
