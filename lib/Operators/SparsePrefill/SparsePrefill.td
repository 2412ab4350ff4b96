//===- SparsePrefill.td - the sparse MLA forward -----------*- tablegen -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

include "mla/Dialect/MLA/Operators.td"

defvar Elements = MLA_Elements<["bf16", "f16"], "dtype">;

def MLA_SparsePrefillOp : MLA_Operator<"sparse_prefill"> {
  let summary = "sparse MLA forward over the KV rows that indices select";
  let description = [{
    For each query and head, softmax attention over the KV rows that `indices`
    selects. K is the whole KV row, V its first d_v columns. The semantics are
    those of FlashMLA's `flash_mla_sparse_fwd`.

    Entry t of a query is valid if t < topk_length and 0 <= index < s_kv. Invalid
    entries are never dereferenced. A query without a valid entry gets out = 0,
    lse = +inf and max_logits = -inf. The sink affects out, but not lse.

    The options are recorded in the launch descriptor, which distinguishes kernels
    with different conventions of lse.

    With `topk_length_optional` or `attn_sink_optional` each launch may omit that
    operand. Its size is then 0, so it must be a run-time size, and the kernel
    computes the same as one compiled without the operand.

    ```mlir
    mla.sparse_prefill ins(%q, %kv, %indices, %scale : ...)
        topk_length(%len : memref<?xi32>) outs(%out, %max_logits, %lse : ...)
        {lse_base = "2", topk_length_optional}
    ```
  }];
  let sizes = [
    MLA_RunTimeSize<"s_q", 4096, "queries">,
    MLA_RunTimeSize<"s_kv", 65536, "KV rows">,
    MLA_StaticSize<"h_q", 128, "query heads", most=128, alias="h">,
    MLA_FixedSize<"h_kv", 1, "KV heads">,
    MLA_StaticSize<"d_qk", 576, "head dimension of q and kv">,
    MLA_StaticSize<"d_v", 512, "head dimension of the output">,
    MLA_RunTimeSize<"topk", 2048, "entries of indices per query", tuned=1>];
  let operands = [
    MLA_Input<"q", Elements, ["s_q", "h_q", "d_qk"], "queries">,
    MLA_Input<"kv", Elements, ["s_kv", "h_kv", "d_qk"],
              "keys; the first d_v columns are the values">,
    MLA_Input<"indices", MLA_I32, ["s_q", "h_kv", "topk"],
              "KV rows; entries outside [0, s_kv) are skipped">,
    MLA_PositiveScalar<"scale", "multiplies q k^T">,
    MLA_OptionalInput<"topk_length", MLA_I32, ["s_q"],
                      "number of leading entries of indices that are used",
                      tuned=1>,
    MLA_OptionalInput<"attn_sink", MLA_F32, ["h_q"],
                      "an additional logit per head, without a value",
                      otherName="sink">,
    MLA_Output<"out", Elements, ["s_q", "h_q", "d_v"], "the output">,
    MLA_Output<"max_logits", MLA_F32, ["s_q", "h_q"], "the largest logit">,
    MLA_Output<"lse", MLA_F32, ["s_q", "h_q"],
               "log-sum-exp of the logits, without the sink">];
  let hasVerifier = 1;
  let options = [
    MLA_Option<"lse_base", ["e", "2"], "base of the logarithm of lse">,
    MLA_Option<"empty_lse", ["+inf", "-inf"],
               "lse of a query without a valid entry">];
}
