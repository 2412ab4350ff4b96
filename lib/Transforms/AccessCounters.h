//===- AccessCounters.h - carries access counts of roles --------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef MLA_LIB_TRANSFORMS_ACCESSCOUNTERS_H
#define MLA_LIB_TRANSFORMS_ACCESSCOUNTERS_H

#include "mlir/IR/Block.h"
#include <functional>

namespace mla {

/// A kind of access of a role that is counted: the acquires, the awaits or the
/// releases of one ring.
struct CountedAccess {
  std::function<bool(mlir::Operation *)> matches;
  /// Replaces an access, given the number of earlier ones (an i32).
  std::function<void(mlir::Operation *, mlir::Value count)> lower;
};

/// Lowers every access in `body`, the body of a role, with its count, which
/// starts at 0. Counts that always differ by a constant are carried as one
/// value.
void addAccessCounters(mlir::Block &body,
                       llvm::MutableArrayRef<CountedAccess> accesses);

} // namespace mla

#endif // MLA_LIB_TRANSFORMS_ACCESSCOUNTERS_H
