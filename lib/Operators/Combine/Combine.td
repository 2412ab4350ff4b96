//===- Combine.td - the merge of split-KV partials ---------*- tablegen -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

include "mla/Dialect/MLA/Operators.td"

defvar Partials = MLA_Elements<["f32", "bf16", "f16"], "partial_dtype">;
defvar Elements = MLA_Elements<["bf16", "f16"], "dtype">;

def MLA_CombineOp : MLA_Operator<"combine"> {
  let summary = "merges the partial results of split-KV attention";
  let description = [{
    For each row, summed over the valid, non-empty splits i of the row:

        lse = ln sum_i exp(lse_i),  out = sum_i exp(lse_i - lse) out_i

    The first num_splits[row] splits of a row are valid, clamped to
    [0, `splits`]; all splits are valid without num_splits. Other splits are not
    read. A split is empty if its lse is -inf, with `empty_split = "+inf"` also if
    it is +inf. Its weight is 0, even if its partial_out is NaN. A row without a
    non-empty split has out = 0 and the lse that `empty_lse` gives. `lse_base` is
    the base of partial_lse and of lse.

    A NaN in the lse of a valid split makes the whole row NaN. A NaN in the
    partial_out of a non-empty split makes that element of out NaN.

    lse may be absent, or with `lse_optional` omitted by a launch.

    ```mlir
    mla.combine ins(%partial_out, %partial_lse : ...)
        num_splits(%counts : memref<?xi32>) outs(%out : ...) lse(%lse : ...)
    ```
  }];
  let sizes = [
    MLA_RunTimeSize<"splits", 16, "partial results per row", tuned=1>,
    MLA_RunTimeSize<"rows", 128, "rows of the output: requests x queries x heads",
                    tuned=1>,
    MLA_StaticSize<"d_v", 512, "head dimension, a multiple of 64">];
  let operands = [
    MLA_Input<"partial_out", Partials, ["splits", "rows", "d_v"],
              "partial results">,
    MLA_Input<"partial_lse", MLA_F32, ["splits", "rows"],
              "log-sum-exp of the logits of each partial result">,
    MLA_OptionalInput<"num_splits", MLA_I32, ["rows"],
                      "number of valid splits of a row">,
    MLA_Output<"out", Elements, ["rows", "d_v"], "the output">,
    MLA_OptionalOutput<"lse", MLA_F32, ["rows"],
                       "log-sum-exp of the logits of all splits">];
  let options = [
    MLA_Option<"lse_base", ["e", "2"], "base of the logarithms">,
    MLA_Option<"empty_lse", ["+inf", "-inf"],
               "lse of a row without a non-empty split">,
    MLA_Option<"empty_split", ["-inf", "+inf"],
               "lse of an empty split; +inf: -inf and +inf both mark one">];
  let hasVerifier = 1;
}
