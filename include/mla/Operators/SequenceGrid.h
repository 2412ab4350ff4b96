//===- SequenceGrid.h - grids over tiles of sequences -----------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// The grid of a kernel whose CTAs each compute one tile of rows of one head,
// queries or keys, in a loop over the keys or the queries that belong to it.
// Sequences are the batches of a tensor, or are packed one behind the other.
//
//===----------------------------------------------------------------------===//

#ifndef MLA_OPERATORS_SEQUENCEGRID_H
#define MLA_OPERATORS_SEQUENCEGRID_H

#include "mla/Operators/TileBuilder.h"

namespace mla {

/// Queries or keys: their tensor [b, rows, heads, d], and cu_seqlens, or null
/// where sequences are not packed.
struct SequenceTensor {
  mlir::Value tensor, bounds;
};

/// A range of rows of a tensor, as indices.
struct SequenceRange {
  mlir::Value begin, size;
};

struct SequenceGridOptions {
  /// Rows per tile.
  int64_t rows = 0;
  /// Heads of a batch that have tiles.
  int64_t heads = 0;
  /// The tiles of a causal grid have different numbers of steps. They are
  /// processed in sections of heads.
  bool isCausal = false;
  /// Whether the last tile of a sequence is the longest, or else the first.
  bool isLastLongest = true;
  /// A section of a causal grid has as many heads as have this many bytes of
  /// the rows that their loops read.
  int64_t cachedBytes = 0;
  /// Bytes that a loop reads per row that it goes over, and the number of heads
  /// that read the same ones.
  int64_t loopBytes = 0, sharedBy = 1;
};

/// The place of a CTA's tile.
struct SequenceTile {
  mlir::Value batch, head;
  /// The sequence's rows in the tensor whose rows form tiles, and in the one
  /// that the loop of a tile goes over.
  SequenceRange tiled, looped;
  /// The tile's first row, counted from the sequence's first one.
  mlir::Value row;
  /// Whether the tile has rows; null if all tiles have.
  mlir::Value isAny;
};

/// Builds the grid's order and the place of each tile.
class SequenceGrid {
public:
  SequenceGrid(TileBuilder &b, SequenceTensor tiled, SequenceTensor looped,
               const SequenceGridOptions &options)
      : b(b), tiled(tiled), looped(looped), options(options) {}

  /// Builds what all grid points share, and the grid; `build` gets the number
  /// of the tile.
  void build(llvm::function_ref<void(mlir::Value)> buildPoint);

  /// The place of tile `item`, to be called in the grid.
  SequenceTile findTile(mlir::Value item);

private:
  bool isPacked() const { return static_cast<bool>(tiled.bounds); }
  /// Sets the numbers of heads and tiles and how they are ordered.
  void buildOrder();
  void buildSearchSteps();
  /// Sets the sequence of packed ones that has tile `slot`, and its row.
  void findSequence(mlir::Value slot, SequenceTile &tile);
  /// Sets the first row of tile `block` of `count`.
  void findRow(mlir::Value block, mlir::Value count, SequenceTile &tile);
  /// The first of the tiles of sequence `number`.
  mlir::Value getFirstSlot(mlir::Value number);
  /// Element `number` of the bounds, clamped to the number of rows.
  mlir::Value loadBound(SequenceTensor of, mlir::Value number);
  /// The rows of sequence `number`, up to the bound `next`.
  SequenceRange loadRange(SequenceTensor of, mlir::Value number,
                          mlir::Value next);
  mlir::Value getRows(SequenceTensor of) { return b.createDim(of.tensor, 1); }
  mlir::Value index(int64_t value) { return b.createIndex(value); }

  TileBuilder &b;
  SequenceTensor tiled, looped;
  SequenceGridOptions options;
  mlir::Value zero;
  /// Heads of all batches, tiles of a head, heads of a section, and tiles of
  /// all heads.
  mlir::Value heads, blocks, section, items;
  /// Steps of the search for a sequence.
  mlir::Value searchSteps;
};

} // namespace mla

#endif // MLA_OPERATORS_SEQUENCEGRID_H
