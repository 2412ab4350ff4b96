//===- TileRewrites.h - what rewrites of tile programs share ----*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef MLA_LIB_TRANSFORMS_TILEREWRITES_H
#define MLA_LIB_TRANSFORMS_TILEREWRITES_H

#include "mla/Transforms/Passes.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "llvm/ADT/SetVector.h"

namespace mla {

/// The schedule of `func` if it asks for `rewrite` and this is still to be
/// made: the program has neither been rewritten so, nor been placed into roles.
/// Null otherwise.
ScheduleAttr getScheduleWith(mlir::func::FuncOp func, llvm::StringRef rewrite);

/// Notes on `func` that `rewrite` has been made.
void setRewritten(mlir::func::FuncOp func, llvm::StringRef rewrite);

/// Fails with an error at `program` if a rewrite that its schedule asks for has
/// not been made.
mlir::LogicalResult checkRewritten(mlir::scf::ForallOp program,
                                   ScheduleAttr schedule);

/// Fails with an error at `program` if its schedule has a row, role or ring
/// whose name nothing in the program answers to.
mlir::LogicalResult checkNames(mlir::scf::ForallOp program,
                               ScheduleAttr schedule);

/// Begins an error at `op`: its function's `schedule` asks for `rewrite`, but
/// the program is not one that can be rewritten so.
mlir::InFlightDiagnostic emitRewriteError(mlir::Operation *op,
                                          ScheduleAttr schedule,
                                          llvm::StringRef rewrite);

/// Whether the tile program of `func` has been placed into roles.
bool isScheduled(mlir::func::FuncOp func);

/// The loops in `op` that carry values, inner ones first. None are left in a
/// program whose loop has a single iteration and was folded.
llvm::SmallVector<mlir::scf::ForOp> getCarryingLoops(mlir::Operation *op);

/// Gives `to` the label of `from` and `suffix`, if there is a label.
void copyLabel(mlir::Operation *from, mlir::Operation *to,
               const llvm::Twine &suffix = "");

/// Inserts into `values` what is made of them and `belongs` there, through the
/// loops that carry it. Fails with an error at another region around `what`,
/// the values' name.
mlir::LogicalResult
spreadToUsers(llvm::SetVector<mlir::Value> &values, llvm::StringRef what,
              llvm::function_ref<bool(mlir::Value)> belongs);

/// A splat, constant or not, of type `type` with the value of `splat`; null if
/// that is none.
mlir::Value resizeSplat(mlir::ImplicitLocOpBuilder &b, mlir::Value splat,
                        mlir::RankedTensorType type);

/// `indices` of what lies `columns` to the right.
llvm::SmallVector<mlir::Value> moveRight(mlir::ImplicitLocOpBuilder &b,
                                         mlir::ValueRange indices,
                                         int64_t columns);

/// Whether `op` gathers rows of a matrix, and not elements of a vector.
bool isGatheredMatrix(mlir::Operation *op);

/// `count` columns of a gathered tile, from `first` on.
tile::GatherOp gatherColumns(mlir::ImplicitLocOpBuilder &b,
                             tile::GatherOp gather, int64_t first,
                             int64_t count);

/// The part of `dot`, a product with a transposed tile, that comes from the
/// columns `keys` of that tile, `first` and after; added to `acc`.
tile::DotOp multiplyColumns(mlir::ImplicitLocOpBuilder &b, tile::DotOp dot,
                            mlir::Value keys, int64_t first, mlir::Value acc);

} // namespace mla

#endif // MLA_LIB_TRANSFORMS_TILEREWRITES_H
