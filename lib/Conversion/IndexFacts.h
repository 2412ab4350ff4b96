//===- IndexFacts.h - range and divisibility of an index --------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef MLA_LIB_CONVERSION_INDEXFACTS_H
#define MLA_LIB_CONVERSION_INDEXFACTS_H

#include "mlir/IR/Value.h"

namespace mla {

/// Facts about an index that is not negative: an upper bound `most`, if known,
/// and a divisor `multiple` (0 for the index 0, which any number divides).
struct IndexFacts {
  std::optional<int64_t> most;
  int64_t multiple = 1;
};

/// The facts about `index`; nullopt if it may be negative.
std::optional<IndexFacts> getIndexFacts(mlir::Value index);

} // namespace mla

#endif // MLA_LIB_CONVERSION_INDEXFACTS_H
