//===- TileMemory.td - loads, gathers and stores of tiles --*- tablegen -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// Included by Tile.td.
//
//===----------------------------------------------------------------------===//

#ifndef MLA_DIALECT_TILE_TILEMEMORY_TD
#define MLA_DIALECT_TILE_TILEMEMORY_TD

def Tile_LoadOp : Tile_Op<"load", [AttrSizedOperandSegments,
                                   MemoryEffects<[MemRead]>]> {
  let summary = "loads a tile from a memref";
  let description = [{
    Reads the box that starts at `indices`, in elements. The tile's dimensions are
    the memref's last ones, or those that `dims` lists in ascending order; the box
    has size 1 in the others. Elements outside the memref are never dereferenced
    and give `padding`, 0 by default.

    `bounds` shrink the memref: bound n replaces the size of the memref dimension
    that the tile's dimension n covers, if it is smaller. A bound below 0 is taken
    as 0. With bounds, a tile does not reach into the next sequence of a packed
    batch.

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
  let summary = "stores a tile to a memref";
  let description = [{
    Writes the box that starts at `indices`. `dims` and `bounds` are those of
    `tile.load`. Elements outside the memref or the bounds are not written.

    With `merge [d, e]`, the tile's first dimension, which covers memref dimension
    e, counts through d and e in row-major order. `by n` gives the number of
    elements of e for each element of d, by default all of them. The index of d is
    then the number of the first element, and the index of e the start of the n
    elements: row r of the tile has the indices `(indices[d] + r) / n` in d and
    `indices[e] + (indices[d] + r) mod n` in e. A bound of that dimension limits
    `indices[d] + r`. The size of d and n are static. So a tile may hold the heads
    of several queries:

    ```mlir
    tile.store %o, %O[%token, %head, %c0] : tensor<64x512xbf16>, memref<?x128x512xbf16>
    tile.store %lse, %L[%row] bounds [%rows] : tensor<64xf32>, memref<?xf32>
    tile.store %o, %O[%request, %row, %c0, %c0] merge [1, 2] : tensor<64x512xbf16>, memref<?x3x22x512xbf16>
    tile.store %o, %O[%request, %row, %head, %c0] merge [1, 2] by 11 : tensor<64x512xbf16>, memref<?x3x22x512xbf16>
    ```
  }];
  let arguments = (ins AnyStaticShapeTensor:$tile,
      Arg<AnyMemRef, "", [MemWrite]>:$dest, Variadic<Index>:$indices,
      Variadic<Index>:$bounds, OptionalAttr<DenseI64ArrayAttr>:$dims,
      OptionalAttr<DenseI64ArrayAttr>:$merge, OptionalAttr<I64Attr>:$mergeBy);
  let builders = [
    OpBuilder<(ins "::mlir::Value":$tile, "::mlir::Value":$dest,
        "::mlir::ValueRange":$indices,
        CArg<"std::optional<::mla::tile::Merge>", "{}">:$merge), [{
      build($_builder, $_state, tile, dest, indices, /*bounds=*/{}, /*dims=*/{},
            merge ? $_builder.getDenseI64ArrayAttr({merge->outer, merge->inner})
                  : ::mlir::DenseI64ArrayAttr(),
            merge ? $_builder.getI64IntegerAttr(merge->width)
                  : ::mlir::IntegerAttr());
    }]>,
    OpBuilder<(ins "::mlir::Value":$tile, "::mlir::Value":$dest,
        "::mlir::ValueRange":$indices, "::mlir::ValueRange":$bounds,
        "::mlir::DenseI64ArrayAttr":$dims), [{
      build($_builder, $_state, tile, dest, indices, bounds, dims,
            /*merge=*/{}, /*mergeBy=*/{});
    }]>];
  let assemblyFormat = [{
    $tile `,` $dest `[` $indices `]` (`dims` $dims^)?
    (`merge` $merge^)? (`by` $mergeBy^)? (`bounds` `[` $bounds^ `]`)? attr-dict
    `:` type($tile) `,` type($dest)
  }];
  let extraClassDeclaration = [{
    /// The dimensions that the tile's first dimension counts through, if there
    /// are several.
    std::optional<::mla::tile::Merge> getMerged();
  }];
  let hasVerifier = 1;
}

def Tile_GatherOp : Tile_Op<"gather", [MemoryEffects<[MemRead]>,
                                       AttrSizedOperandSegments]> {
  let summary = "gathers rows of a memref by index";
  let description = [{
    Row r of the result is row `rows[r]` of the memref's first dimension, starting
    at `indices` in the other dimensions. With a 1-D result, one element of each
    row is gathered. Row indices are signed. Elements outside the memref, in any
    dimension, are never dereferenced and give 0.

    With `dim`, row indices select elements of that dimension instead of the
    first, and there is an index for each other dimension: for example the pages
    of one request in a table [requests, pages], or the tokens of one request and
    head in a cache [requests, tokens, heads, columns]. Rows of a matrix may not be
    selected in the last dimension.

    With fewer `indices`, a row index counts through several leading dimensions
    in row-major order; all of them but the first must be static. In a paged cache
    [pages, page_size, ...], token t of page p is row p * page_size + t.

    `block` is a hint for loading a matrix, which does not change the result: if it
    is not negative, the rows are `block`, `block` + 1, and so on, all inside the
    memref and inside one block of the last dimension that row indices count
    through, such as one page of a paged cache.

    ```mlir
    %page = tile.gather %table[%block][%request] dim 1 : memref<?x?xi32>, tensor<64xi32> -> tensor<64xi32>
    %k = tile.gather %KV[%rows][%c0, %c0] : memref<?x1x576xbf16>, tensor<64xi32> -> tensor<64x576xbf16>
    %k = tile.gather %cache[%rows][%c0, %c0] : memref<?x64x1x576xbf16, ...>, tensor<64xi32> -> tensor<64x576xbf16>
    %k = tile.gather %cache[%tokens][%request, %head, %c0] dim 1 : memref<?x?x1x576xbf16, ...>, tensor<64xi32> -> tensor<64x576xbf16>
    %k = tile.gather %cache[%rows][%c0, %c0] block %first : memref<?x64x1x576xbf16, ...>, tensor<64xi32> -> tensor<64x576xbf16>
    %k = tile.gather %cache[%tokens][%request, %head, %c0] dim 1 block %token : memref<?x?x1x576xbf16, ...>, tensor<64xi32> -> tensor<64x576xbf16>
    ```
  }];
  let arguments = (ins Arg<AnyMemRef, "", [MemRead]>:$source,
      1DTensorOf<[I32]>:$rows, Variadic<Index>:$indices,
      DefaultValuedAttr<ConfinedAttr<I64Attr, [IntNonNegative]>, "0">:$dim,
      Optional<I32>:$block);
  let results = (outs AnyStaticShapeTensor:$result);
  let assemblyFormat = [{
    $source `[` $rows `]` `[` $indices `]` (`dim` $dim^)? (`block` $block^)?
    attr-dict `:` type($source) `,` type($rows) `->` type($result)
  }];
  let builders = [OpBuilder<
      (ins "::mlir::Type":$result, "::mlir::Value":$source,
           "::mlir::Value":$rows, "::mlir::ValueRange":$indices,
           CArg<"int64_t", "0">:$dim),
      [{ build($_builder, $_state, result, source, rows, indices, dim,
               ::mlir::Value()); }]>];
  let extraClassDeclaration = [{
    /// The last dimension that row indices count through.
    int64_t getBlockDim() {
      if (getDim())
        return getDim();
      return ::llvm::cast<::mlir::MemRefType>(getSource().getType()).getRank() -
             static_cast<int64_t>(getIndices().size()) - 1;
    }
  }];
  let hasVerifier = 1;
}

#endif // MLA_DIALECT_TILE_TILEMEMORY_TD
