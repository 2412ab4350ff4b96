//===- CombineBuilder.h - merges partial results of attention ---*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// The common parts of kernels that merge splits of attention: statistics of the
// lse values of a row, and the weighted sum of its partial results. Each kernel
// adds the loads and stores.
//
//===----------------------------------------------------------------------===//

#ifndef MLA_OPERATORS_COMBINEBUILDER_H
#define MLA_OPERATORS_COMBINEBUILDER_H

#include "mla/Operators/TileBuilder.h"

namespace mla {

/// The tile sizes of a merge.
struct CombineTile {
  /// Columns per CTA; splits per tile of partials; tiles per iteration; lse
  /// values per reduction.
  int64_t columns, splits, loads, lse;

  /// Those that `schedule` names, for rows of `width` elements of `element`.
  /// Emits an error at `op` for unsupported ones.
  static mlir::FailureOr<CombineTile> get(mlir::Operation *op,
                                          ScheduleAttr schedule, int64_t width,
                                          mlir::Type element);
};

/// The convention of partial lse values.
struct PartialLse {
  /// The base is 2, not e.
  bool isBase2 = false;
  /// +inf marks an empty split too, as -inf does.
  bool isPositiveEmpty = false;
};

class CombineBuilder {
public:
  CombineBuilder(TileBuilder &b, const CombineTile &tile, PartialLse convention)
      : b(b), tile(tile), convention(convention) {}

  /// The maximum of lse values, at least the lowest finite number, and the sum
  /// of the weights relative to it: a tensor<f32> for one row of the output, a
  /// vector for several rows.
  struct Statistics {
    mlir::Value max, sum;
  };
  /// Those of no split.
  Statistics getInit(llvm::ArrayRef<int64_t> shape = {}) {
    return {b.createSplat(kLowest, shape), b.createSplat(0, shape)};
  }
  /// Of one row, with the splits of `lse`, [tile.lse].
  Statistics addStatistics(Statistics before, mlir::Value lse);
  /// Of several rows, with one more split of each.
  Statistics addSplit(Statistics before, mlir::Value lse);

  /// Loaded partials [n, columns] and their lse [n]: n splits of one row, or
  /// one split of n rows.
  struct Partials {
    mlir::Value out, lse;
  };
  /// Adds the weighted partials to `acc`, [n, columns]. `max` is a tensor<f32>
  /// or has an element for each of n rows.
  mlir::Value accumulate(mlir::Value acc, llvm::ArrayRef<Partials> partials,
                         mlir::Value max);

  /// exp(v - max), or 2^(v - max) in base 2.
  mlir::Value buildWeights(mlir::Value v, mlir::Value max);
  /// Whether a row has no split that is not empty.
  mlir::Value isEmpty(Statistics row);
  /// The output: `acc` divided by `sum`, 0 if `empty`. [columns] if `sum` is of
  /// one row, otherwise [n, columns].
  mlir::Value buildOutput(mlir::Value acc, mlir::Value sum, mlir::Value empty,
                          mlir::Type element);
  /// The lse in the base of the partials, `ifEmpty` if `empty`.
  mlir::Value buildLse(Statistics row, mlir::Value empty, float ifEmpty);

  /// A constant of the shape of `v`.
  mlir::Value like(mlir::Value v, float value);
  /// Broadcasts a tensor<f32> to a vector.
  mlir::Value spread(mlir::Value v, int64_t size) {
    return b.createBroadcast(v, 0, {size});
  }

private:
  /// lse with -inf for empty splits.
  mlir::Value maskLse(mlir::Value lse);
  /// Whether each split is not empty.
  mlir::Value isCounted(mlir::Value lse);

  TileBuilder &b;
  const CombineTile tile;
  const PartialLse convention;
};

} // namespace mla

#endif // MLA_OPERATORS_COMBINEBUILDER_H
