//===- Tile.td - the tile dialect --------------------------*- tablegen -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef MLA_DIALECT_TILE_TD
#define MLA_DIALECT_TILE_TD

include "mlir/IR/BuiltinAttributes.td"
include "mlir/IR/EnumAttr.td"
include "mlir/IR/OpBase.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

def Tile_Dialect : Dialect {
  let name = "tile";
  let cppNamespace = "::mla::tile";
  let summary = "the algorithm of a kernel over tiles in SSA form";
  let description = [{
    A tile program is a function whose body is one `scf.forall` over output tiles.
    Inside, tiles are values of static `tensor` types. Elementwise computation
    uses `arith` and `math` on tensors, splats use `tensor.splat`. This dialect
    adds loads, stores and gathers between memory and tiles, views,
    concatenation, matrix products, reductions, broadcasts and the online softmax.

    A tile program defines what a kernel computes and mentions no warp, barrier or
    swizzle; the interpreter executes it directly. The discardable attribute
    `tile.label` (a string) names an op for the rows of a `#mla.schedule`.

    ```mlir
    scf.forall (%row) in (%rows) {
      %x = tile.load %X[%row, %c0] {tile.label = "x"} : memref<?x512xf32> -> tensor<512xf32>
      %y = arith.addf %x, %x : tensor<512xf32>
      tile.store %y, %Y[%row, %c0] {tile.label = "out"} : tensor<512xf32>, memref<?x512xf32>
    }
    ```
  }];
  let useDefaultAttributePrinterParser = 1;
  let dependentDialects = ["::mlir::tensor::TensorDialect",
                           "::mlir::arith::ArithDialect"];
}

class Tile_Op<string opMnemonic, list<Trait> traits = []>
    : Op<Tile_Dialect, opMnemonic, traits>;

def Tile_ReduceKind : I32EnumAttr<"ReduceKind", "the combining function of a reduction", [
    I32EnumAttrCase<"max", 0>, I32EnumAttrCase<"sum", 1>]> {
  let cppNamespace = "::mla::tile";
  let genSpecializedAttr = 0;
}
def Tile_ReduceKindAttr : EnumAttr<Tile_Dialect, Tile_ReduceKind, "reduce_kind">;

include "mla/Dialect/Tile/TileMemory.td"

def Tile_ViewOp : Tile_Op<"view", [Pure]> {
  let summary = "takes a rectangular part of a tile";
  let description = [{
    The part of `source` that starts at the static `offsets`, in elements, and has
    the result's shape. It moves no data: the lowering reads the same shared
    memory. In MLA, V is a view of the K tile.

    ```mlir
    %v = tile.view %k [0, 0] : tensor<64x576xbf16> -> tensor<64x512xbf16>
    ```
  }];
  let arguments = (ins AnyStaticShapeTensor:$source,
                       DenseI64ArrayAttr:$offsets);
  let results = (outs AnyStaticShapeTensor:$result);
  let assemblyFormat = [{
    $source $offsets attr-dict `:` type($source) `->` type($result)
  }];
  let hasVerifier = 1;
  let hasFolder = 1;
}

def Tile_ConcatOp : Tile_Op<"concat", [Pure]> {
  let summary = "concatenates tiles";
  let description = [{
    Concatenates the parts along dimension `dim`, for instance the pages of a KV
    cache into one tile of K. Parts that are loads or gathers are copied directly
    into their place in the result.

    ```mlir
    %k = tile.concat %page0, %page1 dim 0 : tensor<64x576xbf16>, tensor<64x576xbf16> -> tensor<128x576xbf16>
    ```
  }];
  let arguments = (ins Variadic<AnyStaticShapeTensor>:$parts,
                       ConfinedAttr<I64Attr, [IntNonNegative]>:$dim);
  let results = (outs AnyStaticShapeTensor:$result);
  let assemblyFormat = [{
    $parts `dim` $dim attr-dict `:` type($parts) `->` type($result)
  }];
  let hasVerifier = 1;
}

def Tile_DotOp : Tile_Op<"dot", [Pure]> {
  let summary = "matrix product with fp32 accumulation";
  let description = [{
    result = acc + A B, with A [M, K] ([K, M] with `transpose_a`) and B [K, N]
    ([N, K] with `transpose_b`). Without `acc` the sum starts at 0. The result is
    f32.

    ```mlir
    %s = tile.dot %q, %k transpose_b : tensor<64x576xbf16>, tensor<64x576xbf16> -> tensor<64x64xf32>
    %o2 = tile.dot %p, %v acc %o : tensor<64x512xf32> : tensor<64x64xbf16>, tensor<64x512xbf16> -> tensor<64x512xf32>
    ```
  }];
  let arguments = (ins AnyStaticShapeTensor:$a, AnyStaticShapeTensor:$b,
      Optional<AnyStaticShapeTensor>:$acc, UnitAttr:$transposeA,
      UnitAttr:$transposeB);
  let results = (outs AnyStaticShapeTensor:$result);
  let assemblyFormat = [{
    $a `,` $b (`acc` $acc^ `:` type($acc))? (`transpose_a` $transposeA^)?
    (`transpose_b` $transposeB^)? attr-dict `:` type($a) `,` type($b) `->`
    type($result)
  }];
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    /// K, the size of the reduction dimension.
    int64_t getReductionSize();
  }];
}

def Tile_ReduceOp : Tile_Op<"reduce", [Pure]> {
  let summary = "reduces a tile along one dimension";
  let arguments = (ins Tile_ReduceKindAttr:$kind, AnyStaticShapeTensor:$source,
                       I64Attr:$dim);
  let results = (outs AnyStaticShapeTensor:$result);
  let description = [{
    `max` or `sum` of the elements along dimension `dim`, which the result does
    not have. The order of a sum is unspecified. Both are NaN if any element is
    NaN. Over an empty dimension `max` is -inf and `sum` 0.

    ```mlir
    %m = tile.reduce max %s dim 1 : tensor<64x64xf32> -> tensor<64xf32>
    ```
  }];
  let assemblyFormat = [{
    $kind $source `dim` $dim attr-dict `:` type($source) `->` type($result)
  }];
  let hasVerifier = 1;
}

def Tile_FoldOp : Tile_Op<"fold", [Pure]> {
  let summary = "adds the blocks of columns of a tile";
  let description = [{
    Element (r, c) of the result, which has N columns, is the sum of the elements
    (r, c + i N) of the tile for all i. The order of the sum is unspecified.

    ```mlir
    %f = tile.fold %w : tensor<64x128xf32> -> tensor<64x8xf32>
    ```
  }];
  let arguments = (ins AnyStaticShapeTensor:$source);
  let results = (outs AnyStaticShapeTensor:$result);
  let assemblyFormat = [{
    $source attr-dict `:` type($source) `->` type($result)
  }];
  let hasVerifier = 1;
}

def Tile_BroadcastOp : Tile_Op<"broadcast", [Pure]> {
  let summary = "repeats a tile along a new dimension";
  let description = [{
    `dim` is the new dimension of the result: `dim 1` repeats one value per row
    along its row, `dim 0` one value per column along its column.

    ```mlir
    %r = tile.broadcast %rescale dim 1 : tensor<64xf32> -> tensor<64x512xf32>
    ```
  }];
  let arguments = (ins AnyStaticShapeTensor:$source, I64Attr:$dim);
  let results = (outs AnyStaticShapeTensor:$result);
  let assemblyFormat = [{
    $source `dim` $dim attr-dict `:` type($source) `->` type($result)
  }];
  let hasVerifier = 1;
}

def Tile_AnyOp : Tile_Op<"any", [Pure]> {
  let summary = "tests whether any element of a vector is true";
  let description = [{
    All elements of the result are true if at least one element of `source` is
    true, and false otherwise.

    ```mlir
    %some = tile.any %valid : tensor<64xi1> -> tensor<128xi1>
    ```
  }];
  let arguments = (ins 1DTensorOf<[I1]>:$source);
  let results = (outs 1DTensorOf<[I1]>:$result);
  let assemblyFormat = "$source attr-dict `:` type($source) `->` type($result)";
}

def Tile_MinOp : Tile_Op<"min", [Pure]> {
  let summary = "the least element of a vector";
  let description = [{
    All elements of the result are the least element of `source`, compared as
    signed integers.

    ```mlir
    %first = tile.min %positions : tensor<64xi32> -> tensor<128xi32>
    ```
  }];
  let arguments = (ins 1DTensorOf<[I32]>:$source);
  let results = (outs 1DTensorOf<[I32]>:$result);
  let assemblyFormat = "$source attr-dict `:` type($source) `->` type($result)";
}

def Tile_TransposeOp : Tile_Op<"transpose", [Pure]> {
  let summary = "transposes a tile";
  let description = [{
    Element (r, c) of the result is element (c, r) of `source`.

    ```mlir
    %p = tile.transpose %pt : tensor<64x16xbf16> -> tensor<16x64xbf16>
    ```
  }];
  let arguments = (ins 2DTensorOf<[AnyType]>:$source);
  let results = (outs 2DTensorOf<[AnyType]>:$result);
  let assemblyFormat = "$source attr-dict `:` type($source) `->` type($result)";
  let hasVerifier = 1;
}

def Tile_IotaOp : Tile_Op<"iota", [Pure]> {
  let summary = "the vector 0, 1, 2, ...";
  let description = [{
    ```mlir
    %i = tile.iota : tensor<64xi32>
    ```
  }];
  let results = (outs 1DTensorOf<[I32]>:$result);
  let assemblyFormat = "attr-dict `:` type($result)";
}

def Tile_SmCountOp : Tile_Op<"sm_count", [Pure]> {
  let summary = "the number of SMs of the device";
  let description = [{
    Only for the size of a grid, which the launch computes on the host. A CTA
    cannot read the number of SMs, only the size of its grid.

    ```mlir
    %sms = tile.sm_count
    %ctas = arith.minui %items, %sms : index
    scf.forall (%cta) in (%ctas) {
      scf.for %item = %cta to %items step %ctas {
    ```
  }];
  let results = (outs Index:$result);
  let assemblyFormat = "attr-dict";
}

def Tile_OnlineSoftmaxOp : Tile_Op<"online_softmax", [Pure,
    AttrSizedOperandSegments, AllTypesMatch<["scores", "weights"]>,
    AllTypesMatch<["max", "sum", "newMax", "newSum", "rescale"]>]> {
  let summary = "one step of the online softmax";
  let description = [{
    `scale` must be positive and includes the factor log2 e, since exponentials
    are in base 2. With `lowest`, the lowest finite f32:

        new_max   = max(max, row_max(scores))
        reference = max(new_max, lowest)
        rescale   = 2^(scale * (max - reference))
        weights   = 2^(scale * (scores - reference))
        new_sum   = sum * rescale + row_sum(weights)

    `max` has the unit of `scores` (not scaled) and starts at -inf. Subtracting
    before scaling gives correct weights for finite scores of any magnitude. A
    score of -inf has weight 0, even if the whole row is -inf. A NaN in a row makes
    all results of the row NaN.

    `valid` is false for the columns that a mask has set to -inf. If any column is
    valid, `new_max` is at least `lowest`. So after the loop `max` is -inf only in
    a row that never had a valid column, which tells an empty row from one whose
    valid scores are all -inf.

    For a mask that depends on the row, `valid` are positions (i32), and `below`
    has a limit per row: column c is valid in row r iff `valid[c] < below[r]`. A
    column that is valid in no row has the largest i32.

    `lazy t` rescales rarely: `max` is the reference. It starts at `lowest` and
    moves only if the row maximum is a NaN or exceeds it by more than the threshold
    t (in base 2, after scaling):

        new_max   = row_max(scores) > max + t / scale ? row_max(scores) : max
        reference = new_max

    `rescale` is then exactly 1 in most iterations, and weights are at most 2^t.
    The output and the logarithm of the sum, which depend on both `max` and `sum`,
    are the same as without `lazy`. `max` is no longer the row maximum, so a
    program that needs the maximum, or needs to detect empty rows, must track it
    separately. `lazy` and `valid` are mutually exclusive.

    `--mla-decompose-softmax` decomposes the op into reductions and elementwise
    ops, so that schedules can place them separately.

    ```mlir
    %w, %m1, %l1, %r = tile.online_softmax %s, %m, %l valid %v : tensor<64xi1> scale %c : tensor<64x64xf32>, tensor<64xf32>
    %w, %m1, %l1, %r = tile.online_softmax %s, %m, %l valid %positions : tensor<64xi32> below %limits : tensor<64xi32> scale %c : tensor<64x64xf32>, tensor<64xf32>
    ```
  }];
  let arguments = (ins 2DTensorOf<[F32]>:$scores, 1DTensorOf<[F32]>:$max,
                       1DTensorOf<[F32]>:$sum,
                       Optional<1DTensorOf<[I1, I32]>>:$valid,
                       Optional<1DTensorOf<[I32]>>:$below, F32:$scale,
                       OptionalAttr<F32Attr>:$threshold);
  let results = (outs 2DTensorOf<[F32]>:$weights, 1DTensorOf<[F32]>:$newMax,
                      1DTensorOf<[F32]>:$newSum, 1DTensorOf<[F32]>:$rescale);
  let assemblyFormat = [{
    $scores `,` $max `,` $sum (`valid` $valid^ `:` type($valid))?
    (`below` $below^ `:` type($below))? `scale` $scale (`lazy` $threshold^)?
    attr-dict `:` type($scores) `,` type($max)
  }];
  let hasVerifier = 1;
}

#endif // MLA_DIALECT_TILE_TD
