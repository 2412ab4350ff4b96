//===- KeyTiles.h - tiles of the cache --------------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// Where the tokens of a request lie in the cache, which has pages or rows of
// each request, and columns in one tensor or two.
//
//===----------------------------------------------------------------------===//

#ifndef MLA_LIB_OPERATORS_DECODE_KEYTILES_H
#define MLA_LIB_OPERATORS_DECODE_KEYTILES_H

#include "DecodeBuilder.h"
#include "Program.h"

namespace mla {

/// Builds the tiles of K of the attention kernel.
class KeyTiles {
public:
  KeyTiles(DecodeOp op, DecodeBuilder &b, const DecodeTiling &tiling,
           const TilingOptions &options)
      : op(op), b(b), blockKV(options.getBlockKV()),
        pageSize(getSize(op, "page_size")),
        copiesBlocks(mayCopy(tiling, options.schedule)) {}

  /// Reads sizes; to be called outside the grid.
  void buildSizes();

  /// The tokens of a request before `end` (i32), of one KV head.
  struct Range {
    mlir::Value request, kvHead, end;
  };
  struct Tile {
    /// Of each token its row of the cache; -1 for one past the end or of an
    /// invalid page, whose keys are 0.
    mlir::Value rows;
    mlir::Value keys;
  };
  /// The tile of the tokens from `t` (i32) on.
  Tile build(const Range &range, mlir::Value t);

private:
  /// The rows, and, where tiles are copied by TMA, the first of them if all are
  /// valid, otherwise -1.
  struct Rows {
    mlir::Value rows, block;
  };
  bool isPaged() { return static_cast<bool>(op.getBlockTable()); }
  /// TMA needs tiles that do not cross pages. It is faster than a gather where
  /// several CTAs read the same tokens, that is, where MMAs limit the speed
  /// (by 8 % at 128 heads on an H200), and 1 to 3 % slower where memory does.
  bool mayCopy(const DecodeTiling &tiling, ScheduleAttr schedule);
  Rows buildRows(const Range &range, mlir::Value t);
  /// Of a tile that may be in several pages.
  mlir::Value buildRowsOfPages(const Range &range, mlir::Value t);
  /// Of a tile that is in one page.
  Rows buildRowsOfPage(const Range &range, mlir::Value t);
  /// The `left` rows from `first` on.
  Rows buildRowsFrom(mlir::Value first, mlir::Value left);
  mlir::Value buildKeys(const Range &range, const Rows &rows);
  template <typename T> mlir::Value splatKeys(T value) {
    return b.splat(value, blockKV);
  }

  DecodeOp op;
  DecodeBuilder &b;
  int64_t blockKV, pageSize;
  /// Whether tiles that are valid as a whole are copied by TMA.
  bool copiesBlocks;
  mlir::Value pages, maxPages;
};

/// A tile of d_qk columns gathered from `first` and, unless it is null, of
/// d_rope further ones from `second`.
mlir::Value gatherColumns(
    DecodeBuilder &b, DecodeOp op, int64_t rows, mlir::Value first,
    mlir::Value second, llvm::StringRef label,
    llvm::function_ref<tile::GatherOp(mlir::RankedTensorType, mlir::Value)>
        gather);

} // namespace mla

#endif // MLA_LIB_OPERATORS_DECODE_KEYTILES_H
