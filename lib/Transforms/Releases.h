//===- Releases.h - inserts releases of slots -------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef MLA_LIB_TRANSFORMS_RELEASES_H
#define MLA_LIB_TRANSFORMS_RELEASES_H

#include "mla/Transforms/Passes.h"

namespace mla {

/// Inserts releases of the slots of `ring` that one role awaits, by `awaits`,
/// after the last reader of each.
void insertReleases(cta::RingOp ring, llvm::ArrayRef<cta::AwaitOp> awaits);

} // namespace mla

#endif // MLA_LIB_TRANSFORMS_RELEASES_H
