//===- Releases.h - where readers are done with a slot ----------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef MLA_LIB_TRANSFORMS_RELEASES_H
#define MLA_LIB_TRANSFORMS_RELEASES_H

#include "mla/Transforms/Passes.h"

namespace mla {

/// Releases the slots of `ring` that `awaits`, those of one role, read: behind
/// the last reader of each.
void insertReleases(cta::RingOp ring, llvm::ArrayRef<cta::AwaitOp> awaits);

} // namespace mla

#endif // MLA_LIB_TRANSFORMS_RELEASES_H
