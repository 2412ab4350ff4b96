//===- AccessCounters.h - counts of a role's accesses -----------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef MLA_LIB_TRANSFORMS_ACCESSCOUNTERS_H
#define MLA_LIB_TRANSFORMS_ACCESSCOUNTERS_H

#include "mlir/IR/Block.h"
#include <functional>

namespace mla {

/// One kind of access of one role, whose number each occurrence has to know:
/// the acquires, the awaits or the releases of one ring.
struct CountedAccess {
  std::function<bool(mlir::Operation *)> matches;
  /// Replaces an occurrence, given how many came before it (an i32).
  std::function<void(mlir::Operation *, mlir::Value count)> lower;
};

/// Lowers every access in `body`, a role's, with its count, which starts at 0.
/// Counts that stay the same number apart in every loop and condition are
/// carried as one value: a role whose rings go round together has one count.
void addAccessCounters(mlir::Block &body,
                       llvm::MutableArrayRef<CountedAccess> accesses);

} // namespace mla

#endif // MLA_LIB_TRANSFORMS_ACCESSCOUNTERS_H
