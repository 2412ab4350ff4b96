//===- PrefillBackward.td - gradients of prefill -----------*- tablegen -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

include "mla/Dialect/MLA/Operators.td"

defvar Elements = MLA_Elements<["bf16", "f16"], "dtype">;

def MLA_PrefillBackwardOp : MLA_Operator<"prefill_backward"> {
  let summary = "gradients of dense attention over whole sequences";
  let description = [{
    The gradients of q, k and v for `mla.prefill`: dout is the gradient of out,
    and dlse, if given, that of lse. out and lse are the results of `mla.prefill`
    for the same q, k, v, scale and options. The mask, grouped heads, packed
    sequences and layouts are those of `mla.prefill`.

    With P = exp(scale q k^T - lse) and Delta = rowsum(out * dout) - dlse:

        dv = P^T dout,  dS = P * (dout v^T - Delta),
        dq = scale dS k,  dk = scale dS^T q

    P and dS are rounded to the element type for the products with them; sums are
    f32. dk and dv of a KV head are sums over its query heads. Each sum has one
    fixed order, so results are the same to the bit from run to run. Queries
    without keys have dq = 0 and add nothing to dk and dv.

    The operator is a program of kernels. The first writes Delta and lse in base
    2 to the workspaces, two vectors [b, h_q, s_q] of f32, 8 * b * h_q * s_q bytes.
    The others each own their slices of an output: one computes dk and dv, or two
    where a thread's registers cannot hold both, and one dq.

    Rows of no packed sequence are not written.

    A NaN in q, k, v, dout or lse makes the gradients NaN that depend on it. With
    `causal = "yes"` it may also reach the gradients of queries and keys of the
    same tile, which have weight 0 for each other. In f16, dS beyond 65,504 is
    infinite, and below 2^-14 has fewer digits: training in f16 scales the loss.

    ```mlir
    mla.prefill_backward ins(%q, %k, %v, %out, %dout, %lse, %scale : ...)
        outs(%dq, %dk, %dv : ...) {causal = "yes"}
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
    MLA_Input<"out", Elements, ["b", "s_q", "h_q", "d_v"],
              "the output of the forward">,
    MLA_Input<"dout", Elements, ["b", "s_q", "h_q", "d_v"], "gradient of out">,
    MLA_Input<"lse", MLA_F32, ["b", "s_q", "h_q"], "lse of the forward",
              "Strided">,
    MLA_PositiveScalar<"scale", "multiplies q k^T">,
    MLA_FormInput<"dlse", MLA_F32, ["b", "s_q", "h_q"], "gradient of lse",
                  strides="Strided">,
    MLA_OptionalInput<"cu_seqlens_q", MLA_I32, ["bounds"],
                      "first query of each sequence, and their number", tuned=1>,
    MLA_OptionalInput<"cu_seqlens_k", MLA_I32, ["bounds"],
                      "first key of each sequence, and their number">,
    MLA_Output<"dq", Elements, ["b", "s_q", "h_q", "d_qk"], "gradient of q">,
    MLA_Output<"dk", Elements, ["b", "s_kv", "h_kv", "d_qk"], "gradient of k">,
    MLA_Output<"dv", Elements, ["b", "s_kv", "h_kv", "d_v"], "gradient of v">];
  let hasVerifier = 1;
  let isProgram = 1;
  let options = [
    MLA_Option<"causal", ["no", "yes"],
               "whether a query attends only to keys up to its own", tuned=1>,
    MLA_Option<"lse_base", ["e", "2"], "base of the logarithm of lse">];
}
