//===- SparsePrefill.td - the sparse MLA forward -----------*- tablegen -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

include "mla/Dialect/MLA/Operators.td"

defvar Elements = MLA_Elements<["bf16", "f16"], "dtype">;

def MLA_SparsePrefillOp : MLA_Operator<"sparse_prefill"> {
  let summary = "sparse MLA forward over the rows that indices name";
  let description = [{
    For each query token and head, softmax attention over the KV rows that
    `indices` names; V is the first d_v columns of a KV row. Semantics are
    FlashMLA's `flash_mla_sparse_fwd`.

    Entry t of a query counts iff t < topk_length and 0 <= index < s_kv; other
    entries are never dereferenced. A query without a valid entry gets out = 0,
    lse = +inf, max_logits = -inf. The sink enters the output, not the lse.

    The options are part of the launch descriptor, so that no kernel is taken
    for one with another lse.

    With `topk_length_optional` or `attn_sink_optional` a launch may leave that
    operand out. One that is left out has size 0; the kernel then computes what
    one compiled without the operand does. So its size must be a run-time size.

    ```mlir
    mla.sparse_prefill ins(%q, %kv, %indices, %scale : ...)
        topk_length(%len : memref<?xi32>) outs(%out, %max_logits, %lse : ...)
        {lse_base = "2", topk_length_optional}
    ```
  }];
  let sizes = [
    MLA_RunTimeSize<"s_q", 4096, "queries">,
    MLA_RunTimeSize<"s_kv", 65536, "rows of kv">,
    MLA_StaticSize<"h_q", 128, "query heads", most=128, alias="h">,
    MLA_FixedSize<"h_kv", 1, "heads of kv">,
    MLA_StaticSize<"d_qk", 576, "head dimension of q and kv">,
    MLA_StaticSize<"d_v", 512, "head dimension of the output">,
    MLA_RunTimeSize<"topk", 2048, "entries of indices a query", tuned=1>];
  let operands = [
    MLA_Input<"q", Elements, ["s_q", "h_q", "d_qk"], "queries">,
    MLA_Input<"kv", Elements, ["s_kv", "h_kv", "d_qk"],
              "keys; the values are their first d_v columns">,
    MLA_Input<"indices", MLA_I32, ["s_q", "h_kv", "topk"],
              "rows of kv; one that is none of them is passed over">,
    MLA_PositiveScalar<"scale", "multiplies q k^T">,
    MLA_OptionalInput<"topk_length", MLA_I32, ["s_q"],
                      "entries of indices that count", tuned=1>,
    MLA_OptionalInput<"attn_sink", MLA_F32, ["h_q"],
                      "a further logit without a value", otherName="sink">,
    MLA_Output<"out", Elements, ["s_q", "h_q", "d_v"], "the output">,
    MLA_Output<"max_logits", MLA_F32, ["s_q", "h_q"], "the largest logit">,
    MLA_Output<"lse", MLA_F32, ["s_q", "h_q"],
               "the logarithm of the sum of exponentials">];
  let hasVerifier = 1;
  let options = [
    MLA_Option<"lse_base", ["e", "2"], "base of the logarithm in lse">,
    MLA_Option<"empty_lse", ["+inf", "-inf"],
               "lse of a query without a valid entry">];
}
