//===- Prefill.td - dense attention over whole sequences ---*- tablegen -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

include "mla/Dialect/MLA/Operators.td"

defvar Elements = MLA_Elements<["bf16", "f16"], "dtype">;

def MLA_PrefillOp : MLA_Operator<"prefill"> {
  let summary = "dense attention over whole sequences";
  let description = [{
    Softmax attention of all queries of a batch over all keys, or with
    `causal = "yes"` over the keys up to their own. Key and value have separate
    tensors, so their head dimensions may differ: 192 and 128 in DeepSeek-V3
    before absorption. Query head h uses KV head h / (h_q / h_kv).

    The causal mask is right-aligned: query i attends to the keys
    j <= i + s_kv - s_q. A query that attends to no key gets out = 0 and the lse
    that `empty_lse` gives.

    With `cu_seqlens_q` and `cu_seqlens_k`, b is 1 and q, k, v hold several
    sequences, one behind the other: sequence r has the queries from
    cu_seqlens_q[r] up to cu_seqlens_q[r + 1], and the keys from cu_seqlens_k[r]
    up to cu_seqlens_k[r + 1]. It may have none of either. Both vectors have to
    begin with 0 and must not decrease. Elements beyond the tensors are clamped;
    the results of sequences without valid elements are unspecified, and no
    memory outside the tensors is accessed.

    The layout of a tensor (bshd, bhsd, sbhd, one part of a packed qkv) is a
    matter of its strides, and so is the layout [b, h_q, s_q] of lse.

    A NaN in q, k or v makes the results NaN of the queries that it belongs to.
    A NaN or an infinity in v may reach further queries of a causal tile, which
    have weight 0 for its key.

    b * h_q * (s_q + 256) is below 2^31.

    ```mlir
    mla.prefill ins(%q, %k, %v, %scale : ...) outs(%out, %lse : ...)
        {causal = "yes"}
    ```
  }];
  let sizes = [
    MLA_RunTimeSize<"b", 1, "sequences of equal length", tuned=1>,
    MLA_RunTimeSize<"s_q", 4096, "queries per sequence", tuned=1>,
    MLA_RunTimeSize<"s_kv", 4096, "keys per sequence", tuned=1>,
    MLA_StaticSize<"h_q", 128, "query heads", most=1024, alias="h">,
    MLA_StaticSize<"h_kv", 128, "KV heads, a divisor of h_q", most=1024>,
    MLA_StaticSize<"d_qk", 192, "head dimension of q and k", least=16, most=256>,
    MLA_StaticSize<"d_v", 128, "head dimension of v and the output", least=16,
                   most=256>,
    MLA_RunTimeSize<"bounds", 2, "elements of cu_seqlens: sequences + 1", least=1>];
  let operands = [
    MLA_Input<"q", Elements, ["b", "s_q", "h_q", "d_qk"], "queries">,
    MLA_Input<"k", Elements, ["b", "s_kv", "h_kv", "d_qk"], "keys">,
    MLA_Input<"v", Elements, ["b", "s_kv", "h_kv", "d_v"], "values">,
    MLA_PositiveScalar<"scale", "multiplies q k^T">,
    MLA_OptionalInput<"cu_seqlens_q", MLA_I32, ["bounds"],
                      "first query of each sequence, and their number", tuned=1>,
    MLA_OptionalInput<"cu_seqlens_k", MLA_I32, ["bounds"],
                      "first key of each sequence, and their number">,
    MLA_Output<"out", Elements, ["b", "s_q", "h_q", "d_v"], "the output">,
    MLA_Output<"lse", MLA_F32, ["b", "s_q", "h_q"],
               "log-sum-exp of the logits", "Strided">];
  let hasVerifier = 1;
  let options = [
    MLA_Option<"causal", ["no", "yes"],
               "whether a query attends only to keys up to its own", tuned=1>,
    MLA_Option<"lse_base", ["e", "2"], "base of the logarithm of lse">,
    MLA_Option<"empty_lse", ["+inf", "-inf"],
               "lse of a query that attends to no key">];
}
