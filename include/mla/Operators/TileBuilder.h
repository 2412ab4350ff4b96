//===- TileBuilder.h - parts of operators' tile programs --------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// The common parts of the tile programs of attention operators: constants and
// labels, the mask, one step of the online softmax with its matrix product, and
// the epilogue. Each operator adds the loads of its tiles.
//
//===----------------------------------------------------------------------===//

#ifndef MLA_OPERATORS_TILEBUILDER_H
#define MLA_OPERATORS_TILEBUILDER_H

#include "mla/Transforms/Passes.h"
#include "mla/Transforms/RowMax.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include <limits>

namespace mla {

/// log2 e and ln 2: kernels compute exponentials and logarithms in base 2.
inline constexpr float kLog2E = 1.44269504f, kLn2 = 0.693147182f;
inline constexpr float kInf = std::numeric_limits<float>::infinity();
inline constexpr float kLowest = std::numeric_limits<float>::lowest();

/// A builder with the constants, splats and labels of tile programs.
class TileBuilder : public mlir::ImplicitLocOpBuilder {
public:
  using ImplicitLocOpBuilder::ImplicitLocOpBuilder;

  mlir::RankedTensorType getF32Tile(llvm::ArrayRef<int64_t> shape) {
    return mlir::RankedTensorType::get(shape, getF32Type());
  }
  mlir::Value createIndex(int64_t value);
  mlir::Value createI32(int64_t value);
  /// An index or an i32 as the other type.
  mlir::Value toI32(mlir::Value v);
  mlir::Value toIndex(mlir::Value v);
  /// The size of dimension `d` of a memref.
  mlir::Value createDim(mlir::Value memref, int64_t d);
  mlir::Value createSplat(mlir::Value scalar, llvm::ArrayRef<int64_t> shape);
  mlir::Value createSplat(float value, llvm::ArrayRef<int64_t> shape);
  mlir::Value createBroadcast(mlir::Value v, int64_t dim,
                              llvm::ArrayRef<int64_t> shape);
  /// Loads element `index` of a vector of i32. If a launch may omit the vector,
  /// gives the largest i32 for an index past its size, which is then 0.
  mlir::Value createCount(mlir::Value counts, mlir::Value index,
                          bool mayBeLeftOut);
  /// Sets the label by which schedules refer to `op`.
  template <typename OpTy> OpTy label(OpTy op, llvm::StringRef name) {
    op->setAttr(tile::kLabelAttr, getStringAttr(name));
    return op;
  }
};

/// Emits an error if weights of a lazy softmax may overflow `element`.
mlir::LogicalResult checkWeights(OperatorInterface op, mlir::Type element,
                                 const TilingOptions &options);

/// Emits an error unless MMAs support the schedule's number of KV rows per
/// tile.
mlir::LogicalResult checkBlockKV(OperatorInterface op,
                                 const TilingOptions &options);

/// The number of heads per output tile. Where heads are rows of MMAs: 64, the
/// rows of one warpgroup's MMA. Where heads are columns: the schedule's tile
/// size `rows`, a multiple of 8 up to 32, or by default the smallest multiple
/// of 8 that covers `heads` with the fewest tiles. Emits an error if the
/// schedule sets an unsupported number.
mlir::FailureOr<int64_t> getTileHeads(OperatorInterface op, int64_t heads,
                                      const TilingOptions &options);

/// The convention of a stored log-sum-exp.
struct LseOptions {
  /// The base is 2, not e.
  bool isBase2 = false;
  /// A row without a valid entry has -inf, not +inf.
  bool isEmptyNegative = false;
};

/// Builds attention for one output tile in a loop over KV tiles. Labels its ops
/// as schedules of attention operators expect: mask, softmax, p, rescale, pv,
/// top, inverse, normalise.
class AttentionBuilder {
public:
  /// Which rows have no valid entry: the loop finds out, or the caller knows.
  enum class Empty { found, known };

  /// Scores are [heads, keys], the output is [heads, dimV]. `logitScale`
  /// multiplies the scores.
  AttentionBuilder(TileBuilder &b, int64_t heads, int64_t blockKV, int64_t dimV,
                   const TilingOptions &options, mlir::Value logitScale,
                   Empty empty = Empty::found)
      : b(b), heads(heads), blockKV(blockKV), dimV(dimV), options(options),
        threshold(options.getLazyThreshold()), empty(empty), scale(logitScale) {
  }

  /// Builds what all grid points share; to be called outside the grid.
  void buildScale();

  /// The initial loop-carried values: the output, the reference maximum of the
  /// weights, their sum and, with the lazy softmax and unless empty rows are
  /// known, the true maximum.
  llvm::SmallVector<mlir::Value> buildInit();

  /// The scores where `mask` is true, -inf elsewhere.
  mlir::Value buildMask(mlir::Value scores, const ScoreMask &mask);

  /// One KV tile: the updated state. `scores` are -inf where `mask` is false.
  llvm::SmallVector<mlir::Value> buildStep(mlir::Value scores,
                                           const ScoreMask &mask, mlir::Value v,
                                           mlir::ValueRange state);

  /// Statistics of each row, computed after the loop.
  struct Statistics {
    /// Whether the row had no valid entry.
    mlir::Value empty;
    /// The scaled reference maximum of the weights, and the sum of weights.
    mlir::Value logit, sum;
    mlir::Value lse, maxLogits;
  };
  /// `isEmpty` flags the rows without a valid entry if they are known;
  /// maxLogits is then null.
  Statistics buildStatistics(mlir::ValueRange state, const LseOptions &lse,
                             mlir::Value isEmpty = {});

  /// The sum of weights including the attention sink, a logit without a value.
  mlir::Value addSink(const Statistics &statistics, mlir::Value sink);

  /// The output divided by `sum`, 0 for empty rows, converted to `element`.
  mlir::Value buildOutput(mlir::ValueRange state, mlir::Value empty,
                          mlir::Value sum, mlir::Type element);

private:
  mlir::Value buildTop(mlir::Value scores, const ScoreMask &mask,
                       mlir::Value top);
  mlir::Value buildLse(mlir::Value logit, mlir::Value sum, bool isBase2);
  mlir::Value splatRows(float value) { return b.createSplat(value, {heads}); }
  mlir::Value equals(mlir::Value v, float value);
  /// Whether the loop carries the true maximum, which tells empty rows.
  bool carriesTop() const { return threshold && empty == Empty::found; }

  TileBuilder &b;
  int64_t heads, blockKV, dimV;
  TilingOptions options;
  /// Threshold of the lazy softmax; none if it is not lazy.
  std::optional<float> threshold;
  Empty empty;
  mlir::Value scale;
  /// scale * log2 e.
  mlir::Value scaleLog2;
};

} // namespace mla

#endif // MLA_OPERATORS_TILEBUILDER_H
