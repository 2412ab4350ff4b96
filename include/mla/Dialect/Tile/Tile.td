//===- Tile.td - the algorithm over SSA tiles --------------*- tablegen -*-===//
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
  let summary = "the algorithm, over tiles in SSA form";
  let description = [{
    A tile program is a function whose body is one `scf.forall` over output
    tiles; inside it, tiles are plain `tensor` values. Elementwise work is done
    by `arith` and `math` on tensors and splats by `tensor.splat`; this dialect
    adds what those lack: loads, stores and gathers between memory and tiles,
    views, products, row reductions, broadcasts and the online softmax.

    The dialect is the meaning of a kernel and names no warp, barrier or
    swizzle. The discardable attribute `tile.label` (a string) gives an op a
    name for the rows of a `#mla.schedule`.
  }];
  let useDefaultAttributePrinterParser = 1;
  let dependentDialects = ["::mlir::tensor::TensorDialect",
                           "::mlir::arith::ArithDialect"];
}

class Tile_Op<string opMnemonic, list<Trait> traits = []>
    : Op<Tile_Dialect, opMnemonic, traits>;

def Tile_ReduceKind : I32EnumAttr<"ReduceKind", "how a reduction combines", [
    I32EnumAttrCase<"max", 0>, I32EnumAttrCase<"sum", 1>]> {
  let cppNamespace = "::mla::tile";
  let genSpecializedAttr = 0;
}
def Tile_ReduceKindAttr : EnumAttr<Tile_Dialect, Tile_ReduceKind, "reduce_kind">;

def Tile_LoadOp : Tile_Op<"load", [AttrSizedOperandSegments,
                                   MemoryEffects<[MemRead]>]> {
  let summary = "a tile out of a memref";
  let description = [{
    Reads the box that starts at `indices` and spans the tile's shape in the
    memref's last dimensions (one element in the others), or in the dimensions
    `dims`, ascending, one for each of the tile's. An element outside the memref
    is `padding`, zero by default, and is never dereferenced.

    `bounds` end the memref earlier: the n-th is the size, instead of the memref's
    own if that is larger, of the dimension that the tile's n-th dimension spans.
    So a box does not reach into the next sequence of a packed batch. A bound
    below 0 counts as 0.

    ```mlir
    %q = tile.load %Q[%token, %head, %c0] : memref<?x128x576xbf16> -> tensor<64x576xbf16>
    %i = tile.load %I[%token, %c0, %t] pad -1 : i32 : memref<?x1x?xi32> -> tensor<64xi32>
    %p = tile.load %P[%s, %row, %c0] dims [0, 2] bounds [%n] : memref<?x?x512xf32> -> tensor<64x512xf32>
    ```
  }];
  let arguments = (ins Arg<AnyMemRef, "", [MemRead]>:$source,
      Variadic<Index>:$indices, Variadic<Index>:$bounds,
      OptionalAttr<DenseI64ArrayAttr>:$dims,
      OptionalAttr<TypedAttrInterface>:$padding);
  let results = (outs AnyStaticShapeTensor:$result);
  let builders = [OpBuilder<(ins "::mlir::Type":$result,
      "::mlir::Value":$source, "::mlir::ValueRange":$indices,
      CArg<"::mlir::TypedAttr", "{}">:$padding), [{
    build($_builder, $_state, result, source, indices, /*bounds=*/{},
          /*dims=*/{}, padding);
  }]>];
  let assemblyFormat = [{
    $source `[` $indices `]` (`dims` $dims^)? (`bounds` `[` $bounds^ `]`)?
    (`pad` $padding^)? attr-dict `:` type($source) `->` type($result)
  }];
  let hasVerifier = 1;
}

def Tile_StoreOp : Tile_Op<"store", [AttrSizedOperandSegments,
                                     MemoryEffects<[MemWrite]>]> {
  let summary = "a tile into a memref";
  let description = [{
    Writes the box that starts at `indices`, as `tile.load` reads it: `dims` and
    `bounds` are the same. Elements outside the memref or the bounds are dropped.
  }];
  let arguments = (ins AnyStaticShapeTensor:$tile,
      Arg<AnyMemRef, "", [MemWrite]>:$dest, Variadic<Index>:$indices,
      Variadic<Index>:$bounds, OptionalAttr<DenseI64ArrayAttr>:$dims);
  let builders = [OpBuilder<(ins "::mlir::Value":$tile, "::mlir::Value":$dest,
      "::mlir::ValueRange":$indices), [{
    build($_builder, $_state, tile, dest, indices, /*bounds=*/{}, /*dims=*/{});
  }]>];
  let assemblyFormat = [{
    $tile `,` $dest `[` $indices `]` (`dims` $dims^)?
    (`bounds` `[` $bounds^ `]`)? attr-dict `:` type($tile) `,` type($dest)
  }];
  let hasVerifier = 1;
}

def Tile_GatherOp : Tile_Op<"gather", [MemoryEffects<[MemRead]>]> {
  let summary = "rows of a memref, by index";
  let description = [{
    Row r of the result is row `rows[r]` of the memref's first dimension, at
    `indices` in the others. Indices are signed; a row index outside [0, size)
    reads nothing and gives a row of zeros, as do elements outside the memref in
    its other dimensions. A vector as the result takes one element of each row.

    A vector may be gathered along another dimension, `dim`: the pages of one
    request out of a table of [requests, pages].

    With fewer `indices`, a row index counts through several leading dimensions
    in row-major order, all of which but the first are static: token t of page p
    of a paged cache is row p * page_size + t, whatever the strides are.

    ```mlir
    %page = tile.gather %table[%block][%request] dim 1 : memref<?x?xi32>, tensor<64xi32> -> tensor<64xi32>
    %k = tile.gather %KV[%rows][%c0, %c0] : memref<?x1x576xbf16>, tensor<64xi32> -> tensor<64x576xbf16>
    %k = tile.gather %cache[%rows][%c0, %c0] : memref<?x64x1x576xbf16, ...>, tensor<64xi32> -> tensor<64x576xbf16>
    ```
  }];
  let arguments = (ins Arg<AnyMemRef, "", [MemRead]>:$source,
      1DTensorOf<[I32]>:$rows, Variadic<Index>:$indices,
      DefaultValuedAttr<ConfinedAttr<I64Attr, [IntNonNegative]>, "0">:$dim);
  let results = (outs AnyStaticShapeTensor:$result);
  let assemblyFormat = [{
    $source `[` $rows `]` `[` $indices `]` (`dim` $dim^)? attr-dict `:`
    type($source) `,` type($rows) `->` type($result)
  }];
  let hasVerifier = 1;
}

def Tile_ViewOp : Tile_Op<"view", [Pure]> {
  let summary = "a rectangle of a tile";
  let description = [{
    The part of `source` that starts at the static `offsets` and has the
    result's shape. No data moves: V is a view of K's tile.
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
  let summary = "tiles one behind the other";
  let description = [{
    The parts follow each other along dimension `dim`: a tile of K out of several
    pages of a cache. Each part is loaded, or gathered, into its place.

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
    result = acc + A B, with A [M, K] (or [K, M] with `transpose_a`) and B [K, N]
    (or [N, K] with `transpose_b`). Without `acc` the sum starts at zero.

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
    /// The size of the dimension that is summed over.
    int64_t getReductionSize();
  }];
}

def Tile_ReduceOp : Tile_Op<"reduce", [Pure]> {
  let summary = "combine a tile along one dimension";
  let arguments = (ins Tile_ReduceKindAttr:$kind, AnyStaticShapeTensor:$source,
                       I64Attr:$dim);
  let results = (outs AnyStaticShapeTensor:$result);
  let description = [{
    The order of a sum is the implementation's. `max` of nothing is -inf, `sum`
    0; both are NaN if any element is.

    ```mlir
    %m = tile.reduce max %s dim 1 : tensor<64x64xf32> -> tensor<64xf32>
    ```
  }];
  let assemblyFormat = [{
    $kind $source `dim` $dim attr-dict `:` type($source) `->` type($result)
  }];
  let hasVerifier = 1;
}

def Tile_BroadcastOp : Tile_Op<"broadcast", [Pure]> {
  let summary = "repeat a vector along a new dimension";
  let description = [{
    `dim` is the dimension of the result that is new: `dim 1` repeats a value a
    row along its row, `dim 0` a value a column down its column.
  }];
  let arguments = (ins AnyStaticShapeTensor:$source, I64Attr:$dim);
  let results = (outs AnyStaticShapeTensor:$result);
  let assemblyFormat = [{
    $source `dim` $dim attr-dict `:` type($source) `->` type($result)
  }];
  let hasVerifier = 1;
}

def Tile_AnyOp : Tile_Op<"any", [Pure]> {
  let summary = "whether any element of a vector is true";
  let description = [{
    All elements of the result are true if at least one of `source` is, and
    false otherwise.

    ```mlir
    %some = tile.any %valid : tensor<64xi1> -> tensor<128xi1>
    ```
  }];
  let arguments = (ins 1DTensorOf<[I1]>:$source);
  let results = (outs 1DTensorOf<[I1]>:$result);
  let assemblyFormat = "$source attr-dict `:` type($source) `->` type($result)";
}

def Tile_TransposeOp : Tile_Op<"transpose", [Pure]> {
  let summary = "rows as columns";
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
  let summary = "0, 1, 2, ...";
  let results = (outs 1DTensorOf<[I32]>:$result);
  let assemblyFormat = "attr-dict `:` type($result)";
}

def Tile_SmCountOp : Tile_Op<"sm_count", [Pure]> {
  let summary = "the number of SMs of the device";
  let description = [{
    For the size of a grid: the launch knows it, and a CTA sees the size of the
    grid alone.

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
    AllTypesMatch<["scores", "weights"]>,
    AllTypesMatch<["max", "sum", "newMax", "newSum", "rescale"]>]> {
  let summary = "one step of the online softmax";
  let description = [{
    With `scale` in base 2 (it carries log2 e), which must be positive, and
    `lowest`, the least finite number:

        new_max   = max(max, row_max(scores))
        reference = max(new_max, lowest)
        rescale   = 2^(scale * (max - reference))
        weights   = 2^(scale * (scores - reference))
        new_sum   = sum * rescale + row_sum(weights)

    `max` is in the units of the scores, and starts at -inf. The difference is
    taken before the product, so finite scores of any size have the right weights;
    a score of -inf has the weight 0, also where the row has no other. NaN goes on
    into all results of its row.

    With `valid`, a vector that is false for the columns that a mask has set to
    -inf, `new_max` is at least `lowest` if any of it is true. So `max` stays -inf
    in a row without a valid column, and in no other: a row whose valid scores are
    all -inf can be told from an empty one.

    With `lazy t`, `max` is the reference itself. It is finite, so it starts at
    `lowest`, follows the maximum, and moves only where it is exceeded by more than
    the threshold t (in base 2):

        new_max = row_max(scores) > max + t / scale ? row_max(scores) : max
        reference = new_max

    So `rescale` is exactly 1 most of the time, and weights are at most 2^t. What
    follows from `max` and `sum` together (the output, the logarithm of the sum)
    is as without it; the maximum itself is not `max` any more, and whether a row
    is empty has to be told otherwise: `lazy` goes without `valid`.

    `--mla-decompose-softmax` writes the op as these parts, since schedules split
    between them.

    ```mlir
    %w, %m1, %l1, %r = tile.online_softmax %s, %m, %l valid %v : tensor<64xi1> scale %c : tensor<64x64xf32>, tensor<64xf32>
    ```
  }];
  let arguments = (ins 2DTensorOf<[F32]>:$scores, 1DTensorOf<[F32]>:$max,
                       1DTensorOf<[F32]>:$sum,
                       Optional<1DTensorOf<[I1]>>:$valid, F32:$scale,
                       OptionalAttr<F32Attr>:$threshold);
  let results = (outs 2DTensorOf<[F32]>:$weights, 1DTensorOf<[F32]>:$newMax,
                      1DTensorOf<[F32]>:$newSum, 1DTensorOf<[F32]>:$rescale);
  let assemblyFormat = [{
    $scores `,` $max `,` $sum (`valid` $valid^ `:` type($valid))? `scale` $scale
    (`lazy` $threshold^)? attr-dict `:` type($scores) `,` type($max)
  }];
  let hasVerifier = 1;
}

#endif // MLA_DIALECT_TILE_TD
