//===- Replicas.h - tiles that can be computed again ------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef MLA_LIB_TRANSFORMS_REPLICAS_H
#define MLA_LIB_TRANSFORMS_REPLICAS_H

#include "mla/Transforms/Passes.h"
#include "llvm/ADT/SetVector.h"

namespace mla {

/// Whether `op` computes a tile from nothing but scalars, so that each use can
/// have a clone.
bool isReplica(mlir::Operation *op);

/// Collects into `ops`, in their order, the ops that compute the vector.
/// Returns false unless they are elementwise, repeatable loads, or replicas: a
/// reduction, for example, is not computed twice.
bool collectVectorOps(mlir::Value vector,
                      llvm::SetVector<mlir::Operation *> &ops);

} // namespace mla

#endif // MLA_LIB_TRANSFORMS_REPLICAS_H
