//===- Reduce.h - how reductions combine ------------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef MLA_INTERPRETER_REDUCE_H
#define MLA_INTERPRETER_REDUCE_H

#include "mla/Dialect/Tile/Tile.h"
#include "mla/Interpreter/Elements.h"

namespace mla::interp {

/// What a reduction of nothing gives.
Lane getNeutral(tile::ReduceKind kind, ElementType type);

/// A reduction of two elements.
Lane combine(tile::ReduceKind kind, ElementType type, Lane a, Lane b);

} // namespace mla::interp

#endif // MLA_INTERPRETER_REDUCE_H
