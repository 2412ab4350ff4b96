//===- TileRewrites.h - helpers of tile-level rewrites ----------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef MLA_LIB_TRANSFORMS_TILEREWRITES_H
#define MLA_LIB_TRANSFORMS_TILEREWRITES_H

#include "mla/Transforms/Passes.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "llvm/ADT/SetVector.h"

namespace mla {

/// The loops in `op` that carry values, inner loops first. There may be none: a
/// loop with a single iteration is folded.
llvm::SmallVector<mlir::scf::ForOp> getCarryingLoops(mlir::Operation *op);

/// Gives `to` the label of `from` plus `suffix`, if `from` has one.
void copyLabel(mlir::Operation *from, mlir::Operation *to,
               const llvm::Twine &suffix = "");

/// Adds to `values` the values computed from them, transitively and through
/// loops, for which `belongs` is true. Fails with an error, which calls the
/// values `what`, at a region other than a loop.
mlir::LogicalResult
spreadToUsers(llvm::SetVector<mlir::Value> &values, llvm::StringRef what,
              llvm::function_ref<bool(mlir::Value)> belongs);

/// A splat of type `type` with the value of `splat`, a constant or a
/// tensor.splat. Null for any other value.
mlir::Value resizeSplat(mlir::ImplicitLocOpBuilder &b, mlir::Value splat,
                        mlir::RankedTensorType type);

/// `indices` with `columns` added to the last one.
llvm::SmallVector<mlir::Value> moveRight(mlir::ImplicitLocOpBuilder &b,
                                         mlir::ValueRange indices,
                                         int64_t columns);

/// Whether `op` gathers rows of a matrix, not elements of a vector: a gather,
/// or a concatenation of gathers without other use.
bool isGatheredMatrix(mlir::Operation *op);

/// Erases such an op, which has no use.
void eraseGathered(mlir::Operation *op);

/// A gather of the columns [first, first + count) of `gathered`, an op for
/// which isGatheredMatrix() holds.
mlir::Operation *gatherColumns(mlir::ImplicitLocOpBuilder &b,
                               mlir::Operation *gathered, int64_t first,
                               int64_t count);

/// The contribution to `dot`, which multiplies by the transpose of a tile K, of
/// the columns `keys` of K, which begin at column `first`; added to `acc`.
tile::DotOp multiplyColumns(mlir::ImplicitLocOpBuilder &b, tile::DotOp dot,
                            mlir::Value keys, int64_t first, mlir::Value acc);

} // namespace mla

#endif // MLA_LIB_TRANSFORMS_TILEREWRITES_H
