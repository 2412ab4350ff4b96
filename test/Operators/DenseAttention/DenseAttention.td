//===- DenseAttention.td - attention over all KV rows ------*- tablegen -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

include "mla/Dialect/MLA/Operators.td"

defvar Elements = MLA_Elements<["bf16", "f16"], "dtype">;

def MLA_DenseAttentionOp : MLA_Operator<"dense_attention"> {
  let summary = "attention of each head over all KV rows";
  let description = [{
    For each head out = softmax(scale q k^T) v, and lse, the natural logarithm of
    the sum of exponentials of scale q k^T.
  }];
  let sizes = [
    MLA_RunTimeSize<"heads", 16, "heads">,
    MLA_RunTimeSize<"s_q", 4096, "queries per head">,
    MLA_RunTimeSize<"s_kv", 4096, "KV rows per head", least=1>,
    MLA_FixedSize<"d", 128, "head dimension">];
  let operands = [
    MLA_Input<"q", Elements, ["heads", "s_q", "d"], "queries">,
    MLA_Input<"k", Elements, ["heads", "s_kv", "d"], "keys">,
    MLA_Input<"v", Elements, ["heads", "s_kv", "d"], "values">,
    MLA_PositiveScalar<"scale", "multiplies q k^T">,
    MLA_Output<"out", Elements, ["heads", "s_q", "d"], "the output">,
    MLA_OptionalOutput<"lse", MLA_F32, ["heads", "s_q"],
               "log-sum-exp of the logits">];
}
