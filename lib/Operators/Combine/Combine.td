//===- Combine.td - the merge of split-KV partials ---------*- tablegen -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

include "mla/Dialect/MLA/Operators.td"

defvar Partials = MLA_Elements<["f32", "bf16", "f16"], "partial_dtype">;
defvar Elements = MLA_Elements<["bf16", "f16"], "dtype">;

def MLA_CombineOp : MLA_Operator<"combine"> {
  let summary = "merges the partial results of attention whose keys were split";
  let description = [{
    For each row, with the sums over the splits i of the row that count and are
    not empty:

        lse = ln sum_i exp(lse_i),  out = sum_i exp(lse_i - lse) out_i

    The first num_splits[row] splits of a row count, all of them without
    num_splits; a number below 0 or above `splits` is taken as the nearer of the
    two. What lies behind is not read. A split is empty if its lse is -inf, or
    +inf too with `empty_split = "+inf"`: it weighs nothing, whatever its
    partial_out holds. A row without another split has out = 0 and the lse of
    `empty_lse`. `lse_base` is the base of partial_lse and of lse.

    A NaN in the lse of a split that counts makes the row NaN; one in partial_out
    of a split that is not empty makes its element of out NaN.

    ```mlir
    mla.combine ins(%partial_out, %partial_lse : ...)
        num_splits(%counts : memref<?xi32>) outs(%out, %lse : ...)
    ```
  }];
  let sizes = [
    MLA_RunTimeSize<"splits", 16, "partial results a row", tuned=1>,
    MLA_RunTimeSize<"rows", 128, "rows: requests by queries by heads",
                    tuned=1>,
    MLA_StaticSize<"d_v", 512, "head dimension, a multiple of 64">];
  let operands = [
    MLA_Input<"partial_out", Partials, ["splits", "rows", "d_v"],
              "partial results">,
    MLA_Input<"partial_lse", MLA_F32, ["splits", "rows"],
              "their logarithms of sums of exponentials">,
    MLA_OptionalInput<"num_splits", MLA_I32, ["rows"],
                      "how many splits of a row count">,
    MLA_Output<"out", Elements, ["rows", "d_v"], "the output">,
    MLA_Output<"lse", MLA_F32, ["rows"],
               "the logarithm of the sum of exponentials">];
  let options = [
    MLA_Option<"lse_base", ["e", "2"], "base of the logarithms">,
    MLA_Option<"empty_lse", ["+inf", "-inf"], "lse of a row without a split">,
    MLA_Option<"empty_split", ["-inf", "+inf"],
               "lse of an empty split; with +inf both mark one">];
  let hasVerifier = 1;
}
