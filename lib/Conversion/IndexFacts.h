//===- IndexFacts.h - what is known of an index -----------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef MLA_LIB_CONVERSION_INDEXFACTS_H
#define MLA_LIB_CONVERSION_INDEXFACTS_H

#include "mlir/IR/Value.h"

namespace mla {

/// An index that is not negative: at most `most`, if that is known, and a
/// multiple of `multiple` (0 for the index 0, which is a multiple of any
/// number).
struct IndexFacts {
  std::optional<int64_t> most;
  int64_t multiple = 1;
};

/// The facts of `index`; nothing where it may be negative.
std::optional<IndexFacts> getIndexFacts(mlir::Value index);

} // namespace mla

#endif // MLA_LIB_CONVERSION_INDEXFACTS_H
