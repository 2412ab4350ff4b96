//===- Reduce.h - combining functions of reductions -------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef MLA_INTERPRETER_REDUCE_H
#define MLA_INTERPRETER_REDUCE_H

#include "mla/Dialect/Tile/Tile.h"
#include "mla/Interpreter/Elements.h"

namespace mla::interp {

/// The neutral element of a reduction.
Lane getNeutral(tile::ReduceKind kind, ElementType type);

/// Combines two elements.
Lane combine(tile::ReduceKind kind, ElementType type, Lane a, Lane b);

} // namespace mla::interp

#endif // MLA_INTERPRETER_REDUCE_H
