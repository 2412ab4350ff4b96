//===- CarriedSums.h - sums that loops carry --------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef MLA_LIB_TRANSFORMS_CARRIEDSUMS_H
#define MLA_LIB_TRANSFORMS_CARRIEDSUMS_H

#include "mla/Transforms/Passes.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace mla {

/// What a loop carries in place of the sum of reduced tiles.
struct PartialSum {
  /// Its type, also that of a term; null to leave a sum of such tiles alone.
  llvm::function_ref<mlir::RankedTensorType(tile::ReduceOp)> getType;
  /// The term that `tile` adds.
  llvm::function_ref<mlir::Value(mlir::ImplicitLocOpBuilder &, mlir::Value tile,
                                 mlir::RankedTensorType type)>
      getTerm;
};

/// Rewrites loops of the tile program of `func` that carry
/// sum * factor + (sum of a tile): each carries a partial sum, which is reduced
/// once after the loop. Emits an error unless there is such a sum or no loop
/// carries anything, and records `rewrite`, which the schedule requests.
/// Returns the number of sums.
mlir::FailureOr<int64_t> reduceAfterLoops(mlir::func::FuncOp func,
                                          llvm::StringRef rewrite,
                                          const PartialSum &partial);

} // namespace mla

#endif // MLA_LIB_TRANSFORMS_CARRIEDSUMS_H
