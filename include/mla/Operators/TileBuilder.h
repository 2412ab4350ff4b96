//===- TileBuilder.h - parts of operators' tile programs --------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// What the tile programs of attention operators have in common: constants and
// labels, the mask, one step of the online softmax with its product, and the
// epilogue. An operator's own part is where its tiles come from.
//
//===----------------------------------------------------------------------===//

#ifndef MLA_OPERATORS_TILEBUILDER_H
#define MLA_OPERATORS_TILEBUILDER_H

#include "mla/Transforms/Passes.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include <limits>

namespace mla {

/// log2 e and its inverse: exponentials and logarithms run in base 2.
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
  mlir::Value createSplat(mlir::Value scalar, llvm::ArrayRef<int64_t> shape);
  mlir::Value createSplat(float value, llvm::ArrayRef<int64_t> shape);
  mlir::Value createBroadcast(mlir::Value v, int64_t dim,
                              llvm::ArrayRef<int64_t> shape);
  /// Element `index` of a vector of i32. Of one that a launch may leave out,
  /// and whose size is 0 then, the largest i32 where it is not there.
  mlir::Value createCount(mlir::Value counts, mlir::Value index,
                          bool mayBeLeftOut);
  /// Gives `op` the name by which schedules place it.
  template <typename OpTy> OpTy label(OpTy op, llvm::StringRef name) {
    op->setAttr(tile::kLabelAttr, getStringAttr(name));
    return op;
  }
};

/// Fails with an error if weights of a lazy softmax may exceed `element`.
mlir::LogicalResult checkWeights(OperatorInterface op, mlir::Type element,
                                 const TilingOptions &options);

/// Fails with an error if MMAs take no tiles of as many KV rows as the schedule
/// says.
mlir::LogicalResult checkBlockKV(OperatorInterface op,
                                 const TilingOptions &options);

/// Heads of an output tile: 64, the rows of one warpgroup's product; where
/// heads are columns, a multiple of 8 up to 32: `rows` of the schedule's tile,
/// otherwise as few groups of 8 as make equal tiles. Fails with an error if the
/// schedule says another number.
mlir::FailureOr<int64_t> getTileHeads(OperatorInterface op, int64_t heads,
                                      const TilingOptions &options);

/// How the logarithm of the sum of exponentials is stored.
struct LseOptions {
  /// The base is 2, not e.
  bool isBase2 = false;
  /// A row without a valid entry has -inf, not +inf.
  bool isEmptyNegative = false;
};

/// Attention of the rows of one output tile, over KV tiles that come one by
/// one. The labels of its ops are those that schedules of attention operators
/// have: mask softmax p rescale pv top inverse normalise.
class AttentionBuilder {
public:
  /// `heads` x `blockKV` scores, a `heads` x `dimV` output. `logitScale`
  /// multiplies the scores.
  AttentionBuilder(TileBuilder &b, int64_t heads, int64_t blockKV, int64_t dimV,
                   const TilingOptions &options, mlir::Value logitScale)
      : b(b), heads(heads), blockKV(blockKV), dimV(dimV), options(options),
        threshold(options.getLazyThreshold()), scale(logitScale) {}

  /// Outside the grid: what all its points share.
  void buildScale();

  /// What the loop over KV tiles carries: the output, the maximum that weights
  /// refer to, their sum and, if that maximum only follows, the true one.
  llvm::SmallVector<mlir::Value> buildInit();

  /// The scores of valid keys, -inf elsewhere.
  mlir::Value buildMask(mlir::Value scores, mlir::Value valid);

  /// One KV tile: the state with `scores`, -inf where `valid` is not, and the
  /// values `v`.
  llvm::SmallVector<mlir::Value> buildStep(mlir::Value scores,
                                           mlir::Value valid, mlir::Value v,
                                           mlir::ValueRange state);

  /// Behind the loop: what there is to store of each row.
  struct Statistics {
    /// Whether no entry was valid.
    mlir::Value empty;
    /// The scaled maximum that weights refer to, and the sum of weights.
    mlir::Value logit, sum;
    mlir::Value lse, maxLogits;
  };
  Statistics buildStatistics(mlir::ValueRange state, const LseOptions &lse);

  /// The sum of weights with those of a further logit that has no value.
  mlir::Value addSink(const Statistics &statistics, mlir::Value sink);

  /// The output, divided by `sum`, 0 for empty rows, as `element`s.
  mlir::Value buildOutput(mlir::ValueRange state, mlir::Value empty,
                          mlir::Value sum, mlir::Type element);

private:
  mlir::Value buildTop(mlir::Value scores, mlir::Value valid, mlir::Value top);
  mlir::Value buildLse(mlir::Value logit, mlir::Value sum, bool isBase2);
  mlir::Value splatRows(float value) { return b.createSplat(value, {heads}); }
  mlir::Value equals(mlir::Value v, float value);

  TileBuilder &b;
  int64_t heads, blockKV, dimV;
  TilingOptions options;
  /// By how much scores may exceed the maximum that weights refer to.
  std::optional<float> threshold;
  mlir::Value scale;
  /// For a softmax in base 2.
  mlir::Value scaleLog2;
};

} // namespace mla

#endif // MLA_OPERATORS_TILEBUILDER_H
