//===- GradientBuilder.h - what the kernels of gradients share --*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef MLA_LIB_OPERATORS_PREFILLBACKWARD_GRADIENTBUILDER_H
#define MLA_LIB_OPERATORS_PREFILLBACKWARD_GRADIENTBUILDER_H

#include "Program.h"

namespace mla {

/// Builds the products and weights of one step, of a tile [rows, columns] of
/// scores. Queries are the tile's dimension `queryDim`.
class GradientBuilder {
public:
  GradientBuilder(TileBuilder &b, const BackwardOperands &operands,
                  int64_t columns, int64_t queryDim)
      : b(b), operands(operands), shape{kTileRows, columns},
        queryDim(queryDim) {}

  /// Builds what all grid points share.
  void buildScale();

  /// Loads a vector of a workspace, `padding` beyond the memref or `bound`.
  mlir::Value loadVector(mlir::Value workspace, int64_t rows,
                         mlir::ValueRange at, float padding,
                         llvm::StringRef label, mlir::ValueRange bound);

  /// x y^T.
  mlir::Value multiply(mlir::Value x, mlir::Value y, llvm::StringRef label);
  /// acc + x y, where x was rounded.
  mlir::Value accumulate(mlir::Value x, mlir::Value y, mlir::Value acc,
                         llvm::StringRef label);
  /// `scores` where the key does not exceed the query by `limit` or more, both
  /// counted from the tile's first ones; -inf elsewhere. The branch is taken
  /// where `isPartial`.
  mlir::Value mask(mlir::Value scores, mlir::Value isPartial,
                   mlir::Value limit);
  /// P = 2^(scores * scale log2 e - lse).
  mlir::Value buildWeights(mlir::Value scores, mlir::Value lse);
  /// dS = P * (dP - Delta).
  mlir::Value buildScoreGradients(mlir::Value p, mlir::Value dp,
                                  mlir::Value delta);
  /// The operands' element type, as operands A of MMAs.
  mlir::Value round(mlir::Value tile, llvm::StringRef label);

  /// Stores a tile times `factor`, if there is one, up to `bound`.
  void storeRows(mlir::Value tile, mlir::Value factor, mlir::Value dest,
                 mlir::ValueRange at, llvm::StringRef label,
                 mlir::ValueRange bound);

private:
  mlir::Value spread(mlir::Value perQuery) {
    return b.createBroadcast(perQuery, 1 - queryDim, shape);
  }
  mlir::Value createNumbers(int64_t dim);

  TileBuilder &b;
  const BackwardOperands &operands;
  int64_t shape[2];
  int64_t queryDim;
  mlir::Value scaleLog2;
};

} // namespace mla

#endif // MLA_LIB_OPERATORS_PREFILLBACKWARD_GRADIENTBUILDER_H
